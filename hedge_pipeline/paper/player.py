"""What a player of prices must answer: prices, bars and funding as functions of elapsed path time alone.

Path time is the venue's own: milliseconds walked along the path, which pauses while the venue is stopped and runs `pace`
times faster than the wall clock. Negative path time is the history before the venue was opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol, Self

Series = Literal["last", "mark"]


class UnknownSymbol(Exception):
    """Nothing of this name is listed or priced here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """A symbol's prices at one instant of the path, before shocks and rounding."""

    last: Decimal
    mark: Decimal
    index: Decimal
    as_of_path_ms: int
    """Path instant these prices are true at: behind the instant asked for where the path has a hole or has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """The lowest and the highest of a symbol's prices at some instants."""

    lowest_last: Decimal
    highest_last: Decimal
    lowest_mark: Decimal
    highest_mark: Decimal

    @classmethod
    def of(cls, prices: Iterable[Prices]) -> Self:
        lasts, marks = zip(*((p.last, p.mark) for p in prices), strict=True)
        return cls(
            lowest_last=min(lasts), highest_last=max(lasts), lowest_mark=min(marks), highest_mark=max(marks)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What was walked over one span of the path."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    rate: Decimal
    """Fraction of the notional charged at the next funding instant; positive: longs pay."""
    interval_hours: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the path, in path milliseconds; an empty one is an instant at which the path stood still."""

    start: int
    end: int


class Player(Protocol):
    @property
    def symbols(self) -> tuple[str, ...]:
        """Everything it can price: contracts, and pairs against USD."""

    def prices(self, symbol: str, path_ms: int) -> Prices:
        """Raises UnknownSymbol for what it cannot price, at all or at that instant."""

    def price_range(self, symbol: str, path_ms: Sequence[int]) -> PriceRange:
        """Exactly that of `prices` at these instants, at least one. Raises UnknownSymbol likewise."""

    def bars(self, symbol: str, series: Series, spans: Sequence[Span], *, step_ms: int) -> list[Bar | None]:
        """One bar per span, None where the path does not reach; `step_ms` bounds how finely highs and lows are looked for."""

    def funding(self, symbol: str, path_ms: int) -> Funding:
        """The rate in force at that instant of the path."""
