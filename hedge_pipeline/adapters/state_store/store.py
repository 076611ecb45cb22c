"""Rows in and rows out: the port of the state store over one database."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from hedge_pipeline.adapters.state_store.database import Connection, Database
from hedge_pipeline.adapters.state_store.driver_errors import is_unique_violation
from hedge_pipeline.adapters.state_store.forms import column_codec
from hedge_pipeline.adapters.state_store.hot_rows import HotRows
from hedge_pipeline.adapters.state_store.row_codec import RowCodec, row_codec
from hedge_pipeline.adapters.state_store.statements import Statements
from hedge_pipeline.adapters.state_store.tables import (
    CHAINED,
    INCIDENT_END,
    INCIDENT_KEY,
    INTENT_KEY,
    TABLES,
)
from hedge_pipeline.adapters.state_store.venue_lists import VenueLists
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import ConcurrentAppend, InvalidState
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.domain.verdicts import Incident

Row = TypeVar("Row")


class StoreMeta(NamedTuple):
    """What a store says of itself."""

    level: str
    store_id: str
    purpose: str | None = None
    """What it was made for, such as ``paper × dev``."""


class SqlStateStore:
    """The rows of every table of one database. Safe to share between threads, and across a fork."""

    def __init__(self, database: Database, meta: StoreMeta) -> None:
        self._database = database
        self._meta = meta
        self._statements = Statements(database.dialect)
        self._hot = HotRows(database, self._statements)
        self._lists = VenueLists(database, self._statements, self._insert)

    @property
    def store_id(self) -> str:
        """Random, made when the store was created or taken over: tells two deployments apart."""
        return self._identity()[0]

    @property
    def copied_at(self) -> datetime | None:
        """When it was made as a copy of another; ``None``: it is an original, or somebody took it over."""
        return self._identity()[1]

    @property
    def level(self) -> str:
        """Migration level."""
        return self._meta.level

    @property
    def purpose(self) -> str | None:
        """What it was made for, such as ``paper × dev``; refused to every other."""
        return self._meta.purpose

    @property
    def database(self) -> Database:
        """For what reaches around the port: copying it whole."""
        return self._database

    @property
    def dialect(self) -> sa.Dialect:
        """Which SQL it speaks."""
        return self._database.dialect

    def take_over(self, *rows: object, store_id: str) -> None:
        """Let a copy act as a store of its own, in one transaction with ``rows``.

        Raises:
            ConcurrentAppend: it is no copy any more.
        """
        encoded = [(type(row), [row], self._encoded(type(row), [row])) for row in rows]
        with self._database.writing() as connection:
            values = self._statements.take_over.values({"its_store_id": store_id})
            if connection.execute(self._statements.take_over.sql, values).rowcount != 1:
                raise ConcurrentAppend("the store is no copy any more")
            for row_class, group, columns in encoded:
                self._insert(connection, row_class, group, columns)

    def _identity(self) -> tuple[str, datetime | None]:
        """As it stands: another process may have taken the store over."""
        ((store_id, copied_at),) = self._database.read(self._statements.identity.sql, [])
        return store_id, column_codec(datetime | None, self.dialect.name).decode(copied_at)

    def close(self) -> None:
        """Close the pooled connections. Using the store again opens new ones."""
        self._database.close()

    def append(self, *rows: object, closing: Sequence[Incident] = ()) -> None:
        """As in the port.

        Raises:
            InvalidState: a value may not be stored; names the field.
        """
        groups = [(row_class, list(group)) for row_class, group in groupby(rows, type)]
        encoded = [(row_class, group, self._encoded(row_class, group)) for row_class, group in groups]
        endings = [self._ending(incident) for incident in closing]
        with self._database.writing() as connection:
            for incident, values in zip(closing, endings, strict=True):
                if connection.execute(self._statements.close_incident.sql, values).rowcount != 1:
                    raise ConcurrentAppend(
                        f"incidents: {incident.key} of {incident.account} is not open any more"
                    )
            for row_class, group, values in encoded:
                self._insert(connection, row_class, group, values)

    def append_new_income(self, rows: Sequence[IncomeRow]) -> int:
        return self._lists.append_new_income(rows)

    def append_new_fills(self, rows: Sequence[LedgerFill]) -> int:
        return self._lists.append_new_fills(rows)

    def latest(self, table: type[Row], account: str, **equal: Any) -> Row | None:
        found = self.rows(table, account, limit=1, newest_first=True, **equal)
        return found[0] if found else None

    def newest_seq(self, table: type[Row], account: str) -> int | None:
        row_class: Any = table
        statement = self._statements.newest_seq(row_class)
        found = self._database.read(statement.sql, statement.values({"account": account}))
        return int(found[0][0]) if found else None

    def latest_known(self, table: type[Row], account: str, field: str) -> Row | None:
        row_class: Any = table
        statement = self._statements.latest_known(row_class, field)
        found = self._database.read(statement.sql, statement.values({"account": account}))
        return self._codec(row_class).decode(found[0]) if found else None

    def rows(
        self,
        table: type[Row],
        account: str,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        **equal: Any,
    ) -> list[Row]:
        row_class: Any = table
        codec = self._codec(row_class)
        statement = self._statements.select(
            row_class,
            equal=tuple(name for name in sorted(equal) if equal[name] is not None),
            unknown=tuple(name for name in sorted(equal) if equal[name] is None),
            newest_first=newest_first,
            limit=limit,
        )
        given = {name: codec.encode_one(name, value) for name, value in equal.items()}
        found = self._database.read(statement.sql, statement.values({"account": account, **given}))
        return [codec.decode(values) for values in found]

    def columns(
        self,
        table: type[Row],
        account: str,
        *names: str,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[tuple[Any, ...]]:
        row_class: Any = table
        codec = self._codec(row_class)
        statement = self._statements.columns(row_class, names, newest_first=newest_first, limit=limit)
        found = self._database.read(statement.sql, statement.values({"account": account}))
        return codec.decode_columns(names, found)

    def columns_between(
        self,
        table: type[Row],
        account: str,
        *names: str,
        on: str,
        start: datetime,
        end: datetime,
        **equal: Any,
    ) -> list[tuple[Any, ...]]:
        row_class: Any = table
        codec = self._codec(row_class)
        statement = self._statements.columns_between(row_class, names, on=on, equal=tuple(sorted(equal)))
        given = {name: codec.encode_one(name, value) for name, value in equal.items()}
        span = {"start": codec.encode_one(on, start), "end": codec.encode_one(on, end)}
        found = self._database.read(statement.sql, statement.values({"account": account, **span, **given}))
        return codec.decode_columns(names, found)

    def income_within(self, account: str, *, start: datetime, end: datetime) -> list[tuple[int, IncomeRow]]:
        return self._lists.income_within(account, start=start, end=end)

    def income_outside(
        self, account: str, *, through_at: datetime, through_seq: int
    ) -> list[tuple[int, IncomeRow]]:
        return self._lists.income_outside(account, through_at=through_at, through_seq=through_seq)

    def plain(
        self, table: type[Row], account: str, *names: str, after: int = 0, most: int
    ) -> list[tuple[Any, ...]]:
        return self._hot.plain(table, account, names, after=after, most=most)

    def plain_between(
        self, table: type[Row], account: str, *names: str, start: datetime, end: datetime
    ) -> list[tuple[Any, ...]]:
        return self._hot.plain_between(table, account, names, start=start, end=end)

    def forget(self, table: type[Row], account: str, seqs: Sequence[int]) -> int:
        return self._hot.forget(table, account, seqs)

    def unsettled(self, account: str) -> list[Intent]:
        codec, statement = self._codec(Intent), self._statements.unsettled
        found = self._database.read(statement.sql, statement.values({"account": account}))
        return [codec.decode(values) for values in found]

    def open_incidents(self, account: str) -> list[Incident]:
        return self.rows(Incident, account, closed_at=None)

    def _codec(self, row_class: Any) -> RowCodec[Any]:
        return row_codec(row_class, self.dialect.name)

    def _encoded(self, row_class: type[Row], rows: Sequence[Row]) -> list[list[Any]]:
        codec = self._codec(row_class)
        return [codec.encode(row) for row in rows]

    def _ending(self, incident: Incident) -> list[Any]:
        if incident.closed_at is None or not incident.closed_by:
            raise InvalidState(f"incident {incident.key}: to close it takes closed_at and closed_by")
        codec = self._codec(Incident)
        names = (*INCIDENT_KEY, *INCIDENT_END)
        given = {f"its_{name}": codec.encode_one(name, getattr(incident, name)) for name in names}
        return self._statements.close_incident.values(given)

    def _insert(
        self,
        connection: Connection,
        row_class: Any,
        rows: Sequence[Any],
        values: list[list[Any]] | None = None,
    ) -> None:
        if row_class in {IncomeRow, LedgerFill}:
            self._database.one_at_a_time(connection)
        try:
            connection.cursor().executemany(
                self._statements.insert(row_class), values or self._encoded(row_class, rows)
            )
        except self.dialect.loaded_dbapi.IntegrityError as error:
            if is_unique_violation(error) and (taken := _taken(row_class, rows)):
                raise ConcurrentAppend(f"{TABLES[row_class].name}: {taken}") from None
            raise
        if row_class is OrderUpdate:
            self._settle(connection, [row for row in rows if row.settled])

    def _settle(self, connection: Connection, updates: Sequence[OrderUpdate]) -> None:
        for update in updates:
            values = self._statements.settle.values(
                {f"its_{name}": getattr(update, name) for name in INTENT_KEY}
            )
            connection.execute(self._statements.settle.sql, values)


def _taken(row_class: type[Any], rows: Sequence[Any]) -> str | None:
    """What one of the rows found in its place; ``None``: it is a row of no such table."""
    if row_class in CHAINED:
        return f"{', '.join(f'{row.ordinal} of {row.account}' for row in rows)} is taken"
    if row_class is Incident:
        return f"{', '.join(f'{row.key} of {row.account}' for row in rows)} is open already"
    if row_class is Intent:
        return f"{', '.join(f'{row.client_order_id} of {row.account}' for row in rows)} is there already"
    return None
