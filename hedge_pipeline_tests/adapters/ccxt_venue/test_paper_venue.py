"""Against the paper venue: the same client, the same wire, and what its fault switch makes of it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.account import AccountReading, went_backwards
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    MARKS,
    POSITIONS,
    RATES,
    TIME,
)

API_KEY, API_SECRET = next(iter(PAPER_KEYS.items()))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[PaperVenue, str]]:
    paper = PaperVenue(core=open_core(World(), now_ms=now_ms()), clock=now_ms, weight_limit=None)
    with serve(paper) as url:
        yield paper, url


@pytest.fixture
def paper(running: tuple[PaperVenue, str]) -> Iterator[PaperVenue]:
    venue, _ = running
    yield venue
    venue.faults.clear()
    venue.clock_offset_ms = 0
    venue.act(lambda core, _: core.set_mode(hedge_mode=True, multi_assets=False))


@pytest.fixture
def venue(paper: PaperVenue, running: tuple[PaperVenue, str]) -> CcxtVenue:
    return client_of(running[1])


def client_of(url: str, secret: str = API_SECRET) -> CcxtVenue:
    return CcxtVenue(
        account="main",
        base_url=url,
        credentials=Credentials(API_KEY, secret),
        symbols=("BTCUSDT",),
        clock=MovableClock(),
        limits=FAST,
    )


def errors(reading: AccountReading) -> dict[str, str]:
    return {entry.source: entry.error or "" for entry in reading.sources if not entry.ok}


def fault(paper: PaperVenue, endpoint: str, kind: str, **parameters: Any) -> None:
    paper.set_fault(endpoint, effect(kind, parameters))


def test_an_account_a_market_and_an_income_list_are_read(venue: CcxtVenue, paper: PaperVenue) -> None:
    row = paper.act(lambda core, now: core.deposit("USDT", Decimal(250), now_ms=now))
    account = venue.read_account()
    assert errors(account) == {}
    assert account.balances is not None
    assert account.totals is not None
    assert account.positions is not None
    held = sorted({position.symbol for position in account.positions})
    assert held == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    usdt = next(balance for balance in account.balances if balance.asset == "USDT")
    assert usdt.wallet_balance + usdt.unrealized_pnl == usdt.margin_balance == account.totals.margin_balance
    assert account.account_positions is not None
    assert sum(p.unrealized_pnl for p in account.account_positions) == usdt.unrealized_pnl

    marks = venue.read_marks(held, [balance.asset for balance in account.balances])
    assert all(entry.ok for entry in marks.sources)
    assert [mark.symbol for mark in marks.marks or ()] == held
    assert {rate.asset for rate in marks.asset_rates or ()} == {"BNB", "BTC", "USDC", "USDT"}
    assert marks.as_of is not None
    assert abs(marks.as_of - SystemClock().now()) < timedelta(seconds=5)

    assert [i.symbol for i in venue.read_instruments(held).instruments or ()] == held

    rows, asked_at = venue.read_income(SystemClock().now() - timedelta(hours=1))
    assert [(r.income_type, r.tran_id, r.amount) for r in rows if r.tran_id == str(row.tran_id)] == [
        ("TRANSFER", str(row.tran_id), Decimal(250))
    ]
    assert abs(asked_at - SystemClock().now()) < timedelta(seconds=5)


def test_a_clock_that_is_hours_wrong_still_signs_and_tells_the_venues_time(
    venue: CcxtVenue, paper: PaperVenue
) -> None:
    paper.clock_offset_ms = 3 * 3_600_000
    reading = venue.read_account()
    assert errors(reading) == {}
    assert reading.clock is not None
    assert abs(reading.clock.offset - timedelta(hours=3)) < timedelta(seconds=1)
    assert reading.as_of is not None
    assert reading.as_of > SystemClock().now() + timedelta(hours=2)


def test_a_wrong_secret_is_told_as_such(paper: PaperVenue, running: tuple[PaperVenue, str]) -> None:
    failed = errors(client_of(running[1], "wrong").read_account())
    assert set(failed) == {"balances", "positions", "modes"}
    assert all("-1022" in text for text in failed.values())


@pytest.mark.finding("S1-NAV-1")
@pytest.mark.parametrize(
    ("kind", "parameters", "told"),
    [
        ("respond", {"status": 200, "body": "{}"}, "valid list"),
        ("respond", {"status": 500, "body": "<html>", "content_type": "text/html"}, "HTTP 500"),
        ("rate_limit", {"retry_after_s": 2}, "HTTP 429"),
        ("drop", {}, "NetworkError"),
        ("remove_field", {"path": "markPrice"}, "markPrice"),
        ("replace_field", {"path": "positionAmt", "value": "NaN"}, "positionAmt"),
        ("replace_field", {"path": "positionSide", "value": "BOTH"}, "hedge mode"),
    ],
)
def test_failing_positions_leave_balances_standing(
    paper: PaperVenue, kind: str, parameters: dict[str, Any], told: str
) -> None:
    with serve(paper) as url:  # an address of its own, so that a ban ends with the test
        fault(paper, POSITIONS, kind, **parameters)
        reading = client_of(url).read_account()
    failed = errors(reading)
    assert told in failed["positions"]
    assert reading.positions is None
    assert reading.balances is not None
    assert reading.as_of is not None


def test_a_changed_mode_is_seen_in_the_same_reading(venue: CcxtVenue, paper: PaperVenue) -> None:
    paper.act(lambda core, _: core.set_mode(multi_assets=True))
    reading = venue.read_account()
    assert reading.multi_assets_mode is True
    assert reading.hedge_mode is True


def test_marks_carry_the_stamp_they_were_given_however_old(venue: CcxtVenue, paper: PaperVenue) -> None:
    fault(paper, MARKS, "shift_time", seconds=-600.0)
    reading = venue.read_marks([], [])
    assert reading.as_of is not None
    assert reading.as_of < SystemClock().now() - timedelta(seconds=590)


def test_a_missing_rate_fails_by_name(venue: CcxtVenue, paper: PaperVenue) -> None:
    fault(paper, RATES, "remove_field", path="symbol=USDTUSD.index")
    reading = venue.read_marks([], [])
    assert "USDTUSD.index" in next(e.error or "" for e in reading.sources if e.source == "asset_rates")


def test_a_lagging_replica_is_recognized_by_a_stamp_that_goes_back(
    venue: CcxtVenue, paper: PaperVenue
) -> None:
    fault(paper, ACCOUNT, "replay")
    before = venue.read_account()
    paper.faults.clear()
    time.sleep(0.005)
    paper.act(lambda core, now: core.deposit("USDT", Decimal(1), now_ms=now))
    fresh = venue.read_account()
    fault(paper, ACCOUNT, "replace_field", path="assets.asset=USDT.updateTime", value=1_600_000_000_000)
    stale = venue.read_account()

    assert went_backwards(before, fresh) is None
    assert (went_backwards(fresh, stale) or "").startswith("balances: updateTime of USDT went back")


def test_a_slow_clock_is_a_failed_clock(paper: PaperVenue, running: tuple[PaperVenue, str]) -> None:
    fault(paper, TIME, "delay", seconds=0.2)
    venue = CcxtVenue(
        account="main",
        base_url=running[1],
        credentials=Credentials(API_KEY, API_SECRET),
        symbols=(),
        clock=MovableClock(),
        limits=replace(FAST, round_trip=timedelta(seconds=0.1)),
    )
    assert "round trip" in errors(venue.read_account())["clock"]


def test_income_is_paged_to_the_end(
    venue: CcxtVenue, paper: PaperVenue, running: tuple[PaperVenue, str]
) -> None:
    def book(core: Core, now: int) -> None:
        for number in range(23):
            core.book("COMMISSION", "USDT", Decimal(-1), now_ms=now - 1000 + number // 4)

    paper.act(book)
    paged = CcxtVenue(
        account="main",
        base_url=running[1],
        credentials=Credentials(API_KEY, API_SECRET),
        symbols=(),
        clock=MovableClock(),
        limits=replace(FAST, income_page=10, weight_per_minute=100_000),
    )
    since = datetime.now(UTC) - timedelta(minutes=10)
    paged.read_account()
    whole, _ = venue.read_income(since)
    assert [row.tran_id for row in paged.read_income(since)[0]] == [row.tran_id for row in whole]
    assert len(whole) >= 23
