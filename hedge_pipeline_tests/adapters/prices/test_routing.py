import json
from datetime import timedelta
from decimal import Decimal

import pytest

from hedge_pipeline.adapters.prices import (
    CrossRates,
)
from hedge_pipeline.domain.prices import (
    AssetClass,
    ManualMark,
    PriceRoute,
    PricesReading,
    ProviderPrice,
)
from hedge_pipeline_tests.adapters.prices.building import (
    Told,
    coingecko,
    fund,
    http,
    price,
    pricer,
    reason_of,
    route,
    spot,
    usd_of,
)
from hedge_pipeline_tests.adapters.provider_stub import (
    NOON,
    ProviderStub,
    TickingClock,
    any_coin,
    coins,
    reply,
)


@pytest.mark.finding("S2-RES-1")
def test_fifty_assets_cost_one_request_per_provider(stub: ProviderStub, clock: TickingClock):
    stub.answer = lambda asked: (
        any_coin()(asked)
        if "ids" in asked.query
        else reply([{"symbol": s, "price": "2.5"} for s in json.loads(asked.query["symbols"])])
    )
    assets = [f"C{n}" for n in range(50)]
    routes = [
        route(a, f"spot:{a}USDT", f"coingecko:{a.lower()}", cross_check=f"coingecko:{a.lower()}")
        for a in assets
    ]
    held = fund(*((asset, "1") for asset in assets), routes=routes)

    reading = pricer(coingecko(stub, clock), spot(stub, clock))(held, None, clock.now)

    assert sorted(asked.path for asked in stub.asked) == ["/api/v3/simple/price", "/api/v3/ticker/price"]
    assert len(reading.quotes) == 51, "and USDT, the currency of the pairs"
    assert not reading.failures


@pytest.mark.finding("S2-RES-1")
@pytest.mark.finding("X-11")
def test_a_quote_received_a_moment_ago_is_not_asked_for_again_and_keeps_its_stamp(
    stub: ProviderStub, clock: TickingClock
):
    stub.answer = any_coin(4000, as_of=NOON - timedelta(seconds=40))
    price_all = pricer(coingecko(stub, clock))
    first = price_all(fund(("XAUT", "1")), None, clock.now)

    clock.advance(timedelta(seconds=59))
    second = price_all(fund(("XAUT", "1")), first, clock.now)
    assert len(stub.asked) == 1
    assert second.quotes == first.quotes

    clock.advance(timedelta(seconds=1))
    price_all(fund(("XAUT", "1")), second, clock.now)
    assert len(stub.asked) == 2


@pytest.mark.parametrize("status", [429, 418])
def test_a_long_retry_after_closes_the_provider_until_then(
    stub: ProviderStub, clock: TickingClock, status: int
):
    stub.answers(reply({}, status, retry_after="120"), reply(coins({"tether-gold": 4100.5})))
    price_all = pricer(coingecko(stub, clock))
    held = fund(("XAUT", "1"))

    first = price_all(held, None, clock.now)
    assert len(stub.asked) == 1
    assert [(closed.provider, closed.until) for closed in first.closed] == [
        ("coingecko", NOON + timedelta(seconds=120))
    ]

    clock.advance(timedelta(seconds=119))
    second = pricer(coingecko(stub, clock))(held, first, clock.now)
    assert len(stub.asked) == 1, "not even by another process: the row tells"
    assert "closed until 2026-11-20T12:02" in reason_of(second, "XAUT")
    assert not second.sources

    clock.advance(timedelta(seconds=1))
    third = price_all(held, second, clock.now)
    assert usd_of(third) == {"XAUT": Decimal("4100.5")}
    assert not third.closed


@pytest.mark.finding("S2-NAV-3")
def test_gold_cash_and_private_notes_get_a_price(stub: ProviderStub, clock: TickingClock):
    stub.answer = lambda asked: (
        reply(coins({"tether": {"usd": 1, "eur": 0.8}, "tether-gold": {"usd": 4100}}))
        if asked.path == "/api/v3/simple/price"
        else reply([{"symbol": "BTCUSDT", "price": "65000"}])
    )
    note = ManualMark(
        name="NOTE_A",
        price=Decimal(1200),
        currency="EUR",
        as_of=NOON - timedelta(days=20),
        max_age=timedelta(days=30),
    )
    note_route = PriceRoute(asset="NOTE_A", asset_class=AssetClass.MANUAL, sources=("manual:NOTE_A",))
    held = fund(
        ("XAUT", "0.59"),
        ("EUR", "8000"),
        ("NOTE_A", "10"),
        ("USD", "5"),
        ("BTC", "1"),
        routes=[note_route],
        marks=[note],
    )

    reading = pricer(coingecko(stub, clock), CrossRates(http(stub, clock)), spot(stub, clock))(
        held, None, clock.now
    )

    assert not reading.failures
    assert usd_of(reading) == {
        "XAUT": Decimal(4100),
        "EUR": Decimal("1.25"),
        "NOTE_A": Decimal(1500),
        "USD": Decimal(1),
        "BTC": Decimal(65000),
        "USDT": Decimal(1),
    }
    by_asset = {quote.asset: quote for quote in reading.quotes}
    assert by_asset["NOTE_A"].as_of == note.as_of
    assert by_asset["NOTE_A"].valid_until == NOON + timedelta(hours=24), "its exchange rate ages first"


@pytest.mark.finding("S2-NAV-3")
@pytest.mark.finding("S2-NAV-4")
def test_an_asset_without_a_route_is_a_failure_with_the_remedy():
    reading = pricer()(fund(("XYZ", "1")), None, lambda: NOON)

    assert "[routes.XYZ]" in reason_of(reading, "XYZ")


def test_a_provider_is_asked_once_for_first_choices_second_choices_and_cross_checks():
    one = Told("spot", {"AUSDT": price("2", None, "USDT")})
    two = Told("coingecko", {i: price("2") for i in ("a", "b", "tether")})
    held = fund(
        ("A", "1"),
        ("B", "1"),
        routes=[
            route("A", "spot:AUSDT", "coingecko:a", cross_check="coingecko:a"),
            route("B", "spot:BUSDT", "coingecko:b"),
        ],
    )

    reading = pricer(one, two)(held, None, lambda: NOON)

    assert one.asked == [["AUSDT", "BUSDT"]]
    assert two.asked == [["a", "b", "tether"]]
    assert {quote.asset: quote.source for quote in reading.quotes} == {
        "A": "spot:AUSDT",
        "B": "coingecko:b",
        "USDT": "coingecko:tether",
    }


def test_a_provider_that_nobody_needs_is_not_asked():
    first = Told("coingecko", {"a": price("2")})
    second = Told("spot", {})

    pricer(first, second)(
        fund(("A", "1"), routes=[route("A", "coingecko:a", "spot:AUSDT")]), None, lambda: NOON
    )

    assert second.asked == []


def test_an_unconfigured_provider_falls_to_the_next_source():
    source = Told("coingecko", {"bitcoin": price("65000"), "tether": price("1")})

    reading = pricer(source)(fund(("BTC", "1")), None, lambda: NOON)

    assert usd_of(reading)["BTC"] == Decimal(65000)


def test_a_pair_is_worth_what_its_currency_is_worth():
    depegged = Told("coingecko", {"tether": price("0.90", timedelta(minutes=3))})
    pairs = Told("spot", {"AUSDT": price("100", None, "USDT")})

    reading = pricer(depegged, pairs)(fund(("A", "1"), routes=[route("A", "spot:AUSDT")]), None, lambda: NOON)

    quote = next(quote for quote in reading.quotes if quote.asset == "A")
    assert quote.usd == Decimal(90)
    assert quote.as_of == NOON - timedelta(minutes=3), "as old as the older of both"
    assert quote.valid_until == NOON + timedelta(minutes=2)


def test_a_pair_whose_currency_has_no_price_has_none_either():
    pairs = Told("spot", {"AUSDT": price("100", None, "USDT")})

    reading = pricer(Told("coingecko", {}), pairs)(
        fund(("A", "1"), routes=[route("A", "spot:AUSDT")]), None, lambda: NOON
    )

    assert usd_of(reading) == {}
    assert "USDT, the currency of this price, has no price" in reason_of(reading, "A")


def test_prices_priced_in_terms_of_one_another_are_no_prices():
    pairs = Told("spot", {"BTCETH": price("20", None, "ETH"), "ETHBTC": price("0.05", None, "BTC")})
    held = fund(("BTC", "1"), ("ETH", "1"), routes=[route("BTC", "spot:BTCETH"), route("ETH", "spot:ETHBTC")])

    reading = pricer(pairs)(held, None, lambda: NOON)

    assert {failure.asset for failure in reading.failures} == {"BTC", "ETH"}


def test_the_numeraire_is_priced_though_nobody_holds_it():
    source = Told("coingecko", {"tether": price("0.9998")})

    reading = pricer(source, assets=["USDT"])(fund(), None, lambda: NOON)

    assert usd_of(reading) == {"USDT": Decimal("0.9998")}


def test_a_jump_seen_in_two_attempts_running_is_accepted_by_the_second(clock: TickingClock):
    def attempt(usd: str, previous: PricesReading | None) -> PricesReading:
        clock.advance(timedelta(minutes=2))
        said = ProviderPrice(price=Decimal(usd), currency="USD", as_of=clock.now())
        return pricer(Told("coingecko", {"tether-gold": said}))(fund(("XAUT", "1")), previous, clock.now)

    first = attempt("4000", None)
    jumped = attempt("6000", first)
    assert "moved by 50.0%" in reason_of(jumped, "XAUT")
    assert jumped.carried == first.quotes

    assert usd_of(attempt("6100", jumped)) == {"XAUT": Decimal(6100)}
    back = attempt("4010", jumped)
    assert usd_of(back) == {"XAUT": Decimal(4010)}
    assert not usd_of(attempt("6100", back)), "the earlier jump was not confirmed, and counts no more"


@pytest.mark.finding("S2-RES-1")
def test_exchange_rates_are_asked_for_once_an_hour(clock: TickingClock):
    rates = Told("fx", {"EUR": price("1.16")})
    reading = None
    for _ in range(121):
        reading = pricer(rates)(fund(("EUR", "1")), reading, clock.now)
        clock.advance(timedelta(seconds=60))

    assert len(rates.asked) == 3
    assert reading is not None
    assert reading.as_of == NOON


def test_a_changed_route_counts_at_once(clock: TickingClock):
    old, new = Told("coingecko", {"a": price("1"), "b": price("1.1")}), route("A", "coingecko:b")
    first = pricer(old)(fund(("A", "1"), routes=[route("A", "coingecko:a")]), None, clock.now)

    second = pricer(old)(fund(("A", "1"), routes=[new]), first, clock.now)

    assert usd_of(second) == {"A": Decimal("1.1")}


@pytest.mark.finding("X-11")
def test_holdings_that_cannot_be_read_ask_nobody_and_lose_nothing():
    source = Told("coingecko", {"tether-gold": price("4100")})
    first = pricer(source)(fund(("XAUT", "1")), None, lambda: NOON)

    second = pricer(source)("treasury.toml: it is not TOML", first, lambda: NOON + timedelta(minutes=1))

    assert source.asked == [["tether-gold"]]
    assert second.quotes == ()
    assert second.carried == first.quotes
    assert reason_of(second, "XAUT") == "treasury.toml: it is not TOML"


@pytest.mark.finding("X-11")
def test_a_last_price_survives_any_number_of_failures_with_its_own_stamp():
    good = Told("coingecko", {"tether-gold": price("4100")})
    reading = pricer(good)(fund(("XAUT", "1")), None, lambda: NOON)
    first = reading.quotes

    for minute in range(2, 300):
        later = NOON + timedelta(minutes=minute)
        reading = pricer(Told("coingecko", {}))(fund(("XAUT", "1")), reading, TickingClock(later).now)

    assert reading.quotes == ()
    assert reading.carried == first
    assert reading.as_of is None
