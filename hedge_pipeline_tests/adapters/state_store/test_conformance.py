"""What every state store does, whatever engine keeps it: the port, promise by promise."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.adapters.state_store.tables import CHAINED, TABLES, row_columns
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import ConcurrentAppend, InvalidState
from hedge_pipeline.domain.flows import Flow
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.verdicts import Command, GateDecision, TradingState
from hedge_pipeline.ports import StateStore
from hedge_pipeline_tests.adapters.state_store.examples import NOON, plain

CHAIN = sorted(CHAINED, key=lambda row_class: row_class.__name__)


def nav(ordinal: int, **given: Any) -> NavSnapshot:
    return plain(NavSnapshot, **{"account": "main", "ordinal": ordinal, **given})


def test_it_fulfils_the_port(store: SqlStateStore):
    port: StateStore = store

    assert port.latest(NavSnapshot, "main") is None
    assert port.rows(NavSnapshot, "main") == []
    assert port.open_incidents("main") == []


@pytest.mark.finding("X-13")
@pytest.mark.parametrize("row_class", TABLES, ids=lambda row_class: row_class.__name__)
def test_columns_are_the_fields_in_order_behind_a_row_id(row_class: type[Any]):
    columns = TABLES[row_class].columns
    optional = {
        name
        for name, hint in get_type_hints(row_class).items()
        if type(None) in getattr(hint, "__args__", ())
    }

    assert [column.name for column in row_columns(TABLES[row_class])] == [
        field.name for field in fields(row_class)
    ]
    assert columns.keys()[0] == "seq"
    assert columns.keys()[len(fields(row_class)) + 1 :] == ["settled"] * (row_class is Intent)
    assert {column.name for column in columns if column.nullable} == optional


class TestAppending:
    def test_the_latest_row_is_the_one_appended_last_not_the_one_dated_last(self, store: SqlStateStore):
        later, earlier = nav(1, as_of=NOON), nav(2, as_of=NOON - timedelta(hours=1))
        store.append(later, earlier)

        assert store.latest(NavSnapshot, "main") == earlier

    def test_rows_of_several_tables_are_appended_together(self, store: SqlStateStore):
        store.append(nav(1), plain(Flow, account="main"), nav(2), plain(Command, account="main"))

        assert store.rows(NavSnapshot, "main") == [nav(1), nav(2)]
        assert store.latest(Flow, "main") is not None
        assert store.latest(Command, "main") is not None

    def test_all_rows_are_appended_or_none(self, store: SqlStateStore):
        store.append(nav(1))

        with pytest.raises(ConcurrentAppend):
            store.append(plain(Command, account="main"), nav(2), nav(1), plain(Flow, account="main"))

        assert store.rows(NavSnapshot, "main") == [nav(1)]
        assert store.latest(Command, "main") is None

    def test_nothing_to_append_is_no_error(self, store: SqlStateStore):
        store.append()

    def test_a_row_of_no_table_is_a_mistake_in_the_program(self, store: SqlStateStore):
        with pytest.raises(TypeError, match="SqlStateStore is a row of no table"):
            store.append(store)

    @pytest.mark.parametrize("row_class", CHAIN, ids=lambda row_class: row_class.__name__)
    def test_a_chain_is_continued_once_per_account(self, store: SqlStateStore, row_class: type[Any]):
        store.append(
            plain(row_class, account="main", ordinal=1), plain(row_class, account="hedge", ordinal=1)
        )

        with pytest.raises(ConcurrentAppend, match=f"{TABLES[row_class].name}: 1 of main is taken"):
            store.append(plain(row_class, account="main", ordinal=1))

        store.append(plain(row_class, account="main", ordinal=2))

    def test_a_store_works_on_after_a_refusal(self, store: SqlStateStore):
        store.append(nav(1))
        for _ in range(10):
            with pytest.raises(ConcurrentAppend):
                store.append(nav(1))

        store.append(nav(2))

        assert store.latest(NavSnapshot, "main") == nav(2)


class TestReading:
    def test_accounts_do_not_see_each_other(self, store: SqlStateStore):
        store.append(nav(1), nav(1, account="hedge"))

        assert store.rows(NavSnapshot, "hedge") == [nav(1, account="hedge")]

    def test_rows_come_in_order_of_appending_or_newest_first(self, store: SqlStateStore):
        rows = [nav(ordinal) for ordinal in range(1, 6)]
        store.append(*rows)

        assert store.rows(NavSnapshot, "main") == rows
        assert store.rows(NavSnapshot, "main", limit=2) == rows[:2]
        assert store.rows(NavSnapshot, "main", limit=2, newest_first=True) == rows[:-3:-1]
        assert store.rows(NavSnapshot, "main", limit=9, newest_first=True) == rows[::-1]

    def test_rows_are_chosen_by_what_their_columns_equal(self, store: SqlStateStore):
        accepted = nav(1, accepted=True, as_of=NOON)
        refused = nav(2)
        store.append(accepted, refused)

        assert store.latest(NavSnapshot, "main", accepted=True) == accepted
        assert store.latest(NavSnapshot, "main", as_of=NOON, ordinal=1) == accepted
        assert store.latest(NavSnapshot, "main", as_of=None) == refused
        assert store.latest(NavSnapshot, "main", as_of=None, accepted=True) is None
        assert store.latest(NavSnapshot, "main", as_of=NOON) == accepted, (
            "the statement for unknown is another one"
        )

    def test_ranks_and_words_are_compared_as_they_are_stored(self, store: SqlStateStore):
        halted = plain(GateDecision, account="main", state=TradingState.HALTED)
        active = plain(GateDecision, account="main", state=TradingState.ACTIVE)
        store.append(halted, active)

        assert store.rows(GateDecision, "main", state=TradingState.HALTED) == [halted]

    @pytest.mark.parametrize(
        ("field", "fact"),
        [("treasury_quantities", (("BTC", Decimal(1)),)), ("trading_nav", Decimal(0)), ("as_of", NOON)],
    )
    def test_the_last_known_fact_is_found_behind_any_number_of_failures(
        self, store: SqlStateStore, field: str, fact: Any
    ):
        known = nav(1, **{field: fact})
        store.append(known, *(nav(ordinal) for ordinal in range(2, 40)))

        assert store.latest_known(NavSnapshot, "main", field) == known
        assert store.latest_known(NavSnapshot, "another", field) is None

    def test_some_fields_of_every_row_come_alone(self, store: SqlStateStore):
        store.append(nav(1, as_of=NOON, nav_usd=Decimal("1.50")), nav(1, account="hedge"), nav(2))

        assert store.columns(NavSnapshot, "main", "nav_usd", "ordinal", "as_of", "parts") == [
            (Decimal("1.5"), 1, NOON, ()),
            (None, 2, None, ()),
        ]
        assert store.columns(NavSnapshot, "main", "ordinal", limit=1) == [(1,)]
        assert store.columns(NavSnapshot, "main", "ordinal", limit=5, newest_first=True) == [(2,), (1,)]
        with pytest.raises(TypeError, match="no column nav"):
            store.columns(NavSnapshot, "main", "nav")

    @pytest.mark.parametrize("name", ["nav_usd", "parts", "no_such_column"])
    def test_money_and_nested_values_are_not_compared_in_sql(self, store: SqlStateStore, name: str):
        with pytest.raises(TypeError, match=name):
            store.latest(NavSnapshot, "main", **{name: None})

    def test_a_value_of_the_wrong_type_finds_nothing_by_accident(self, store: SqlStateStore):
        with pytest.raises(InvalidState, match=r"nav_snapshots\.accepted: int where a bool belongs"):
            store.latest(NavSnapshot, "main", accepted=1)

    @pytest.mark.parametrize("equal", [{}, {"accepted": True}, {"ordinal": 3}], ids=str)
    def test_the_latest_row_is_found_without_looking_at_the_others(
        self, store: SqlStateStore, explain: Callable[..., str], equal: dict[str, Any]
    ):
        store.append(nav(1))

        plan = explain(NavSnapshot, **equal)

        assert "ix_nav_snapshots" in plan or "uq_nav_snapshots" in plan or "autoindex_nav_snapshots" in plan
        assert "SCAN" not in plan.upper().replace("INDEX SCAN", "")
        assert "ordinal" in equal or "SORT" not in plan.upper().replace("TEMP B-TREE", "SORT")


@pytest.fixture
def explain(store: SqlStateStore, engine: str) -> Callable[..., str]:
    """How the engine would find the latest row, if the table were large."""

    def plan(row_class: Any, **equal: Any) -> str:
        statement = store._statements.select(
            row_class, equal=tuple(equal), unknown=(), newest_first=True, limit=1
        )
        values = statement.values({"account": "main", **equal})
        if engine == "sqlite":
            return json.dumps(store._database.read(f"EXPLAIN QUERY PLAN {statement.sql}", values))
        with store._database.writing() as connection:
            connection.execute("SET LOCAL enable_seqscan = off")
            connection.execute("SET LOCAL enable_bitmapscan = off")
            return json.dumps(connection.execute(f"EXPLAIN {statement.sql}", values).fetchall())

    return plan


def test_peak_and_valuation_are_told_apart_by_table_alone(store: SqlStateStore):
    store.append(
        plain(PeakState, account="main", ordinal=1), plain(ReservesValuation, account="main", ordinal=1)
    )

    assert isinstance(store.latest(PeakState, "main"), PeakState)
    assert isinstance(store.latest(ReservesValuation, "main"), ReservesValuation)
