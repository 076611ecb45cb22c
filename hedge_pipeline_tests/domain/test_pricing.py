from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.price_routes import (
    DEFAULT_ROUTES,
    FIXED_USD,
    SPOT_QUOTE_ASSETS,
    fault_of_source,
    spot_quote_asset,
)
from hedge_pipeline.domain.prices import (
    USD,
    AssetClass,
    PriceFailure,
    PriceLimits,
    PriceRoute,
    ProviderPrice,
    Quote,
    RefusedJump,
    exact_decimal,
)
from hedge_pipeline.domain.pricing import Outcome, Said, Settlement, Waiting

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIMITS = PriceLimits()
ROUTE = PriceRoute(asset="A", asset_class=AssetClass.CRYPTO, sources=("coingecko:a", "spot:AUSDT"))
AGES = {
    AssetClass.CRYPTO: timedelta(minutes=5),
    AssetClass.FX: timedelta(hours=24),
    AssetClass.EQUITY: timedelta(hours=96),
    AssetClass.MANUAL: timedelta(days=7),
}


def said(price: str | ProviderPrice, age: timedelta = timedelta(0)) -> Said:
    if isinstance(price, str):
        price = ProviderPrice(price=Decimal(price), currency=USD, as_of=NOON - age)
    return Said(price=price, asked_at=NOON, received_at=NOON)


def unsaid(reason: str = "HTTP 500") -> Said:
    return Said(price=reason, asked_at=NOON, received_at=NOON)


def last(usd: str, age: timedelta = timedelta(minutes=1)) -> Quote:
    return Quote(
        asset="A",
        usd=Decimal(usd),
        source="coingecko:a",
        as_of=NOON - age,
        received_at=NOON - age,
        valid_until=NOON - age + LIMITS.crypto,
        stamped=True,
        asset_class=AssetClass.CRYPTO,
    )


def settle(
    answers: Mapping[str, Said],
    *,
    route: PriceRoute = ROUTE,
    previous: Quote | None = None,
    refused: RefusedJump | None = None,
) -> Outcome:
    return Settlement(
        routes={"A": route},
        said=answers,
        reused={},
        last={"A": previous} if previous else {},
        refused={"A": refused} if refused else {},
        limits=LIMITS,
        now=NOON,
    ).outcome("A")


def quoted(outcome: Outcome) -> Quote:
    assert isinstance(outcome, Quote), outcome
    return outcome


def failed(outcome: Outcome) -> PriceFailure:
    assert isinstance(outcome, PriceFailure), outcome
    return outcome


@pytest.mark.parametrize("asset_class", AssetClass)
def test_a_price_holds_for_as_long_as_its_class_allows(asset_class: AssetClass):
    route = replace(ROUTE, asset_class=asset_class, sources=("coingecko:a",))
    limit = AGES[asset_class]

    young = quoted(settle({"coingecko:a": said("2", limit - timedelta(microseconds=1))}, route=route))
    old = failed(settle({"coingecko:a": said("2", limit)}, route=route))

    assert young.valid_until == NOON + timedelta(microseconds=1)
    assert "stale" in old.reason


def test_a_mark_may_have_an_age_limit_of_its_own():
    mark = ProviderPrice(
        price=Decimal(2), currency=USD, as_of=NOON - timedelta(days=20), max_age=timedelta(days=30)
    )

    assert quoted(settle({"coingecko:a": said(mark)})).valid_until == NOON + timedelta(days=10)


def test_a_price_from_the_future_is_refused():
    route = replace(ROUTE, sources=("coingecko:a",))

    quoted(settle({"coingecko:a": said("2", -timedelta(seconds=1))}, route=route))
    failure = failed(settle({"coingecko:a": said("2", -timedelta(seconds=1.1))}, route=route))

    assert "ahead of our clock" in failure.reason


def test_a_price_without_a_stamp_is_as_old_as_the_question():
    quote = quoted(settle({"coingecko:a": said(ProviderPrice(price=Decimal(2), currency=USD, as_of=None))}))

    assert (quote.as_of, quote.stamped) == (NOON, False)


def test_sources_are_tried_in_order_and_every_reason_is_kept():
    assert settle({}) == Waiting(provider="coingecko")
    assert settle({"coingecko:a": unsaid()}) == Waiting(provider="spot")
    assert quoted(settle({"coingecko:a": unsaid(), "spot:AUSDT": said("2")})).source == "spot:AUSDT"
    assert failed(settle({"coingecko:a": unsaid(), "spot:AUSDT": unsaid("gone")})).reason == (
        "coingecko:a: HTTP 500; spot:AUSDT: gone"
    )


def test_only_us_dollars_are_fixed():
    dollars = Settlement(
        routes=DEFAULT_ROUTES, said={}, reused={}, last={}, refused={}, limits=LIMITS, now=NOON
    ).outcome(USD)

    assert quoted(dollars).usd == 1
    fixed = [route.asset for route in DEFAULT_ROUTES.values() if FIXED_USD in route.sources]
    assert fixed == [USD]
    assert fault_of_source(FIXED_USD, "USDT") is not None
    assert fault_of_source("fixed:eur", "EUR") is not None


@pytest.mark.parametrize("usd", ["130", "70"])
def test_a_jump_is_refused_once_and_accepted_when_seen_again(usd: str):
    route = replace(ROUTE, sources=("coingecko:a",))
    before = last("100")

    first = failed(settle({"coingecko:a": said(usd, timedelta(seconds=30))}, route=route, previous=before))
    assert "moved by 30.0%" in first.reason
    assert first.refused is not None

    again = {"coingecko:a": said(usd, timedelta(seconds=30))}
    same = failed(settle(again, route=route, previous=before, refused=first.refused))
    assert same.refused == first.refused, "the same answer out of a cache confirms nothing"

    later = {"coingecko:a": said(usd, timedelta(seconds=10))}
    assert quoted(settle(later, route=route, previous=before, refused=first.refused)).usd == Decimal(usd)


def test_a_second_jump_elsewhere_confirms_nothing():
    route = replace(ROUTE, sources=("coingecko:a",))
    refused = RefusedJump(source="coingecko:a", usd=Decimal(1000), as_of=NOON - timedelta(minutes=1))

    failure = failed(settle({"coingecko:a": said("10")}, route=route, previous=last("100"), refused=refused))

    assert failure.refused is not None
    assert failure.refused.usd == Decimal(10)


def test_a_second_source_confirms_a_jump_at_once_or_contradicts_it():
    both = {"coingecko:a": said("130"), "spot:AUSDT": said("131")}
    assert quoted(settle(both, previous=last("100"))).usd == Decimal(131)

    one = {"coingecko:a": said("130"), "spot:AUSDT": said("101")}
    assert quoted(settle(one, previous=last("100"))).usd == Decimal(101)


def test_a_move_within_the_limit_and_a_first_price_need_no_confirmation():
    assert quoted(settle({"coingecko:a": said("120")}, previous=last("100"))).usd == 120
    assert quoted(settle({"coingecko:a": said("120")})).usd == 120


def test_a_jumping_mark_is_confirmed_by_writing_it_again():
    route = PriceRoute(asset="A", asset_class=AssetClass.MANUAL, sources=("manual:A",))

    failure = failed(settle({"manual:A": said("1000")}, route=route, previous=last("100")))

    assert "mark it again with a later as_of" in failure.reason


def test_the_second_opinion_stands_beside_the_price():
    route = replace(ROUTE, sources=("coingecko:a",), cross_check="spot:AUSDT")
    one = {"coingecko:a": said("100")}

    assert settle(one, route=route) == Waiting(provider="spot")
    agreed = quoted(settle({**one, "spot:AUSDT": said("101")}, route=route))
    silent = quoted(settle({**one, "spot:AUSDT": unsaid()}, route=route))
    old = quoted(settle({**one, "spot:AUSDT": said("101", timedelta(hours=1))}, route=route))

    assert (agreed.usd, agreed.cross_check, agreed.cross_check_usd) == (
        Decimal(100),
        "spot:AUSDT",
        Decimal(101),
    )
    assert (silent.cross_check, silent.cross_check_usd) == ("spot:AUSDT", None)
    assert old.cross_check_usd is None


def test_a_price_is_not_its_own_second_opinion():
    route = replace(ROUTE, cross_check="spot:AUSDT")

    quote = quoted(settle({"coingecko:a": unsaid(), "spot:AUSDT": said("100")}, route=route))

    assert quote.cross_check is None


def test_an_earlier_rate_of_exchange_serves_while_it_holds_and_lends_its_stamp():
    pair = ProviderPrice(price=Decimal(100), currency="USDT", as_of=None)
    earlier = replace(last("0.9"), asset="USDT")

    def outcome(rate: Quote) -> Outcome:
        return Settlement(
            routes={"A": replace(ROUTE, sources=("spot:AUSDT",)), "USDT": DEFAULT_ROUTES["USDT"]},
            said={"spot:AUSDT": said(pair), "coingecko:tether": unsaid()},
            reused={},
            last={"USDT": rate},
            refused={},
            limits=LIMITS,
            now=NOON,
        ).outcome("A")

    quote = quoted(outcome(earlier))
    assert (quote.usd, quote.as_of, quote.valid_until) == (Decimal(90), earlier.as_of, earlier.valid_until)
    failed(outcome(replace(earlier, valid_until=NOON)))


def test_conversions_do_not_depend_on_the_callers_decimal_context():
    pair = ProviderPrice(price=Decimal("65000.12345678"), currency="USDT", as_of=None)
    rate = replace(last("0.99981234"), asset="USDT")

    with localcontext() as context:
        context.prec = 3
        quote = quoted(
            Settlement(
                routes={"A": replace(ROUTE, sources=("spot:AUSDT",))},
                said={"spot:AUSDT": said(pair)},
                reused={"USDT": rate},
                last={},
                refused={},
                limits=LIMITS,
                now=NOON,
            ).outcome("A")
        )

    assert quote.usd == Decimal("65000.12345678") * Decimal("0.99981234")


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "sNaN", "1e13", "1e-19"])
def test_no_such_price_can_exist(price: str):
    with pytest.raises(InvalidState):
        ProviderPrice(price=Decimal(price), currency=USD, as_of=None)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**12), max_value=10**12))
def test_a_decimal_written_out_is_read_back_exactly(number: Decimal):
    assert exact_decimal(f"{number:f}") == number


@pytest.mark.parametrize(
    "value", [1.5, True, None, "", " 1", "1_0", "NaN", "inf", "0x1", "1e999", "٣", [], "1.", ".5"]
)
def test_nothing_else_is_a_number(value: object):
    assert exact_decimal(value) is None


def test_every_default_route_could_have_been_written_by_hand():
    for asset, route in DEFAULT_ROUTES.items():
        assert route.asset == asset
        for source in (*route.sources, *filter(None, [route.cross_check])):
            assert fault_of_source(source, asset) is None
    assert set(SPOT_QUOTE_ASSETS) <= set(DEFAULT_ROUTES)


@pytest.mark.parametrize(
    ("symbol", "quote"),
    [("BTCUSDT", "USDT"), ("BTCFDUSD", "FDUSD"), ("ETHBTC", "BTC"), ("BTCXYZ", None), ("USDT", None)],
)
def test_the_currency_of_a_pair_is_read_off_its_symbol(symbol: str, quote: str | None):
    assert spot_quote_asset(symbol) == quote


@pytest.mark.parametrize(
    "source",
    ["bitcoin", "kraken:BTC", "coingecko:", "coingecko:a,b", "spot:BTCXYZ", "spot:A B", ":x", "fixed:eur"],
)
def test_a_source_that_cannot_work_is_found_out(source: str):
    assert fault_of_source(source, "BTC") is not None


def test_a_stablecoin_is_never_priced_in_itself():
    assert "itself" in str(fault_of_source("spot:USDCUSDT", "USDT"))
