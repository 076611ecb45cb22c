"""What the fund keeps off the venue's derivatives account, and what it is worth at market.

Two places: the *treasury* (money that moves to and from the venue) and the *reserves* (everything else).
A holding without a price never becomes zero: the valuation says it is incomplete and names it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from hedge_pipeline.domain.prices import (
    ManualMark,
    PriceFailure,
    PriceLimits,
    PriceRoute,
    PricesReading,
    Quote,
)

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
"""Wide enough that products are rounded once, in ``_USD_PLACES``, and sums never."""
_USD_PLACES = Decimal("1e-8")
"""Values are rounded to this, half-even."""


class Place(StrEnum):
    """Where a holding is kept."""

    TREASURY = "treasury"
    RESERVES = "reserves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A quantity of one asset in one place. Negative quantities are liabilities."""

    place: Place
    asset: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsReading:
    """What the holdings files say. ``configured=False`` (no file) is not the same as an empty file."""

    as_of: datetime
    """When they were read."""
    treasury_configured: bool
    reserves_configured: bool
    holdings: tuple[Holding, ...]
    routes: tuple[PriceRoute, ...]
    """Those the files state; well-known assets need none."""
    marks: tuple[ManualMark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingValue:
    """One holding at market, or why it has no value."""

    place: Place
    asset: str
    quantity: Decimal
    price_usd: Decimal | None
    """``None``: unpriced."""
    value_usd: Decimal | None
    price_source: str | None
    price_as_of: datetime | None
    price_stale: bool
    """The price is an earlier one, still inside its age limit, because today's attempt failed."""
    reason: str | None
    """Why it is unpriced, stale or suspicious; ``None`` when all is well."""
    last_known_usd: Decimal | None
    """Value at the last accepted price, however old: for people, never summed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservesValuation:
    """Treasury and reserves in USD at one instant: a row of ``reserves_valuations``."""

    account: str
    ordinal: int
    """1, 2, 3 … per account."""
    recorded_at: datetime
    as_of: datetime | None
    """Oldest price used; ``None`` when nothing is priced."""
    valid_until: datetime | None
    """First instant at which some price used is older than its class allows."""
    treasury_configured: bool
    reserves_configured: bool
    values: tuple[HoldingValue, ...]
    complete: bool
    """Every holding of every configured place is priced."""
    error: str | None
    """Why the holdings of some place could not be read; ``values`` then lists the last known ones, without value."""
    treasury_usd: Decimal
    """Sum of the priced treasury holdings: a lower bound unless complete (and unless a liability has no price)."""
    reserves_usd: Decimal
    """Sum of the priced reserves holdings, likewise."""


def value_reserves(
    *,
    account: str,
    ordinal: int,
    holdings: HoldingsReading | str,
    prices: PricesReading | None,
    previous: ReservesValuation | None,
    limits: PriceLimits,
    now: datetime,
) -> ReservesValuation:
    """Value every holding at an accepted price, or say why it has no value.

    ``holdings`` is the reason in one line when they could not be read. ``prices`` is the latest attempt;
    ``previous`` the valuation before this one: a place it knew and that is now gone is an error, since an
    abandoned place has an empty file.
    """
    read = holdings if isinstance(holdings, HoldingsReading) else None
    known = {place for place in Place if previous is not None and _configured(previous, place)}
    lost = known - {place for place in Place if read is not None and _configured(read, place)}
    if read is None:
        error: str | None = str(holdings)
        lost = set(Place)
    else:
        error = "; ".join(_gone(place) for place in Place if place in lost) or None
    values = [*_values(read.holdings if read else (), prices, limits, now)]
    values += _last_known(previous, lost, error or "")
    priced = [value for value in values if value.value_usd is not None]
    return ReservesValuation(
        account=account,
        ordinal=ordinal,
        recorded_at=now,
        as_of=min((value.price_as_of for value in priced if value.price_as_of), default=None),
        valid_until=_valid_until(priced, prices),
        treasury_configured=Place.TREASURY in known or (read is not None and read.treasury_configured),
        reserves_configured=Place.RESERVES in known or (read is not None and read.reserves_configured),
        values=tuple(values),
        complete=error is None and len(priced) == len(values),
        error=error,
        treasury_usd=_total(priced, Place.TREASURY),
        reserves_usd=_total(priced, Place.RESERVES),
    )


def _configured(of: HoldingsReading | ReservesValuation, place: Place) -> bool:
    return of.treasury_configured if place is Place.TREASURY else of.reserves_configured


def _gone(place: Place) -> str:
    return f"{place}.toml was there before and is gone: restore it, or write an empty one to close the place"


def _values(
    holdings: Iterable[Holding], prices: PricesReading | None, limits: PriceLimits, now: datetime
) -> list[HoldingValue]:
    fresh = {quote.asset: quote for quote in prices.quotes} if prices else {}
    carried = {quote.asset: quote for quote in prices.carried} if prices else {}
    failures = {failure.asset: failure for failure in prices.failures} if prices else {}
    values = [_value(holding, fresh, carried, failures, limits, now) for holding in holdings]
    worth: dict[str, Decimal] = {}
    for value in values:
        worth[value.asset] = _EXACT.add(
            worth.get(value.asset, Decimal(0)), abs(value.value_usd or Decimal(0))
        )
    threshold = _EXACT.multiply(_sum(worth.values()), limits.cross_check_share)
    large = {asset for asset, usd in worth.items() if usd > threshold}
    return [
        _agreed(value, fresh[value.asset], limits)
        if value.asset in large and value.asset in fresh and value.value_usd is not None
        else value
        for value in values
    ]


def _value(
    holding: Holding,
    fresh: Mapping[str, Quote],
    carried: Mapping[str, Quote],
    failures: Mapping[str, PriceFailure],
    limits: PriceLimits,
    now: datetime,
) -> HoldingValue:
    last = fresh.get(holding.asset) or carried.get(holding.asset)
    failure = failures.get(holding.asset)
    usable = last is not None and last.holds_at(now, limits)
    stale = holding.asset not in fresh
    if usable:
        reason = failure.reason if failure else None
    elif failure is not None:
        reason = failure.reason
    elif last is not None:
        reason = f"the last price, of {last.as_of.isoformat()}, is too old"
    else:
        reason = "no price has been asked for yet"
    worth = _usd(holding.quantity, last.usd) if last is not None else None
    return HoldingValue(
        place=holding.place,
        asset=holding.asset,
        quantity=holding.quantity,
        price_usd=last.usd if last is not None and usable else None,
        value_usd=worth if usable else None,
        price_source=last.source if last is not None and usable else None,
        price_as_of=last.as_of if last is not None and usable else None,
        price_stale=usable and stale,
        reason=reason,
        last_known_usd=worth,
    )


def _agreed(value: HoldingValue, quote: Quote, limits: PriceLimits) -> HoldingValue:
    """The value of a large holding only if its second source agrees; a second source that is silent is told."""
    if quote.cross_check is None:
        return value
    if quote.cross_check_usd is None:
        return replace(value, reason=f"not cross-checked: {quote.cross_check} gave no usable price")
    difference = abs(_EXACT.subtract(_EXACT.divide(quote.cross_check_usd, quote.usd), Decimal(1)))
    if difference <= limits.cross_check:
        return value
    return _unpriced(
        value,
        f"{quote.source} says {quote.usd} and {quote.cross_check} says {quote.cross_check_usd}, "
        f"{difference:.1%} apart: which one is right is not known",
    )


def _last_known(previous: ReservesValuation | None, lost: set[Place], reason: str) -> Iterable[HoldingValue]:
    """What the lost places held when they were last read: named, and worth nothing known."""
    return (
        _unpriced(value, reason) for value in (previous.values if previous else ()) if value.place in lost
    )


def _unpriced(value: HoldingValue, reason: str) -> HoldingValue:
    return replace(
        value,
        price_usd=None,
        value_usd=None,
        price_source=None,
        price_as_of=None,
        price_stale=False,
        reason=reason,
    )


def _usd(quantity: Decimal, price: Decimal) -> Decimal:
    return _EXACT.quantize(_EXACT.multiply(quantity, price), _USD_PLACES)


def _total(priced: Iterable[HoldingValue], place: Place) -> Decimal:
    return _sum(value.value_usd for value in priced if value.place is place and value.value_usd is not None)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def _valid_until(priced: Iterable[HoldingValue], prices: PricesReading | None) -> datetime | None:
    until = {quote.asset: quote.valid_until for quote in (*prices.carried, *prices.quotes)} if prices else {}
    return min((until[value.asset] for value in priced), default=None)
