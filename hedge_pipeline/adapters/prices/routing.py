"""One attempt to price every holding: who is asked, in which order, each provider once.

The preferred provider of any asset is asked for everything it knows of all assets, as first choice, as
second choice and as cross-check, in one batch. A provider that is nobody's first choice is asked only when
somebody's first choice failed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hedge_pipeline.domain.price_routes import DEFAULT_ROUTES, split_source, spot_quote_asset
from hedge_pipeline.domain.prices import (
    USD,
    ClosedProvider,
    ManualMark,
    PriceFailure,
    PriceLimits,
    PriceRoute,
    PricesReading,
    ProviderPrice,
    Quote,
)
from hedge_pipeline.domain.pricing import Said, Settlement, Waiting
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.ports import PriceSource


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsPricer:
    """``Pricer`` of ports over any number of providers."""

    account: str
    sources: Sequence[PriceSource]
    limits: PriceLimits
    assets: Sequence[str] = ()
    """Priced beside what is held, such as the numeraire."""

    def __call__(
        self, holdings: HoldingsReading | str, previous: PricesReading | None, now: Callable[[], datetime], /
    ) -> PricesReading:
        """``now`` is the clock by which ages count; it is read before and after requests."""
        attempted_at = now()
        if isinstance(holdings, str):
            return _carried_on(self.account, holdings, previous, attempted_at)
        wanted = {holding.asset for holding in holdings.holdings} | set(self.assets)
        attempt = _Attempt(
            routes=_routes(wanted, holdings),
            marks=holdings.marks,
            sources=self.sources,
            previous=previous,
            limits=self.limits,
            now=now,
            attempted_at=attempted_at,
        )
        settled = attempt.run(wanted)
        quotes = tuple(found for found in settled if isinstance(found, Quote))
        failures = tuple(found for found in settled if isinstance(found, PriceFailure))
        last = attempt.last
        return PricesReading(
            account=self.account,
            attempted_at=attempted_at,
            recorded_at=now(),
            as_of=min((quote.as_of for quote in quotes), default=None),
            quotes=quotes,
            failures=failures,
            carried=tuple(last[failure.asset] for failure in failures if failure.asset in last),
            closed=tuple(attempt.closed.values()),
            sources=tuple(attempt.health),
        )


class _Attempt:
    """What one attempt has learned so far."""

    def __init__(
        self,
        *,
        routes: Mapping[str, PriceRoute],
        marks: Iterable[ManualMark],
        sources: Sequence[PriceSource],
        previous: PricesReading | None,
        limits: PriceLimits,
        now: Callable[[], datetime],
        attempted_at: datetime,
    ) -> None:
        self.routes = routes
        self.marks = {mark.name: mark for mark in marks}
        self.providers = {source.name: source for source in sources}
        self.limits = limits
        self.now = now
        self.attempted_at = attempted_at
        self.said: dict[str, Said] = {}
        self.health: list[SourceHealth] = []
        self.last = _last_quotes(previous)
        self.closed = {
            closed.provider: closed
            for closed in (previous.closed if previous else ())
            if closed.until > attempted_at
        }
        self.refused = {
            failure.asset: failure.refused
            for failure in (previous.failures if previous else ())
            if failure.refused is not None
        }
        self.reused = {
            quote.asset: quote for quote in (previous.quotes if previous else ()) if self._reusable(quote)
        }

    def run(self, wanted: Iterable[str]) -> list[Quote | PriceFailure]:
        """Ask until every asset has an outcome, by asset; at most once per provider."""
        unasked = {
            split_source(route.sources[0])[0]
            for route in self.routes.values()
            if route.asset not in self.reused
        }
        while True:
            for provider in sorted(unasked):
                self._ask(provider)
            settlement = Settlement(
                routes=self.routes,
                said=self.said,
                reused=self.reused,
                last=self.last,
                refused=self.refused,
                limits=self.limits,
                now=self.now(),
            )
            outcomes = [settlement.outcome(asset) for asset in sorted({*wanted, *self.routes})]
            unasked = {found.provider for found in outcomes if isinstance(found, Waiting)}
            if not unasked:
                return [found for found in outcomes if not isinstance(found, Waiting)]

    def _reusable(self, quote: Quote) -> bool:
        route = self.routes.get(quote.asset)
        age = self.attempted_at - quote.received_at
        return (
            route is not None
            and quote.source in route.sources
            and split_source(quote.source)[0] in self.providers
            and timedelta(0) <= age < self.limits.reuse(quote.asset_class)
            and quote.holds_at(self.attempted_at, self.limits)
        )

    def _ask(self, provider: str) -> None:
        asked_at = self.now()
        identifiers = self._identifiers(provider)
        said = self._answers(provider, identifiers, asked_at)
        received_at = self.now()
        for identifier in identifiers:
            price = said.get(identifier, "the provider passed over it")
            self.said[f"{provider}:{identifier}"] = Said(
                price=price, asked_at=asked_at, received_at=received_at
            )

    def _identifiers(self, provider: str) -> list[str]:
        """Everything this provider may be asked for, first choice or not, that is not reused."""
        return sorted(
            {
                identifier
                for route in self.routes.values()
                if route.asset not in self.reused
                for name, identifier in map(split_source, _sources(route))
                if name == provider
            }
        )

    def _answers(
        self, provider: str, identifiers: Sequence[str], asked_at: datetime
    ) -> Mapping[str, ProviderPrice | str]:
        if provider == "fixed":
            return {}
        if provider == "manual":
            return {identifier: self._mark(identifier) for identifier in identifiers}
        closed = self.closed.get(provider)
        if closed is not None:
            return dict.fromkeys(
                identifiers, f"closed until {closed.until.isoformat()}, as the provider asked"
            )
        if provider not in self.providers:
            return dict.fromkeys(identifiers, f"no provider '{provider}' is configured")
        answer = self.providers[provider].fetch(identifiers)
        if answer.closed_for is not None:
            self.closed[provider] = ClosedProvider(provider=provider, until=self.now() + answer.closed_for)
        stamps = [p.as_of or asked_at for p in answer.said.values() if isinstance(p, ProviderPrice)]
        self.health.append(
            SourceHealth(
                source=provider,
                ok=answer.error is None,
                as_of=min(stamps, default=None),
                error=answer.error,
            )
        )
        return answer.said

    def _mark(self, name: str) -> ProviderPrice | str:
        mark = self.marks.get(name)
        if mark is None:
            return f"no mark: write one under [manual.{name}]"
        return ProviderPrice(price=mark.price, currency=mark.currency, as_of=mark.as_of, max_age=mark.max_age)


def _routes(wanted: Iterable[str], holdings: HoldingsReading) -> dict[str, PriceRoute]:
    """Routes of what is wanted and, in turn, of every currency in which its price may be stated."""
    stated = {route.asset: route for route in holdings.routes}
    currencies = {f"manual:{mark.name}": mark.currency for mark in holdings.marks}
    routes: dict[str, PriceRoute] = {}
    left = list(wanted)
    while left:
        asset = left.pop()
        route = stated.get(asset) or DEFAULT_ROUTES.get(asset)
        if asset in routes or route is None:
            continue
        routes[asset] = route
        for source in _sources(route):
            provider, identifier = split_source(source)
            currency = spot_quote_asset(identifier) if provider == "spot" else currencies.get(source)
            if currency is not None and currency != USD:
                left.append(currency)
    return routes


def _sources(route: PriceRoute) -> tuple[str, ...]:
    return route.sources if route.cross_check is None else (*route.sources, route.cross_check)


def _last_quotes(previous: PricesReading | None) -> dict[str, Quote]:
    return {quote.asset: quote for quote in (*previous.carried, *previous.quotes)} if previous else {}


def _carried_on(
    account: str, reason: str, previous: PricesReading | None, attempted_at: datetime
) -> PricesReading:
    last = _last_quotes(previous)
    return PricesReading(
        account=account,
        attempted_at=attempted_at,
        recorded_at=attempted_at,
        as_of=None,
        quotes=(),
        failures=tuple(PriceFailure(asset=asset, source="", reason=reason) for asset in sorted(last)),
        carried=tuple(last[asset] for asset in sorted(last)),
        closed=previous.closed if previous else (),
        sources=(),
    )
