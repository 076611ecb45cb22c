"""Making, finding, refusing and losing a store."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hedge_pipeline.adapters.state_store import (
    SqlStateStore,
    engines,
    open_state_store,
    opening,
    sqlite_file,
)
from hedge_pipeline.adapters.state_store.migrations import LEVEL
from hedge_pipeline.domain.errors import InvalidSettings, StoreUnavailable
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store.examples import income, plain

ROW = plain(Command, account="main")


def run_sql(url: str, sql: str) -> None:
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(sql)
        connection.close()
    else:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(sql)


class TestMaking:
    def test_a_store_is_made_only_when_asked(self, url: str):
        for read_only in (False, True):
            with pytest.raises(StoreUnavailable, match="there is none; start `hedge run`"):
                open_state_store(url, create=False, read_only=read_only)

        open_state_store(url, create=True).close()

        open_state_store(url, create=False).close()

    def test_a_store_is_known_by_a_random_id_that_stays(self, store: SqlStateStore, url: str, tmp_path: Path):
        again = open_state_store(url, create=True)
        other = open_state_store(f"sqlite:///{tmp_path}/other.db", create=True)

        assert again.store_id == store.store_id != other.store_id
        assert len(store.store_id) == 16
        assert store.level == LEVEL
        again.close()
        other.close()

    def test_a_store_at_an_earlier_level_is_refused_with_the_remedy(self, store: SqlStateStore, url: str):
        run_sql(url, "UPDATE store_meta SET version_num = '0000'")

        with pytest.raises(
            StoreUnavailable, match=f"level 0000 and this program needs {LEVEL}; start `hedge run`"
        ):
            open_state_store(url, create=False)

    @pytest.mark.parametrize("create", [True, False])
    def test_a_store_at_a_later_level_is_left_alone(self, store: SqlStateStore, url: str, *, create: bool):
        run_sql(url, "UPDATE store_meta SET version_num = '9999'")

        with pytest.raises(StoreUnavailable, match="level 9999, made by a later program"):
            open_state_store(url, create=create)

    def test_a_making_that_was_cut_short_is_begun_again(
        self, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        def broken(_connection: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(opening, "migrate", broken)
            with pytest.raises(KeyboardInterrupt):
                open_state_store(url, create=True)
        with pytest.raises(StoreUnavailable, match="there is none"):
            open_state_store(url, create=False)

        store = open_state_store(url, create=True)

        store.append(ROW)
        store.close()

    def test_one_process_at_a_time_makes_a_store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sqlite_file, "_PATIENCE_S", 0.05)
        path = tmp_path / "state.db"

        with (
            sqlite_file.held(path),
            pytest.raises(StoreUnavailable, match="another process has been migrating"),
        ):
            open_state_store(f"sqlite:///{path}", create=True)

        open_state_store(f"sqlite:///{path}", create=True).close()

    def test_a_reader_does_not_make_a_store(self, url: str):
        with pytest.raises(InvalidSettings):
            open_state_store(url, create=True, read_only=True)


class TestReadOnly:
    def test_it_reads_with_everything_stopped_and_refuses_to_append(self, url: str):
        writer = open_state_store(url, create=True)
        writer.append(ROW)
        writer.close()

        reader = open_state_store(url, create=False, read_only=True)

        assert reader.latest(Command, "main") == ROW
        with pytest.raises(StoreUnavailable, match="open for reading only"):
            reader.append(ROW)
        reader.close()


class TestFile:
    @pytest.mark.finding("S3-SEC-1")
    def test_only_the_owner_may_read_it(self, tmp_path: Path):
        before = os.umask(0)
        try:
            store = open_state_store(f"sqlite:///{tmp_path}/a/b/state.db", create=True)
            store.append(ROW)
        finally:
            os.umask(before)

        directory = tmp_path / "a" / "b"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
        assert modes == dict.fromkeys(["state.db", "state.db-wal", "state.db-shm", "state.db.lock"], 0o600)
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert stat.S_IMODE(directory.parent.stat().st_mode) == 0o700
        store.close()

    def test_a_commit_is_on_disk_before_it_is_told(self, tmp_path: Path):
        store = open_state_store(f"sqlite:///{tmp_path}/state.db", create=True)

        assert store._database.read("PRAGMA journal_mode", []) == [("wal",)]
        assert store._database.read("PRAGMA synchronous", []) == [(2,)]
        assert store._database.read("PRAGMA foreign_keys", []) == [(1,)]
        store.close()

    def test_names_with_signs_of_their_own_in_addresses_are_names(self, tmp_path: Path):
        path = tmp_path / "50%20off" / "a#b c.db"
        store = open_state_store(f"sqlite:///{path}", create=True)
        store.append(ROW)
        store.close()

        assert path.exists()

    @pytest.mark.parametrize("replaced", [True, False])
    def test_a_file_that_went_away_is_not_written_to(self, tmp_path: Path, *, replaced: bool):
        path = tmp_path / "state.db"
        store = open_state_store(f"sqlite:///{path}", create=True)
        store.append(ROW)
        if replaced:
            shutil.copy(path, tmp_path / "copy.db")
            (tmp_path / "copy.db").rename(path)
        else:
            path.unlink()

        for use in (lambda: store.append(ROW), lambda: store.latest(Command, "main")):
            with pytest.raises(StoreUnavailable, match=r"removed or replaced|unable to open"):
                use()
        store.close()

    def test_a_file_that_is_something_else_is_named_and_left_alone(self, tmp_path: Path):
        path = tmp_path / "state.db"
        path.write_bytes(b"my holiday pictures" * 100)

        with pytest.raises(StoreUnavailable, match=r"state\.db.*restore a copy"):
            open_state_store(f"sqlite:///{path}", create=True)

        assert path.read_bytes().startswith(b"my holiday")

    def test_a_place_where_no_file_can_be_is_named(self, tmp_path: Path):
        (tmp_path / "file").touch()

        with pytest.raises(StoreUnavailable, match=r"file/state\.db"):
            open_state_store(f"sqlite:///{tmp_path}/file/state.db", create=True)

    def test_a_full_disk_keeps_nothing_of_what_did_not_fit(self, tmp_path: Path):
        store = open_state_store(f"sqlite:///{tmp_path}/state.db", create=True)
        with store._database._connection() as connection:
            connection.execute("PRAGMA max_page_count = 1")

        with pytest.raises(StoreUnavailable, match="make room on the disk"):
            store.append(ROW, *[plain(Command, account="main", reason="x" * 5000)] * 50)

        assert store.rows(Command, "main") == []
        store.close()


@pytest.mark.usefixtures("hasty")
def test_a_writer_that_hangs_is_not_waited_for_for_ever(url: str):
    hanging, waiting = open_state_store(url, create=True), open_state_store(url, create=False)

    with hanging._database.writing() as connection:
        hanging._database.one_at_a_time(connection)
        with pytest.raises(StoreUnavailable, match="stop the process that hangs"):
            waiting.append(income(1))

    waiting.append(income(1))
    hanging.close()
    waiting.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.1)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "URL is none"),
        ("state.db", "URL is none"),
        ("sqlite://", "cannot be kept in sqlite"),
        ("sqlite:///", "other processes can open"),
        ("sqlite:///:memory:", "other processes can open"),
        ("sqlite:///state.db?mode=memory", "other processes can open"),
        ("mysql://root:hunter2@host/db", "cannot be kept in mysql"),
        ("postgresql+psycopg2://host/db", r"cannot be kept in postgresql\+psycopg2"),
    ],
)
def test_a_url_that_names_no_usable_store_is_a_setting_to_correct(url: str, complaint: str):
    with pytest.raises(InvalidSettings, match=complaint) as refused:
        open_state_store(url, create=True)

    assert "give sqlite:///path or postgresql://" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_opening_a_store_at_its_level_reads_neither_alembic_nor_frames(url: str):
    open_state_store(url, create=True).close()
    program = (
        "import sys; from hedge_pipeline.adapters.state_store import open_state_store\n"
        "heavy = {'alembic', 'pandas', 'pandera', 'dagster'}\n"
        "early = (heavy | {'psycopg'}) & set(sys.modules)\n"
        "open_state_store(sys.argv[1], create=True).close()\n"
        "sys.exit(str(early | heavy & set(sys.modules)) if early or heavy & set(sys.modules) else 0)"
    )

    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
