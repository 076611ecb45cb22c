"""Prices of what the fund holds: where they come from, how long they hold, and why there is none.

One attempt is one row. It keeps, beside the prices it got, the last accepted price of every asset that
got none, with its own stamp: the next attempt needs no other row to judge a jump or to show a last value.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.sources import SourceHealth

USD = "USD"
_PLAIN_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?", re.ASCII)
_PRICE_RANGE = (Decimal("1e-18"), Decimal("1e12"))


def exact_decimal(value: object) -> Decimal | None:
    """The number a text, integer or decimal states, digit by digit; ``None`` for anything else.

    Floats have already lost digits, and ``Decimal`` itself would take ``NaN``, ``1_000`` and `` 1 ``.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value)
    return Decimal(text) if _PLAIN_NUMBER.fullmatch(text) else None


class AssetClass(StrEnum):
    """Decides how old a price may be."""

    CRYPTO = "crypto"
    FX = "fx"
    EQUITY = "equity"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRoute:
    """Where the price of one asset comes from: an ordered list of sources, never a guess."""

    asset: str
    asset_class: AssetClass
    sources: tuple[str, ...]
    """``provider:identifier`` in order of preference, e.g. ``coingecko:tether-gold``, ``spot:BTCUSDT``."""
    cross_check: str | None = None
    """A second ``provider:identifier`` that must agree, for holdings large enough to matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualMark:
    """A price a person wrote down, for what no provider quotes."""

    name: str
    """The identifier of ``manual:<name>``."""
    price: Decimal
    currency: str
    as_of: datetime
    max_age: timedelta | None
    """``None``: the limit of the asset's class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPrice:
    """What a provider or a mark says, before it is believed.

    Raises:
        InvalidState: the price is not a positive number between 1e-18 and 1e12.
    """

    price: Decimal
    currency: str
    """``USD``, or an asset that needs a price itself: a pair quoted in USDT is not quoted in USD."""
    as_of: datetime | None
    """The provider's stamp; ``None`` where it gives none."""
    max_age: timedelta | None = None
    """Its own age limit, where it has one; ``None``: that of the asset's class."""

    def __post_init__(self) -> None:
        low, high = _PRICE_RANGE
        if not self.price.is_finite() or not low <= self.price <= high:
            raise InvalidState(f"a price must lie between {low} and {high}, not {self.price}")


def stated_price(value: object, currency: str, as_of: datetime | None) -> ProviderPrice | str:
    """What a provider stated as a price, or why that is none; text is not quoted: it may echo a secret."""
    price = exact_decimal(value)
    if price is None:
        return f"{type(value).__name__} that is no plain number is not a price"
    try:
        return ProviderPrice(price=price, currency=currency, as_of=as_of)
    except InvalidState as fault:
        return str(fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAnswer:
    """What a provider said to one batch."""

    said: Mapping[str, ProviderPrice | str]
    """Identifier → its price, or why there is none. Every identifier asked for is in it."""
    error: str | None = None
    """Why some of the batch was not answered at all, without secrets; ``None``: every request was."""
    closed_for: timedelta | None = None
    """The provider asked to be left alone for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """One accepted price in USD."""

    asset: str
    usd: Decimal
    source: str
    """``provider:identifier`` that gave it."""
    as_of: datetime
    """The provider's stamp, or when it was asked where it has none (``stamped`` tells); never renewed.

    For a price converted from another currency, the older of both stamps.
    """
    received_at: datetime
    valid_until: datetime
    """``as_of`` plus the age limit of its class; for a converted price, the earlier of both."""
    stamped: bool
    """Whether ``as_of`` is the provider's own."""
    asset_class: AssetClass
    cross_check: str | None = None
    """The second source asked, other than ``source``."""
    cross_check_usd: Decimal | None = None
    """What it said; ``None`` when it gave nothing usable."""

    def holds_at(self, now: datetime, limits: "PriceLimits") -> bool:
        """Neither too old nor, after a clock went back, from the future."""
        return self.as_of <= now + limits.future and now < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedJump:
    """A price that moved too far in one step and waits for one confirmation."""

    source: str
    usd: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceFailure:
    """Why one asset has no price in this attempt."""

    asset: str
    source: str
    """The preferred source; empty when the asset has no route."""
    reason: str
    """Of every source tried, with the remedy where a person can do something."""
    refused: RefusedJump | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedProvider:
    """A provider that is not to be asked before ``until``: it said so, or it limits our rate."""

    provider: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesReading:
    """One attempt to price every holding: a row of ``prices``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """Oldest quote's stamp; ``None`` without any quote."""
    quotes: tuple[Quote, ...]
    """Accepted in this attempt, or younger than the reuse limit and not asked for again; sorted by asset."""
    failures: tuple[PriceFailure, ...]
    carried: tuple[Quote, ...]
    """Last accepted quotes of the assets that failed, however old, as they were."""
    closed: tuple[ClosedProvider, ...]
    sources: tuple[SourceHealth, ...]
    """One per provider asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLimits:
    """How old and how jumpy a price may be."""

    crypto: timedelta = timedelta(minutes=5)
    fx: timedelta = timedelta(hours=24)
    equity: timedelta = timedelta(hours=96)
    """One session and a long weekend."""
    manual: timedelta = timedelta(days=7)
    future: timedelta = timedelta(seconds=1)
    """A stamp may be ahead of our clock by this much."""
    jump: Decimal = Decimal("0.20")
    """A larger move in one step waits for one confirmation."""
    cross_check: Decimal = Decimal("0.01")
    """Two sources may differ by this fraction."""
    cross_check_share: Decimal = Decimal("0.10")
    """Only holdings above this share of the total are cross-checked."""

    def max_age(self, asset_class: AssetClass) -> timedelta:
        """A price as old as this is stale."""
        match asset_class:
            case AssetClass.CRYPTO:
                return self.crypto
            case AssetClass.FX:
                return self.fx
            case AssetClass.EQUITY:
                return self.equity
            case AssetClass.MANUAL:
                return self.manual

    def reuse(self, asset_class: AssetClass) -> timedelta:
        """A quote received less than this ago is not asked for again; it keeps its stamp.

        A fifth of the age limit, at most an hour: providers count requests by the month.
        """
        return min(self.max_age(asset_class) / 5, timedelta(hours=1))
