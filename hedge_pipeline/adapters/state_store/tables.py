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
from hedge_pipeline.domain.trading.exit_cover import Adoption, ExitCover
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import (
    CandlesReading,
    FillsReading,
    LedgerFill,
    OrdersReading,
    TermsReading,
)
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
    OrdersReading: "open_orders",
    FillsReading: "fill_reads",
    LedgerFill: "fills",
    TermsReading: "symbol_terms",
    CandlesReading: "candles",
    RegimeRow: "regimes",
    LadderRow: "ladders",
    PlanRow: "order_plans",
    Intent: "intents",
    OrderUpdate: "order_executions",
    ExitCover: "exits",
    Adoption: "adoptions",
}
"""One row class, one table."""

CHAINED = frozenset({NavSnapshot, PeakState, ReservesValuation})
"""Rows that continue the one before: two processes must not continue the same one."""

DATED = (NavSnapshot, PeakState)
"""Tables whose days are told by ``as_of``."""

LOOKED_UP: dict[type[Any], tuple[tuple[str, ...], ...]] = {
    LedgerFill: (("symbol",), ("origin",), ("symbol", "origin"), ("symbol", "venue_order_id")),
    CandlesReading: (("symbol",),),
    RegimeRow: (("symbol",),),
    LadderRow: (("symbol",),),
    PlanRow: (("symbol",),),
    Intent: (("symbol",),),
    OrderUpdate: (("client_order_id",), ("venue_order_id",)),
}
"""What, beside the account, newest rows are asked for by. SQLite keeps no statistics, so each combination has its own index."""

INCOME_KEY = ("account", "income_type", "tran_id", "trade_id", "asset", "symbol", "occurred_at")

INCIDENT_KEY = ("account", "key", "opened_at")
INCIDENT_END = ("closed_at", "closed_by")

FILL_KEY = ("account", "symbol", "fill_id")
FILL_ORIGIN = ("client_order_id", "origin")
"""With the end of an incident the only fields of any table that are ever filled in later."""

INTENT_KEY = ("account", "client_order_id")
SETTLED = "settled"
"""A mark behind the fields of an intent, set with the update that settles it: among any number of settled ones the others are
found at once. No field of the row, and never set by anything else."""

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
    if row_class is Intent:
        table.append_column(
            sa.Column(SETTLED, sa.Boolean(), nullable=False, server_default=sa.false(), info={"mark": True})
        )
    if row_class in CHAINED:
        table.append_constraint(sa.UniqueConstraint("account", "ordinal", name=f"uq_{name}_chain"))
    return table


def row_columns(table: sa.Table) -> list[sa.Column[Any]]:
    """Those of the row itself, without what the store keeps around it."""
    return [column for column in table.columns if column.name != "seq" and not column.info]


TABLES: dict[type[Any], sa.Table] = {
    row_class: _table(row_class, name) for row_class, name in TABLE_NAMES.items()
}

for _hot, _name in HOT.items():
    sa.Index(f"ix_{_name}_recorded", TABLES[_hot].c.account, TABLES[_hot].c.recorded_at)
for _dated in DATED:
    sa.Index(f"ix_{TABLE_NAMES[_dated]}_dated", TABLES[_dated].c.account, TABLES[_dated].c.as_of)

for _row_class, _combinations in LOOKED_UP.items():
    for _names in _combinations:
        sa.Index(
            f"ix_{TABLE_NAMES[_row_class]}_{'_'.join(_names)}",
            *(TABLES[_row_class].c[name] for name in ("account", *_names, "seq")),
        )

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

FILLS = TABLES[LedgerFill]
FILLS.append_constraint(sa.UniqueConstraint(*FILL_KEY, name="uq_fills_key"))

INTENTS = TABLES[Intent]
INTENTS.append_constraint(sa.UniqueConstraint(*INTENT_KEY, name="uq_intents_key"))
UNSETTLED = sa.not_(INTENTS.c[SETTLED])
sa.Index(
    "ix_intents_unsettled",
    INTENTS.c.account,
    INTENTS.c.seq,
    sqlite_where=UNSETTLED,
    postgresql_where=UNSETTLED,
)
