"""The tables: one per row dataclass, its fields as columns in order, behind a row id.

What the tables are is said here once. How an earlier store becomes one of these is in ``migrations``; a
test holds that both agree, on both engines.
"""

from dataclasses import fields
from typing import Any, get_type_hints

import sqlalchemy as sa

from hedge_pipeline.adapters.state_store.forms import INSTANT, SQLITE, column_type
from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction
from hedge_pipeline.domain.history.hot import HOT
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.verdicts import Command, GateDecision, Incident, Waiver

TABLE_NAMES: dict[type[Any], str] = {
    AccountReading: "accounts",
    MarksReading: "marks",
    InstrumentsReading: "instruments",
    IncomeRow: "income",
    IncomeReading: "income_reads",
    PricesReading: "prices",
    ReservesValuation: "reserves_valuations",
    NavSnapshot: "nav_snapshots",
    PeakState: "peak_states",
    GateDecision: "gate_decisions",
    Incident: "incidents",
    Command: "commands",
    Waiver: "waivers",
    Flow: "flows",
    FlowInstruction: "flow_instructions",
    FlowClassification: "flow_classifications",
    Publication: "publications",
    ImportedNav: "imported_navs",
}
"""One row class, one table."""

CHAINED = frozenset({NavSnapshot, PeakState, ReservesValuation})
"""Rows that continue the one before: two processes must not continue the same one."""

DATED = (NavSnapshot, PeakState)
"""Tables whose days are told by ``as_of``."""

INCOME_KEY = ("account", "income_type", "tran_id", "trade_id", "asset", "symbol", "occurred_at")

INCIDENT_KEY = ("account", "key", "opened_at")
INCIDENT_END = ("closed_at", "closed_by")
"""The only columns of any table that are ever filled in later."""

METADATA = sa.MetaData()

STORE_META = sa.Table(
    "store_meta",
    METADATA,
    sa.Column("version_num", sa.String(32), primary_key=True),
    sa.Column("store_id", sa.Text),
    sa.Column("purpose", sa.Text),
    sa.Column("copied_at", INSTANT),
)
"""One row: the migration level, which Alembic keeps under its own column name, the store's random id, what it is for.

``copied_at`` is set in a backup: a copy acts for nobody until somebody takes it over.
"""


def _table(row_class: type[Any], name: str) -> sa.Table:
    hints = {field.name: get_type_hints(row_class)[field.name] for field in fields(row_class)}
    table = sa.Table(
        name,
        METADATA,
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), SQLITE), sa.Identity(), primary_key=True),
        sqlite_autoincrement=True,  # a row id is never used twice
    )
    for column, hint in hints.items():
        inner, optional = without_none(hint)
        table.append_column(sa.Column(column, column_type(inner), nullable=optional))
    sa.Index(f"ix_{name}_latest", table.c.account, table.c.seq)
    if row_class in CHAINED:
        table.append_constraint(sa.UniqueConstraint("account", "ordinal", name=f"uq_{name}_chain"))
    return table


TABLES: dict[type[Any], sa.Table] = {
    row_class: _table(row_class, name) for row_class, name in TABLE_NAMES.items()
}

for _hot, _name in HOT.items():
    sa.Index(f"ix_{_name}_recorded", TABLES[_hot].c.account, TABLES[_hot].c.recorded_at)
for _dated in DATED:
    sa.Index(f"ix_{TABLE_NAMES[_dated]}_dated", TABLES[_dated].c.account, TABLES[_dated].c.as_of)

INCOME = TABLES[IncomeRow]
INCOME.append_constraint(sa.UniqueConstraint(*INCOME_KEY, name="uq_income_key"))
sa.Index("ix_income_occurred", INCOME.c.account, INCOME.c.occurred_at)

_NAV = TABLES[NavSnapshot]
sa.Index("ix_nav_snapshots_accepted", _NAV.c.account, _NAV.c.accepted, _NAV.c.seq)

_DECISIONS = TABLES[GateDecision]
sa.Index("ix_gate_decisions_state", _DECISIONS.c.account, _DECISIONS.c.state, _DECISIONS.c.seq)

INCIDENTS = TABLES[Incident]
_OPEN = INCIDENTS.c.closed_at.is_(None)
sa.Index(
    "uq_incidents_open",
    INCIDENTS.c.account,
    INCIDENTS.c.key,
    unique=True,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
