"""Openings leave a fifth of the venue's limits to what protects, and nothing is repeated by itself."""

from collections.abc import Iterator

import pytest

from hedge_pipeline.adapters.ccxt_venue.order_counts import OrderCounts
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    PLACE,
    PLACING,
    Trading,
    entry,
    market,
    stop,
    take_profit,
    trading_desk,
)

ANY_READ = "GET /fapi/v1/openAlgoOrders"


@pytest.fixture
def trading() -> Iterator[Trading]:
    with trading_desk() as found:
        found.orders.place([market("m1", "0.1")])
        yield found


def told(trading: Trading, **headers: str) -> None:
    """Let the venue count so much."""
    body = {"code": -2021, "msg": "Order would immediately trigger."}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    trading.fault("POST /fapi/v1/algoOrder", "respond", times=1, status=400, body=body, headers=names)
    trading.orders.place([stop("counting")])


@pytest.mark.parametrize(
    ("header", "counted", "message"),
    [
        ("X_MBX_USED_WEIGHT_1M", "1921", "1921 of 1920"),
        ("X_MBX_ORDER_COUNT_10S", "240", "240 of 240"),
        ("X_MBX_ORDER_COUNT_1M", "960", "960 of 960"),
    ],
)
def test_the_last_fifth_of_each_limit_is_for_what_reduces(
    trading: Trading, header: str, counted: str, message: str
) -> None:
    told(trading, **{header: counted})
    answers = trading.orders.place([entry("e1"), entry("e2", "58000")])
    assert {each.answer for each in answers} == {Answer.DENIED}
    assert message in answers[0].message
    assert trading.place(entry("e1")).answer is Answer.DENIED
    for order in (stop("s1"), take_profit("t1")):
        told(trading, **{header: counted})
        assert trading.place(order).answer is Answer.ACCEPTED


def test_the_last_fifth_is_there_for_cancels_lists_and_look_ups(trading: Trading) -> None:
    (resting,) = trading.orders.place([entry("e1")])
    assert resting.order is not None
    told(trading, X_MBX_USED_WEIGHT_1M="2300")
    assert trading.orders.read_orders().orders is not None
    assert trading.orders.look_up("e1", "BTCUSDT", conditional=False).answer is Answer.ACCEPTED
    assert [each.answer for each in trading.orders.cancel([resting.order])] == [Answer.CANCELED]


def test_nothing_exceeds_the_whole_weight(trading: Trading) -> None:
    told(trading, X_MBX_USED_WEIGHT_1M="2400")
    reading = trading.orders.read_orders()
    assert reading.orders is None
    assert "2400 of 2400" in (reading.sources[0].error or "")


@pytest.mark.parametrize(
    ("header", "counted", "passes_s"),
    [("X_MBX_ORDER_COUNT_10S", "300", 10), ("X_MBX_ORDER_COUNT_1M", "1200", 60)],
)
def test_an_order_count_is_used_up_until_its_window_ends(
    trading: Trading, header: str, counted: str, passes_s: int
) -> None:
    trading.desk.now_ms += 3000
    told(trading, **{header: counted})
    (denied,) = trading.orders.place([stop("s1")])
    assert denied.answer is Answer.DENIED
    trading.desk.now_ms += (passes_s - 4) * 1000
    assert trading.orders.place([stop("s1")])[0].answer is Answer.DENIED
    trading.desk.now_ms += 1000
    assert trading.orders.place([stop("s1")])[0].answer is Answer.ACCEPTED


def test_a_batch_counts_for_five(trading: Trading) -> None:
    told(trading, X_MBX_ORDER_COUNT_10S="236")
    assert {each.answer for each in trading.orders.place([entry("e1"), entry("e2", "58000")])} == {
        Answer.DENIED
    }
    assert trading.place(entry("e1")).answer is Answer.ACCEPTED


def test_orders_the_venue_does_not_count_for_us_are_counted_by_us() -> None:
    counts = OrderCounts(10, 25)
    for _ in range(2):
        counts.spend(5, {}, now_s=100.0, minute_ends_s=130.0)
    assert counts.refusal(1, 1.0, now_s=109.0) == "10 of 10 orders are used (10S) and 1 more would exceed it"
    assert counts.refusal(5, 1.0, now_s=110.0) is None
    counts.spend(9, {}, now_s=110.0, minute_ends_s=130.0)
    assert counts.refusal(1, 0.8, now_s=110.0) is not None
    assert counts.refusal(1, 0.8, now_s=120.0) is None
    assert counts.refusal(2, 0.8, now_s=120.0) == "19 of 20 orders are used (1M) and 2 more would exceed it"
    assert counts.refusal(2, 0.8, now_s=130.0) is None
    assert counts.refusal(0, 0.0, now_s=110.0) is None


@pytest.mark.parametrize("status", [400, 429])
def test_too_many_orders_closes_placing_and_nothing_else(trading: Trading, status: int) -> None:
    (resting,) = trading.orders.place([entry("e1")])
    trading.refuse(PLACE, status, -1015, "Too many new orders.", times=1)
    assert trading.place(entry("e2", "58000")).answer is Answer.REJECTED
    trading.venue.heard.clear()

    denied = trading.place(stop("s1"))
    assert denied.answer is Answer.DENIED
    assert "counted too many" in denied.message
    assert not trading.heard(*PLACING)
    assert trading.orders.read_orders().orders is not None
    assert isinstance(resting.order, KnownOrder)
    assert trading.orders.cancel([resting.order])[0].answer is Answer.CANCELED

    trading.desk.now_ms += 10_000
    assert trading.place(stop("s1")).answer is Answer.ACCEPTED


def test_a_ban_closes_everything_until_it_ends(trading: Trading) -> None:
    trading.fault(ANY_READ, "respond", times=1, status=418, body="", headers={"Retry-After": "120"})
    assert trading.orders.read_orders().orders is None
    trading.venue.heard.clear()
    assert trading.place(stop("s1")).answer is Answer.DENIED
    trading.desk.now_ms += 119_000
    assert trading.place(stop("s1")).answer is Answer.DENIED
    assert not trading.venue.heard
    trading.desk.now_ms += 2000
    assert trading.place(stop("s1")).answer is Answer.ACCEPTED


@pytest.mark.finding("S3-EXCH-2")
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_list_that_meets_a_server_error_is_asked_for_once_more(trading: Trading, status: int) -> None:
    trading.fault(ANY_READ, "respond", times=1, status=status, body="")
    assert trading.orders.read_orders().orders == ()
    assert len(trading.heard(ANY_READ)) == 2
    trading.fault(ANY_READ, "respond", status=status, body="")
    assert trading.orders.read_orders().orders is None
    assert len(trading.heard(ANY_READ)) == 4
