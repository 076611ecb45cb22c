"""Three clients read every answer of the venue alike: its own SDK, and ccxt, waiting and not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from binance_common import utils
from binance_common.errors import Error as BinanceError

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.endpoints import ENDPOINTS
from hedge_pipeline.paper.liquidation import deleverage
from hedge_pipeline.paper.requests import Answer, Request
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.clients import Awaited, Call, Official, Waiting
from hedge_pipeline_tests.paper.conftest import HOUR_MS, MINUTE_MS, NOON_MS, ManualClock

BTC = "BTCUSDT"
FUNDING_MS = NOON_MS + 4 * HOUR_MS
ORDER = {
    "symbol": BTC,
    "side": "BUY",
    "positionSide": "LONG",
    "type": "LIMIT",
    "timeInForce": "GTX",
    "price": "40000",
    "quantity": "0.012",
}
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": BTC,
    "side": "SELL",
    "positionSide": "LONG",
    "type": "STOP_MARKET",
    "triggerPrice": "40000",
    "workingType": "MARK_PRICE",
    "quantity": "0.01",
}


UNKNOWN_TO_SDK = {
    *("priceMatch", "selfTradePreventionMode", "goodTillDate", "priceProtect"),  # of forced orders
    *("actualQty", "actualType"),  # of conditional orders in a list
    *("avgPrice", "cumQuote"),  # of the orders of a batch
}
"""Fields the venue has, as recordings and its documentation show, and its SDK's models have not."""


CALLS = [
    Call("GET /fapi/v1/time", "check_server_time"),
    Call("GET /fapi/v1/exchangeInfo", "exchange_information"),
    Call("GET /fapi/v1/premiumIndex", "mark_price"),
    Call("GET /fapi/v1/premiumIndex", "mark_price", {"symbol": BTC}),
    Call("GET /fapi/v1/fundingInfo", "get_funding_rate_info"),
    Call("GET /fapi/v1/fundingRate", "get_funding_rate_history", {"symbol": BTC, "limit": 3}),
    Call("GET /fapi/v1/assetIndex", "asset_index"),
    Call("GET /fapi/v1/assetIndex", "asset_index", {"symbol": "BTCUSD"}),
    Call("GET /fapi/v1/klines", "kline_candlestick_data", {"symbol": BTC, "interval": "1h", "limit": 3}),
    Call(
        "GET /fapi/v1/markPriceKlines",
        "mark_price_kline_candlestick_data",
        {"symbol": BTC, "interval": "1h", "limit": 3},
    ),
    Call("GET /fapi/v3/account", "account_information_v3"),
    Call("GET /fapi/v3/positionRisk", "position_information_v3"),
    Call("GET /fapi/v1/accountConfig", "futures_account_configuration"),
    Call("GET /fapi/v1/symbolConfig", "symbol_configuration", {"symbol": BTC}),
    Call("GET /fapi/v1/positionSide/dual", "get_current_position_mode"),
    Call("GET /fapi/v1/multiAssetsMargin", "get_current_multi_assets_mode"),
    Call("GET /fapi/v1/leverageBracket", "notional_and_leverage_brackets"),
    Call("GET /fapi/v1/leverageBracket", "notional_and_leverage_brackets", {"symbol": BTC}),
    Call("GET /fapi/v1/income", "get_income_history", {"limit": 10}),
    Call("GET /fapi/v1/userTrades", "account_trade_list", {"symbol": BTC}),
    Call("GET /fapi/v1/order", "query_order", {"symbol": BTC, "origClientOrderId": "resting"}),
    Call(
        "GET /fapi/v1/openOrder", "query_current_open_order", {"symbol": BTC, "origClientOrderId": "resting"}
    ),
    Call("GET /fapi/v1/openOrders", "current_all_open_orders"),
    Call("GET /fapi/v1/allOrders", "all_orders", {"symbol": BTC}),
    Call("GET /fapi/v1/forceOrders", "users_force_orders"),
    Call("GET /fapi/v1/algoOrder", "query_algo_order", {"clientAlgoId": "stop"}),
    Call("GET /fapi/v1/openAlgoOrders", "current_all_algo_open_orders"),
    Call("GET /fapi/v1/allAlgoOrders", "query_all_algo_orders", {"symbol": BTC}),
    Call("POST /fapi/v1/order", "new_order", {**ORDER, "newClientOrderId": "another"}),
    Call(
        "POST /fapi/v1/batchOrders",
        "place_multiple_orders",
        {"batchOrders": [ORDER, {**ORDER, "price": "1"}]},
    ),
    Call("POST /fapi/v1/algoOrder", "new_algo_order", {**STOP, "clientAlgoId": "another"}),
    Call(
        "POST /fapi/v1/countdownCancelAll",
        "auto_cancel_all_open_orders",
        {"symbol": BTC, "countdownTime": 9000},
    ),
    Call("POST /fapi/v1/leverage", "change_initial_leverage", {"symbol": BTC, "leverage": 7}),
    Call("DELETE /fapi/v1/order", "cancel_order", {"symbol": BTC, "origClientOrderId": "resting"}),
    Call(
        "DELETE /fapi/v1/batchOrders",
        "cancel_multiple_orders",
        {"symbol": BTC, "orderIdList": ["1", "5000000001"]},
    ),
    Call("DELETE /fapi/v1/allOpenOrders", "cancel_all_open_orders", {"symbol": BTC}),
    Call("DELETE /fapi/v1/algoOrder", "cancel_algo_order", {"clientAlgoId": "stop"}),
    Call("DELETE /fapi/v1/algoOpenOrders", "cancel_all_algo_open_orders", {"symbol": BTC}),
]
REFUSED = [
    (Call("POST /fapi/v1/order", "new_order", {**ORDER, "price": "40000.05"}), -4014),
    (Call("POST /fapi/v1/order", "new_order", {**ORDER, "quantity": "900"}), -2019),
    (Call("DELETE /fapi/v1/order", "cancel_order", {"symbol": BTC, "orderId": 1}), -2011),
    (Call("GET /fapi/v1/order", "query_order", {"symbol": BTC, "orderId": 1}), -2013),
    (Call("POST /fapi/v1/leverage", "change_initial_leverage", {"symbol": BTC, "leverage": 126}), -4028),
    (Call("POST /fapi/v1/marginType", "change_margin_type", {"symbol": BTC, "marginType": "CROSSED"}), -4046),
    (Call("POST /fapi/v1/positionSide/dual", "change_position_mode", {"dualSidePosition": "true"}), -4059),
]


def _within(sent: Any, read: Any, unread: set[str]) -> Any:
    """What was sent, without the fields that were not read, whose names are collected."""
    if isinstance(sent, dict) and isinstance(read, dict):
        unread |= set(sent) - set(read)
        return {name: _within(sent[name], value, unread) for name, value in read.items() if name in sent}
    if isinstance(sent, list) and isinstance(read, list) and len(sent) == len(read):
        return [_within(*pair, unread) for pair in zip(sent, read, strict=True)]
    return sent


def _as_text(read: Any) -> Any:
    """Numbers as they are written, so that 0.004 and "0.004" are the same; what is null is left out."""
    match read:
        case dict():
            return {name: _as_text(value) for name, value in read.items() if value is not None}
        case list() | tuple():
            return [_as_text(value) for value in read]
        case bool():
            return read
        case int() | float():
            return str(read)
    return read


@dataclass
class Session:
    """A client of a venue of its own, and what that venue answered it."""

    ask: Callable[[Call], Any]
    core: Core
    answers: list[Answer]


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """One for all venues, because clients are costly to open and to close; it starts anew with each."""
    return ManualClock()


@pytest.fixture(scope="module", params=[Waiting, Awaited, Official], ids=["ccxt", "ccxt async", "SDK"])
def client(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Any]:
    opened = request.param(clock)
    yield opened
    opened.close()


@pytest.fixture
def session(client: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A venue on which an order and a stop rest, and something was traded, funded and deleveraged."""
    clock.now_ms = FUNDING_MS - MINUTE_MS
    core = open_core(World(seed=1), now_ms=clock())
    venue = PaperVenue(core, clock, weight_limit=None)
    venue.act(lambda core, now_ms: trading.new_order(core, now_ms, {**ORDER, "newClientOrderId": "resting"}))
    venue.act(lambda core, now_ms: trading.new_conditional(core, now_ms, {**STOP, "clientAlgoId": "stop"}))
    market = {name: ORDER[name] for name in ("symbol", "side", "positionSide", "quantity")}
    venue.act(lambda core, now_ms: trading.new_order(core, now_ms, {**market, "type": "MARKET"}))
    venue.act(lambda core, now_ms: deleverage(core, BTC, "LONG", Decimal("0.1"), now_ms=now_ms))
    clock.advance(2 * MINUTE_MS)
    venue.checkpoint()
    answers: list[Answer] = []

    def answer(asked: Request) -> Answer:
        answers.append(PaperVenue.answer(venue, asked))
        return answers[-1]

    monkeypatch.setattr(venue, "answer", answer)
    monkeypatch.setattr(utils, "get_timestamp", clock)
    with serve(venue) as base_url:
        client.point(base_url)
        yield Session(ask=client, core=core, answers=answers)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_client_reads_what_the_venue_answered(
    session: Session, call: Call, caplog: pytest.LogCaptureFixture
):
    read = session.ask(call)

    (answer,) = session.answers
    assert answer.status == 200
    sent, unread = _as_text(json.loads(answer.body)), set[str]()
    assert _as_text(read) == _within(sent, _as_text(read), unread)
    assert unread <= (UNKNOWN_TO_SDK if isinstance(session.ask, Official) else set())
    assert not caplog.records, "no field has another type than its documentation says"


@pytest.mark.parametrize(("call", "code"), REFUSED, ids=str)
def test_every_client_is_told_why_it_was_refused(session: Session, call: Call, code: int):
    before = session.core.revision
    with pytest.raises((ccxt.BaseError, BinanceError), match=f"{code}\\b"):
        session.ask(call)

    assert session.core.revision == before


def test_every_call_of_the_venue_is_made():
    asked = {call.endpoint for call in [*CALLS, *(call for call, _ in REFUSED)]}

    assert asked == {endpoint for endpoint in ENDPOINTS if "/fapi/" in endpoint}
