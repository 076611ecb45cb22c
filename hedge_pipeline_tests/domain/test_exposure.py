"""What an account holds and may come to hold: everything counts, nothing is netted, and what is unknown is unknown."""

from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.exposure import Exposure, exposure
from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline_tests.domain.order_examples import entry, position, rests, stop, take_profit
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT

MARKS = {"BTCUSDT": CENTER}


def exposed(positions: Any = (), resting: Any = (), proposed: Any = (), marks: Any = MARKS) -> Exposure:
    known = exposure(positions, resting, proposed, marks)
    assert known is not None
    return known


def test_position_resting_and_proposed_count_together():
    total = exposed([position("0.01")], [rests(entry("0.02"))], [entry("0.03")])

    assert total.of("BTCUSDT", LONG).quantity == Decimal("0.06")
    assert total.of("BTCUSDT", LONG).notional_usd == 6000
    assert total.of("BTCUSDT", SHORT).quantity == 0


def test_both_sides_count_in_full():
    total = exposed([position("0.01"), position("0.01", SHORT)])

    assert total.open_sides == 2
    assert total.notional_usd == total.of_symbols(["BTCUSDT"]) == 2000
    assert total.of_symbols(["ETHUSDT"]) == 0


def test_an_order_above_mark_counts_at_its_limit():
    assert exposed(proposed=[entry("0.01", 110_000, SHORT)]).notional_usd == 1100


def test_exits_add_nothing():
    exits = [take_profit("5"), stop("5"), stop(None)]

    assert exposed(resting=[rests(each) for each in exits], proposed=exits).notional_usd == 0


@pytest.mark.parametrize(
    ("status", "filled", "counted"),
    [
        (OrderStatus.PENDING, 0, "0.01"),
        (OrderStatus.PARTIALLY_FILLED, "0.004", "0.006"),
        (OrderStatus.CANCELED, 0, 0),
        (OrderStatus.FILLED, "0.01", 0),
    ],
)
def test_an_order_counts_while_it_may_fill(status: OrderStatus, filled: str, counted: str):
    resting = rests(entry("0.01"), status=status, filled_quantity=Decimal(filled))

    assert exposed(resting=[resting]).of("BTCUSDT", LONG).quantity == Decimal(counted)


def test_other_peoples_orders_count_like_ours():
    assert exposed(resting=[rests(entry("0.01"), client_order_id="web_1")]).notional_usd == 1000


@pytest.mark.parametrize(
    ("positions", "resting", "proposed", "marks"),
    [
        (None, (), (), MARKS),
        ((), None, (), MARKS),
        ((), (), (), None),
        ([position()], (), (), {}),
        ([position()], (), (), {"BTCUSDT": Decimal("NaN")}),
        ([position()], (), (), {"BTCUSDT": Decimal(0)}),
        ([position("NaN")], (), (), MARKS),
        ([position("-1")], (), (), MARKS),
        ((), [rests(entry(), quantity=Decimal("Infinity"))], (), MARKS),
        ((), [rests(entry(), limit_price=Decimal("NaN"))], (), MARKS),
        ((), [rests(entry(), symbol="ETHUSDT")], (), MARKS),
        ((), (), [entry(symbol="ETHUSDT")], MARKS),
    ],
)
def test_one_part_unknown_is_all_unknown(positions: Any, resting: Any, proposed: Any, marks: Any):
    assert exposure(positions, resting, proposed, marks) is None


def test_a_flat_position_needs_no_mark():
    assert exposed([position("0", symbol="ETHUSDT")]).open_sides == 0
