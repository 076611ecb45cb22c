"""History by ranges, from a venue that answers whatever a test puts in its mouth."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenueHistory, Credentials, VenueLimits
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.ports import VenueHistory
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST, KEY, SECRET, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.stub import INCOME, Reply, StubVenue, income_row

KLINES, FUNDING, TRADES = "/fapi/v1/klines", "/fapi/v1/fundingRate", "/fapi/v1/userTrades"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOUR_MS = 3_600_000
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - 10 * DAY
START_MS = int(START.timestamp() * 1000)
SMALL = replace(FAST, fills_page=5, candles_page=7, funding_rates_page=5, income_page=5)

MakeHistory = Callable[..., CcxtVenueHistory]


@pytest.fixture
def make(stub: StubVenue, clock: MovableClock) -> MakeHistory:
    def make_history(limits: VenueLimits = SMALL) -> CcxtVenueHistory:
        def pass_time(seconds: float) -> None:
            clock.elapsed_s += seconds

        return CcxtVenueHistory(
            account="main",
            base_url=stub.base_url,
            credentials=Credentials(KEY, SECRET),
            clock=clock,
            limits=limits,
            wait=pass_time,
        )

    return make_history


@pytest.fixture
def history(make: MakeHistory) -> VenueHistory:
    return make()


def fill(fill_id: int, at_ms: int, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "id": fill_id,
        "orderId": 7,
        "side": "SELL",
        "price": "60000.10",
        "qty": "0.012",
        "realizedPnl": "-0.91539999",
        "marginAsset": "USDT",
        "quoteQty": "720.00120",
        "commission": "0.28800048",
        "commissionAsset": "USDT",
        "time": at_ms,
        "positionSide": "SHORT",
        "maker": False,
        "buyer": False,
        **changes,
    }


def serve_fills(stub: StubVenue, rows: list[dict[str, Any]]) -> None:
    def answer(params: Any) -> list[dict[str, Any]]:
        most = int(params["limit"])
        if "fromId" in params:
            assert "startTime" not in params
            return [row for row in rows if row["id"] >= int(params["fromId"])][:most]
        start, end = int(params["startTime"]), int(params["endTime"])
        assert end - start < 7 * 24 * HOUR_MS
        return [row for row in rows if start <= row["time"] <= end][:most]

    stub.documents[TRADES] = answer


def kline(at_ms: int, **changes: str) -> list[Any]:
    row = {"open": "100.5", "high": "101.5", "low": "99.5", "close": "101", "volume": "3", **changes}
    return [at_ms, *row.values(), at_ms + HOUR_MS - 1, "300", 4, "1", "100", "0"]


def serve_klines(stub: StubVenue, rows: list[list[Any]]) -> None:
    def answer(params: Any) -> list[list[Any]]:
        start, end, most = int(params["startTime"]), int(params["endTime"]), int(params["limit"])
        return [row for row in rows if start <= row[0] <= end][:most]

    stub.documents[KLINES] = answer


def settlement(at_ms: int, rate: str = "0.00010000", symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"symbol": symbol, "fundingTime": at_ms, "fundingRate": rate, "markPrice": ""}


def serve_funding(stub: StubVenue, rows: list[dict[str, Any]]) -> None:
    def answer(params: Any) -> list[dict[str, Any]]:
        start, end, most = int(params["startTime"]), int(params["endTime"]), int(params["limit"])
        return [row for row in rows if start <= row["fundingTime"] <= end][:most]

    stub.documents[FUNDING] = answer


def test_a_fill_is_told_in_our_words(stub: StubVenue, history: VenueHistory):
    serve_fills(stub, [fill(3, START_MS + 20), fill(4, START_MS + 21, positionSide="BOTH", maker=True)])
    short, one_way = history.fills_between("BTCUSDT", START, START + DAY)

    assert (short.account, short.symbol, short.fill_id, short.venue_order_id) == ("main", "BTCUSDT", "3", "7")
    assert (short.side, short.position_side, short.maker) == ("SELL", "SHORT", False)
    assert (short.price, short.quantity) == (Decimal("60000.10"), Decimal("0.012"))
    assert (short.realized_pnl, short.commission) == (Decimal("-0.91539999"), Decimal("0.28800048"))
    assert short.filled_at == START + timedelta(milliseconds=20)
    assert (one_way.position_side, one_way.maker) == (None, True)


def test_a_range_includes_its_start_and_not_its_end(stub: StubVenue, history: VenueHistory):
    end_ms = START_MS + 24 * HOUR_MS
    serve_fills(stub, [fill(n, at) for n, at in enumerate((START_MS - 1, START_MS, end_ms - 1, end_ms))])
    serve_klines(stub, [kline(at) for at in (START_MS - HOUR_MS, START_MS, end_ms - HOUR_MS, end_ms)])
    serve_funding(stub, [settlement(at) for at in (START_MS - HOUR_MS, START_MS, end_ms - HOUR_MS, end_ms)])
    rows = [income_row(at, n) for n, at in enumerate((START_MS, end_ms - 1))]
    stub.documents[INCOME] = lambda params: [
        row for row in rows if int(params["startTime"]) <= row["time"] <= int(params["endTime"])
    ]

    assert [row.fill_id for row in history.fills_between("BTCUSDT", START, START + DAY)] == ["1", "2"]
    candles = history.candles_between("BTCUSDT", HOUR, START, START + DAY)
    assert [row.open_at for row in candles] == [START, START + 23 * HOUR]
    rates = history.funding_rates_between("BTCUSDT", START, START + DAY)
    assert [row.funded_at for row in rates] == [START, START + 23 * HOUR]
    assert [row.tran_id for row in history.income_between(START, START + DAY)] == ["0", "1"]
    assert int(stub.asked[-1].params["endTime"]) == end_ms - 1


def test_fills_beyond_a_page_and_a_week_are_read_once_each(stub: StubVenue, history: VenueHistory):
    stamps = [START_MS + n // 3 * 7_777_777 for n in range(280)]
    serve_fills(stub, [fill(n, at) for n, at in enumerate(stamps)])
    found = history.fills_between("BTCUSDT", START, START + 9 * DAY)

    expected = [str(n) for n, at in enumerate(stamps) if at < START_MS + 9 * 24 * HOUR_MS]
    assert [row.fill_id for row in found] == expected


def test_a_millisecond_that_fills_pages_alone_is_read_by_id(stub: StubVenue, history: VenueHistory):
    stamps = [START_MS, *[START_MS + 50] * 17, START_MS + 51]
    serve_fills(stub, [fill(1000 + 7 * n, at) for n, at in enumerate(stamps)])
    found = history.fills_between("BTCUSDT", START, START + DAY)

    assert [int(row.fill_id) for row in found] == [1000 + 7 * n for n in range(19)]
    assert any("fromId" in asked.params for asked in stub.asked)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"price": 60000.1}, "0.price: must be a decimal number in a string"),
        ({"price": "0"}, "0.price: must be greater than zero"),
        ({"qty": "NaN"}, "0.qty: must be a finite"),
        ({"time": "soon"}, "0.time"),
        ({"side": "BOTH"}, "0.side"),
        ({"id": "x-1"}, "0.id"),
        ({"maker": None}, "0.maker"),
        ({"symbol": "ETHUSDT"}, "0.symbol: is not BTCUSDT, which was asked for"),
        ({"time": START_MS - 1}, "was not asked for"),
    ],
)
def test_a_fill_that_cannot_be_believed_is_refused_by_name(
    stub: StubVenue, history: VenueHistory, changes: dict[str, Any], told: str
):
    stub.documents[TRADES] = [fill(1, START_MS, **changes)]
    with pytest.raises(SourceMalformed, match=told):
        history.fills_between("BTCUSDT", START, START + DAY)


@pytest.mark.parametrize("body", ["", "<html>", {}, {"code": 0}, [[]], [None], None])
@pytest.mark.parametrize("path", [TRADES, FUNDING, KLINES, INCOME])
def test_an_answer_that_is_no_list_of_rows_is_no_empty_history(
    stub: StubVenue, history: VenueHistory, path: str, body: Any
):
    stub.replies[path] = Reply(body=body)
    ask: dict[str, Callable[[], Any]] = {
        TRADES: lambda: history.fills_between("BTCUSDT", START, START + DAY),
        FUNDING: lambda: history.funding_rates_between("BTCUSDT", START, START + DAY),
        KLINES: lambda: history.candles_between("BTCUSDT", HOUR, START, START + DAY),
        INCOME: lambda: history.income_between(START, START + DAY),
    }
    with pytest.raises(SourceUnavailable):
        ask[path]()


def test_a_venue_that_fails_half_way_leaves_no_part(stub: StubVenue, history: VenueHistory):
    serve_klines(stub, [kline(START_MS + n * HOUR_MS) for n in range(24)])
    stub.script[KLINES] = [
        Reply(body=[kline(START_MS)]),
        Reply(status=503, body=""),
        Reply(status=503, body=""),
    ]
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        history.candles_between("BTCUSDT", HOUR, START, START + DAY)


def test_candles_of_many_pages_are_read_once_each_and_holes_stay(stub: StubVenue, history: VenueHistory):
    opens = [START_MS + n * HOUR_MS for n in range(60) if n not in {13, 14, 40}]
    serve_klines(stub, [kline(at) for at in opens])
    found = history.candles_between("BTCUSDT", HOUR, START, START + 60 * HOUR)

    assert [int(row.open_at.timestamp() * 1000) for row in found] == opens
    assert {(row.symbol, row.interval) for row in found} == {("BTCUSDT", HOUR)}
    assert (found[0].open, found[0].volume) == (Decimal("100.5"), Decimal(3))
    assert all(asked.params["limit"] in {"7", "4"} for asked in stub.asked if asked.path == KLINES)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (kline(START_MS, high="100"), "high and low do not hold open and close"),
        (kline(START_MS, low="0"), "0.low: must be greater than zero"),
        (kline(START_MS, volume="-1"), "0.volume: must not be negative"),
        (kline(START_MS - HOUR_MS), "openTime: .* was not asked for"),
        ([START_MS, "1"], "is no list of at least 6 fields"),
    ],
)
def test_a_candle_that_cannot_be_believed_is_refused_by_name(
    stub: StubVenue, history: VenueHistory, row: list[Any], told: str
):
    stub.documents[KLINES] = [row]
    with pytest.raises(SourceMalformed, match=told):
        history.candles_between("BTCUSDT", HOUR, START, START + DAY)


def test_a_candle_told_twice_is_refused(stub: StubVenue, history: VenueHistory):
    stub.documents[KLINES] = [kline(START_MS), kline(START_MS, close="100")]
    with pytest.raises(SourceMalformed, match="is listed twice"):
        history.candles_between("BTCUSDT", HOUR, START, START + 5 * HOUR)


def test_an_unfinished_candle_is_no_history(clock: MovableClock, history: VenueHistory):
    now = clock.now()
    with pytest.raises(SourceUnavailable, match="not final"):
        history.candles_between("BTCUSDT", DAY, now - 2 * DAY, now - HOUR)
    with pytest.raises(ValueError, match="0:07:00 is none of 1m, 3m"):
        history.candles_between("BTCUSDT", timedelta(minutes=7), START, START + DAY)


def test_settlements_know_their_interval_also_the_first_of_a_day(stub: StubVenue, history: VenueHistory):
    hours = (-8, 0, 8, 16, 20, 24, 32)
    jitter = dict(zip(hours, (0, 44, 0, -12, 7, -3, 0), strict=True))
    serve_funding(stub, [settlement(START_MS + h * HOUR_MS + jitter[h]) for h in hours])
    rates = history.funding_rates_between("BTCUSDT", START, START + DAY)

    assert [row.funded_at for row in rates] == [START + h * HOUR for h in (0, 8, 16, 20)]
    assert [row.interval for row in rates] == [8 * HOUR, 8 * HOUR, 8 * HOUR, 4 * HOUR]
    (following,) = history.funding_rates_between("BTCUSDT", START + DAY, START + DAY + HOUR)
    assert (following.funded_at, following.interval) == (START + DAY, 4 * HOUR)


def test_an_interval_across_a_hole_is_not_known(stub: StubVenue, history: VenueHistory):
    serve_funding(stub, [settlement(START_MS + h * HOUR_MS) for h in (0, 16)])

    assert [row.interval for row in history.funding_rates_between("BTCUSDT", START, START + DAY)] == [
        None,
        None,
    ]


def test_settlements_of_many_pages_are_read_once_each_and_spaced(
    stub: StubVenue, clock: MovableClock, history: VenueHistory
):
    serve_funding(stub, [settlement(START_MS + h * HOUR_MS) for h in range(72)])
    before = clock.elapsed_s
    rates = history.funding_rates_between("BTCUSDT", START, START + 3 * DAY)

    assert len(rates) == 72
    asked = sum(path == FUNDING for path in stub.paths())
    assert clock.elapsed_s - before > 0.5 * (asked - 1), "500 in five minutes are allowed"


def test_two_settlements_of_one_second_are_refused(stub: StubVenue, history: VenueHistory):
    serve_funding(stub, [settlement(START_MS), settlement(START_MS + 44, "0.2")])
    with pytest.raises(SourceMalformed, match="is listed twice"):
        history.funding_rates_between("BTCUSDT", START, START + DAY)


def test_what_is_not_over_is_not_history(clock: MovableClock, history: VenueHistory):
    now = clock.now()
    for ask in (
        lambda: history.income_between(START, now - timedelta(seconds=50)),
        lambda: history.fills_between("BTCUSDT", START, now),
        lambda: history.funding_rates_between("BTCUSDT", START, now + DAY),
    ):
        with pytest.raises(SourceUnavailable, match="not final"):
            ask()


def test_what_the_venue_has_forgotten_is_refused_and_not_empty(stub: StubVenue, history: VenueHistory):
    long_ago = TODAY - 91 * DAY
    serve_funding(stub, [])
    with pytest.raises(SourceUnavailable, match="keeps only 90 days"):
        history.income_between(long_ago, long_ago + DAY)
    with pytest.raises(SourceUnavailable, match="keeps only 90 days"):
        history.fills_between("BTCUSDT", long_ago, long_ago + DAY)
    assert history.funding_rates_between("BTCUSDT", long_ago, long_ago + DAY) == ()


def test_a_range_that_ends_before_it_begins_is_a_wrong_call(history: VenueHistory):
    with pytest.raises(ValueError, match="is not before"):
        history.income_between(START, START)


def test_history_waits_for_the_next_minute_and_leaves_weight_to_the_account(
    stub: StubVenue, clock: MovableClock, make: MakeHistory
):
    history = make(replace(FAST, weight_per_minute=200))
    stub.documents[INCOME] = []
    before = clock.elapsed_s
    for _ in range(3):
        history.income_between(START, START + DAY)
    assert clock.elapsed_s == before, "three times 30 of the 100 that are history's"
    history.income_between(START, START + DAY)

    assert 0 < clock.elapsed_s - before <= 60


def test_history_does_not_wait_longer_than_it_may(stub: StubVenue, clock: MovableClock, make: MakeHistory):
    history = make(replace(FAST, history=timedelta(seconds=30)))
    stub.replies[INCOME] = Reply(status=429, headers={"Retry-After": "120"}, body={"code": -1003, "msg": ""})
    for told in ("HTTP 429", "no room for it for another 1"):
        with pytest.raises(SourceUnavailable, match=told):
            history.income_between(START, START + DAY)
    assert stub.paths().count(INCOME) == 1
