"""The server behind a running test: it starts, answers alike at the same instants, and ends with its block."""

import threading
from decimal import Decimal
from typing import Any

import httpx
import pytest

from hedge_pipeline.paper.requests import Request
from hedge_pipeline.paper.server import NotLoopback, serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, HTTP, ManualClock, pointed


def test_it_ends_with_its_block(venue: PaperVenue):
    with serve(venue) as url:
        assert HTTP.get(f"{url}/fapi/v1/time").status_code == 200

    with pytest.raises(httpx.ConnectError):
        HTTP.get(f"{url}/fapi/v1/time")
    assert "paper-venue" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::"])
def test_it_serves_loopback_alone(venue: PaperVenue, host: str):
    with pytest.raises(NotLoopback, match="loopback"), serve(venue, host):
        pass


def test_the_test_moves_the_time_of_the_venue(client: Any, clock: ManualClock):
    before = client.fapiPrivateV3GetAccount()
    clock.advance(30 * 24 * HOUR_MS)
    after = client.fapiPrivateV3GetAccount()

    assert client.fapiPublicGetTime()["serverTime"] == clock()
    assert after["totalWalletBalance"] != before["totalWalletBalance"], "a month of funding"


def test_one_answer_is_of_one_instant(client: Any):
    assert client.fapiPrivateV3GetAccount() == client.fapiPrivateV3GetAccount()


def test_the_same_requests_at_the_same_instants_get_the_same_answers():
    def story() -> list[str]:
        clock = ManualClock()
        venue = PaperVenue(open_core(World(seed=11), now_ms=clock()), clock, weight_limit=None)
        told = []
        for path, query in (
            ("/fapi/v1/premiumIndex", ""),
            ("/fapi/v1/klines", "symbol=SOLUSDT&interval=5m"),
        ) * 5:
            clock.advance(37 * 60_000)
            venue.act(lambda core, now_ms: core.realize("ETHUSDT", Decimal("1.25"), now_ms=now_ms))
            told.append(venue.answer(Request(method="GET", path=path, raw_query=query)).body)
        return told

    assert story() == story()


def test_unusual_encodings_of_a_query_reach_the_signature_check_unchanged(base_url: str, clock: ManualClock):
    client = pointed(base_url, clock)

    assert client.fapiPrivateGetIncome({"symbol": "BTC/USDT:USDT ü"}) == []
