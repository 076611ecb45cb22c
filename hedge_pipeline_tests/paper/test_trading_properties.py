"""Whatever is ordered and wherever the price goes, the books add up."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.orders import opens
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline_tests.paper.price_path import BTC, Desk

ways = st.sampled_from(["BUY LONG", "SELL LONG", "BUY SHORT", "SELL SHORT"])
prices = st.integers(min_value=5700, max_value=6300).map(lambda tens: tens * 10)
quantities = st.integers(min_value=2, max_value=900).map(lambda n: str(Decimal(n) / 1000))
forces = st.sampled_from(["GTC", "GTX", "IOC", "FOK"])
triggers = st.sampled_from(["STOP_MARKET", "TAKE_PROFIT_MARKET"])
actions = st.one_of(
    st.tuples(st.just("limit"), ways, prices, quantities, forces),
    st.tuples(st.just("market"), ways, quantities),
    st.tuples(st.just("conditional"), ways, triggers, prices, st.booleans()),
    st.tuples(st.just("walk"), prices),
    st.tuples(st.just("walk"), prices),
    st.tuples(st.just("crash"), st.integers(min_value=20_000, max_value=120_000)),
    st.tuples(st.just("cancel")),
)
histories = st.lists(actions, min_size=5, max_size=40)
seeds = st.integers(min_value=0, max_value=2**32)


def lived(history: Sequence[Any], *, seed: int, balance: str = "20000") -> Desk:
    desk = Desk(seed=seed, partial_share="0.5", balance=balance)
    for name, *arguments in history:
        try:
            match name, arguments:
                case "limit", [way, price, quantity, force]:
                    desk.limit(way, price, quantity, timeInForce=force)
                case "market", [way, quantity]:
                    desk.market(way, quantity)
                case "conditional", [way, kind, trigger, whole]:
                    desk.conditional(way, kind, trigger, **({"closePosition": "true"} if whole else {}))
                case "cancel", _:
                    desk.ask(trading.cancel_all_orders)
                case "crash", [price]:
                    desk.walk(price)
                    desk.wait(60_000)
                case _:
                    desk.walk(*arguments)
        except Refusal:
            continue
    return desk


@given(history=histories, seed=seeds)
def test_the_wallet_changes_by_its_income_rows_and_by_nothing_else(*, history: list[Any], seed: int):
    desk = lived(history, seed=seed)
    rows = desk.core.ledger.rows

    assert desk.core.ledger.balances["USDT"] - 20_000 == sum(row.amount for row in rows)
    by_type: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        by_type[row.income_type] += row.amount
    assert by_type["REALIZED_PNL"] == sum(t.realized_pnl for t in desk.core.trades)
    assert by_type["COMMISSION"] == -sum(t.commission for t in desk.core.trades)
    assert set(by_type) <= {"REALIZED_PNL", "COMMISSION", "INSURANCE_CLEAR"}


@given(history=histories, seed=seeds)
def test_a_position_is_the_sum_of_its_fills_and_never_turns_over(*, history: list[Any], seed: int):
    desk = lived(history, seed=seed)

    held: dict[str, Decimal] = defaultdict(Decimal)
    for trade in desk.core.trades:
        enlarges = opens(trade.side, trade.position_side)
        held[trade.position_side] += trade.quantity if enlarges else -trade.quantity
        assert held[trade.position_side] >= 0
    assert all(desk.held(side) == held[side] for side in ("LONG", "SHORT"))


@given(history=histories, seed=seeds)
def test_the_fills_of_an_order_are_its_executed_quantity_within_its_limit(*, history: list[Any], seed: int):
    desk = lived(history, seed=seed)

    fills: dict[int, list[Any]] = defaultdict(list)
    for trade in desk.core.trades:
        fills[trade.order_id].append(trade)
    for order in desk.core.order_book.orders.values():
        mine = fills.pop(order.order_id, [])
        assert len(mine) == order.fills
        assert sum(t.quantity for t in mine) == order.filled_quantity <= order.quantity
        assert sum(t.quantity * t.price for t in mine) == order.filled_quote
        assert all(t.quantity > 0 and t.quantity % Decimal("0.001") == 0 for t in mine)
        assert (order.status == "FILLED") == (order.filled_quantity == order.quantity)
        if order.order_type == "LIMIT":
            assert all(t.price <= order.price if t.side == "BUY" else t.price >= order.price for t in mine)
        if order.order_type == "MARKET":
            assert order.status == "FILLED"
        if order.time_in_force == "FOK":
            assert len(mine) == 1
            assert order.status == "FILLED"
        if order.time_in_force == "GTX":
            assert all(t.maker for t in mine)
        if order.time_in_force in {"IOC", "FOK"}:
            assert not order.is_working
    assert not fills


@given(history=histories, seed=seeds)
def test_resting_closes_never_exceed_the_position(*, history: list[Any], seed: int):
    desk = lived(history, seed=seed)

    for side in ("LONG", "SHORT"):
        resting = desk.core.order_book.resting_closes(BTC, "LONG" if side == "LONG" else "SHORT")
        assert sum(o.remaining_quantity for o in resting) <= desk.held(side)


@given(history=histories, seed=seeds)
def test_the_same_orders_on_the_same_path_are_the_same_history(*, history: list[Any], seed: int):
    one, other = lived(history, seed=seed).core, lived(history, seed=seed).core

    assert one.trades == other.trades
    assert one.ledger.rows == other.ledger.rows
    assert one.order_book == other.order_book
    assert one.positions == other.positions


@given(history=histories, seed=seeds)
def test_a_wallet_that_holds_nothing_is_not_in_debt(*, history: list[Any], seed: int):
    desk = lived([*history, ("crash", 20_000), ("crash", 120_000)], seed=seed, balance="2000")

    if not any(p.quantity for p in desk.core.positions.values()):
        assert desk.core.ledger.balances["USDT"] >= 0


def test_another_seed_cuts_other_fills():
    history = [("limit", "BUY LONG", 59_900, "0.5", "GTC"), *[("walk", 59_900)] * 5]

    cuts = {tuple(t.quantity for t in lived(history, seed=seed).core.trades) for seed in range(20)}
    assert len(cuts) > 5
