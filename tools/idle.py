"""The default stack left alone for a while: did it beat, did it close without a reason, what did it cost?

`make idle SECONDS=1800`. Costs are CPU time of the processes themselves, so a busy machine changes them little.
"""

import argparse
import os
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hedge_pipeline import local
from hedge_pipeline.defs.pruning import RETENTION
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from tools.stack import Stack, stack

WARM_UP_S = 300
LOOK_S = 2.0
DAY_S = 86_400
FILES = {
    "state.sqlite": "state",
    "index.db": "events",
    ".db": "copies of events",
    "schedules.db": "ticks",
}
PARTS = (*FILES.values(), "runs")
CORES = 2
"""What shares of the machine are told for."""


@dataclass(frozen=True)
class Usage:
    """What a process and the children it has outlived have used."""

    parent: int
    cpu_s: float
    memory_mb: float
    name: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=1800)
    seconds = parser.parse_args().seconds
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(Path(folder) / "checkout") as fund_folder,
        fund_folder.served(port) as served,
    ):
        _warm_up(fund_folder)
        for line in _left_alone(fund_folder, served.pid, seconds):
            print(line, flush=True)


def _warm_up(fund_folder: Stack) -> None:
    """Until the gate is open and the runs of the start are over."""
    deadline = time.monotonic() + WARM_UP_S
    while True:
        decision = fund_folder.fund.latest(GateDecision)
        if decision is not None and decision.state is TradingState.ACTIVE and not decision.breaches:
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"the gate did not open within {WARM_UP_S} s")
        time.sleep(LOOK_S)
    time.sleep(60)


def _left_alone(fund_folder: Stack, served: int, seconds: float) -> Iterator[str]:
    servers = local.running(fund_folder.home)
    roots = {served} | ({servers.pid} if servers else set())
    since, start = fund_folder.fund.clock.now(), time.monotonic()
    used_before, disk_before = _usage(roots), _disk(fund_folder)
    time.sleep(seconds)
    span, used, disk = time.monotonic() - start, _usage(roots), _disk(fund_folder)
    yield from _told_of_beats(fund_folder, since)
    yield from _told_of_processes(used_before, used, span)
    yield from _told_of_disk({part: (disk[part] - disk_before[part]) / span * DAY_S / 1e6 for part in disk})


def _told_of_beats(fund_folder: Stack, since: datetime) -> Iterator[str]:
    store = fund_folder.fund.store
    snapshots = [row for row in store.rows(NavSnapshot, "main") if row.recorded_at > since]
    gaps = [after.recorded_at - before.recorded_at for before, after in pairwise(snapshots)]
    longest = max(gaps, default=timedelta(0)).total_seconds()
    refused = [row for row in snapshots if not row.accepted]
    yield f"{len(snapshots)} valuations, at most {longest:.1f} s apart; not accepted: {len(refused)}"
    for row in refused:
        yield f"  {row.recorded_at.isoformat()} {[problem.message for problem in row.problems]}"
    decisions = [row for row in store.rows(GateDecision, "main") if row.recorded_at > since]
    closed = [row for row in decisions if row.state is not TradingState.ACTIVE]
    yield f"{len(decisions)} verdicts; not ACTIVE: {len(closed)}"
    for decision in closed:
        yield f"  {decision.decided_at.isoformat()} {[breach.message for breach in decision.breaches]}"
    with fund_folder.instance() as instance:
        runs = Counter(f"{run.job_name} {run.status.value}" for run in instance.get_runs())
    yield f"runs since the start: {', '.join(f'{name} {count}' for name, count in sorted(runs.items()))}"


def _told_of_processes(before: dict[int, Usage], after: dict[int, Usage], span: float) -> Iterator[str]:
    shares = {
        pid: (usage.cpu_s - (before[pid].cpu_s if pid in before else 0)) / span / CORES
        for pid, usage in after.items()
    }
    yield f"CPU: {sum(shares.values()):.2%} of {CORES} cores, runs included"
    for pid, usage in sorted(after.items()):
        yield f"  {shares[pid]:7.2%} {usage.memory_mb:6.0f} MB  {usage.name}"
    yield f"memory: {sum(usage.memory_mb for usage in after.values()):.0f} MB resident, shared pages counted each time"


def _told_of_disk(grown: dict[str, float]) -> Iterator[str]:
    """What grows and what stays at what its retention holds. MB per day, by part."""
    hour = 1 / 24
    held = {
        "state": None,
        "events": RETENTION.events.total_seconds() / DAY_S + hour,
        "copies of events": RETENTION.copies.total_seconds() / DAY_S + hour,
        "runs": RETENTION.successes.total_seconds() / DAY_S + hour,
        "ticks": 1.0,
    }
    for part, days in held.items():
        told = "kept for ever" if days is None else f"pruned: stays at {grown[part] * days:.0f} MB"
        yield f"disk, {part}: {grown[part]:.0f} MB/day written, {told}"
    plateau = sum(grown[part] * days for part, days in held.items() if days is not None)
    yield f"disk after pruning: {grown['state']:.0f} MB/day on top of {plateau:.0f} MB"


def _usage(roots: set[int]) -> dict[int, Usage]:
    """The processes below these, themselves included."""
    found = {int(entry.name): _of_process(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    processes = {pid: usage for pid, usage in found.items() if usage is not None}
    below = set(roots)
    while more := {pid for pid, usage in processes.items() if usage.parent in below} - below:
        below |= more
    return {pid: processes[pid] for pid in below if pid in processes}


def _of_process(entry: Path) -> Usage | None:
    try:
        fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return None
    ticks = sum(int(value) for value in fields[11:15])
    known = [
        word
        for word in words
        if word.startswith(("dagster", "hedge_pipeline.")) or word in {"api", "code-server"}
    ]
    return Usage(
        parent=int(fields[1]),
        cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
        memory_mb=int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6,
        name=" ".join(known[:2]) or " ".join(words[:3])[:60],
    )


def _disk(fund_folder: Stack) -> dict[str, int]:
    """Bytes by part. Of a database its pages: its write-ahead log is written over again and again."""
    parts = dict.fromkeys(PARTS, 0)
    for path in fund_folder.home.rglob("*"):
        if path.is_file() and not path.name.endswith(("-wal", "-shm")) and path.parent.name != "venue":
            is_database = path.name.endswith((".db", ".sqlite"))
            parts[FILES.get(path.name, "runs")] += _pages(path) if is_database else path.stat().st_size
    return parts


def _pages(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (pages,), (size,) = connection.execute("PRAGMA page_count"), connection.execute("PRAGMA page_size")
        return int(pages[0]) * int(size[0])


if __name__ == "__main__":
    main()
