"""A backfill in a process of its own: killed half-way it resumes to the same bytes, and a year is one run."""

import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.history.sql import Sql
from hedge_pipeline.adapters.state_store.tables import TABLE_NAMES
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline_tests.fakes import memory_stage
from hedge_pipeline_tests.generated import fill

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
TABLES = ("nav_minutes", "nav_daily", "drawdown_history")


def generated(home: Path, days: int, every: timedelta) -> None:
    stage = memory_stage(home, at=BEGAN)
    fill(
        stage.store, stage.fund.limits, start=BEGAN, minutes=days * (timedelta(days=1) // every), every=every
    )
    stage.close()
    (home / "hedge.toml").write_text("[history]\nstart = 2025-01-01\n")


def start(home: Path, days: int) -> subprocess.Popen[str]:
    now, last = BEGAN + timedelta(days=days, hours=1), BEGAN.date() + timedelta(days=days - 1)
    return subprocess.Popen(
        [sys.executable, "-m", "hedge_pipeline_tests.cycle.backfiller", str(home), now.isoformat(),
         BEGAN.date().isoformat(), last.isoformat()],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    told, _ = process.communicate(timeout=1500)
    return told.splitlines()[-1] if told else ""


def content(home: Path) -> dict[str, bytes]:
    root = home / "history"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))}


def kill_once(process: subprocess.Popen[str], home: Path, name: str, days: int) -> None:
    """Kill it as soon as this many days of a table are there."""
    folder = home / "history" / name
    while not folder.is_dir() or len(list(folder.glob("day=*/v*.parquet"))) < days:
        assert process.poll() is None, "it was done before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.long
@pytest.mark.parametrize("name", ["nav_minutes", "drawdown_history"])
def test_a_backfill_killed_half_way_resumes_to_the_same_bytes(tmp_path: Path, name: str):
    days = 40
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    generated(undisturbed, days, timedelta(minutes=10))
    shutil.copytree(undisturbed, killed)
    assert finished(start(undisturbed, days)).startswith("True")

    kill_once(start(killed, days), killed, name, days // 2)
    half = content(killed)

    assert days // 2 <= sum(path.startswith(name) for path in half) < days
    assert finished(start(killed, days)).startswith("True")
    assert content(killed) == content(undisturbed)
    assert not list(killed.rglob("*.tmp"))


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_year_of_minutes_is_one_run_and_is_asked_while_a_cycle_writes(tmp_path: Path, record_property):
    days = 365
    generated(tmp_path, days, timedelta(minutes=1))
    kill_once(start(tmp_path, days), tmp_path, "nav_minutes", days // 2)

    began = time.monotonic()
    told = finished(start(tmp_path, days)).split(" ")
    took = time.monotonic() - began

    assert told[0] == "True"
    assert told[2] == "", "every check passes"
    assert 3 * 50 <= int(told[1]) <= 3 * 62, "progress is told, and not day by day"
    assert {path.name for path in (tmp_path / "history" / "nav_daily").iterdir()} == {
        f"day={BEGAN.date() + timedelta(days=number)}" for number in range(days)
    }
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    record_property("seconds", took)
    record_property("megabytes", memory)
    print(f"\na year in {took:.0f} s, {memory:.0f} MB")  # noqa: T201 - a figure for whoever watches
    assert memory < 700

    stage = memory_stage(tmp_path, at=BEGAN + timedelta(days=days, hours=1))
    history = HistoryFiles(tmp_path / "history")
    sql = Sql(history, store=lambda: stage.store, live={v: k for k, v in TABLE_NAMES.items()}, account="main")
    stopped, beats = threading.Event(), []

    def write() -> None:
        while not stopped.is_set():
            beats.append(stage.beat())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        asked = time.monotonic()
        ((points, deepest),) = sql.ask("SELECT count(*), max(drawdown) FROM drawdown_history").rows()
        answered = time.monotonic() - asked
    finally:
        stopped.set()
        writer.join()
    assert points == 525_600
    assert 0 < deepest < 1
    assert beats
    assert answered < 30
    assert history.last(Minute, date(2025, 12, 31)).nav_ordinal == 525_600
    stage.close()
