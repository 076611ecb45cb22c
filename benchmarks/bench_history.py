"""Closed days: a year backfilled beside the same SQL run directly, and a path of the drawdown beside numpy's own.

The peer of the backfill is DuckDB: the same statements by the driver alone, rolled up in SQL into the same minutes with exact
decimals, written as Parquet by DuckDB, a file a day, and made durable in the same way. It walks no ledger and compares nothing with what is
stored. Each side is a process of its own, so that each has its own peak of memory.
"""

import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.sidebyside import compare
from hedge_pipeline.cycle import closing
from hedge_pipeline.domain.history.paths import drawdown_path
from hedge_pipeline_tests.fakes import memory_stage
from hedge_pipeline_tests.generated import fill

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = int(os.environ.get("BENCH_DAYS", "365"))
ROUNDS = 3
TEN_YEARS = 5_256_000
BACKFILL_GOAL = 1.5
MEMORY_GOAL = 1.5
PATH_GOAL = 1.0

SELECT = """
SELECT ordinal, as_of, nav_per_unit, account_units, trading_nav, nav_usd, aum_usd, aum_complete
FROM nav_snapshots WHERE account = 'main' AND as_of >= ? AND as_of < ? AND accepted = 1 ORDER BY as_of, seq
"""
FAILED = "SELECT recorded_at FROM nav_snapshots WHERE account = 'main' AND recorded_at >= ? AND recorded_at < ? AND accepted = 0"
PEAKS = "SELECT nav_ordinal, high_water_mark, drawdown FROM peak_states WHERE account = 'main' AND as_of >= ? AND as_of < ?"
MONEY = ("nav_per_unit", "account_units", "trading_nav", "nav_usd", "aum_usd")
ROLL_UP = """
COPY (
    WITH typed AS (
        SELECT ordinal, as_of::TIMESTAMPTZ AS as_of, aum_complete,
            {money}
        FROM snapshots
    ), minutes AS (
        SELECT date_trunc('minute', as_of) AS minute, arg_min(nav_per_unit, as_of) AS open, max(nav_per_unit) AS high,
            min(nav_per_unit) AS low, arg_max(nav_per_unit, as_of) AS close, arg_max(account_units, as_of) AS account_units,
            arg_max(trading_nav, as_of) AS trading_nav, arg_max(nav_usd, as_of) AS nav_usd, arg_max(aum_usd, as_of) AS aum_usd,
            arg_max(aum_complete, as_of) AS aum_complete, arg_max(ordinal, as_of) AS nav_ordinal, max(as_of) AS closed_at,
            count(*) AS accepted
        FROM typed GROUP BY 1
    ), failures AS (
        SELECT date_trunc('minute', recorded_at::TIMESTAMPTZ) AS minute, count(*) AS failed FROM failed GROUP BY 1
    )
    SELECT 'main' AS account, m.*, p.high_water_mark::DECIMAL(38, 12) AS high_water_mark,
        p.drawdown::DECIMAL(38, 12) AS drawdown, m.accepted + coalesce(f.failed, 0) AS attempts
    FROM minutes m LEFT JOIN failures f USING (minute) LEFT JOIN peaks p USING (nav_ordinal) ORDER BY m.minute
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def ours(home: Path) -> None:
    stage = memory_stage(home, at=BEGAN + timedelta(days=DAYS, hours=1))
    for number in range(DAYS):
        closing.keep_minutes(stage.fund, BEGAN.date() + timedelta(days=number))
    stage.close()


def peer(home: Path) -> None:
    import duckdb
    import pyarrow as pa

    connection = sqlite3.connect(f"file:{home}/state.sqlite?mode=ro", uri=True)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    money = ", ".join(f"{name}::DECIMAL(38, 12) AS {name}" for name in MONEY)
    for number in range(DAYS):
        day: date = BEGAN.date() + timedelta(days=number)
        span = [
            (BEGAN + timedelta(days=number + after)).isoformat(timespec="microseconds") for after in (0, 1)
        ]
        for name, sql in (("snapshots", SELECT), ("failed", FAILED), ("peaks", PEAKS)):
            found = connection.execute(sql, span)
            names = [entry[0] for entry in found.description]
            columns = list(zip(*found.fetchall(), strict=True)) or [()] * len(names)
            types = [
                pa.int64() if name in {"ordinal", "nav_ordinal", "aum_complete"} else pa.string()
                for name in names
            ]
            arrays = [pa.array(values, type=kind) for values, kind in zip(columns, types, strict=True)]
            duck.register(name, pa.Table.from_arrays(arrays, names=names))
        folder = home / "peer" / f"day={day}"
        folder.mkdir(parents=True)
        duck.execute(ROLL_UP.format(money=money, path=folder / "aside"))
        descriptor = os.open(folder / "aside", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        (folder / "aside").rename(folder / "v0001.parquet")
        for parent in (folder, folder.parent):
            descriptor = os.open(parent, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    connection.close()


def measured(side: str, home: Path) -> tuple[float, float]:
    """Seconds of the work and megabytes at its peak."""
    for left in ("history", "peer"):
        shutil.rmtree(home / left, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_history", side, str(home)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def _peak_megabytes() -> float:
    """Of this program alone: what ``getrusage`` tells begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def backfills() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        stage = memory_stage(home, at=BEGAN)
        fill(stage.store, stage.fund.limits, start=BEGAN, minutes=DAYS * 1440)
        stage.close()
        rounds = [(measured("ours", home), measured("peer", home)) for _ in range(ROUNDS)]
    time_ratio = statistics.median(mine[0] / other[0] for mine, other in rounds)
    memory_ratio = statistics.median(mine[1] / other[1] for mine, other in rounds)
    ours_s, peer_s = (statistics.median(pair[side][0] for pair in rounds) for side in (0, 1))
    ours_mb, peer_mb = (statistics.median(pair[side][1] for pair in rounds) for side in (0, 1))
    print(
        f"{DAYS} days of minutes backfilled: ours {ours_s:.1f} s {ours_mb:.0f} MB   SQL {peer_s:.1f} s {peer_mb:.0f} MB   "
        f"ratio {time_ratio:.2f} (goal {BACKFILL_GOAL}), memory {memory_ratio:.2f} (goal {MEMORY_GOAL})"
    )
    return time_ratio <= BACKFILL_GOAL and memory_ratio <= MEMORY_GOAL


def paths() -> bool:
    steps = np.random.default_rng(7).normal(0, 1e-4, TEN_YEARS)
    values = np.exp(np.cumsum(steps))
    assert np.array_equal(drawdown_path(values), 1.0 - values / np.maximum.accumulate(values))
    return compare(
        "ten years of minutes to a drawdown path",
        lambda: drawdown_path(values),
        lambda: 1.0 - values / np.maximum.accumulate(values),
        goal=PATH_GOAL,
        rounds=15,
    )


def main() -> int:
    if len(sys.argv) == 3:
        began = time.perf_counter()
        {"ours": ours, "peer": peer}[sys.argv[1]](Path(sys.argv[2]))
        print(time.perf_counter() - began, _peak_megabytes())
        return 0
    good = [paths(), backfills()]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
