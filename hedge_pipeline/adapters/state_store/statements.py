"""Every statement the store makes, as SQL text of one engine, written once per shape.

SQLAlchemy writes the SQL; it does not run it. Running a statement through its connections costs five
times what SQLite takes to answer.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from hedge_pipeline.adapters.state_store.forms import is_comparable
from hedge_pipeline.adapters.state_store.tables import (
    FILL_KEY,
    FILL_ORIGIN,
    FILLS,
    INCIDENT_END,
    INCIDENT_KEY,
    INCIDENTS,
    INCOME,
    INTENT_KEY,
    INTENTS,
    SETTLED,
    STORE_META,
    TABLES,
    UNSETTLED,
    row_columns,
)


class Statement(NamedTuple):
    """SQL and the names of its parameters in order."""

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        known = {**self.constants, **given}
        return [known[name] for name in self.names]


class Statements:
    """The statements of one engine."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.insert = cache(self._insert)
        self.select = cache(self._select)
        self.columns = cache(self._columns)
        self.columns_between = cache(self._columns_between)
        self.plain = cache(self._plain)
        self.plain_between = cache(self._plain_between)
        self.latest_known = cache(self._latest_known)
        self.newest = cache(self._newest)
        self.forget = cache(self._forget)
        self.newest_seq = cache(self._newest_seq)
        self.income_outside = self._written(
            sa.select(INCOME.c.seq, *row_columns(INCOME))
            .where(INCOME.c.account == sa.bindparam("account"))
            .where(
                sa.or_(
                    INCOME.c.occurred_at > sa.bindparam("through_at"),
                    INCOME.c.seq > sa.bindparam("through_seq"),
                )
            )
            .order_by(INCOME.c.occurred_at, INCOME.c.seq)
        )
        self.income_within = self._written(
            sa.select(INCOME.c.seq, *row_columns(INCOME))
            .where(INCOME.c.account == sa.bindparam("account"))
            .where(INCOME.c.occurred_at >= sa.bindparam("start"))
            .where(INCOME.c.occurred_at < sa.bindparam("end"))
            .order_by(INCOME.c.occurred_at, INCOME.c.seq)
        )
        self.income_between = self._written(
            sa.select(*row_columns(INCOME))
            .where(INCOME.c.account == sa.bindparam("account"))
            .where(INCOME.c.occurred_at.between(sa.bindparam("first"), sa.bindparam("last")))
        )
        self.close_incident = self._written(
            sa.update(INCIDENTS)
            .where(*(INCIDENTS.c[name] == sa.bindparam(f"its_{name}") for name in INCIDENT_KEY))
            .where(INCIDENTS.c.closed_at.is_(None))
            .values({name: sa.bindparam(f"its_{name}") for name in INCIDENT_END})
        )
        self.fill = self._written(
            sa.select(*row_columns(FILLS)).where(*(FILLS.c[name] == sa.bindparam(name) for name in FILL_KEY))
        )
        self.tell_origin = self._written(
            sa.update(FILLS)
            .where(*(FILLS.c[name] == sa.bindparam(f"its_{name}") for name in FILL_KEY))
            .values({name: sa.bindparam(f"its_{name}") for name in FILL_ORIGIN})
        )
        self.unsettled = self._written(
            sa.select(*row_columns(INTENTS))
            .where(INTENTS.c.account == sa.bindparam("account"), UNSETTLED)
            .order_by(INTENTS.c.seq)
        )
        self.settle = self._written(
            sa.update(INTENTS)
            .where(*(INTENTS.c[name] == sa.bindparam(f"its_{name}") for name in INTENT_KEY), UNSETTLED)
            .values({SETTLED: sa.true()})
        )
        self.identity = self._written(sa.select(STORE_META.c.store_id, STORE_META.c.copied_at))
        self.take_over = self._written(
            sa.update(STORE_META)
            .where(STORE_META.c.copied_at.is_not(None))
            .values(store_id=sa.bindparam("its_store_id"), copied_at=sa.null())
        )

    def _insert(self, row_class: Any) -> str:
        """Parameters are the row's fields in order."""
        names = [field.name for field in fields(row_class)]
        return str(TABLES[row_class].insert().inline().compile(dialect=self._dialect, column_keys=names))

    def _select(
        self,
        row_class: Any,
        *,
        equal: tuple[str, ...],
        unknown: tuple[str, ...],
        newest_first: bool,
        limit: int | None,
    ) -> Statement:
        """Rows of an account whose columns are ``equal`` to a parameter of that name, or ``unknown``."""
        columns = TABLES[row_class].c
        for name in (*equal, *unknown):
            if name not in columns or not is_comparable(columns[name]):
                raise TypeError(f"{TABLES[row_class].name} has no column {name} that can be compared")
        return self._written(
            sa.select(*row_columns(TABLES[row_class]))
            .where(columns.account == sa.bindparam("account"))
            .where(*(columns[name] == sa.bindparam(name) for name in equal))
            .where(*(columns[name].is_(None) for name in unknown))
            .order_by(columns.seq.desc() if newest_first else columns.seq)
            .limit(limit)
        )

    def _latest_known(self, row_class: Any, name: str) -> Statement:
        """The newest row of an account that says something in one column."""
        columns = TABLES[row_class].c
        if name not in columns:
            raise TypeError(f"{TABLES[row_class].name} has no column {name}")
        return self._written(
            sa.select(*row_columns(TABLES[row_class]))
            .where(columns.account == sa.bindparam("account"))
            .where(columns[name].is_not(None))
            .order_by(columns.seq.desc())
            .limit(1)
        )

    def _newest_seq(self, row_class: Any) -> Statement:
        """Id of the newest row of an account."""
        columns = TABLES[row_class].c
        return self._written(
            sa.select(columns.seq)
            .where(columns.account == sa.bindparam("account"))
            .order_by(columns.seq.desc())
            .limit(1)
        )

    def _columns(
        self, row_class: Any, names: tuple[str, ...], *, newest_first: bool, limit: int | None
    ) -> Statement:
        """Some columns of the rows of an account."""
        columns = TABLES[row_class].c
        for name in names:
            if name not in columns:
                raise TypeError(f"{TABLES[row_class].name} has no column {name}")
        return self._written(
            sa.select(*(columns[name] for name in names))
            .where(columns.account == sa.bindparam("account"))
            .order_by(columns.seq.desc() if newest_first else columns.seq)
            .limit(limit)
        )

    def _columns_between(
        self, row_class: Any, names: tuple[str, ...], *, on: str, equal: tuple[str, ...]
    ) -> Statement:
        """Some columns of the rows of an account with ``start`` ≤ ``on`` < ``end``, by that instant."""
        table, columns = TABLES[row_class], TABLES[row_class].c
        for name in (on, *names, *equal):
            if name not in columns:
                raise TypeError(f"{table.name} has no column {name}")
        for name in (on, *equal):
            if not is_comparable(columns[name]):
                raise TypeError(f"{table.name} has no column {name} that can be compared")
        return self._written(
            sa.select(*(columns[name] for name in names))
            .where(columns.account == sa.bindparam("account"))
            .where(columns[on] >= sa.bindparam("start"), columns[on] < sa.bindparam("end"))
            .where(*(columns[name] == sa.bindparam(name) for name in equal))
            .order_by(columns[on], columns.seq)
        )

    def _plain(self, row_class: Any, names: tuple[str, ...]) -> Statement:
        """Row id and some columns of the rows of an account behind a row id, a number of them at most."""
        columns = TABLES[row_class].c
        return self._written(
            sa.select(columns.seq, *(columns[name] for name in names))
            .where(columns.account == sa.bindparam("account"))
            .where(columns.seq > sa.bindparam("after"))
            .order_by(columns.seq)
            .limit(sa.bindparam("most"))
        )

    def _plain_between(self, row_class: Any, names: tuple[str, ...]) -> Statement:
        """The same of the rows that were made within a span, in order of appending."""
        columns = TABLES[row_class].c
        return self._written(
            sa.select(columns.seq, *(columns[name] for name in names))
            .where(columns.account == sa.bindparam("account"))
            .where(columns.recorded_at >= sa.bindparam("start"), columns.recorded_at < sa.bindparam("end"))
            .order_by(columns.seq)
        )

    def _newest(self, row_class: Any, name: str | None, *, equal: bool, skipped: int = 0) -> Statement:
        """Row id of the newest row of an account: of all, of those that know ``name``, or have it ``equal``."""
        columns = TABLES[row_class].c
        found = sa.select(columns.seq).where(columns.account == sa.bindparam("account"))
        if name is not None:
            column = columns[name]
            found = found.where(column == sa.bindparam(name) if equal else column.is_not(None))
        return self._written(found.order_by(columns.seq.desc()).limit(1).offset(skipped))

    def _forget(self, row_class: Any) -> str:
        """Parameters are the account and the row id."""
        columns = TABLES[row_class].c
        statement = self._written(
            sa.delete(TABLES[row_class])
            .where(columns.account == sa.bindparam("account"))
            .where(columns.seq == sa.bindparam("seq_"))
        )
        return statement.sql

    def _written(self, statement: sa.sql.expression.ClauseElement) -> Statement:
        compiled = statement.compile(dialect=self._dialect)
        names = getattr(compiled, "positiontup")  # noqa: B009  the base class does not declare it
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return Statement(str(compiled), tuple(names), constants)
