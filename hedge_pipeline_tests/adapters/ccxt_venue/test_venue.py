"""A healthy venue, and one whose sources fail one at a time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials
from hedge_pipeline.domain.account import AccountPosition, PositionSide
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import MakeVenue, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    INCOME,
    MARKS,
    MODES,
    POSITIONS,
    RATES,
    STAMP,
    TIME,
    Reply,
    StubVenue,
    income_row,
)

STAMPED = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=STAMP)


def health(sources: tuple[SourceHealth, ...], source: str) -> SourceHealth:
    return next(entry for entry in sources if entry.source == source)


def test_a_healthy_account_is_read_whole(venue: CcxtVenue) -> None:
    reading = venue.read_account()

    assert [(entry.source, entry.ok) for entry in reading.sources] == [
        ("clock", True), ("balances", True), ("positions", True), ("modes", True),
    ]  # fmt: skip
    assert reading.hedge_mode is True
    assert reading.multi_assets_mode is False
    assert reading.totals is not None
    assert reading.totals.margin_balance == Decimal("1012.5")
    assert reading.balances is not None
    assert [(b.asset, b.wallet_balance) for b in reading.balances] == [
        ("BNB", Decimal("-0.1")), ("USDT", Decimal(1000)),
    ]  # fmt: skip
    assert reading.positions is not None
    assert [(p.position_side, p.quantity, p.liquidation_price) for p in reading.positions] == [
        (PositionSide.LONG, Decimal("0.010"), None),
        (PositionSide.SHORT, Decimal("0.005"), Decimal("190000.5")),
    ]
    assert reading.account_positions is not None
    assert reading.account_positions[1] == AccountPosition(
        symbol="BTCUSDT",
        position_side=PositionSide.SHORT,
        quantity=Decimal("0.005"),
        unrealized_pnl=Decimal("-7.5"),
        updated_at=STAMPED,
    )


def test_balances_are_as_of_the_start_of_their_request_by_the_venues_clock(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    stub.documents[TIME] = lambda _: {"serverTime": STAMP}
    stub.replies[ACCOUNT] = Reply(body=stub.documents[ACCOUNT], hang_s=0.1)

    reading = venue.read_account()

    assert reading.as_of is not None
    assert reading.answered_at is not None
    assert timedelta(0) <= reading.as_of - STAMPED < timedelta(milliseconds=90)
    assert timedelta(milliseconds=100) <= reading.answered_at - reading.as_of < timedelta(milliseconds=250)
    assert reading.clock is not None
    assert reading.clock.venue_at == STAMPED
    assert reading.clock.boot_id == clock.boot_id()


@pytest.mark.finding("S1-NAV-1")
@pytest.mark.parametrize("failed", ["balances", "positions", "modes"])
def test_a_failed_source_leaves_a_hole_and_its_reason_and_the_others_stand(
    venue: CcxtVenue, stub: StubVenue, failed: str
) -> None:
    path = {"balances": ACCOUNT, "positions": POSITIONS, "modes": MODES}[failed]
    stub.replies[path] = Reply(status=500, body="upstream")

    reading = venue.read_account()

    assert {entry.source for entry in reading.sources if not entry.ok} == {failed}
    assert "HTTP 500" in (health(reading.sources, failed).error or "")
    assert health(reading.sources, failed).as_of is None
    assert (reading.balances is None) == (failed == "balances")
    assert (reading.account_positions is None) == (failed == "balances")
    assert (reading.as_of is None) == (failed == "balances")
    assert (reading.positions is None) == (failed == "positions")
    assert (reading.hedge_mode is None) == (failed == "modes")


def test_without_the_venues_clock_nothing_can_be_signed(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.replies[TIME] = Reply(status=500)

    reading = venue.read_account()

    assert not any(entry.ok for entry in reading.sources)
    assert reading.as_of is None
    assert ACCOUNT not in stub.paths()
    assert "clock" in (health(reading.sources, "balances").error or "")


def test_a_clock_that_fails_later_leaves_facts_without_an_age(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    venue.read_account()
    clock.elapsed_s += 3600
    stub.documents[TIME] = {"serverTime": "soon"}

    reading = venue.read_account()

    assert reading.balances is not None
    assert reading.clock is None
    assert reading.as_of is None
    assert reading.answered_at is None


def test_a_round_trip_of_more_than_two_seconds_tells_no_time(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    def slowly(_: object) -> object:
        clock.elapsed_s += 2.01
        return {"serverTime": STAMP}

    stub.documents[TIME] = slowly
    reading = venue.read_account()

    assert "round trip" in (health(reading.sources, "clock").error or "")
    assert reading.clock is None


def test_a_jump_of_the_wall_clock_changes_no_signature_and_no_age(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    before = venue.read_account()
    clock.wall_jump = timedelta(hours=5)
    after = venue.read_account()

    assert before.as_of is not None
    assert after.as_of is not None
    assert after.as_of - before.as_of < timedelta(seconds=5)
    stamps = [int(asked.params["timestamp"]) for asked in stub.asked if "timestamp" in asked.params]
    assert max(stamps) - min(stamps) < 5_000


def test_signed_reads_carry_the_venues_time_and_the_short_window(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.documents[TIME] = lambda _: {"serverTime": STAMP}
    venue.read_account()

    signed = [asked for asked in stub.asked if asked.path == ACCOUNT][-1]
    assert 0 <= int(signed.params["timestamp"]) - STAMP < 1_000
    assert signed.params["recvWindow"] == "5000"
    assert len(signed.params["signature"]) == 64


def test_missing_credentials_fail_signed_sources_naming_the_setting(
    make_venue: MakeVenue, stub: StubVenue
) -> None:
    venue = make_venue(credentials=Credentials("key", None, settings=("venue.api_key", "venue.api_secret")))

    reading = venue.read_account()

    assert reading.clock is not None
    assert health(reading.sources, "balances").error == "no credentials: set venue.api_secret"
    assert ACCOUNT not in stub.paths()
    with pytest.raises(SourceUnavailable, match=r"venue\.api_secret"):
        venue.read_income(STAMPED)


def test_marks_cover_held_and_configured_symbols_and_no_others(venue: CcxtVenue) -> None:
    reading = venue.read_marks(held=["ETHUSDT"], assets=["BNB"])

    assert reading.marks is not None
    assert [(m.symbol, m.mark_price, m.funding_rate) for m in reading.marks] == [
        ("BTCUSDT", Decimal(62000), Decimal("-0.0001")),
        ("ETHUSDT", Decimal(3000), Decimal("-0.0001")),
    ]
    assert reading.asset_rates is not None
    assert [(r.asset, r.usd) for r in reading.asset_rates] == [
        ("BNB", Decimal(600)),
        ("USDT", Decimal("0.9995")),
    ]
    assert reading.as_of == STAMPED - timedelta(milliseconds=500)


def test_usd_is_one_and_as_old_as_the_rates_beside_it(venue: CcxtVenue) -> None:
    reading = venue.read_marks(held=[], assets=["USD"])

    assert reading.asset_rates is not None
    assert [(r.asset, r.usd, r.as_of) for r in reading.asset_rates] == [
        ("USD", Decimal(1), STAMPED), ("USDT", Decimal("0.9995"), STAMPED),
    ]  # fmt: skip


def test_a_symbol_or_asset_without_a_price_fails_its_source_by_name(venue: CcxtVenue) -> None:
    reading = venue.read_marks(held=["SOLUSDT"], assets=["FDUSD"])

    assert reading.marks is None
    assert reading.asset_rates is None
    assert reading.as_of is None
    assert "SOLUSDT" in (health(reading.sources, "marks").error or "")
    assert "FDUSDUSD" in (health(reading.sources, "asset_rates").error or "")


def test_marks_survive_failing_rates(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.replies[RATES] = Reply(body="{}")

    reading = venue.read_marks(held=[], assets=[])

    assert reading.marks is not None
    assert reading.as_of is None


def test_income_is_asked_from_since_to_the_venues_now(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.documents[TIME] = lambda _: {"serverTime": STAMP}
    stub.documents[INCOME] = [income_row(STAMP - 5, 1, income_type="SOMETHING_NEW", amount="-1.25")]

    rows, asked_at = venue.read_income(STAMPED - timedelta(minutes=10))

    assert [(row.income_type, row.tran_id, row.amount) for row in rows] == [
        ("SOMETHING_NEW", "1", Decimal("-1.25"))
    ]
    assert timedelta(0) <= asked_at - STAMPED < timedelta(seconds=1)
    params = next(asked.params for asked in stub.asked if asked.path == INCOME)
    assert params["startTime"] == str(STAMP - 600_000)
    assert STAMP <= int(params["endTime"]) < STAMP + 1_000
    assert params["limit"] == "1000"


def test_an_income_list_that_fails_on_a_later_page_is_no_income_list(
    make_venue: MakeVenue, stub: StubVenue
) -> None:
    stub.documents[TIME] = lambda _: {"serverTime": STAMP + 10_000}
    full = [income_row(STAMP + n, n) for n in range(1000)]
    stub.script[INCOME] = [Reply(body=full), Reply(body="<html>")]

    with pytest.raises(SourceMalformed, match="income"):
        make_venue().read_income(STAMPED)


def test_unasked_rows_do_not_matter_but_asked_ones_do(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.documents[MARKS][0]["lastFundingRate"] = ""

    assert "BTCUSDT.lastFundingRate" in (venue.read_marks(held=[], assets=[]).sources[0].error or "")
