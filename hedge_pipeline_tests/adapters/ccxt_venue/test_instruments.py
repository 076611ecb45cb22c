"""The list of instruments: read rarely, never passed off as newer than it is."""

from datetime import timedelta
from decimal import Decimal

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import MakeVenue, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.stub import INSTRUMENTS, TIME, Reply, StubVenue


def test_instruments_are_read_once_an_hour(venue: CcxtVenue, stub: StubVenue, clock: MovableClock) -> None:
    first = venue.read_instruments(held=["ETHUSDT"])
    clock.elapsed_s += 3599
    second = venue.read_instruments(held=["ETHUSDT"])
    assert stub.paths().count(INSTRUMENTS) == 1
    assert second.as_of == first.as_of
    assert second.attempted_at - first.attempted_at > timedelta(minutes=59)

    clock.elapsed_s += 2
    third = venue.read_instruments(held=["ETHUSDT"])
    assert stub.paths().count(INSTRUMENTS) == 2
    assert third.as_of is not None
    assert first.as_of is not None
    assert third.as_of > first.as_of
    assert third.instruments is not None
    assert [(i.symbol, i.price_increment, i.minimum_notional_usd) for i in third.instruments] == [
        ("BTCUSDT", Decimal("0.10"), Decimal(100)),
        ("ETHUSDT", Decimal("0.01"), Decimal(20)),
    ]


def test_venues_of_one_address_and_key_share_what_the_process_has_read(
    make_venue: MakeVenue, stub: StubVenue
) -> None:
    first = make_venue().read_instruments(held=[])
    assert make_venue().read_instruments(held=[]).as_of == first.as_of
    assert stub.paths() == [TIME, INSTRUMENTS]
    make_venue(credentials=Credentials("another", "key")).read_instruments(held=[])
    assert stub.paths() == [TIME, INSTRUMENTS] * 2


def test_an_old_list_of_instruments_is_not_passed_off_as_new(
    venue: CcxtVenue, stub: StubVenue, clock: MovableClock
) -> None:
    venue.read_instruments(held=[])
    clock.elapsed_s += 3601
    stub.replies[INSTRUMENTS] = Reply(status=400, body={"code": -1000, "msg": "no"})

    assert venue.read_instruments(held=[]).instruments is None


def test_a_symbol_listed_since_is_asked_for_at_once_and_missed_by_name(
    venue: CcxtVenue, stub: StubVenue
) -> None:
    venue.read_instruments(held=[])
    reading = venue.read_instruments(held=["SOLUSDT"])

    assert reading.instruments is None
    assert "SOLUSDT" in (reading.sources[0].error or "")
    assert stub.paths().count(INSTRUMENTS) == 2
