"""What an order may say, and what follows from it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
    reduces_position,
)
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT

ENTRY = NewOrder(
    client_order_id="hp",
    symbol="BTCUSDT",
    kind=OrderKind.ENTRY,
    side=Side.BUY,
    position_side=LONG,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTX,
    quantity=Decimal("0.002"),
    limit_price=Decimal(99_500),
    stop_price=None,
)
STOP = replace(
    ENTRY,
    kind=OrderKind.STOP_LOSS,
    side=Side.SELL,
    order_type=OrderType.STOP_MARKET,
    time_in_force=None,
    limit_price=None,
    stop_price=Decimal(97_000),
)


@pytest.mark.finding("S3-HEDGE-3")
@pytest.mark.parametrize(
    ("side", "position_side", "reduces"),
    [(Side.BUY, LONG, False), (Side.SELL, LONG, True), (Side.SELL, SHORT, False), (Side.BUY, SHORT, True)],
)
def test_side_and_position_side_say_whether_an_order_reduces(side: Side, position_side: Any, reduces):
    assert reduces_position(side, position_side) is reduces
    assert (side is closing_side(position_side)) is reduces
    assert (side is opening_side(position_side)) is not reduces


@pytest.mark.finding("S3-HEDGE-3")
@pytest.mark.parametrize("kind", OrderKind)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("position_side", [LONG, SHORT])
def test_an_entry_opens_and_an_exit_reduces_or_it_is_no_order(
    kind: OrderKind, side: Side, position_side: Any
):
    if (kind is OrderKind.ENTRY) is not reduces_position(side, position_side):
        assert replace(ENTRY, kind=kind, side=side, position_side=position_side).side is side
    else:
        with pytest.raises(InvalidState, match=f"{side} {position_side} is no {kind}"):
            replace(ENTRY, kind=kind, side=side, position_side=position_side)


def test_post_only_is_a_time_in_force():
    assert ENTRY.post_only
    assert not replace(ENTRY, time_in_force=TimeInForce.GTC).post_only


def test_a_stop_may_close_the_whole_position_and_nothing_else_may():
    assert replace(STOP, quantity=None).reduces_position
    with pytest.raises(InvalidState, match="give its quantity"):
        replace(ENTRY, quantity=None)


@pytest.mark.parametrize(
    ("order", "changes", "told"),
    [
        (ENTRY, {"limit_price": None}, "limit_price"),
        (ENTRY, {"time_in_force": None}, "time_in_force"),
        (ENTRY, {"stop_price": Decimal(1)}, "stop_price"),
        (ENTRY, {"quantity": Decimal(0)}, "quantity is 0"),
        (ENTRY, {"limit_price": Decimal("NaN")}, "limit_price is NaN"),
        (STOP, {"stop_price": None}, "stop_price"),
        (STOP, {"limit_price": Decimal(1)}, "limit_price"),
        (STOP, {"time_in_force": TimeInForce.GTC}, "time_in_force"),
        (STOP, {"order_type": OrderType.MARKET}, "stop_price"),
    ],
)
def test_an_order_with_a_part_too_many_or_too_few_is_refused_by_name(
    order: NewOrder, changes: dict[str, Any], told: str
):
    with pytest.raises(InvalidState, match=told):
        replace(order, **changes)


def test_a_market_order_has_no_price():
    assert replace(STOP, order_type=OrderType.MARKET, stop_price=None).reduces_position


@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_works_until_its_end_is_known(status: OrderStatus):
    order = KnownOrder(
        client_order_id="hp",
        venue_order_id=None,
        symbol="BTCUSDT",
        side=Side.BUY,
        position_side=LONG,
        order_type=OrderType.LIMIT,
        status=status,
        limit_price=Decimal(99_500),
        stop_price=None,
        quantity=Decimal("0.002"),
        filled_quantity=Decimal("0.0005"),
    )
    works = status in {OrderStatus.PENDING, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}

    assert status.is_working is works
    assert order.remaining_quantity == (Decimal("0.0015") if works else 0)
