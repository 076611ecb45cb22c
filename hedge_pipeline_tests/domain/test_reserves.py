from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.prices import AssetClass, PriceFailure, PriceLimits, PricesReading, Quote
from hedge_pipeline.domain.reserves import (
    Holding,
    HoldingsReading,
    HoldingValue,
    Place,
    ReservesValuation,
    value_reserves,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = PriceLimits()
CENTIMILLIONTH = Decimal("1e-8")


def quote(asset: str, usd: str | Decimal, age: timedelta = timedelta(minutes=1), **changes: object) -> Quote:
    plain = Quote(
        asset=asset,
        usd=Decimal(usd),
        source=f"coingecko:{asset}",
        as_of=NOON - age,
        received_at=NOON - age,
        valid_until=NOON - age + LIMITS.crypto,
        stamped=True,
        asset_class=AssetClass.CRYPTO,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # any field of a quote


def prices(
    *quotes: Quote, carried: Sequence[Quote] = (), failed: Sequence[tuple[str, str]] = ()
) -> PricesReading:
    return PricesReading(
        account="main",
        attempted_at=NOON,
        recorded_at=NOON,
        as_of=min((one.as_of for one in quotes), default=None),
        quotes=quotes,
        failures=tuple(PriceFailure(asset=asset, source="", reason=reason) for asset, reason in failed),
        carried=tuple(carried),
        closed=(),
        sources=(),
    )


def fund(
    *held: tuple[str, str | Decimal],
    reserves: Sequence[tuple[str, str | Decimal]] = (),
    treasury_configured: bool = True,
    reserves_configured: bool = True,
) -> HoldingsReading:
    def listed(place: Place, entries: Sequence[tuple[str, str | Decimal]]) -> list[Holding]:
        return [Holding(place=place, asset=asset, quantity=Decimal(quantity)) for asset, quantity in entries]

    return HoldingsReading(
        as_of=NOON,
        treasury_configured=treasury_configured,
        reserves_configured=reserves_configured,
        holdings=(*listed(Place.TREASURY, held), *listed(Place.RESERVES, reserves)),
        routes=(),
        marks=(),
    )


def value(
    holdings: HoldingsReading | str,
    reading: PricesReading | None,
    previous: ReservesValuation | None = None,
    limits: PriceLimits = LIMITS,
    now: datetime = NOON,
) -> ReservesValuation:
    return value_reserves(
        account="main",
        ordinal=1,
        holdings=holdings,
        prices=reading,
        previous=previous,
        limits=limits,
        now=now,
    )


def entry(valuation: ReservesValuation, asset: str) -> HoldingValue:
    return next(one for one in valuation.values if one.asset == asset)


def test_each_place_is_worth_its_holdings_at_market():
    valuation = value(
        fund(("BTC", "0.035"), ("USDT", "1000"), reserves=[("BTC", "0.1")]),
        prices(quote("BTC", "60000"), quote("USDT", "0.9990")),
    )

    assert valuation.treasury_usd == Decimal(3099)
    assert valuation.reserves_usd == Decimal(6000)
    assert valuation.complete
    assert valuation.error is None
    assert valuation.as_of == NOON - timedelta(minutes=1)
    assert valuation.valid_until == NOON + timedelta(minutes=4)
    assert all(one.reason is None and not one.price_stale for one in valuation.values)


@pytest.mark.finding("S2-NAV-4")
@pytest.mark.finding("S2-RES-2")
def test_an_unpriced_holding_is_named_with_its_last_known_value_and_never_zero():
    old = quote("XAUT", "4000", timedelta(hours=3))
    valuation = value(
        fund(("USDC", "100"), ("XAUT", "0.59")),
        prices(quote("USDC", "1"), carried=[old], failed=[("XAUT", "coingecko:tether-gold: HTTP 500")]),
    )

    gold = entry(valuation, "XAUT")
    assert not valuation.complete
    assert (gold.price_usd, gold.value_usd) == (None, None)
    assert gold.reason == "coingecko:tether-gold: HTTP 500"
    assert gold.last_known_usd == Decimal(2360)
    assert valuation.treasury_usd == Decimal(100), "a lower bound"


@pytest.mark.finding("S2-RES-2")
@pytest.mark.finding("X-11")
def test_an_earlier_price_stands_while_it_holds_and_says_that_it_is_stale():
    held = fund(("XAUT", "0.5"))
    reading = prices(carried=[quote("XAUT", "4000", timedelta(minutes=4))], failed=[("XAUT", "timeout")])

    valuation = value(held, reading)
    gold = entry(valuation, "XAUT")
    assert valuation.complete
    assert (gold.value_usd, gold.price_stale, gold.reason) == (Decimal(2000), True, "timeout")
    assert gold.price_as_of == NOON - timedelta(minutes=4)
    assert valuation.valid_until == NOON + timedelta(minutes=1)

    assert entry(value(held, reading, now=NOON + timedelta(minutes=1)), "XAUT").value_usd is None


def test_a_price_of_this_attempt_ages_too():
    reading = prices(quote("BTC", "60000"))

    valuation = value(fund(("BTC", "1")), reading, now=NOON + timedelta(minutes=4))

    assert not valuation.complete
    assert "too old" in str(entry(valuation, "BTC").reason)


def test_a_price_from_the_future_of_a_clock_that_went_back_is_not_used():
    valuation = value(fund(("BTC", "1")), prices(quote("BTC", "60000")), now=NOON - timedelta(hours=1))

    assert entry(valuation, "BTC").value_usd is None


def test_nothing_is_priced_before_the_first_attempt():
    valuation = value(fund(("BTC", "1")), None)

    assert not valuation.complete
    assert (valuation.as_of, valuation.valid_until) == (None, None)
    assert entry(valuation, "BTC").reason == "no price has been asked for yet"


@pytest.mark.finding("S2-RES-3")
def test_no_file_an_empty_file_and_an_unreadable_file_are_three_things():
    none = value(fund(reserves_configured=False), prices())
    empty = value(fund(), prices())
    unreadable = value("reserves.toml: it is not TOML", prices())

    assert (none.reserves_configured, none.complete, none.error) == (False, True, None)
    assert (empty.reserves_configured, empty.complete, empty.error) == (True, True, None)
    assert (unreadable.complete, unreadable.error) == (False, "reserves.toml: it is not TOML")


@pytest.mark.finding("S2-RES-3")
def test_holdings_that_cannot_be_read_are_listed_as_last_known_and_not_valued():
    before = value(fund(("BTC", "2")), prices(quote("BTC", "60000")))

    first = value("treasury.toml: it is not TOML", prices(quote("BTC", "60000")), before)
    second = value("treasury.toml: it is not TOML", prices(quote("BTC", "60000")), first)

    for valuation in (first, second):
        (btc,) = valuation.values
        assert (btc.quantity, btc.value_usd, btc.last_known_usd) == (Decimal(2), None, Decimal(120000))
        assert btc.reason == "treasury.toml: it is not TOML"
        assert valuation.treasury_configured
        assert (valuation.treasury_usd, valuation.complete) == (Decimal(0), False)


@pytest.mark.finding("S2-RES-3")
def test_a_file_that_disappears_does_not_make_the_fund_poorer_in_silence():
    reading = prices(quote("BTC", "60000"), quote("USDC", "1"))
    before = value(fund(("BTC", "2"), reserves=[("USDC", "500")]), reading)
    gone = fund(("BTC", "2"), reserves_configured=False)

    after = value(gone, reading, before)
    later = value(gone, reading, after)
    closed = value(fund(("BTC", "2")), reading, later)

    for valuation in (after, later):
        assert not valuation.complete
        assert "reserves.toml was there before and is gone" in str(valuation.error)
        assert entry(valuation, "USDC").last_known_usd == Decimal(500)
        assert valuation.treasury_usd == Decimal(120000)
    assert closed.complete, "an empty file closes the place"
    assert [one.asset for one in closed.values] == ["BTC"]


def checked(usd: str, second: str | None) -> Quote:
    return quote("BTC", usd, cross_check="spot:BTCUSDT", cross_check_usd=Decimal(second) if second else None)


def test_a_large_holding_counts_only_if_its_second_source_agrees():
    held = fund(("BTC", "1"), ("USDC", "1000"))

    agreed = value(held, prices(checked("60000", "60600"), quote("USDC", "1")))
    apart = value(held, prices(checked("60000", "60601"), quote("USDC", "1")))
    silent = value(held, prices(checked("60000", None), quote("USDC", "1")))

    assert agreed.complete
    assert not apart.complete
    assert entry(apart, "BTC").value_usd is None
    assert "60000" in str(entry(apart, "BTC").reason)
    assert "60601" in str(entry(apart, "BTC").reason)
    assert silent.complete
    assert "not cross-checked" in str(entry(silent, "BTC").reason)


def test_what_counts_as_large_is_the_asset_over_both_places():
    small_apart = checked("60000", "70000")
    cash = quote("USDC", "1")

    small = value(fund(("BTC", "0.09"), ("USDC", "60000")), prices(small_apart, cash))
    together = value(
        fund(("BTC", "0.09"), ("USDC", "60000"), reserves=[("BTC", "0.09")]), prices(small_apart, cash)
    )

    assert small.complete
    assert [one.value_usd for one in together.values if one.asset == "BTC"] == [None, None]


def test_a_liability_lowers_the_total():
    valuation = value(
        fund(("USDC", "100"), ("BTC", "-0.001")), prices(quote("USDC", "1"), quote("BTC", "60000"))
    )

    assert valuation.treasury_usd == Decimal(40)


assets = st.sampled_from([f"A{n}" for n in range(12)])
quantities = st.decimals(min_value="-1e15", max_value="1e15", places=18)
usd_prices = st.decimals(min_value="1e-18", max_value="1e12", places=18).filter(lambda price: price > 0)
ages = st.timedeltas(min_value=timedelta(0), max_value=timedelta(minutes=10))


@st.composite
def funds(draw: st.DrawFn, quantity: st.SearchStrategy[Decimal] = quantities) -> HoldingsReading:
    return fund(
        *draw(st.dictionaries(assets, quantity, max_size=8)).items(),
        reserves=[*draw(st.dictionaries(assets, quantity, max_size=8)).items()],
    )


@st.composite
def readings(draw: st.DrawFn) -> PricesReading:
    quotes = []
    for asset in draw(st.lists(assets, unique=True)):
        second = draw(st.none() | usd_prices)
        quotes.append(
            quote(
                asset,
                draw(usd_prices),
                draw(ages),
                cross_check=draw(st.sampled_from([None, "spot:X"])),
                cross_check_usd=second,
            )
        )
    cut = draw(st.integers(0, len(quotes)))
    return prices(
        *quotes[:cut], carried=quotes[cut:], failed=[(one.asset, "timeout") for one in quotes[cut:]]
    )


@given(funds(), readings())
def test_the_total_is_exactly_the_sum_of_the_priced_values(held: HoldingsReading, reading: PricesReading):
    valuation = value(held, reading)
    with localcontext() as context:
        context.prec = 200
        for place, total in (
            (Place.TREASURY, valuation.treasury_usd),
            (Place.RESERVES, valuation.reserves_usd),
        ):
            priced = [one for one in valuation.values if one.place is place and one.value_usd is not None]
            assert total == sum(one.value_usd for one in priced if one.value_usd is not None)
            for one in priced:
                assert one.price_usd is not None
                assert one.value_usd == (one.quantity * one.price_usd).quantize(CENTIMILLIONTH)


@given(funds(), readings())
def test_complete_means_that_nothing_is_missing(held: HoldingsReading, reading: PricesReading):
    valuation = value(held, reading)

    assert [(one.place, one.asset, one.quantity) for one in valuation.values] == [
        (one.place, one.asset, one.quantity) for one in held.holdings
    ], "every holding is listed, priced or not"
    assert valuation.complete == all(one.value_usd is not None for one in valuation.values)
    assert all(one.reason for one in valuation.values if one.value_usd is None or one.price_stale)


@given(funds(quantity=st.decimals(min_value=0, max_value="1e15", places=18)), readings(), st.data())
def test_losing_a_quote_never_raises_the_total(
    held: HoldingsReading, reading: PricesReading, data: st.DataObject
):
    drop = data.draw(st.sets(assets))
    fewer = replace(
        reading,
        quotes=tuple(one for one in reading.quotes if one.asset not in drop),
        carried=tuple(one for one in reading.carried if one.asset not in drop),
    )

    before, after = value(held, reading), value(held, fewer)

    assert after.treasury_usd <= before.treasury_usd
    assert after.reserves_usd <= before.reserves_usd
    assert before.complete or not after.complete


@given(funds(), readings(), st.randoms(use_true_random=False))
def test_the_order_of_files_and_quotes_does_not_matter(
    held: HoldingsReading, reading: PricesReading, random: Random
):
    one = value(held, reading)
    other = value(
        replace(held, holdings=tuple(random.sample(held.holdings, len(held.holdings)))),
        replace(
            reading,
            quotes=tuple(random.sample(reading.quotes, len(reading.quotes))),
            carried=tuple(random.sample(reading.carried, len(reading.carried))),
        ),
    )

    assert replace(other, values=one.values) == one
    assert sorted(other.values, key=repr) == sorted(one.values, key=repr)


@given(funds(), readings())
def test_every_value_holds_until_valid_until_and_one_does_not_any_longer(
    held: HoldingsReading, reading: PricesReading
):
    valuation = value(held, reading)
    if valuation.valid_until is None:
        assert all(one.value_usd is None for one in valuation.values)
        return

    limits = replace(LIMITS, cross_check_share=Decimal(1))
    just_before = value(held, reading, limits=limits, now=valuation.valid_until - timedelta(microseconds=1))
    at = value(held, reading, limits=limits, now=valuation.valid_until)
    assert valuation.valid_until > NOON
    assert sum(one.value_usd is not None for one in at.values) < sum(
        one.value_usd is not None for one in just_before.values
    )


def test_a_sum_is_exact_at_any_size():
    held = fund(("HUGE", "999999999999999.123456789"), ("TINY", "1"))

    valuation = value(held, prices(quote("HUGE", "999999999999.7"), quote("TINY", "0.00000001")))

    assert valuation.treasury_usd == Decimal("999999999999699123456789000.26296297")


def test_a_thousand_holdings_are_valued():
    names = [f"A{n}" for n in range(1000)]

    valuation = value(
        fund(*((name, "1.5") for name in names)), prices(*(quote(name, "2.00000001") for name in names))
    )

    assert valuation.complete
    assert valuation.treasury_usd == Decimal("3000.00002000"), (
        "each value is rounded half-even to eight places"
    )
