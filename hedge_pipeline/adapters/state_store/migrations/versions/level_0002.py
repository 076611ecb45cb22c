"""Level 2: publications, a predecessor's NAVs, what is a copy, and rows found by their time so that a closed day can leave."""

import sqlalchemy as sa
from alembic import op

from hedge_pipeline.adapters.state_store.migrations.versions.level_0001 import (
    INSTANT,
    count,
    instant,
    money,
    nested,
    table,
    text,
)

revision = "0002"
down_revision = "0001"

HOT = (
    "accounts",
    "marks",
    "instruments",
    "income_reads",
    "prices",
    "reserves_valuations",
    "nav_snapshots",
    "peak_states",
    "gate_decisions",
    "publications",
)
DATED = ("nav_snapshots", "peak_states")


def upgrade() -> None:
    _say_what_is_a_copy()
    table(
        "publications",
        text("account"),
        instant("attempted_at"),
        instant("recorded_at"),
        text("target"),
        text("env"),
        text("run_id"),
        text("writer_id"),
        text("health"),
        nested("documents"),
        count("points_written"),
        instant("points_through", nullable=True),
        text("error", nullable=True),
    )
    table(
        "imported_navs",
        text("account"),
        text("source"),
        instant("as_of"),
        money("nav"),
        money("peak", nullable=True),
        instant("recorded_at"),
    )
    for name in HOT:
        op.create_index(f"ix_{name}_recorded", name, ["account", "recorded_at"])
    for name in DATED:
        op.create_index(f"ix_{name}_dated", name, ["account", "as_of"])


def _say_what_is_a_copy() -> None:
    """A store that is made now has the column from the start."""
    columns = sa.inspect(op.get_bind()).get_columns("store_meta")
    if "copied_at" not in {column["name"] for column in columns}:
        op.add_column("store_meta", sa.Column("copied_at", INSTANT, nullable=True))
