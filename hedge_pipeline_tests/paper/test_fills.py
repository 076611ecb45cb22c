"""An execution moves the position at average cost and books what the venue books, to the digit."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.paper.fills import Execution, FeeRates, execute
from hedge_pipeline.paper.orders import Side
from hedge_pipeline_tests.paper.price_path import BTC, Desk

ULP = Decimal("1e-8")
TESTNET_FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0004"))


@pytest.fixture(scope="module")
def recorded(recorded_data: Path) -> list[dict[str, str]]:
    path = recorded_data / "binance_api" / "userTrades_testnet_BTCUSDT_first80.csv"
    with path.open() as file:
        return list(csv.DictReader(file))


def replayed(rows: list[dict[str, str]]) -> Desk:
    """The recorded account was in one-way mode and always short: its sales open a short, its purchases reduce it."""
    desk = Desk()
    for row in rows:
        side: Side = "SELL" if row["side"] == "SELL" else "BUY"
        execution = Execution(
            symbol=BTC,
            order_id=int(row["orderId"]),
            side=side,
            position_side="SHORT",
            price=Decimal(row["price"]),
            quantity=Decimal(row["qty"]),
            maker=row["maker"] == "True",
        )
        execute(desk.core, execution, now_ms=int(row["time"]), fees=TESTNET_FEES)
    return desk


def test_recorded_trades_realize_what_the_venue_says_they_did(recorded: list[dict[str, str]]):
    trades = replayed(recorded).core.trades

    wrong = [
        (row["id"], trade.realized_pnl, row["realizedPnl"])
        for trade, row in zip(trades, recorded, strict=True)
        if abs(trade.realized_pnl - Decimal(row["realizedPnl"])) > ULP
    ]
    assert wrong == []
    exact = sum(t.realized_pnl == Decimal(r["realizedPnl"]) for t, r in zip(trades, recorded, strict=True))
    assert exact >= 79  # the venue's own last digit of 103896.1 − 103895.8 is one too low


def test_recorded_trades_cost_the_commission_the_venue_took(recorded: list[dict[str, str]]):
    for trade, row in zip(replayed(recorded).core.trades, recorded, strict=True):
        assert abs(trade.commission - Decimal(row["commission"])) <= ULP


def test_the_income_list_of_recorded_trades_is_their_profits_and_commissions(recorded: list[dict[str, str]]):
    core = replayed(recorded).core
    booked = [(r.income_type, r.amount, r.trade_id) for r in core.ledger.rows]

    expected: list[Any] = []
    for trade in core.trades:
        if trade.realized_pnl:
            expected.append(("REALIZED_PNL", trade.realized_pnl, str(trade.trade_id)))
        expected.append(("COMMISSION", -trade.commission, str(trade.trade_id)))
    assert booked == expected
    venue = sum(Decimal(r["realizedPnl"]) - Decimal(r["commission"]) for r in recorded)
    assert abs(core.ledger.balances["USDT"] - 100_000 - venue) <= len(recorded) * ULP


def test_more_than_the_position_cannot_be_closed():
    core = Desk().core
    execution = Execution(
        symbol=BTC,
        order_id=1,
        side="SELL",
        position_side="LONG",
        price=Decimal(60000),
        quantity=Decimal("0.1"),
        maker=False,
    )

    with pytest.raises(ValueError, match=r"closes 0\.1 of 0"):
        execute(core, execution, now_ms=0)
    assert core.trades == []
    assert core.ledger.rows == []


prices = st.decimals(min_value=50_000, max_value=70_000, places=1)
quantities = st.integers(min_value=1, max_value=5000).map(lambda thousandths: Decimal(thousandths) / 1000)


@given(entries=st.lists(st.tuples(prices, quantities), min_size=1, max_size=6), exit_price=prices)
def test_a_position_that_is_closed_has_realized_what_was_paid_less_what_was_got(
    *, entries: list[tuple[Decimal, Decimal]], exit_price: Decimal
):
    core = Desk(balance="1000000000").core

    def executed(side: Side, price: Decimal, quantity: Decimal) -> None:
        execution = Execution(
            symbol=BTC,
            order_id=1,
            side=side,
            position_side="SHORT",
            price=price,
            quantity=quantity,
            maker=True,
        )
        execute(core, execution, now_ms=0)

    for price, quantity in entries:
        executed("SELL", price, quantity)
    total = sum((q for _, q in entries), Decimal(0))
    executed("BUY", exit_price, total)

    realized = sum(t.realized_pnl for t in core.trades)
    assert abs(realized - sum(p * q for p, q in entries) + exit_price * total) < Decimal("1e-6")
