"""An account sends so many orders in ten seconds and in a minute, and every answer says how many it sent."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.order_counts import ORDER_COUNTS, OrderCounts
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline_tests.paper.conftest import NOON_MS, ManualClock, pointed

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "positionSide": "LONG",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "1",
    "quantity": "1",
}


@pytest.fixture
def client(core: Core, clock: ManualClock) -> Iterator[Any]:
    with serve(PaperVenue(core, clock)) as url:
        yield pointed(url, clock)


def reported(client: Any) -> tuple[str | None, str | None]:
    headers = client.last_response_headers
    return headers.get("X-MBX-ORDER-COUNT-10S"), headers.get("X-MBX-ORDER-COUNT-1M")


def test_orders_count_one_and_a_batch_five_in_ten_seconds_taken_or_refused(client: Any, clock: ManualClock):
    with pytest.raises(ccxt.ExchangeError):
        client.fapiPrivatePostOrder(ORDER)
    assert reported(client) == ("1", "1")
    client.fapiPrivatePostBatchOrders({"batchOrders": [ORDER, ORDER]})
    assert reported(client) == ("6", "2")
    clock.advance(10_000)
    with pytest.raises(ccxt.ExchangeError):
        client.fapiPrivatePostAlgoOrder({"algoType": "CONDITIONAL"})
    assert reported(client) == ("1", "3")


def test_nothing_else_counts(client: Any):
    client.fapiPrivateDeleteAllOpenOrders({"symbol": "BTCUSDT"})
    assert reported(client) == (None, None)
    client.fapiPrivateGetOpenOrders({"symbol": "BTCUSDT"})
    assert reported(client) == (None, None)


def test_the_order_after_the_last_one_waits_for_the_next_ten_seconds(client: Any, clock: ManualClock):
    for _ in range(60):
        client.fapiPrivatePostBatchOrders({"batchOrders": [ORDER, ORDER]})
    with pytest.raises(ccxt.DDoSProtection, match="-1015"):
        client.fapiPrivatePostOrder(ORDER)
    assert "Retry-After" not in client.last_response_headers
    client.fapiPrivateDeleteAllOpenOrders({"symbol": "BTCUSDT"})

    clock.advance(10_000)
    with pytest.raises(ccxt.ExchangeError):
        client.fapiPrivatePostOrder(ORDER)
    assert reported(client) == ("1", "61")


def test_a_minute_has_room_for_twelve_hundred():
    counts = OrderCounts(limited=True)
    for sent in range(1200):
        counts.send("POST /fapi/v1/order", NOON_MS + sent * 40)
    with pytest.raises(Refusal, match="1200 orders per 1 MINUTE"):
        counts.send("POST /fapi/v1/order", NOON_MS + 59_999)

    assert counts.send("POST /fapi/v1/order", NOON_MS + 60_000)["X-MBX-ORDER-COUNT-1M"] == "1"


def test_a_venue_without_limits_counts_all_the_same():
    counts = OrderCounts(limited=False)

    assert [counts.send("POST /fapi/v1/order", NOON_MS) for _ in range(400)][-1][
        "X-MBX-ORDER-COUNT-10S"
    ] == "400"


def test_the_limits_are_those_the_venue_tells(client: Any):
    told = {
        (limit["intervalNum"], limit["interval"]): limit["limit"]
        for limit in client.fapiPublicGetExchangeInfo()["rateLimits"]
        if limit["rateLimitType"] == "ORDERS"
    }

    assert told == {(1, "MINUTE"): 1200, (10, "SECOND"): 300}
    assert set(ORDER_COUNTS) == {f"POST /fapi/v1/{name}" for name in ("order", "batchOrders", "algoOrder")}
