"""Rows found by their time, read as they lie, and let go: on both engines."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, hot_rows
from hedge_pipeline.adapters.state_store.tables import CHAINED
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.hot import HOT
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.domain.verdicts import Command, GateDecision, TradingState
from hedge_pipeline_tests.adapters.state_store.examples import NOON, fill, income, intent, plain, update

MINUTE = timedelta(minutes=1)


def navs(count: int, **given: object) -> list[NavSnapshot]:
    return [
        plain(
            NavSnapshot,
            account="main",
            ordinal=n,
            as_of=NOON + n * MINUTE,
            recorded_at=NOON + n * MINUTE,
            **given,
        )
        for n in range(1, count + 1)
    ]


def seqs(store: SqlStateStore, table: type) -> list[int]:
    return [row[0] for row in store.plain(table, "main", "account", most=1000)]


def test_columns_between_two_instants_come_by_that_instant(store: SqlStateStore):
    early, late = navs(3), plain(NavSnapshot, account="main", ordinal=4, as_of=NOON)
    store.append(*early, late, plain(NavSnapshot, account="other", ordinal=1, as_of=NOON))

    found = store.columns_between(
        NavSnapshot, "main", "ordinal", "as_of", on="as_of", start=NOON, end=NOON + 3 * MINUTE
    )

    assert found == [(4, NOON), (1, NOON + MINUTE), (2, NOON + 2 * MINUTE)]
    assert store.columns_between(NavSnapshot, "main", "ordinal", on="as_of", start=NOON, end=NOON) == []


def test_columns_between_can_be_of_accepted_rows_alone(store: SqlStateStore):
    _, bad = navs(2)
    store.append(plain(NavSnapshot, account="main", ordinal=1, as_of=NOON, accepted=True), bad)

    found = store.columns_between(
        NavSnapshot, "main", "ordinal", on="as_of", start=NOON, end=NOON + 5 * MINUTE, accepted=True
    )

    assert found == [(1,)]


def test_money_cannot_be_a_span(store: SqlStateStore):
    with pytest.raises(TypeError, match="trading_nav that can be compared"):
        store.columns_between(NavSnapshot, "main", "ordinal", on="trading_nav", start=NOON, end=NOON)


def test_income_is_found_by_its_stamp(store: SqlStateStore):
    store.append_new_income([income(1), income(2), income(3)])

    found = store.income_within("main", start=NOON + MINUTE, end=NOON + 3 * MINUTE)

    assert [row for _, row in found] == [income(1), income(2)]


def test_plain_rows_are_scalars_and_text(store: SqlStateStore):
    (row,) = navs(1, trading_nav=Decimal("1.5"))
    store.append(row)

    ((seq, nav, stamp, parts),) = store.plain(NavSnapshot, "main", "trading_nav", "as_of", "parts", most=10)

    assert (seq, nav, stamp, parts) == (1, Decimal("1.5"), NOON + MINUTE, "[]")
    assert store.plain(NavSnapshot, "main", "as_of", after=seq, most=10) == []


def test_plain_rows_of_a_span_are_those_recorded_in_it(store: SqlStateStore):
    store.append(*navs(3))

    found = store.plain_between(NavSnapshot, "main", "ordinal", start=NOON + MINUTE, end=NOON + 3 * MINUTE)

    assert [ordinal for _, ordinal in found] == [1, 2]


class TestForgetting:
    @pytest.fixture(autouse=True)
    def few_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hot_rows, "KEPT", 3)
        monkeypatch.setattr(hot_rows, "AT_ONCE", 2)

    def test_the_newest_rows_stay_whatever_is_asked(self, store: SqlStateStore):
        store.append(*navs(10))

        left = store.forget(NavSnapshot, "main", seqs(store, NavSnapshot))

        assert left == 7
        assert [row.ordinal for row in store.rows(NavSnapshot, "main")] == [8, 9, 10]

    def test_the_newest_row_that_knows_a_field_stays(self, store: SqlStateStore):
        known = plain(AccountReading, account="main", positions=(), as_of=NOON)
        store.append(known, *[plain(AccountReading, account="main") for _ in range(9)])

        store.forget(AccountReading, "main", seqs(store, AccountReading))

        assert store.latest_known(AccountReading, "main", "positions") == known
        assert len(store.rows(AccountReading, "main")) == 4

    def test_the_newest_row_of_each_state_stays(self, store: SqlStateStore):
        states = [TradingState.ACTIVE, TradingState.REDUCING, *[TradingState.HALTED] * 8]
        store.append(*[plain(GateDecision, account="main", state=state) for state in states])

        store.forget(GateDecision, "main", seqs(store, GateDecision))

        for state in TradingState:
            assert store.latest(GateDecision, "main", state=state) is not None

    def test_rows_of_other_accounts_stay(self, store: SqlStateStore):
        store.append(*navs(10), plain(NavSnapshot, account="other", ordinal=1))

        store.forget(NavSnapshot, "main", range(1, 100))

        assert store.latest(NavSnapshot, "other") is not None

    def test_a_row_id_is_never_dealt_again(self, store: SqlStateStore):
        store.append(*navs(10))
        store.forget(NavSnapshot, "main", seqs(store, NavSnapshot))
        store.append(plain(NavSnapshot, account="main", ordinal=11))

        assert seqs(store, NavSnapshot) == [8, 9, 10, 11]

    @pytest.mark.parametrize(
        ("row", "name"),
        [
            (plain(Command, account="main"), "commands"),
            (plain(Adoption, account="main"), "adoptions"),
            (fill(1), "fills"),
            (intent(1), "intents"),
            (update(intent(1)), "order_executions"),
        ],
    )
    def test_what_a_person_ordered_and_what_explains_positions_and_orders_never_leaves(
        self, store: SqlStateStore, row: Any, name: str
    ):
        store.append(row)

        with pytest.raises(InvalidState, match=f"{name}: the rows of this table never leave"):
            store.forget(type(row), "main", [1])

    @pytest.mark.parametrize("row_class", HOT, ids=lambda row_class: row_class.__name__)
    def test_rows_of_every_hot_table_leave_and_its_newest_stay(
        self, store: SqlStateStore, row_class: type[Any]
    ):
        given = [{"ordinal": n} if row_class in CHAINED else {} for n in range(1, 11)]
        rows = [
            plain(row_class, account="main", recorded_at=NOON + n * MINUTE, **more)
            for n, more in enumerate(given)
        ]
        store.append(*rows)

        assert store.forget(row_class, "main", seqs(store, row_class)) == 7

        assert store.rows(row_class, "main") == rows[-3:]
