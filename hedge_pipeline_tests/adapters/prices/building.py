"""Funds, routes and providers of these tests, said briefly."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.adapters.prices import (
    CoinGeckoPrices,
    HoldingsPricer,
    HttpPolicy,
    JsonHttp,
    SpotPrices,
)
from hedge_pipeline.domain.prices import (
    AssetClass,
    ManualMark,
    PriceAnswer,
    PriceLimits,
    PriceRoute,
    PricesReading,
    ProviderPrice,
)
from hedge_pipeline.domain.reserves import Holding, HoldingsReading, Place
from hedge_pipeline.ports import Clock, PriceSource
from hedge_pipeline_tests.adapters.provider_stub import (
    NOON,
    ProviderStub,
)

KEY = "CG-do-not-tell-anyone"


LIMITS = PriceLimits()


def http(stub: ProviderStub, clock: Clock, **policy: Any) -> JsonHttp:
    return JsonHttp(
        source="coingecko",
        base_url=stub.url,
        clock=clock,
        policy=HttpPolicy(**policy),
        key_header="x-cg-demo-api-key",
        key=KEY,
    )


def coingecko(stub: ProviderStub, clock: Clock, **policy: Any) -> CoinGeckoPrices:
    return CoinGeckoPrices(http(stub, clock, **policy))


def spot(stub: ProviderStub, clock: Clock) -> SpotPrices:
    return SpotPrices(JsonHttp(source="spot", base_url=stub.url, clock=clock))


def fund(
    *quantities: tuple[str, str], routes: Sequence[PriceRoute] = (), marks: Sequence[ManualMark] = ()
) -> HoldingsReading:
    return HoldingsReading(
        as_of=NOON,
        treasury_configured=True,
        reserves_configured=False,
        holdings=tuple(
            Holding(place=Place.TREASURY, asset=asset, quantity=Decimal(quantity))
            for asset, quantity in quantities
        ),
        routes=tuple(routes),
        marks=tuple(marks),
    )


def route(asset: str, *sources: str, cross_check: str | None = None) -> PriceRoute:
    return PriceRoute(asset=asset, asset_class=AssetClass.CRYPTO, sources=sources, cross_check=cross_check)


def pricer(*sources: PriceSource, assets: Sequence[str] = ()) -> HoldingsPricer:
    return HoldingsPricer(account="main", sources=sources, limits=LIMITS, assets=assets)


class Told:
    """A provider that says what it is told to, and keeps what it was asked."""

    def __init__(self, name: str, said: dict[str, ProviderPrice | str]) -> None:
        self.name = name
        self.said = said
        self.asked: list[list[str]] = []

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        self.asked.append(list(identifiers))
        return PriceAnswer(said={i: self.said[i] for i in identifiers if i in self.said})


def price(usd: str, age: timedelta | None = timedelta(0), currency: str = "USD") -> ProviderPrice:
    as_of = None if age is None else NOON - age
    return ProviderPrice(price=Decimal(usd), currency=currency, as_of=as_of)


def usd_of(reading: PricesReading) -> dict[str, Decimal]:
    return {quote.asset: quote.usd for quote in reading.quotes}


def reason_of(reading: PricesReading, asset: str) -> str:
    return next(failure.reason for failure in reading.failures if failure.asset == asset)
