"""Level 3: trading, from what rests at the venue to what the exits cover."""

import sqlalchemy as sa
from alembic import op

from hedge_pipeline.adapters.state_store.migrations.versions.level_0001 import (
    attempt,
    count,
    flag,
    instant,
    money,
    nested,
    table,
    text,
)

revision = "0003"
down_revision = "0002"

HOT = (
    "open_orders",
    "fill_reads",
    "symbol_terms",
    "candles",
    "regimes",
    "ladders",
    "order_plans",
    "exits",
)
LOOKED_UP = {
    "fills": (("symbol",), ("origin",), ("symbol", "origin"), ("symbol", "venue_order_id")),
    "candles": (("symbol",),),
    "regimes": (("symbol",),),
    "ladders": (("symbol",),),
    "order_plans": (("symbol",),),
    "intents": (("symbol",),),
    "order_executions": (("client_order_id",), ("venue_order_id",)),
}


def upgrade() -> None:
    _add_readings()
    _add_fills()
    _add_plans()
    _add_orders()
    _add_exits()
    for name in HOT:
        op.create_index(f"ix_{name}_recorded", name, ["account", "recorded_at"])
    for name, combinations in LOOKED_UP.items():
        for columns in combinations:
            op.create_index(f"ix_{name}_{'_'.join(columns)}", name, ["account", *columns, "seq"])


def _add_readings() -> None:
    attempt("open_orders", nested("orders", nullable=True), nested("sources"))
    attempt("fill_reads", count("rows_read"), count("rows_new"), nested("sources"))
    attempt(
        "symbol_terms", nested("configs", nullable=True), nested("terms", nullable=True), nested("sources")
    )
    table(
        "candles",
        text("account"),
        text("symbol"),
        text("interval"),
        instant("attempted_at"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        nested("candles", nullable=True),
        nested("sources"),
    )


def _add_fills() -> None:
    table(
        "fills",
        text("account"),
        text("symbol"),
        text("fill_id"),
        text("venue_order_id"),
        text("side"),
        text("position_side", nullable=True),
        money("price"),
        money("quantity"),
        money("realized_pnl"),
        money("commission"),
        text("commission_asset"),
        flag("maker"),
        instant("filled_at"),
        instant("recorded_at"),
        text("client_order_id", nullable=True),
        text("origin"),
        sa.UniqueConstraint("account", "symbol", "fill_id", name="uq_fills_key"),
    )


def _add_plans() -> None:
    table(
        "regimes",
        text("account"),
        text("symbol"),
        instant("recorded_at"),
        instant("cycle"),
        nested("reading"),
    )
    table(
        "ladders",
        text("account"),
        text("symbol"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        instant("cycle"),
        money("center", nullable=True),
        money("mid_price", nullable=True),
        nested("ladders", nullable=True),
        nested("left_out"),
        text("funding"),
        text("funding_detail"),
        text("withheld", nullable=True),
    )
    table(
        "order_plans",
        text("account"),
        text("symbol"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        instant("cycle"),
        instant("decided_at", nullable=True),
        nested("keep"),
        nested("cancel"),
        nested("waiting"),
        nested("entries"),
        nested("vetoed"),
        text("withheld", nullable=True),
    )


def _add_orders() -> None:
    table(
        "intents",
        text("account"),
        text("client_order_id"),
        text("symbol"),
        text("strategy"),
        instant("recorded_at"),
        instant("cycle"),
        instant("decided_at", nullable=True),
        nested("order"),
        money("take_profit_price", nullable=True),
        money("stop_loss_price", nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("account", "client_order_id", name="uq_intents_key"),
    )
    op.create_index(
        "ix_intents_unsettled",
        "intents",
        ["account", "seq"],
        sqlite_where=sa.text("settled = 0"),
        postgresql_where=sa.text("NOT settled"),
    )
    table(
        "order_executions",
        text("account"),
        text("client_order_id"),
        text("symbol"),
        instant("recorded_at"),
        instant("as_of"),
        text("answer"),
        text("status", nullable=True),
        text("venue_order_id", nullable=True),
        money("filled_quantity", nullable=True),
        flag("settled"),
        count("code", nullable=True),
        text("message"),
    )


def _add_exits() -> None:
    table(
        "exits",
        text("account"),
        instant("recorded_at"),
        instant("as_of", nullable=True),
        nested("sides"),
        nested("canceled_entries"),
        nested("armed"),
        text("problem", nullable=True),
    )
    table(
        "adoptions",
        text("account"),
        text("symbol"),
        instant("recorded_at"),
        flag("adopted"),
        money("long_quantity"),
        money("short_quantity"),
        instant("fills_before"),
        text("actor"),
        text("reason"),
    )
