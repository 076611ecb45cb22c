"""A backup is one consistent instant of a store that others write to, and what was restored says that it is a copy."""

import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.backup import back_up
from hedge_pipeline.adapters.state_store.restoring import restore
from hedge_pipeline.adapters.state_store.tables import TABLES
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import (
    CommandRefused,
    ConcurrentAppend,
    InvalidSettings,
    InvalidState,
    StoreUnavailable,
)
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.domain.verdicts import RESTORED_COPY, Command, Incident
from hedge_pipeline_tests.adapters.state_store.examples import (
    NOON,
    fill,
    incident,
    income,
    intent,
    plain,
    update,
)
from hedge_pipeline_tests.adapters.state_store.test_processes import start


@pytest.fixture
def filled(store: SqlStateStore) -> SqlStateStore:
    """A little of everything."""
    for row_class in TABLES:
        if row_class not in {IncomeRow, Incident}:
            given = {"ordinal": 1} if "ordinal" in row_class.__dataclass_fields__ else {}
            store.append(plain(row_class, account="main", **given))
    store.append_new_income([income(number) for number in range(3)])
    store.append(incident("operator_halt"), incident("operator_halt", account="other"))
    return store


@pytest.fixture
def writers(url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Four processes that append without end."""
    processes = [start(url, name, 10**6) for name in "abcd"]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def opened(file: Path) -> SqlStateStore:
    return open_state_store(f"sqlite:///{file}", create=False)


def test_a_backup_holds_every_row_as_it_was(filled: SqlStateStore, tmp_path: Path):
    copied = back_up(filled, tmp_path / "copy.db", at=NOON)

    with closing(opened(copied.file)) as copy:
        for row_class in TABLES:
            if row_class is not Incident:
                assert copy.rows(row_class, "main") == filled.rows(row_class, "main"), row_class
            assert copied.rows[TABLES[row_class].name] == 1 + 2 * (row_class is IncomeRow) + (
                row_class is Incident
            )
        assert (copy.store_id, copied.store_id) == (filled.store_id,) * 2


def test_row_ids_are_kept_because_baselines_name_them(store: SqlStateStore, tmp_path: Path):
    store.append_new_income([income(1)])
    with store.database.writing() as connection:
        connection.execute("DELETE FROM income")
    store.append_new_income([income(2)])
    expected = store.income_outside("main", through_at=NOON - timedelta(days=1), through_seq=0)

    with closing(opened(back_up(store, tmp_path / "copy.db", at=NOON).file)) as copy:
        assert copy.income_outside("main", through_at=NOON - timedelta(days=1), through_seq=0) == expected
        copy.append_new_income([income(3)])
        rows = copy.income_outside("main", through_at=NOON - timedelta(days=1), through_seq=0)
        assert [seq for seq, _ in rows] == [2, 3]


def test_what_may_rest_at_the_venue_is_unsettled_in_the_copy_too(store: SqlStateStore, tmp_path: Path):
    store.append(intent(1), intent(2), intent(3))
    store.append(update(intent(2), settled=True), update(intent(3)))

    with closing(opened(back_up(store, tmp_path / "copy.db", at=NOON).file)) as copy:
        copy.take_over(plain(Command, account="main", kind="take_over"), store_id="f" * 16)

        assert copy.unsettled("main") == store.unsettled("main") == [intent(1), intent(3)]
        copy.append(update(intent(1), settled=True))
        assert copy.unsettled("main") == [intent(3)]


def test_a_copy_goes_on_with_the_fills_it_knows(store: SqlStateStore, tmp_path: Path):
    store.append_new_fills([fill(1), fill(2)])

    with closing(opened(back_up(store, tmp_path / "copy.db", at=NOON).file)) as copy:
        assert copy.append_new_fills([fill(2), fill(3)]) == 1
        assert copy.rows(LedgerFill, "main") == [fill(1), fill(2), fill(3)]


def test_a_backup_while_four_processes_write_is_one_instant(
    store: SqlStateStore, url: str, writers: list[subprocess.Popen[str]], tmp_path: Path
):
    for process in writers:
        assert process.stdout is not None
        assert process.stdout.readline(), "it writes"
    fractions: list[float] = []
    ordinals: list[int] = []
    for number in range(3):
        before = len(store.columns(PeakState, "main", "ordinal"))
        copied = back_up(store, tmp_path / f"{number}.db", at=NOON, told=fractions.append)
        after = len(store.columns(PeakState, "main", "ordinal"))

        with closing(opened(copied.file)) as copy:
            ordinals = [ordinal for (ordinal,) in copy.columns(PeakState, "main", "ordinal")]
            commands = copy.columns(Command, "main", "actor")
        assert ordinals == list(range(1, len(ordinals) + 1)), "a chain without holes or forks"
        assert len(commands) == len(ordinals), "each with the row it was appended with"
        assert before <= len(ordinals) <= after
        assert copied.rows["peak_states"] == len(ordinals)
    assert all(process.poll() is None for process in writers), "nobody was disturbed"
    assert 0 <= min(fractions) <= max(fractions) == 1
    assert len(ordinals) > 4


def test_a_backup_is_one_private_whole_file(filled: SqlStateStore, tmp_path: Path):
    file = back_up(filled, tmp_path / "copies" / "copy.db", at=NOON).file

    assert [entry.name for entry in file.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_a_backup_overwrites_nothing(filled: SqlStateStore, tmp_path: Path):
    there = tmp_path / "copy.db"
    there.write_text("something else")

    with pytest.raises(CommandRefused, match="exists already"):
        back_up(filled, there, at=NOON)

    assert there.read_text() == "something else"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(
        {"copy.db", "home"} & {e.name for e in tmp_path.iterdir()}
    )


def test_a_backup_that_fails_leaves_nothing(filled: SqlStateStore, tmp_path: Path):
    def full_disk(_: float) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreUnavailable, match="No space left"):
        back_up(filled, tmp_path / "copies" / "copy.db", at=NOON, told=full_disk)

    assert list((tmp_path / "copies").iterdir()) == []


def test_a_copy_says_that_it_is_one_and_is_latched_for_every_account(filled: SqlStateStore, tmp_path: Path):
    with closing(opened(back_up(filled, tmp_path / "copy.db", at=NOON).file)) as copy:
        assert copy.copied_at == NOON
        assert filled.copied_at is None
        for account in ("main", "other"):
            latches = [i for i in copy.open_incidents(account) if i.key == RESTORED_COPY]
            assert [(i.latched, i.ceiling) for i in latches] == [(True, 0)]
            assert all(filled.store_id in i.message for i in latches)
        assert not any(i.key == RESTORED_COPY for i in filled.open_incidents("main"))


def test_a_copy_of_a_copy_is_latched_once(filled: SqlStateStore, tmp_path: Path):
    with closing(opened(back_up(filled, tmp_path / "copy.db", at=NOON).file)) as copy:
        again = back_up(copy, tmp_path / "again.db", at=NOON + timedelta(hours=1)).file

    with closing(opened(again)) as copy:
        assert len([i for i in copy.open_incidents("main") if i.key == RESTORED_COPY]) == 1
        assert copy.copied_at == NOON + timedelta(hours=1)


def test_taking_over_gives_a_new_id_and_happens_once(filled: SqlStateStore, tmp_path: Path):
    order = plain(Command, account="main", kind="take_over")
    with closing(opened(back_up(filled, tmp_path / "copy.db", at=NOON).file)) as copy:
        copy.take_over(order, store_id="f" * 16)

        assert copy.store_id == "f" * 16
        assert copy.copied_at is None
        assert copy.rows(Command, "main")[-1] == order
        with pytest.raises(ConcurrentAppend, match="no copy"):
            copy.take_over(order, store_id="e" * 16)
        assert copy.store_id == "f" * 16
    with pytest.raises(ConcurrentAppend, match="no copy"):
        filled.take_over(order, store_id="d" * 16)


def test_another_process_sees_at_once_that_a_copy_was_taken_over(filled: SqlStateStore, tmp_path: Path):
    file = back_up(filled, tmp_path / "copy.db", at=NOON).file
    with closing(opened(file)) as one, closing(opened(file)) as other:
        assert other.copied_at == NOON
        one.take_over(store_id="f" * 16)
        assert other.store_id == "f" * 16
        assert (other.copied_at is None) is True


PURPOSE = "paper × dev"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a store of ``PURPOSE`` with one row."""
    with closing(
        open_state_store(f"sqlite:///{tmp_path}/first/state.sqlite", create=True, purpose=PURPOSE)
    ) as store:
        store.append(plain(Command, account="main", reason="of the first"))
        return back_up(store, tmp_path / "copy.db", at=NOON).file


def put_back(backup: Path, home: Path, **how: object) -> SqlStateStore:
    url = f"sqlite:///{home}/state.sqlite"
    restore(backup, url, purpose=PURPOSE, replace_at=NOON if how.get("replace") else None)
    return open_state_store(url, create=False, purpose=PURPOSE)


def reasons(store: SqlStateStore) -> list[str]:
    return [row.reason for row in store.rows(Command, "main")]


def test_a_restored_copy_is_read_and_written_beside_others(backup: Path, tmp_path: Path):
    before = backup.read_bytes()
    with closing(put_back(backup, tmp_path / "home")) as store:
        assert reasons(store) == ["of the first"]
        assert store.copied_at == NOON
        store.append(plain(Command, account="main", reason="later"))
        with closing(
            open_state_store(f"sqlite:///{tmp_path}/home/state.sqlite", create=False, read_only=True)
        ) as reader:
            assert reasons(reader) == ["of the first", "later"]
    assert backup.read_bytes() == before
    assert stat.S_IMODE((tmp_path / "home" / "state.sqlite").stat().st_mode) == 0o600


def test_a_store_that_is_there_stays_unless_told(backup: Path, tmp_path: Path):
    with closing(
        open_state_store(f"sqlite:///{tmp_path}/home/state.sqlite", create=True, purpose=PURPOSE)
    ) as store:
        store.append(plain(Command, account="main", reason="of the second"))

    with pytest.raises(CommandRefused, match="--replace"):
        put_back(backup, tmp_path / "home")

    with closing(put_back(backup, tmp_path / "home", replace=True)) as store:
        assert reasons(store) == ["of the first"]
    (aside,) = (tmp_path / "home").glob("state.sqlite.replaced-*")
    with closing(opened(aside)) as store:
        assert reasons(store) == ["of the second"]


def test_a_store_in_use_is_not_replaced(backup: Path, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/home/state.sqlite"
    with closing(open_state_store(url, create=True, purpose=PURPOSE)) as store:
        store.append(plain(Command, account="main", reason="of the second"))

        with pytest.raises(CommandRefused, match="in use"):
            put_back(backup, tmp_path / "home", replace=True)

        store.append(plain(Command, account="main", reason="and on"))
        assert reasons(store) == ["of the second", "and on"]
    assert not list((tmp_path / "home").glob("*.partial*"))


def test_the_journal_of_a_store_that_was_deleted_is_not_played_into_the_copy(backup: Path, tmp_path: Path):
    home = tmp_path / "home"
    with closing(open_state_store(f"sqlite:///{home}/state.sqlite", create=True, purpose=PURPOSE)) as store:
        for number in range(50):
            store.append(plain(Command, account="main", reason=f"of the deleted {number}"))
        journal = (home / "state.sqlite-wal").read_bytes()
    (home / "state.sqlite").unlink()
    (home / "state.sqlite-wal").write_bytes(journal)

    with closing(put_back(backup, home)) as store:
        assert reasons(store) == ["of the first"]


def test_a_backup_of_another_purpose_is_refused(backup: Path, tmp_path: Path):
    with pytest.raises(InvalidSettings, match="made for paper × dev"):
        restore(backup, f"sqlite:///{tmp_path}/home/state.sqlite", purpose="live × prod")

    assert list((tmp_path / "home").iterdir()) == []


def test_what_is_no_backup_is_refused(backup: Path, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/home/state.sqlite"
    for source, error, why in (
        (tmp_path / "first" / "state.sqlite", CommandRefused, "no copy"),
        (tmp_path / "nowhere.db", CommandRefused, "not there"),
    ):
        with pytest.raises(error, match=why):
            restore(source, url, purpose=PURPOSE)
    (tmp_path / "text.db").write_text("not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match=r"damaged or something else|not a database"):
        restore(tmp_path / "text.db", url, purpose=PURPOSE)
    with pytest.raises(CommandRefused, match="HEDGE_STATE_URL"):
        restore(backup, "postgresql://nobody@nowhere/none", purpose=PURPOSE)
    assert not (tmp_path / "home").exists() or list((tmp_path / "home").iterdir()) == []


def test_a_damaged_backup_is_refused(backup: Path, tmp_path: Path):
    content = bytearray(backup.read_bytes())
    content[-4096:] = b"\xff" * 4096
    backup.write_bytes(bytes(content))

    with pytest.raises((InvalidState, StoreUnavailable), match="damaged"):
        restore(backup, f"sqlite:///{tmp_path}/home/state.sqlite", purpose=PURPOSE)
