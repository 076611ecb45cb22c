"""A store whose file cannot grow, or that somebody else holds: told in one line, nothing half-written, and over when it is over."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hedge_pipeline.adapters.state_store import engines, open_state_store
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store.examples import plain
from hedge_pipeline_tests.small_disk import small_disk

CHECKOUT = Path(__file__).resolve().parents[3]
KILOBYTE = 1024


def chain(path: Path) -> list[int]:
    """Ordinals of the peak states, each of which was appended with a command of its own."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = open_state_store(f"sqlite:///{path}", create=False)
    ordinals = [peak.ordinal for peak in store.rows(PeakState, "main")]
    assert len(store.rows(Command, "main")) == len(ordinals), "no half of a transaction"
    store.close()
    return ordinals


def append_until_refused(path: Path, most: int = 10_000) -> tuple[int, StoreUnavailable]:
    """How many fitted, and how the next was refused."""
    store = open_state_store(f"sqlite:///{path}", create=False)
    last = store.latest(PeakState, "main")
    begin = ordinal = last.ordinal + 1 if last else 1
    try:
        for ordinal in range(begin, begin + most):
            peak = plain(PeakState, account="main", ordinal=ordinal)
            store.append(peak, plain(Command, account="main", reason="x" * KILOBYTE))
    except StoreUnavailable as refusal:
        return ordinal - begin, refusal
    finally:
        store.close()
    raise AssertionError(f"{most} rows fitted")


def test_a_full_disk_refuses_what_does_not_fit_and_keeps_what_did(tmp_path: Path):
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        path = disk.path / "state.sqlite"
        open_state_store(f"sqlite:///{path}", create=True).close()
        disk.fill(leaving=200 * KILOBYTE)

        kept, refusal = append_until_refused(path)
        disk.empty()

        assert str(refusal).startswith(f"state store at {path}: ")
        assert "disk" in str(refusal)
        assert "\n" not in str(refusal)
        assert kept > 0
        assert chain(path) == list(range(1, kept + 1))
        store = open_state_store(f"sqlite:///{path}", create=False)
        store.append(plain(PeakState, account="main", ordinal=kept + 1), plain(Command, account="main"))
        store.close()
        assert chain(path) == list(range(1, kept + 2))


@pytest.mark.parametrize("leaving", [0, 40 * KILOBYTE, 150 * KILOBYTE])
def test_a_store_that_does_not_fit_is_made_once_there_is_room(tmp_path: Path, leaving: int):
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        path = disk.path / "state.sqlite"
        disk.fill(leaving=leaving)
        with pytest.raises(
            StoreUnavailable, match=r"state\.sqlite: .*(make room on the disk|look at the disk)"
        ):
            open_state_store(f"sqlite:///{path}", create=True)
        with pytest.raises(StoreUnavailable, match=r"state\.sqlite: "):
            open_state_store(f"sqlite:///{path}", create=False, read_only=True)
        disk.empty()

        open_state_store(f"sqlite:///{path}", create=True).close()

        assert chain(path) == []


def test_a_file_that_may_not_grow_is_told_as_the_disk(tmp_path: Path):
    """Where no disk can be mounted: the kernel refuses this process a longer file."""
    path = tmp_path / "state.sqlite"
    open_state_store(f"sqlite:///{path}", create=True).close()
    program = f"""
import resource
from pathlib import Path
from hedge_pipeline_tests.adapters.state_store.test_room import append_until_refused, chain
path = Path({str(path)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, resource.RLIM_INFINITY))
kept, refusal = append_until_refused(path)
print(refusal)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert kept > 0 and chain(path) == list(range(1, kept + 1)), chain(path)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"state store at {path}: ")
    assert "look at the disk" in done.stdout


@pytest.mark.parametrize("hold", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_store_that_another_process_holds_is_read_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hold: str
):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.1)
    path = tmp_path / "state.sqlite"
    store = open_state_store(f"sqlite:///{path}", create=True)
    store.append(plain(Command, account="main"))
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute(hold)

        assert len(store.rows(Command, "main")) == 1
        with pytest.raises(StoreUnavailable, match=r"is locked \(another process holds it: stop"):
            store.append(plain(Command, account="main"))
        holder.execute("ROLLBACK")

    store.append(plain(Command, account="main"))
    assert len(store.rows(Command, "main")) == 2
    store.close()


def test_a_store_that_another_process_has_for_itself_is_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.1)
    path = tmp_path / "state.sqlite"
    open_state_store(f"sqlite:///{path}", create=True).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        for statement in ("PRAGMA locking_mode=EXCLUSIVE", "BEGIN EXCLUSIVE", "CREATE TABLE t (x)"):
            holder.execute(statement)
        for create in (True, False):
            with pytest.raises(StoreUnavailable, match=r"is locked \(another process holds it: stop"):
                open_state_store(f"sqlite:///{path}", create=create)
        holder.execute("ROLLBACK")

    open_state_store(f"sqlite:///{path}", create=False).close()
