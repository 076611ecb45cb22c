"""The most recent finished candles, by the venue's clock: never the one that still moves, never a part of what was asked for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, Credentials, VenueLimits
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline.ports import Clock
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import KEYS
from hedge_pipeline_tests.adapters.ccxt_venue.stub import TIME, Reply, StubVenue
from hedge_pipeline_tests.stage import MovedClock

KLINES = "/fapi/v1/klines"
FIVE, FIVE_MS = timedelta(minutes=5), 300_000
BAR_MS = 1_795_176_000_000
"""A bar opens here: 2026-11-20 12:00 UTC."""


def at(stamp_ms: int) -> datetime:
    return datetime.fromtimestamp(stamp_ms / 1000, tz=UTC)


def kline(open_ms: int) -> list[Any]:
    return [
        open_ms,
        "100.0",
        "101.0",
        "99.0",
        "100.5",
        "7.5",
        open_ms + FIVE_MS - 1,
        "750",
        3,
        "1",
        "100",
        "0",
    ]


def klines(params: Mapping[str, str]) -> list[Any]:
    """As the venue has them, the one that still moves included."""
    first = -(-int(params["startTime"]) // FIVE_MS) * FIVE_MS
    stamps = range(first, int(params["endTime"]) + 1, FIVE_MS)
    return [kline(stamp) for stamp in stamps][: int(params["limit"])]


def reader(stub: StubVenue, clock: Clock, limits: VenueLimits = FAST) -> CcxtOrderVenue:
    return CcxtOrderVenue(
        account="main",
        base_url=stub.base_url,
        credentials=Credentials(None, None),
        clock=clock,
        limits=limits,
    )


@pytest.fixture
def orders(stub: StubVenue, clock: MovableClock) -> CcxtOrderVenue:
    stub.documents[KLINES] = klines
    stub.documents[TIME] = {"serverTime": BAR_MS + 12_345}
    return reader(stub, clock)


def test_the_candle_that_still_moves_is_left_out(orders: CcxtOrderVenue) -> None:
    reading = orders.read_candles("BTCUSDT", FIVE, 4)
    assert [candle.open_at for candle in reading.candles or ()] == [
        at(BAR_MS - back * FIVE_MS) for back in (4, 3, 2, 1)
    ]
    assert reading.as_of == at(BAR_MS)
    assert (reading.symbol, reading.interval, reading.account) == ("BTCUSDT", FIVE, "main")
    assert [health.as_of for health in reading.sources] == [at(BAR_MS)]
    assert {candle.interval for candle in reading.candles or ()} == {FIVE}


@pytest.mark.parametrize(("past_ms", "closed"), [(-1, -1), (0, 0), (1, 0), (FIVE_MS - 1, 0), (FIVE_MS, 1)])
def test_a_candle_is_finished_once_the_venues_clock_says_so(
    stub: StubVenue, orders: CcxtOrderVenue, past_ms: int, closed: int
) -> None:
    stub.documents[TIME] = {"serverTime": BAR_MS + past_ms}
    reading = reader(stub, MovedClock()).read_candles("BTCUSDT", FIVE, 2)
    assert reading.as_of == at(BAR_MS + closed * FIVE_MS)
    assert len(reading.candles or ()) == 2


def test_more_candles_than_a_page_come_in_pages_and_small_pages_weigh_little(
    stub: StubVenue, clock: MovableClock, orders: CcxtOrderVenue
) -> None:
    assert len(orders.read_candles("BTCUSDT", FIVE, 3200).candles or ()) == 3200
    limits = [int(asked.params["limit"]) for asked in stub.asked if asked.path == KLINES]
    assert limits == [1500, 1500, 200]
    clock.elapsed_s += 61
    poor = reader(stub, clock, VenueLimits(weight_per_minute=5))
    assert poor.read_candles("BTCUSDT", FIVE, 99).candles is not None
    assert "weight" in (poor.read_candles("BTCUSDT", FIVE, 600).sources[0].error or "")


def test_a_candle_that_is_missing_is_missing(stub: StubVenue, orders: CcxtOrderVenue) -> None:
    gap = BAR_MS - 2 * FIVE_MS
    stub.documents[KLINES] = lambda params: [row for row in klines(params) if row[0] != gap]
    assert len(orders.read_candles("BTCUSDT", FIVE, 4).candles or ()) == 3


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no finished ones"),
        ([kline(BAR_MS)], "was not asked for"),
        ([kline(BAR_MS - 9 * FIVE_MS)], "was not asked for"),
        ([kline(BAR_MS - FIVE_MS)] * 2, "listed twice"),
        ([["x"]], "is no list"),
        ({}, "valid list"),
        ("<html>", "text"),
    ],
)
def test_candles_that_cannot_be_believed_are_not_read(
    stub: StubVenue, orders: CcxtOrderVenue, rows: object, reason: str
) -> None:
    stub.replies[KLINES] = Reply(body=rows)
    reading = orders.read_candles("BTCUSDT", FIVE, 4)
    assert (reading.candles, reading.as_of) == (None, None)
    assert reason in (reading.sources[0].error or "")


def test_a_length_the_venue_has_not_is_a_reason_and_no_error(orders: CcxtOrderVenue) -> None:
    reading = orders.read_candles("BTCUSDT", timedelta(minutes=7), 4)
    assert "interval" in (reading.sources[0].error or "")


@pytest.mark.finding("S3-EXCH-2")
def test_throttled_candles_are_left_alone_until_the_venue_allows(
    stub: StubVenue, clock: MovableClock, orders: CcxtOrderVenue
) -> None:
    stub.script[KLINES] = [Reply(status=429, body="", headers={"Retry-After": "30"})]
    assert orders.read_candles("BTCUSDT", FIVE, 4).candles is None
    assert "closed for another" in (orders.read_candles("BTCUSDT", FIVE, 4).sources[0].error or "")
    assert stub.paths().count(KLINES) == 1
    clock.elapsed_s += 31
    assert orders.read_candles("BTCUSDT", FIVE, 4).candles is not None


@pytest.mark.finding("S3-EXCH-2")
def test_candles_that_meet_a_server_error_are_asked_for_twice_at_most(
    stub: StubVenue, orders: CcxtOrderVenue
) -> None:
    stub.script[KLINES] = [Reply(status=503, body="")]
    assert orders.read_candles("BTCUSDT", FIVE, 4).candles is not None
    stub.replies[KLINES] = Reply(status=503, body="")
    assert orders.read_candles("BTCUSDT", FIVE, 4).candles is None
    assert stub.paths().count(KLINES) == 4


def test_the_paper_venues_candles_are_read_bar_by_bar() -> None:
    clock = MovedClock()
    venue = PaperVenue(
        open_core(World(seed=3), now_ms=clock.milliseconds()), clock.milliseconds, weight_limit=None
    )
    with serve(venue) as url:
        orders = CcxtOrderVenue(
            account="main", base_url=url, credentials=Credentials(*KEYS), clock=clock, limits=FAST
        )
        before = orders.read_candles("BTCUSDT", FIVE, 250).candles or ()
        clock.pass_by(FIVE)
        after = orders.read_candles("BTCUSDT", FIVE, 250)
    assert len(before) == len(after.candles or ()) == 250
    assert (after.candles or ())[:-1] == before[1:]
    assert after.as_of == clock.at
    assert all(candle.low > Decimal(0) for candle in before)
