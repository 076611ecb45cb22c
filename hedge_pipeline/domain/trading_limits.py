"""Trading limits: what one opening order may be, each limit in one unit.

Shares are fractions of NAV, amounts USD, quantities base units. No figure turns a cap off: each is above 0, only a cooldown may
be none, and a symbol without limits of its own is not traded.
"""

from dataclasses import dataclass, fields
from datetime import timedelta
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState


def _refuse_what_is_no_limit(limits: object) -> None:
    for field in fields(limits):  # type: ignore[arg-type]  # every caller is a dataclass
        value = getattr(limits, field.name)
        number = value.total_seconds() if isinstance(value, timedelta) else value
        if isinstance(number, Decimal) and not (number.is_finite() and number > 0):
            raise InvalidState(f"{type(limits).__name__}: {field.name} is {value}: write a number above 0")
        if isinstance(number, int | float) and number < 0:
            raise InvalidState(f"{type(limits).__name__}: {field.name} is {value}: write 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """So many events within a sliding window, no more."""

    count: int
    window: timedelta

    def __post_init__(self) -> None:
        if self.count < 1 or self.window <= timedelta(0):
            raise InvalidState(f"rate limit: {self.count} within {self.window}: write at least 1, above 0 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimit:
    """So many rejects and denials within the window trip the breaker; it stays open for the cooldown."""

    failures: int
    window: timedelta
    cooldown: timedelta

    def __post_init__(self) -> None:
        if self.failures < 1 or min(self.window, self.cooldown) <= timedelta(0):
            raise InvalidState(
                f"circuit breaker: {self.failures} within {self.window}, open for {self.cooldown}: "
                "write at least 1, and spans above 0 s"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLimit:
    """A cap that symbols share."""

    bucket: str
    max_exposure: Decimal
    """Fraction of NAV."""

    def __post_init__(self) -> None:
        _refuse_what_is_no_limit(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolLimits:
    """Caps of one symbol. What counts toward a cap: position, resting and proposed orders together."""

    symbol: str
    bucket: str
    max_order_notional_usd: Decimal
    max_side_quantity: Decimal
    """Base units of one position side."""
    max_side_exposure: Decimal
    """One position side, a fraction of NAV."""
    max_exposure: Decimal
    """Both sides added up, a fraction of NAV."""
    max_leverage: Decimal
    """As set at the venue."""
    blocked_sides: frozenset[PositionSide] = frozenset()

    def __post_init__(self) -> None:
        _refuse_what_is_no_limit(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingLimits:
    """Everything an opening order is compared with."""

    symbols: tuple[SymbolLimits, ...]
    """All that may be traded."""
    buckets: tuple[BucketLimit, ...]
    minimum_notional_usd: Decimal
    """The venue's own minimum applies too."""
    max_order_exposure: Decimal
    """One order, a fraction of NAV."""
    max_account_exposure: Decimal
    """All sides of all symbols added up, a fraction of NAV: 1.5 is one and a half times NAV."""
    max_open_sides: int
    """Position sides held or about to be."""
    max_margin_ratio: Decimal
    """Maintenance margin over margin balance; 1 is liquidation."""
    delivery_notice: timedelta
    """Before a contract ends nothing is opened in it for this long."""
    fill_cooldown: timedelta
    """Of a symbol, after an entry in it was filled."""
    stop_cooldown: timedelta
    """Of the account, after a stop was filled."""
    burst: RateLimit
    """Of the account."""
    symbol_rate: RateLimit
    """Of each symbol."""
    breaker: BreakerLimit

    def __post_init__(self) -> None:
        _refuse_what_is_no_limit(self)
        for what, names in (
            ("symbols", [each.symbol for each in self.symbols]),
            ("buckets", [each.bucket for each in self.buckets]),
        ):
            if len(set(names)) < len(names):
                raise InvalidState(f"trading limits: {what} {names} name one twice: keep one of each")
        if unknown := {each.bucket for each in self.symbols} - {each.bucket for each in self.buckets}:
            raise InvalidState(f"trading limits: buckets {sorted(unknown)} have no cap: write one each")
        if self.max_margin_ratio >= 1:
            raise InvalidState(f"trading limits: max_margin_ratio is {self.max_margin_ratio}: 1 liquidates")

    def of(self, symbol: str) -> SymbolLimits | None:
        return next((each for each in self.symbols if each.symbol == symbol), None)

    def cap_of(self, bucket: str) -> Decimal:
        """Every bucket named by a symbol has one."""
        return next(each.max_exposure for each in self.buckets if each.bucket == bucket)

    @property
    def longest_window(self) -> timedelta:
        """Older events matter to no rule."""
        return max(
            self.burst.window,
            self.symbol_rate.window,
            self.breaker.window,
            self.fill_cooldown,
            self.stop_cooldown,
        )
