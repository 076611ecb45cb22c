"""How often, how long and how much: retries, timeouts, bans and the minute's weight."""

import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials, VenueLimits
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import (
    FAST,
    HASTY,
    MakeVenue,
    MovableClock,
)
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    INSTRUMENTS,
    MARKS,
    MODES,
    POSITIONS,
    RATES,
    TIME,
    Reply,
    StubVenue,
)

ACCOUNT_READS = {TIME, ACCOUNT, POSITIONS, MODES}


def balances_error(venue: CcxtVenue) -> str | None:
    return next(entry.error for entry in venue.read_account().sources if entry.source == "balances")


@pytest.mark.finding("S3-EXCH-2")
@pytest.mark.parametrize(
    "trouble",
    [
        Reply(status=500, body="<html>"),
        Reply(status=503, body={"code": -1008, "msg": "overloaded"}),
        Reply(status=504, body=""),
        Reply(drop=True),
        Reply(body={"a": "b" * 1000}, cut=True),
    ],
    ids=["500", "503", "504", "dropped", "cut"],
)
def test_a_passing_trouble_is_asked_once_more(venue: CcxtVenue, stub: StubVenue, trouble: Reply) -> None:
    stub.script[ACCOUNT] = [trouble]
    assert balances_error(venue) is None
    assert stub.paths().count(ACCOUNT) == 2


@pytest.mark.finding("S3-EXCH-2")
def test_a_timeout_is_asked_once_more(make_venue: MakeVenue, stub: StubVenue) -> None:
    stub.script[ACCOUNT] = [Reply(body={}, hang_s=1)]
    assert balances_error(make_venue(limits=HASTY)) is None
    assert stub.paths().count(ACCOUNT) == 2


@pytest.mark.finding("S3-EXCH-2")
@pytest.mark.parametrize("trouble", [Reply(status=502, body=""), Reply(drop=True)], ids=["502", "dropped"])
def test_a_lasting_trouble_is_asked_twice_and_no_more(
    venue: CcxtVenue, stub: StubVenue, trouble: Reply
) -> None:
    stub.replies[ACCOUNT] = trouble
    assert balances_error(venue) is not None
    assert stub.paths().count(ACCOUNT) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}),
        (400, {"code": -1022, "msg": "Signature for this request is not valid."}),
        (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}),
        (403, "<html>WAF</html>"),
        (404, ""),
        (408, {"code": -1007, "msg": "Timeout"}),
        (451, "restricted"),
    ],
)
def test_a_refusal_is_final_and_says_which(
    venue: CcxtVenue, stub: StubVenue, status: int, body: object
) -> None:
    stub.replies[ACCOUNT] = Reply(status=status, body=body)
    assert f"HTTP {status}" in (balances_error(venue) or "")
    assert stub.paths().count(ACCOUNT) == 1


def test_a_retry_waits_as_long_as_the_venue_asks_or_is_left_out(
    make_venue: MakeVenue, stub: StubVenue
) -> None:
    busy = Reply(status=503, body="", headers={"Retry-After": "1"})
    stub.script[ACCOUNT] = [busy]
    started = time.monotonic()
    assert balances_error(make_venue()) is None
    assert time.monotonic() - started >= 1

    stub.asked.clear()
    stub.script[ACCOUNT] = [Reply(status=503, body="", headers={"Retry-After": "30"})]
    assert "HTTP 503" in (balances_error(make_venue()) or "")
    assert stub.paths().count(ACCOUNT) == 1


def test_a_malformed_answer_is_not_asked_again(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.replies[ACCOUNT] = Reply(body="{}")
    assert balances_error(venue) is not None
    assert stub.paths().count(ACCOUNT) == 1


@pytest.mark.finding("S3-EXCH-2")
@pytest.mark.parametrize(("status", "seconds"), [(429, 30), (418, 300)])
def test_after_429_or_418_nothing_is_asked_until_retry_after_is_over(
    make_venue: MakeVenue, stub: StubVenue, clock: MovableClock, status: int, seconds: int
) -> None:
    venue = make_venue()
    stub.script[ACCOUNT] = [Reply(status=status, body="<html>", headers={"Retry-After": str(seconds)})]
    first = venue.read_account()
    assert f"HTTP {status}" in (next(s.error for s in first.sources if s.source == "balances") or "")
    asked = len(stub.asked)

    clock.elapsed_s += seconds - 5
    reading = make_venue(credentials=Credentials("another key", "another secret")).read_account()
    assert not any(entry.ok for entry in reading.sources)
    assert all(str(status) in (entry.error or "") for entry in reading.sources[:1])
    assert venue.read_marks([], []).marks is None
    with pytest.raises(SourceUnavailable, match="closed"):
        venue.read_income(datetime(2026, 1, 1, tzinfo=UTC))
    assert len(stub.asked) == asked

    clock.elapsed_s += 10
    assert balances_error(venue) is None


@pytest.mark.parametrize("retry_after", [None, "0", "soon", "-5", "9" * 30])
def test_a_ban_without_a_usable_end_lasts_a_minute(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock, retry_after: str | None
) -> None:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    stub.script[ACCOUNT] = [Reply(status=429, body="", headers=headers)]
    venue.read_account()
    clock.elapsed_s += 55
    assert "closed" in (balances_error(venue) or "")
    clock.elapsed_s += 10
    assert balances_error(venue) is None


def test_code_1003_is_a_ban_even_with_status_400(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.script[ACCOUNT] = [Reply(status=400, body={"code": -1003, "msg": "Too many requests"})]
    venue.read_account()
    assert "closed" in (balances_error(venue) or "")


def test_above_four_fifths_of_the_minutes_weight_only_the_account_is_read(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    minute_starts_ms = 1_760_000_040_000
    stub.documents[TIME] = lambda _: {"serverTime": minute_starts_ms}
    stub.replies[MODES] = Reply(body=stub.documents[MODES], headers={"X-MBX-USED-WEIGHT-1M": "1911"})
    venue.read_account()
    asked = len(stub.asked)

    reading = venue.read_marks([], [])
    assert "1911 of 1920" in (reading.sources[0].error or "")
    assert reading.marks is None
    with pytest.raises(SourceUnavailable, match="weight"):
        venue.read_income(datetime(2025, 1, 1, tzinfo=UTC))
    assert len(stub.asked) == asked
    assert balances_error(venue) is None

    clock.elapsed_s += 61
    assert venue.read_marks([], []).marks is not None


def test_the_whole_weight_is_never_exceeded_even_by_the_account(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.documents[TIME] = lambda _: {"serverTime": 1_760_000_040_000}
    stub.replies[ACCOUNT] = Reply(body=stub.documents[ACCOUNT], headers={"X-MBX-USED-WEIGHT-1M": "2396"})
    reading = venue.read_account()
    assert [entry.ok for entry in reading.sources] == [True, True, False, False]
    assert POSITIONS not in stub.paths()


def test_a_venue_that_reports_no_weight_is_counted_by_us(make_venue: MakeVenue, stub: StubVenue) -> None:
    venue = make_venue(limits=replace(FAST, weight_per_minute=40))
    stub.documents[TIME] = lambda _: {"serverTime": 1_760_000_040_000}
    assert venue.read_marks([], []).marks is not None
    assert venue.read_marks([], []).asset_rates is None


def test_a_silent_venue_costs_no_more_than_the_accounts_limit(make_venue: MakeVenue, stub: StubVenue) -> None:
    venue = make_venue(limits=replace(HASTY, request=timedelta(seconds=1)))
    venue.read_account()
    for path in ACCOUNT_READS:
        stub.replies[path] = Reply(body={}, hang_s=5)

    started = time.monotonic()
    reading = venue.read_account()

    assert time.monotonic() - started < 1.2 + 0.5
    assert not any(entry.ok for entry in reading.sources)
    assert "no answer within" in (reading.sources[0].error or "")
    assert "no time was left" in (reading.sources[3].error or "")


def test_an_answer_that_drips_is_cut_off_in_time_and_the_next_one_is_read(
    make_venue: MakeVenue, stub: StubVenue
) -> None:
    venue = make_venue(limits=HASTY)
    venue.read_account()
    stub.script[ACCOUNT] = [Reply(body=stub.documents[ACCOUNT], drip_s=0.05)] * 2

    started = time.monotonic()
    assert "no complete answer" in (balances_error(venue) or "")
    assert time.monotonic() - started < 1.2 + 0.5
    assert balances_error(venue) is None


def test_requests_that_nobody_waits_for_end_by_themselves(make_venue: MakeVenue, stub: StubVenue) -> None:
    venue = make_venue(limits=HASTY)
    venue.read_account()
    stub.script[ACCOUNT] = [Reply(body=stub.documents[ACCOUNT], drip_s=0.05)] * 2
    assert balances_error(venue) is not None

    def hanging() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "venue-balances"]

    deadline = time.monotonic() + 10
    while hanging() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not hanging()


def test_an_answer_without_end_is_cut_off_at_its_size(make_venue: MakeVenue, stub: StubVenue) -> None:
    venue = make_venue(limits=replace(FAST, answer_bytes=100_000))
    stub.replies[ACCOUNT] = Reply(body="[" + "1," * 100_000 + "1]")
    assert "longer than 100000 bytes" in (balances_error(venue) or "")
    assert stub.paths().count(ACCOUNT) == 1


def test_a_redirect_is_not_followed_with_the_key(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.replies[ACCOUNT] = Reply(status=302, headers={"Location": f"{stub.base_url}/elsewhere"})
    assert balances_error(venue) is not None
    assert "/elsewhere" not in stub.paths()
    assert stub.paths().count(ACCOUNT) == 1


def test_threads_take_turns_on_one_client(make_venue: MakeVenue, stub: StubVenue) -> None:
    readings = []
    threads = [
        threading.Thread(target=lambda: readings.append(make_venue().read_account())) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(readings) == 6
    assert all(entry.ok for reading in readings for entry in reading.sources)


def test_one_read_costs_what_its_requests_cost(venue: CcxtVenue, stub: StubVenue) -> None:
    venue.read_account()
    venue.read_marks([], [])
    venue.read_instruments([])
    assert sorted(stub.paths()) == sorted([*ACCOUNT_READS, MARKS, RATES, INSTRUMENTS])


def test_importing_the_adapter_does_not_import_ccxt() -> None:
    code = "import sys; import hedge_pipeline.adapters.ccxt_venue; print('ccxt' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_defaults_keep_a_whole_valuation_within_twenty_five_seconds() -> None:
    limits = VenueLimits()
    assert limits.account + limits.marks + limits.instruments + limits.income < timedelta(seconds=25)
    assert limits.recv_window == timedelta(seconds=5)
    assert limits.round_trip == timedelta(seconds=2)
