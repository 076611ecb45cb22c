"""A copy of the store: consistent while others write, one SQLite file whatever the store is kept in, and it does not act.

A copy that acted would be a second trader and a second publisher with the memory of the first. So it says of itself that
it is one, and carries a latch that every process sees, until somebody takes it over.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hedge_pipeline.adapters.state_store.driver_errors import translated
from hedge_pipeline.adapters.state_store.forms import SQLITE, column_codec
from hedge_pipeline.adapters.state_store.opening import open_state_store
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.sqlite_file import make_empty
from hedge_pipeline.adapters.state_store.store import SqlStateStore
from hedge_pipeline.adapters.state_store.tables import STORE_META, TABLES, row_columns
from hedge_pipeline.domain.errors import CommandRefused, InvalidState
from hedge_pipeline.domain.verdicts import RESTORED_COPY, Incident, TradingState

Told = Callable[[float], None]
"""Called with the fraction that is done."""

_PAGES = 2000
"""8 MB a step."""
_ROWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A finished copy."""

    file: Path
    store_id: str
    """Of the store it was made of, which it still carries."""
    rows: Mapping[str, int]
    """By table."""


def back_up(store: SqlStateStore, file: Path, *, at: datetime, told: Told = lambda _: None) -> Copied:
    """Copy the store, as it stands now, to ``file``, while other processes go on writing.

    Raises:
        CommandRefused: ``file`` exists already.
        InvalidState: the copy is not what it was made of.
        StoreUnavailable: the store cannot be read, or the file not be written.
    """
    if file.exists():
        raise CommandRefused(f"{file} exists already, and is not overwritten: name another")
    with translated(sqlite3, str(file), ()), unfinished(file) as partial:
        if store.dialect.name == SQLITE:
            counted = _copied_pages(store, partial, told)
        else:
            counted = _copied_rows(store, partial, told)
        copied = _marked(partial, at=at)
        if copied.rows != counted | {"incidents": copied.rows["incidents"]}:
            raise InvalidState(f"the copy holds {copied.rows} and the store held {counted}: nothing was kept")
        put_in_place(partial, file)
    return Copied(file=file, store_id=copied.store_id, rows=counted)


@contextmanager
def unfinished(file: Path) -> Iterator[Path]:
    """A private file beside the one that is to be, gone when it was not put in place."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    make_empty(partial)
    try:
        yield partial
    finally:
        for rest in ("", "-wal", "-shm", "-journal", ".lock"):
            partial.with_name(partial.name + rest).unlink(missing_ok=True)


def _copied_pages(store: SqlStateStore, partial: Path, told: Told) -> dict[str, int]:
    """Page by page, from one read transaction: writers neither wait nor make it start again."""
    with store.database.frozen() as source:
        counted = _counts(source)
        with closing(sqlite3.connect(partial)) as target:
            source.backup(
                target, pages=_PAGES, progress=lambda _, left, pages: told(1 - left / max(pages, 1))
            )
    return counted


def _copied_rows(store: SqlStateStore, partial: Path, told: Told) -> dict[str, int]:
    """Row by row, each through both codecs, from one transaction that sees one instant."""
    copy = open_state_store(f"sqlite:///{partial}", create=True, purpose=store.purpose)
    done = 0
    with closing(copy), store.database.frozen() as source:
        counted = _counts(source)
        for row_class, table in TABLES.items():
            for rows in _chunks(source, row_class, table, store.dialect):
                _insert(copy, row_class, table, rows)
                done += len(rows)
                told(done / max(sum(counted.values()), 1))
        ((store_id,),) = source.execute("SELECT store_id FROM store_meta").fetchall()
        with copy.database.writing() as target:
            target.execute("UPDATE store_meta SET store_id = ?", [store_id])
    return counted


def _chunks(source: Any, row_class: Any, table: sa.Table, dialect: sa.Dialect) -> Iterator[list[list[Any]]]:
    """Row id, fields and marks of rows in order, encoded for SQLite."""
    names = ", ".join(dialect.identifier_preparer.quote(column.name) for column in table.columns)
    sql = f"SELECT {names} FROM {table.name} WHERE seq > %s ORDER BY seq LIMIT {_ROWS}"  # noqa: S608 our own names
    theirs, ours = row_codec(row_class, dialect.name), row_codec(row_class, SQLITE)
    last, marks = 0, 1 + len(row_columns(table))
    while found := source.execute(sql, [last]).fetchall():
        yield [[row[0], *ours.encode(theirs.decode(row[1:marks])), *row[marks:]] for row in found]
        last = found[-1][0]


def _insert(copy: SqlStateStore, row_class: Any, table: sa.Table, rows: list[list[Any]]) -> None:
    names = ", ".join(copy.dialect.identifier_preparer.quote(column.name) for column in table.columns)
    marks = ", ".join("?" for _ in table.columns)
    with copy.database.writing() as target:
        target.cursor().executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608 our own names


def _counts(connection: Any) -> dict[str, int]:
    """Rows by table."""
    return {
        table.name: int(connection.execute(f"SELECT count(*) FROM {table.name}").fetchall()[0][0])  # noqa: S608
        for table in TABLES.values()
    }


def _marked(partial: Path, *, at: datetime) -> Copied:
    """Say in the copy what it is, latch it, and look whether it is whole."""
    copy = open_state_store(f"sqlite:///{partial}", create=False)
    with closing(copy):
        with copy.database.writing() as connection:
            instant = column_codec(datetime, SQLITE).encode(at)
            connection.execute(f"UPDATE {STORE_META.name} SET copied_at = ?", [instant])  # noqa: S608
        for account in _accounts(copy):
            if not any(incident.key == RESTORED_COPY for incident in copy.open_incidents(account)):
                copy.append(_latch(account, copy.store_id, at))
        refuse_damage(copy, partial)
        counted = _counts_of(copy)
        store_id = copy.store_id
    with closing(sqlite3.connect(partial, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, to be carried away
    return Copied(file=partial, store_id=store_id, rows=counted)


def refuse_damage(store: SqlStateStore, place: Path) -> None:
    """Have SQLite look at every page of the file.

    Raises:
        InvalidState: something in it is damaged.
    """
    found = [str(row[0]) for row in store.database.read("PRAGMA integrity_check", [])]
    if found != ["ok"]:
        raise InvalidState(f"{place} is damaged: {'; '.join(found[:3])}")


def _counts_of(store: SqlStateStore) -> dict[str, int]:
    with store.database.frozen() as connection:
        return _counts(connection)


def _accounts(store: SqlStateStore) -> list[str]:
    """Every account that has any row."""
    each = " UNION ".join(f"SELECT account FROM {table.name}" for table in TABLES.values())  # noqa: S608
    return [str(account) for (account,) in store.database.read(f"{each} ORDER BY 1", [])]


def _latch(account: str, store_id: str, at: datetime) -> Incident:
    return Incident(
        account=account,
        key=RESTORED_COPY,
        opened_at=at,
        closed_at=None,
        latched=True,
        ceiling=TradingState.HALTED,
        reason=RESTORED_COPY,
        message=f"this store is a copy of store {store_id}, made at {at.isoformat()}; the original may be at work",
        remedy="see that the original has stopped for good, then `hedge take-over`, then `hedge rearm`",
        holds_until=None,
        closed_by=None,
    )


def put_in_place(partial: Path, file: Path) -> None:
    """Under its name at once and as a whole, on the disk, and never over another file.

    Raises:
        CommandRefused: ``file`` is there by now.
    """
    _sync(partial)
    try:
        os.link(partial, file)
    except FileExistsError:
        raise CommandRefused(f"{file} exists already, and is not overwritten: name another") from None
    _sync(file.parent)


def _sync(path: Path) -> None:
    """See that what a file or directory holds survives a power cut."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with suppress(OSError):  # some file systems sync no directories
        os.fsync(opened)
    os.close(opened)
