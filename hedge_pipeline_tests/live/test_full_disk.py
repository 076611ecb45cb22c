"""The real daemon on a disk that fills up and has room again: nothing trades meanwhile, nothing is lost, nobody has to help.

The state store lies on one small disk, Dagster's own records on another, so that each can be full alone.
"""

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests.small_disk import SmallDisk, small_disk
from tools import intact
from tools.stack import Stack, stack

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(900)]

SETTINGS = """
[cadence]
valuation = "10s"
[freshness]
nav = "80s"
peak = "90s"
marks = "60s"
"""
PATIENCE_S = 300


@dataclass
class Disks:
    """A stack with its two small disks."""

    stack: Stack
    state: SmallDisk
    records: SmallDisk


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disks]:
    folder = tmp_path_factory.mktemp("disks")
    with (
        small_disk(folder / "state", megabytes=4) as state,
        small_disk(folder / "records", megabytes=24) as records,
        stack(folder / "checkout", files={"hedge.toml": SETTINGS}) as made,
    ):
        (state.path / "state.sqlite").touch(mode=0o600)
        (made.home / "state.sqlite").symlink_to(
            state.path / "state.sqlite"
        )  # SQLite keeps its log beside the target
        made.records.symlink_to(records.path)
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            port = probe.getsockname()[1]
        with made.served(port) as process:
            wait_for("an open gate", lambda: is_active(made))
            yield Disks(made, state, records)
            assert process.poll() is None, "it went on all the time"


def wait_for(what: str, is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain for {what}"
        time.sleep(0.5)


def is_active(made: Stack) -> bool:
    decision = made.fund.latest(GateDecision)
    return decision is not None and decision.state is TradingState.ACTIVE and not decision.breaches


def is_stale(made: Stack) -> bool:
    """Judged now: for a moment in each beat the gate is closed because the peak state has yet to follow."""
    decision = cycle.judge(made.fund)
    reasons = {breach.rule for breach in decision.breaches}
    return decision.state is TradingState.HALTED and "nav_is_fresh" in reasons


def hedge(made: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a person calls it."""
    code = f"from hedge_pipeline.cli import main; main({list(arguments)})"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=made.folder,
        env=made.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wait_until_it_is_open_again(made: Stack, before: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not (is_active(made) and valuations(made)[-1] > before[-1]):
        assert time.monotonic() < deadline, status(made)
        time.sleep(0.5)


def status(made: Stack) -> str:
    """`hedge status`, which answers whatever happened."""
    answered = hedge(made, "status")
    assert answered.returncode == 0, answered.stderr
    return answered.stdout


def nothing_is_lost(made: Stack, before: list[int]) -> None:
    """The chain goes on where it stood, and every database is whole."""
    assert [*intact.file_defects(made.home / "state.sqlite"), *intact.store_defects(made.fund)] == []
    ordinals = [ordinal for (ordinal,) in made.fund.store.columns(NavSnapshot, "main", "ordinal")]
    assert ordinals[: len(before)] == before
    assert len(ordinals) > len(before)
    for database in made.records.rglob("*.db"):
        assert list(intact.file_defects(database)) == []


def valuations(made: Stack) -> list[int]:
    return [ordinal for (ordinal,) in made.fund.store.columns(NavSnapshot, "main", "ordinal")]


def test_a_store_that_is_full_closes_the_gate_and_goes_on_by_itself(disks: Disks) -> None:
    disks.state.fill()
    wait_for("a closed gate", lambda: is_stale(disks.stack))
    before = valuations(disks.stack)
    told = disks.stack.folder / "served.log"
    wait_for("a failed tick", lambda: "state.sqlite: " in told.read_text(errors="replace"))

    shown = status(disks.stack)
    disks.state.empty()

    assert "HALTED" in shown
    assert "make room on the disk" in told.read_text(errors="replace") or "it is full" in told.read_text()
    wait_until_it_is_open_again(disks.stack, before)
    nothing_is_lost(disks.stack, before)


def test_records_of_dagster_that_are_full_stop_the_beat_and_the_gate_closes_by_age(disks: Disks) -> None:
    disks.records.fill()
    wait_for("a closed gate", lambda: is_stale(disks.stack))
    before = valuations(disks.stack)

    shown = status(disks.stack)
    disks.records.empty()

    assert "HALTED" in shown
    assert "nav_stale" in shown
    wait_until_it_is_open_again(disks.stack, before)
    nothing_is_lost(disks.stack, before)


def test_a_store_that_somebody_holds_closes_the_gate_and_goes_on_by_itself(disks: Disks) -> None:
    before = valuations(disks.stack)
    with closing(sqlite3.connect(disks.stack.home / "state.sqlite", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        wait_for("a closed gate", lambda: is_stale(disks.stack))
        assert "HALTED" in status(disks.stack)
        holder.execute("ROLLBACK")

    wait_until_it_is_open_again(disks.stack, before)
    nothing_is_lost(disks.stack, before)


@pytest.mark.parametrize("leaving", [0, 64 * 1024])
def test_hedge_run_says_in_a_line_that_the_disk_is_full(
    tmp_path_factory: pytest.TempPathFactory, leaving: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    with small_disk(folder / "disk", megabytes=4) as disk:
        made = Stack(disk.path)
        disk.fill(leaving=leaving)

        refused = hedge(made, "run")
        closed = hedge(made, "status")
        disk.empty()
        valued = hedge(made, "run")

        assert refused.returncode == 1
        assert refused.stderr.startswith("Error: ")
        assert refused.stderr.count("\n") == 1
        assert str(disk.path) in refused.stderr
        assert "disk" in refused.stderr
        assert "HALTED" in closed.stdout
        assert valued.returncode == 0, valued.stderr
        assert "treasury 0.00" not in valued.stdout, "holdings cut short would be believed"
