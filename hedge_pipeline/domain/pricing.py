"""From what providers said to prices that may be used: every reason to refuse one is here.

Sources of a route are tried in order. A price in another currency is multiplied by that currency's own
accepted price, so a dollar-pegged coin is never taken for a dollar. With answers still missing, an outcome
says whom to ask first; so the caller learns what it needs and asks each provider once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Context, Decimal

from hedge_pipeline.domain.price_routes import FIXED_USD, split_source
from hedge_pipeline.domain.prices import (
    USD,
    PriceFailure,
    PriceLimits,
    PriceRoute,
    ProviderPrice,
    Quote,
    RefusedJump,
)

_WIDE = Context(prec=28)
"""Of conversions and ratios, whatever the caller's decimal context is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One provider's answer for one source, and when."""

    price: ProviderPrice | str
    """Or why there is none."""
    asked_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing can be said of an asset before this provider has been asked."""

    provider: str


Outcome = Quote | PriceFailure | Waiting


@dataclass(slots=True, kw_only=True)
class Settlement:
    """What is known in one attempt, and what follows from it for each asset."""

    routes: Mapping[str, PriceRoute]
    said: Mapping[str, Said]
    """By ``provider:identifier``; absent: not asked yet."""
    reused: Mapping[str, Quote]
    """Quotes young enough to stand without asking."""
    last: Mapping[str, Quote]
    """Last accepted quote by asset, however old."""
    refused: Mapping[str, RefusedJump]
    """Jumps refused in the attempt before this one, by asset."""
    limits: PriceLimits
    now: datetime
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def outcome(self, asset: str) -> Outcome:
        """The asset's price, why it has none, or whom to ask first."""
        known = self._outcomes.get(asset)
        if known is not None:
            return known
        if asset in self._open:
            return PriceFailure(asset=asset, source="", reason=f"{asset} is priced in terms of itself")
        self._open.add(asset)
        found = self.reused.get(asset) or self._settle(asset)
        self._open.discard(asset)
        self._outcomes[asset] = found
        return found

    def _settle(self, asset: str) -> Outcome:
        route = self.routes.get(asset)
        if route is None:
            return PriceFailure(
                asset=asset,
                source="",
                reason=f"no route: say where its price comes from under [routes.{asset}], "
                f'e.g. sources = ["coingecko:<id>"], or write a mark under [manual.{asset}]',
            )
        reasons: list[str] = []
        earlier = [self.refused[asset]] if asset in self.refused else []
        refused: RefusedJump | None = None
        for source in route.sources:
            quote = self._quote(route, source)
            if isinstance(quote, Waiting):
                return quote
            if isinstance(quote, str):
                reasons.append(f"{source}: {quote}")
                continue
            jump = self._jump(quote, earlier)
            if jump is None:
                return self._cross_checked(route, quote)
            reasons.append(f"{source}: {jump}")
            earlier.append(RefusedJump(source=quote.source, usd=quote.usd, as_of=quote.as_of))
            refused = refused or earlier[-1]
        return PriceFailure(asset=asset, source=route.sources[0], reason="; ".join(reasons), refused=refused)

    def _quote(self, route: PriceRoute, source: str) -> Quote | Waiting | str:
        """The quote of one source, fresh and in USD, or why it is not to be used."""
        said = self._answer(source)
        if isinstance(said, Waiting):
            return said
        price = said.price
        if isinstance(price, str):
            return price
        as_of = price.as_of or said.asked_at
        valid_until = as_of + (price.max_age or self.limits.max_age(route.asset_class))
        fault = self._fault_of_age(as_of, valid_until)
        rate = fault or self._rate(price.currency)
        if isinstance(rate, Waiting | str):
            return rate
        return Quote(
            asset=route.asset,
            usd=price.price if rate is None else _WIDE.multiply(price.price, rate.usd),
            source=source,
            as_of=as_of if rate is None else min(as_of, rate.as_of),
            received_at=said.received_at,
            valid_until=valid_until if rate is None else min(valid_until, rate.valid_until),
            stamped=price.as_of is not None,
            asset_class=route.asset_class,
        )

    def _answer(self, source: str) -> Said | Waiting:
        if source == FIXED_USD:
            dollar = ProviderPrice(price=Decimal(1), currency=USD, as_of=None)
            return Said(price=dollar, asked_at=self.now, received_at=self.now)
        return self.said.get(source) or Waiting(provider=split_source(source)[0])

    def _fault_of_age(self, as_of: datetime, valid_until: datetime) -> str | None:
        if as_of > self.now + self.limits.future:
            return f"stamped {as_of.isoformat()}, which is {as_of - self.now} ahead of our clock"
        if valid_until <= self.now:
            return f"stale: {self.now - as_of} old where such a price holds for {valid_until - as_of}"
        return None

    def _rate(self, currency: str) -> Quote | Waiting | str | None:
        """USD per unit of the currency a price is stated in; ``None``: it is stated in USD."""
        if currency == USD:
            return None
        settled = self.outcome(currency)
        if isinstance(settled, PriceFailure):
            return self._last_good(currency) or f"{currency}, the currency of this price, has no price itself"
        return settled

    def _last_good(self, asset: str) -> Quote | None:
        """An earlier rate still inside its age limit; its stamp goes into whatever is converted with it."""
        last = self.last.get(asset)
        return last if last is not None and last.holds_at(self.now, self.limits) else None

    def _jump(self, quote: Quote, earlier: list[RefusedJump]) -> str | None:
        """Why a price has moved too far to be believed alone; ``None``: it has not, or it is confirmed.

        A confirmation is another observation near the refused one: from another source, or with a later
        stamp. The same answer read twice from a cache confirms nothing.
        """
        last = self.last.get(quote.asset)
        if last is None or _move(last.usd, quote.usd) <= self.limits.jump:
            return None
        for other in earlier:
            distinct = other.source != quote.source or quote.as_of > other.as_of
            if distinct and _move(other.usd, quote.usd) <= self.limits.jump:
                return None
        remedy = (
            "mark it again with a later as_of if it is right"
            if split_source(quote.source)[0] == "manual"
            else "a second such price confirms it"
        )
        return (
            f"moved by {_move(last.usd, quote.usd):.1%} in one step, from {last.usd} to {quote.usd}; {remedy}"
        )

    def _cross_checked(self, route: PriceRoute, quote: Quote) -> Quote | Waiting:
        """The quote with what the second source says beside it."""
        second = route.cross_check
        if second is None or second == quote.source:
            return quote
        other = self._quote(route, second)
        if isinstance(other, Waiting):
            return other
        usd = other.usd if isinstance(other, Quote) else None
        return replace(quote, cross_check=second, cross_check_usd=usd)


def _move(before: Decimal, after: Decimal) -> Decimal:
    """Size of a move as a fraction of where it started."""
    return abs(_WIDE.subtract(_WIDE.divide(after, before), Decimal(1)))
