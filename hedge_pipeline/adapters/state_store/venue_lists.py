"""Lines of the venue's lists, income and fills: each is kept once, however often it is read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from hedge_pipeline.adapters.state_store.database import Connection, Database
from hedge_pipeline.adapters.state_store.row_codec import RowCodec, row_codec
from hedge_pipeline.adapters.state_store.statements import Statements
from hedge_pipeline.adapters.state_store.tables import FILL_KEY, FILL_ORIGIN, INCOME_KEY
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill

Insert = Callable[[Connection, type[Any], Sequence[Any]], None]

_OF_OURS = {*FILL_ORIGIN, "recorded_at"}
FILL_FACTS = tuple(field.name for field in fields(LedgerFill) if field.name not in _OF_OURS)
"""What the venue states of a fill, and states alike for ever."""


class VenueLists:
    """The income and fills of one database."""

    def __init__(self, database: Database, statements: Statements, insert: Insert) -> None:
        self._database = database
        self._statements = statements
        self._insert = insert

    def append_new_income(self, rows: Sequence[IncomeRow]) -> int:
        """Those whose key is not there yet; how many that was.

        Raises:
            InvalidState: a row has the key of a stored one and another amount.
        """
        if not rows:
            return 0
        new = []
        with self._database.writing() as connection:
            self._database.one_at_a_time(connection)
            known = {_key(row, INCOME_KEY): row for row in self._income_around(connection, rows)}
            for row in rows:
                stored = known.setdefault(_key(row, INCOME_KEY), row)
                if stored is row:
                    new.append(row)
                elif stored.amount != row.amount:
                    raise InvalidState(
                        f"income row {_key(row, INCOME_KEY)}: the venue states {row.amount} and stated {stored.amount}"
                    )
            if new:
                self._insert(connection, IncomeRow, new)
        return len(new)

    def append_new_fills(self, rows: Sequence[LedgerFill]) -> int:
        """Those whose key is not there yet; how many that was.

        A fill is one row for ever, so it counts once whoever reads it. What is filled in later, and once, is whose it was:
        a stored origin of UNKNOWN gives way to a known one with its client order id, in place; a known one stays.

        Raises:
            InvalidState: a row has the key of a stored one and another price, quantity or any other fact of the venue.
        """
        if not rows:
            return 0
        new: dict[tuple[Any, ...], LedgerFill] = {}
        with self._database.writing() as connection:
            self._database.one_at_a_time(connection)
            known = {_key(row, FILL_KEY): row for row in self._stored_fills(connection, rows)}
            for row in rows:
                key = _key(row, FILL_KEY)
                stored = known.setdefault(key, row)
                if stored is row:
                    new[key] = row
                    continue
                _refuse_changed(stored, row)
                if stored.origin is FillOrigin.UNKNOWN and row.origin is not FillOrigin.UNKNOWN:
                    known[key] = row
                    if key in new:
                        new[key] = row
                    else:
                        self._tell_origin(connection, row)
            if new:
                self._insert(connection, LedgerFill, [*new.values()])
        return len(new)

    def income_within(self, account: str, *, start: datetime, end: datetime) -> list[tuple[int, IncomeRow]]:
        codec = self._codec(IncomeRow)
        statement = self._statements.income_within
        span = {
            "start": codec.encode_one("occurred_at", start),
            "end": codec.encode_one("occurred_at", end),
        }
        found = self._database.read(statement.sql, statement.values({"account": account, **span}))
        return [(values[0], codec.decode(values[1:])) for values in found]

    def income_outside(
        self, account: str, *, through_at: datetime, through_seq: int
    ) -> list[tuple[int, IncomeRow]]:
        codec = self._codec(IncomeRow)
        statement = self._statements.income_outside
        given = {
            "account": account,
            "through_at": codec.encode_one("occurred_at", through_at),
            "through_seq": through_seq,
        }
        found = self._database.read(statement.sql, statement.values(given))
        return [(values[0], codec.decode(values[1:])) for values in found]

    def _income_around(self, connection: Connection, rows: Sequence[IncomeRow]) -> list[IncomeRow]:
        """Stored rows of the same accounts and time."""
        codec = self._codec(IncomeRow)
        statement = self._statements.income_between
        first = codec.encode_one("occurred_at", min(row.occurred_at for row in rows))
        last = codec.encode_one("occurred_at", max(row.occurred_at for row in rows))
        found = []
        for account in sorted({row.account for row in rows}):
            values = statement.values({"account": account, "first": first, "last": last})
            found += connection.execute(statement.sql, values).fetchall()
        return [codec.decode(values) for values in found]

    def _stored_fills(self, connection: Connection, rows: Sequence[LedgerFill]) -> Iterator[LedgerFill]:
        codec, statement = self._codec(LedgerFill), self._statements.fill
        for key in {_key(row, FILL_KEY) for row in rows}:
            values = statement.values(_encoded(codec, FILL_KEY, key))
            yield from map(codec.decode, connection.execute(statement.sql, values).fetchall())

    def _tell_origin(self, connection: Connection, row: LedgerFill) -> None:
        names = (*FILL_KEY, *FILL_ORIGIN)
        given = _encoded(self._codec(LedgerFill), names, _key(row, names))
        statement = self._statements.tell_origin
        values = statement.values({f"its_{name}": value for name, value in given.items()})
        connection.execute(statement.sql, values)

    def _codec(self, row_class: Any) -> RowCodec[Any]:
        return row_codec(row_class, self._database.dialect.name)


def _refuse_changed(stored: LedgerFill, row: LedgerFill) -> None:
    for name in FILL_FACTS:
        states, stated = getattr(row, name), getattr(stored, name)
        if states != stated:
            raise InvalidState(
                f"fill {_key(row, FILL_KEY)}: the venue states {states} as its {name} and stated {stated}"
            )


def _key(row: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def _encoded(codec: RowCodec[Any], names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    return {name: codec.encode_one(name, value) for name, value in zip(names, values, strict=True)}
