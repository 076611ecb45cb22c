"""Level 1: the first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

MONEY = sa.Text().with_variant(sa.Numeric(), "postgresql")
INSTANT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
NESTED = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def money(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MONEY, nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, INSTANT, nullable=nullable)


def day(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text().with_variant(sa.Date(), "postgresql"), nullable=False)


def flag(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=nullable)


def count(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def nested(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, NESTED, nullable=nullable)


def table(name: str, *columns: sa.Column[Any] | sa.UniqueConstraint) -> None:
    """With a row id before the columns and an index that finds an account's last row."""
    seq = sa.Column("seq", ROW_ID, sa.Identity(), primary_key=True)
    op.create_table(name, seq, *columns, sqlite_autoincrement=True)
    op.create_index(f"ix_{name}_latest", name, ["account", "seq"])


def attempt(name: str, *columns: sa.Column[Any]) -> None:
    """A table of attempts to read something: they all begin alike."""
    began, recorded = instant("attempted_at"), instant("recorded_at")
    table(name, text("account"), began, recorded, instant("as_of", nullable=True), *columns)


def upgrade() -> None:
    attempt(
        "accounts",
        instant("answered_at", nullable=True),
        nested("clock", nullable=True),
        flag("hedge_mode", nullable=True),
        flag("multi_assets_mode", nullable=True),
        nested("balances", nullable=True),
        nested("totals", nullable=True),
        nested("account_positions", nullable=True),
        nested("positions", nullable=True),
        nested("sources"),
    )
    attempt("marks", nested("marks", nullable=True), nested("asset_rates", nullable=True), nested("sources"))
    attempt("instruments", nested("instruments", nullable=True), nested("sources"))
    table(
        "income",
        text("account"),
        text("income_type"),
        text("tran_id"),
        text("trade_id"),
        text("asset"),
        text("symbol"),
        instant("occurred_at"),
        money("amount"),
        text("info"),
        instant("recorded_at"),
        sa.UniqueConstraint(
            "account",
            "income_type",
            "tran_id",
            "trade_id",
            "asset",
            "symbol",
            "occurred_at",
            name="uq_income_key",
        ),
    )
    attempt("income_reads", instant("since"), count("rows_read"), count("rows_new"), nested("sources"))
    attempt(
        "prices", nested("quotes"), nested("failures"), nested("carried"), nested("closed"), nested("sources")
    )
    table(
        "reserves_valuations",
        text("account"),
        count("ordinal"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        instant("valid_until", nullable=True),
        flag("treasury_configured"),
        flag("reserves_configured"),
        nested("values"),
        flag("complete"),
        text("error", nullable=True),
        money("treasury_usd"),
        money("reserves_usd"),
        sa.UniqueConstraint("account", "ordinal", name="uq_reserves_valuations_chain"),
    )
    table(
        "nav_snapshots",
        text("account"),
        count("ordinal"),
        instant("attempted_at"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        flag("complete"),
        flag("reconciled"),
        flag("accepted"),
        nested("problems"),
        nested("labels"),
        text("numeraire"),
        money("numeraire_usd", nullable=True),
        money("trading_nav", nullable=True),
        money("nav_usd", nullable=True),
        nested("parts"),
        money("account_units", nullable=True),
        money("nav_per_unit", nullable=True),
        money("treasury_usd"),
        money("reserves_usd"),
        money("in_transit_usd"),
        money("aum_usd", nullable=True),
        flag("aum_complete"),
        nested("aum_problems"),
        money("fund_units", nullable=True),
        money("fund_nav_per_unit", nullable=True),
        nested("residuals"),
        instant("unreconciled_since", nullable=True),
        nested("baseline", nullable=True),
        nested("unclassified"),
        nested("unpriced_fund_flows"),
        nested("in_transit"),
        nested("treasury_quantities", nullable=True),
        money("last_good_nav_usd", nullable=True),
        money("last_good_nav_per_unit", nullable=True),
        money("last_good_fund_nav_per_unit", nullable=True),
        instant("last_good_as_of", nullable=True),
        nested("source_stamps"),
        nested("sources"),
        sa.UniqueConstraint("account", "ordinal", name="uq_nav_snapshots_chain"),
    )
    table(
        "peak_states",
        text("account"),
        count("ordinal"),
        instant("recorded_at"),
        instant("as_of"),
        count("nav_ordinal"),
        money("nav_per_unit"),
        money("account_units"),
        money("fund_units", nullable=True),
        money("high_water_mark"),
        money("drawdown"),
        day("day"),
        money("day_open"),
        instant("day_open_as_of"),
        money("daily_loss"),
        money("realized_pnl_today", nullable=True),
        money("pending_high", nullable=True),
        text("origin"),
        text("origin_detail"),
        sa.UniqueConstraint("account", "ordinal", name="uq_peak_states_chain"),
    )
    table(
        "gate_decisions",
        text("account"),
        instant("decided_at"),
        instant("recorded_at"),
        text("state"),
        flag("dormant"),
        instant("valid_until"),
        text("limits_fingerprint"),
        nested("breaches"),
        count("nav_ordinal", nullable=True),
        count("peak_ordinal", nullable=True),
    )
    table(
        "incidents",
        text("account"),
        text("key"),
        instant("opened_at"),
        instant("closed_at", nullable=True),
        flag("latched"),
        text("ceiling", nullable=True),
        text("reason"),
        text("message"),
        text("remedy"),
        instant("holds_until", nullable=True),
        text("closed_by", nullable=True),
    )
    table(
        "commands",
        text("account"),
        text("kind"),
        text("actor"),
        text("approver", nullable=True),
        text("reason"),
        instant("recorded_at"),
        text("detail"),
    )
    table(
        "waivers",
        text("account"),
        instant("recorded_at"),
        instant("expires_at"),
        money("drawdown_limit"),
        money("rearm_nav_per_unit"),
        money("tripwire"),
        text("actor"),
        text("approver", nullable=True),
        text("reason"),
    )
    table(
        "flows",
        text("account"),
        text("flow_key"),
        instant("occurred_at"),
        instant("recorded_at"),
        text("asset"),
        money("amount"),
        money("value", nullable=True),
        text("purpose", nullable=True),
        text("instruction_id", nullable=True),
        count("nav_ordinal"),
        money("price_per_unit", nullable=True),
        money("units"),
    )
    table(
        "flow_instructions",
        text("account"),
        text("instruction_id"),
        text("purpose"),
        text("asset"),
        money("amount"),
        instant("window_from"),
        instant("window_until"),
        text("actor"),
        text("approver", nullable=True),
        text("reason"),
        instant("recorded_at"),
    )
    table(
        "flow_classifications",
        text("account"),
        text("flow_key"),
        text("purpose"),
        text("actor"),
        text("approver", nullable=True),
        text("reason"),
        instant("recorded_at"),
    )
    op.create_index("ix_income_occurred", "income", ["account", "occurred_at"])
    op.create_index("ix_nav_snapshots_accepted", "nav_snapshots", ["account", "accepted", "seq"])
    op.create_index("ix_gate_decisions_state", "gate_decisions", ["account", "state", "seq"])
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_incidents_open",
        "incidents",
        ["account", "key"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
