"""A NAV snapshot appended to the state store and read back, beside the same SQL with the driver alone.

Both sides keep a commit through a crash and hold one connection open. The driver alone is handed the values of the
columns and gives back what it read, so that all of our own work counts: encoding, decoding, the pool.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import psycopg

from benchmarks.sidebyside import compare
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.statements import Statement
from hedge_pipeline.domain.nav import NavPart, NavSnapshot, WalletResidual
from hedge_pipeline.domain.valuation import REQUIRED_SOURCES
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.adapters.state_store.postgres_server import PostgresServer

APPENDS = 100
ROUNDS = 11
GOAL = 1.5
SOURCES = tuple(
    replace(source, as_of=examples.NOON + n * timedelta(milliseconds=137))
    for n, source in enumerate(examples.healthy(*REQUIRED_SOURCES, "instruments"))
)
ASSETS = ("USDT", "USDC", "BNB", "FDUSD")


def snapshot() -> NavSnapshot:
    """Of an account with four assets, all digits in use."""
    amount = Decimal("12345.12345678")
    return examples.nav_snapshot(
        parts=tuple(
            NavPart(asset=asset, wallet_balance=amount, unrealized_pnl=-amount, rate=Decimal("0.99981234"),
                    value=Decimal("12342.806912345678"), counted=True)
            for asset in ASSETS
        ),
        residuals=tuple(
            WalletResidual(asset=asset, change=amount, income=amount, residual=Decimal(0)) for asset in ASSETS
        ),
        baseline=examples.baseline(dict.fromkeys(ASSETS, amount)),
        source_stamps=tuple((source.source, source.as_of or examples.NOON) for source in SOURCES),
        sources=SOURCES,
    )  # fmt: skip


def ours(store: SqlStateStore, row: NavSnapshot, ordinals: Iterator[int]) -> Callable[[], None]:
    def work() -> None:
        for ordinal in (next(ordinals) for _ in range(APPENDS)):
            store.append(replace(row, ordinal=ordinal))
            found = store.latest(NavSnapshot, row.account)
            assert found is not None
            assert found.ordinal == ordinal

    return work


def driver(
    connection: Any, begin: str, insert: str, latest: Statement, values: list[Any], ordinals: Iterator[int]
) -> Callable[[], None]:
    asked = latest.values({"account": values[0]})

    def work() -> None:
        for ordinal in (next(ordinals) for _ in range(APPENDS)):
            values[1] = ordinal
            connection.execute(begin)
            connection.execute(insert, values)
            connection.execute("COMMIT")
            (found,) = connection.execute(latest.sql, asked).fetchall()
            assert found[1] == ordinal

    return work


def measured(name: str, store: SqlStateStore, connection: Any, begin: str) -> bool:
    row = snapshot()
    statements = store._statements
    latest = statements.select(NavSnapshot, equal=(), unknown=(), newest_first=True, limit=1)
    values = row_codec(NavSnapshot, store._engine).encode(row)
    ordinals = count(1)
    return compare(
        f"{APPENDS} snapshots, {name}",
        ours(store, row, ordinals),
        driver(connection, begin, statements.insert(NavSnapshot), latest, values, ordinals),
        goal=GOAL,
        rounds=ROUNDS,
    )


def on_sqlite() -> bool:
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/state.db"
        with (
            closing(open_state_store(f"sqlite:///{path}", create=True)) as store,
            closing(sqlite3.connect(path, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA synchronous=FULL")
            return measured("SQLite", store, connection, "BEGIN IMMEDIATE")


def on_postgres() -> bool:
    with (
        PostgresServer(durable=True) as server,
        closing(open_state_store(server.url(), create=True)) as store,
        psycopg.connect(server.url(), autocommit=True) as connection,
    ):
        return measured("Postgres", store, connection, "BEGIN")


def main() -> None:
    if not all([on_sqlite(), on_postgres()]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
