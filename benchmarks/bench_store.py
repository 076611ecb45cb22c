"""A NAV snapshot appended to the state store and read back, beside the same SQL with the driver alone.

Both sides keep a commit through a crash and hold one connection open. The driver is handed columns that are ready,
once with nested values as text and once as the plain lists and objects that ``json`` writes and reads; the store is
handed a dataclass and gives one back, so that all of its own work counts.
"""

import gc
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count, islice
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

from benchmarks.sidebyside import compare
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.statements import Statements
from hedge_pipeline.domain.acceptance import REQUIRED_SOURCES
from hedge_pipeline.domain.nav import NavPart, NavSnapshot, WalletResidual
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.adapters.state_store.postgres_server import PostgresServer

APPENDS = 100
ROUNDS = 11
GOAL = 1.5
GOAL_ALONE = 2.5
BARE = "bare"
"""Account of the rows that the driver appends."""
ASSETS = ("USDT", "USDC", "BNB", "FDUSD")


def snapshot(ordinal: int) -> NavSnapshot:
    """Of an account with four assets, all digits in use, half a minute after the one before."""
    at = examples.NOON + ordinal * timedelta(seconds=30)
    amount = Decimal("12345.12345678") + ordinal * Decimal("0.00070001")
    healthy = examples.healthy(*REQUIRED_SOURCES, "instruments")
    sources = tuple(
        replace(source, as_of=at + n * timedelta(milliseconds=137)) for n, source in enumerate(healthy)
    )
    return examples.nav_snapshot(
        ordinal=ordinal,
        attempted_at=at,
        recorded_at=at + timedelta(milliseconds=1217),
        as_of=sources[0].as_of,
        trading_nav=4 * amount,
        nav_usd=4 * amount * Decimal("0.99981234"),
        parts=tuple(
            NavPart(asset=asset, wallet_balance=n * amount, unrealized_pnl=-amount, rate=Decimal("0.99981234"),
                    value=n * amount * Decimal("0.99981234"), counted=True)
            for n, asset in enumerate(ASSETS, 2)
        ),
        residuals=tuple(
            WalletResidual(asset=asset, change=n * amount, income=n * amount, residual=Decimal(0))
            for n, asset in enumerate(ASSETS, 1)
        ),
        baseline=examples.baseline({asset: n * amount for n, asset in enumerate(ASSETS, 2)}),
        source_stamps=tuple((source.source, source.as_of or at) for source in sources),
        sources=sources,
    )  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """One connection and what it is asked to do."""

    connection: Any
    begin: str
    insert: str
    latest: str
    asked: list[Any]

    def cycle(self, values: list[Any]) -> list[Any]:
        self.connection.execute(self.begin)
        self.connection.execute(self.insert, values)
        self.connection.execute("COMMIT")
        (found,) = self.connection.execute(self.latest, self.asked).fetchall()
        assert found[1] == values[1]
        return list(found)

    def alone(self, values: list[Any], ordinals: Iterator[int]) -> None:
        for ordinal in islice(ordinals, APPENDS):
            self.cycle([BARE, ordinal, *values[2:]])

    def with_json(self, plain: list[Any], nested: list[int], ordinals: Iterator[int]) -> None:
        for ordinal in islice(ordinals, APPENDS):
            values = [BARE, ordinal, *plain[2:]]
            for index in nested:
                values[index] = json.dumps(values[index])
            found = self.cycle(values)
            for index in nested:
                found[index] = json.loads(found[index])


def measured(name: str, store: SqlStateStore, connection: Any, begin: str) -> bool:
    rows = iter([snapshot(ordinal) for ordinal in range(1, 2 * (ROUNDS + 1) * APPENDS + 1)])
    statements = Statements(store.dialect)
    latest = statements.select(NavSnapshot, equal=(), unknown=(), newest_first=True, limit=1)
    values = row_codec(NavSnapshot, store.dialect.name).encode(snapshot(1))
    nested = [index for index, value in enumerate(values) if isinstance(value, str) and value[0] in "[{"]
    plain = [json.loads(value) if index in nested else value for index, value in enumerate(values)]
    driver = Driver(
        connection, begin, statements.insert(NavSnapshot), latest.sql, latest.values({"account": BARE})
    )
    ordinals = count(1)

    def ours() -> None:
        for row in islice(rows, APPENDS):
            store.append(row)
            found = store.latest(NavSnapshot, row.account)
            assert found is not None
            assert found.ordinal == row.ordinal

    gc.freeze()  # the prepared rows are nobody's to walk through
    with_json = compare(
        f"{name}, driver and json",
        ours,
        lambda: driver.with_json(plain, nested, ordinals),
        goal=GOAL,
        rounds=ROUNDS,
    )
    alone = compare(
        f"{name}, driver alone", ours, lambda: driver.alone(values, ordinals), goal=GOAL_ALONE, rounds=ROUNDS
    )
    return with_json and alone


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
        connection.adapters.register_loader("jsonb", TextLoader)
        return measured("Postgres", store, connection, "BEGIN")


def main() -> None:
    if not all([on_sqlite(), on_postgres()]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
