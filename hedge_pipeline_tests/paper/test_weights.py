"""Requests weigh what the documentation says, and a minute has room for so many."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.endpoints import ENDPOINTS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.weights import WEIGHTS
from hedge_pipeline_tests.paper.conftest import ManualClock, pointed


@pytest.fixture
def client(core: Core, clock: ManualClock) -> Iterator[Any]:
    with serve(PaperVenue(core, clock)) as url:
        yield pointed(url, clock)


def weight(client: Any, method: str, params: dict[str, Any]) -> int:
    used = []
    for _ in range(2):
        getattr(client, method)(params)
        used.append(int(client.last_response_headers["X-MBX-USED-WEIGHT-1M"]))
    return used[1] - used[0]


@pytest.mark.parametrize(
    ("method", "params", "expected"),
    [
        ("fapiPublicGetTime", {}, 1),
        ("fapiPublicGetExchangeInfo", {}, 1),
        ("fapiPrivateV3GetAccount", {}, 5),
        ("fapiPrivateV3GetPositionRisk", {}, 5),
        ("fapiPublicGetPremiumIndex", {}, 10),
        ("fapiPublicGetPremiumIndex", {"symbol": "BTCUSDT"}, 1),
        ("fapiPublicGetFundingInfo", {}, 0),
        ("fapiPublicGetFundingRate", {"symbol": "BTCUSDT", "limit": 1}, 0),
        ("fapiPrivateGetUserTrades", {"symbol": "BTCUSDT"}, 5),
        ("fapiPublicGetAssetIndex", {}, 10),
        ("fapiPublicGetAssetIndex", {"symbol": "BTCUSD"}, 1),
        ("fapiPrivateGetIncome", {}, 30),
        ("fapiPrivateGetAccountConfig", {}, 5),
        ("fapiPrivateGetSymbolConfig", {}, 5),
        ("fapiPrivateGetPositionSideDual", {}, 30),
        ("fapiPrivateGetMultiAssetsMargin", {}, 30),
        ("fapiPrivateGetOpenOrders", {"symbol": "BTCUSDT"}, 1),
        ("fapiPrivateGetOpenOrders", {}, 40),
        ("fapiPrivateGetAllOrders", {"symbol": "BTCUSDT"}, 5),
        ("fapiPrivateGetForceOrders", {}, 50),
        ("fapiPrivateGetOpenAlgoOrders", {}, 40),
        ("fapiPrivateGetAllAlgoOrders", {"symbol": "BTCUSDT"}, 5),
        ("fapiPrivateGetLeverageBracket", {}, 1),
        ("fapiPrivatePostLeverage", {"symbol": "BTCUSDT", "leverage": 5}, 1),
        ("fapiPrivateDeleteAllOpenOrders", {"symbol": "BTCUSDT"}, 1),
        ("fapiPrivatePostCountdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": 0}, 10),
        ("publicGetTickerPrice", {"symbol": "BTCUSDT"}, 2),
        ("publicGetTickerPrice", {}, 4),
        ("fapiPublicGetKlines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 99}, 1),
        ("fapiPublicGetKlines", {"symbol": "BTCUSDT", "interval": "1m"}, 5),
        ("fapiPublicGetKlines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1001}, 10),
        ("fapiPublicGetMarkPriceKlines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 100}, 2),
    ],
)
def test_each_request_weighs_what_is_documented(
    client: Any, method: str, params: dict[str, Any], expected: int
):
    assert weight(client, method, params) == expected


def test_every_endpoint_of_the_venue_has_a_weight():
    assert set(WEIGHTS) == set(ENDPOINTS) - {"GET /api/v3/simple/price"}


def test_a_minute_spent_is_refused_until_the_next(client: Any, clock: ManualClock):
    clock.advance(40_000)
    for _ in range(80):
        client.fapiPrivateGetIncome()
    with pytest.raises(ccxt.DDoSProtection):
        client.fapiPrivateGetIncome()

    assert client.last_response_headers["Retry-After"] == "20"
    assert client.publicGetTickerPrice(), "spot has a budget of its own"
    clock.advance(20_000)
    assert client.fapiPrivateGetIncome() == []
