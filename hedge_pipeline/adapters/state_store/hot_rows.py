"""Rows on their way out: read as they lie in their table, and let go once they are kept elsewhere.

What the next decision may ask for stays, whatever its age: the newest rows of a table, and the newest row that knows a
column or has a value of a flag or state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, get_type_hints

from hedge_pipeline.adapters.state_store.database import Database
from hedge_pipeline.adapters.state_store.json_codec import is_enum, without_none
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.statements import Statements
from hedge_pipeline.adapters.state_store.tables import TABLES
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.hot import HOT

KEPT = 3000
"""Newest rows that stay: no step of a cycle asks for more."""
AT_ONCE = 200
"""Rows in one transaction: while it lasts, a cycle that wants to append waits."""


class HotRows:
    """The rows of one database as history sees them."""

    def __init__(self, database: Database, statements: Statements) -> None:
        self._database = database
        self._statements = statements

    def plain(
        self, row_class: Any, account: str, names: tuple[str, ...], *, after: int, most: int
    ) -> list[tuple[Any, ...]]:
        """Row id and columns of the rows behind a row id, oldest first, ``most`` of them."""
        statement = self._statements.plain(row_class, names)
        given = {"account": account, "after": after, "most": most}
        return self._read(row_class, names, statement.sql, statement.values(given))

    def plain_between(
        self, row_class: Any, account: str, names: tuple[str, ...], *, start: datetime, end: datetime
    ) -> list[tuple[Any, ...]]:
        """The same of the rows made within a span, by our wall clock."""
        codec = row_codec(row_class, self._database.dialect.name)
        span = {
            "start": codec.encode_one("recorded_at", start),
            "end": codec.encode_one("recorded_at", end),
        }
        statement = self._statements.plain_between(row_class, names)
        return self._read(row_class, names, statement.sql, statement.values({"account": account, **span}))

    def forget(self, row_class: Any, account: str, seqs: Sequence[int]) -> int:
        """Delete these rows but those that stay; how many went.

        Raises:
            InvalidState: rows of this table never leave.
        """
        if row_class not in HOT:
            raise InvalidState(
                f"{TABLES[row_class].name}: the rows of this table never leave the state store"
            )
        floor = self._floor(row_class, account)
        staying = set(self._answers(row_class, account))
        leaving = sorted(seq for seq in seqs if seq < floor and seq not in staying)
        delete = self._statements.forget(row_class)
        for start in range(0, len(leaving), AT_ONCE):
            values = [(account, seq) for seq in leaving[start : start + AT_ONCE]]
            with self._database.writing() as connection:
                connection.cursor().executemany(delete, values)
        return len(leaving)

    def _floor(self, row_class: Any, account: str) -> int:
        """Row id below which rows may leave."""
        statement = self._statements.newest(row_class, None, equal=False, skipped=KEPT - 1)
        found = self._database.read(statement.sql, statement.values({"account": account}))
        return int(found[0][0]) if found else 0

    def _answers(self, row_class: Any, account: str) -> Iterator[int]:
        """Row ids that answer a question for the newest row of some kind."""
        codec = row_codec(row_class, self._database.dialect.name)
        hints = get_type_hints(row_class)
        for field in fields(row_class):
            inner, optional = without_none(hints[field.name])
            asked: list[tuple[bool, dict[str, Any]]] = [(False, {})] if optional else []
            if inner is bool:
                asked += [(True, {field.name: value}) for value in (False, True)]
            elif is_enum(inner) and issubclass(inner, Enum):
                asked += [(True, {field.name: value}) for value in inner]
            for equal, given in asked:
                statement = self._statements.newest(row_class, field.name, equal=equal)
                values = {name: codec.encode_one(name, value) for name, value in given.items()}
                found = self._database.read(statement.sql, statement.values({"account": account, **values}))
                yield from (int(row[0]) for row in found)

    def _read(
        self, row_class: Any, names: tuple[str, ...], sql: str, values: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        found = self._database.read(sql, values)
        codec = row_codec(row_class, self._database.dialect.name)
        columns = codec.plain_columns(names, [row[1:] for row in found])
        return [(row[0], *plain) for row, plain in zip(found, columns, strict=True)]
