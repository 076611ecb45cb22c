"""What a frame of each kind holds: its columns, its key, and what a value may be.

Money columns of a clean frame are exact decimal text without exponent or trailing zeros, which Arrow casts to
decimal128(38, 18); stamps are UTC microseconds. Text compares equal when the amounts are equal, and nothing passes
through a float that did not come as one. A recorded float is taken as its shortest decimal (``repr``): what was
printed before it was parsed, up to 15 digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum


class Unit(StrEnum):
    """What the numbers or texts of a time column count; always said, never guessed."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"
    AWARE = "aware"
    """Datetimes, or ISO 8601 text, each with its zone."""
    UTC = "utc"
    """Datetimes, or ISO 8601 text; one without a zone is UTC."""


class Bound(Enum):
    """What an amount may be, besides finite."""

    POSITIVE = "above zero"
    NOT_NEGATIVE = "zero or above"
    FRACTION = "a fraction between −1 and 1"
    ANY = "any number"


def _words(*words: str) -> Mapping[str, object]:
    return {word: word for word in words}


_SIDES = _words("BUY", "SELL")
_POSITION_SIDES = _words("LONG", "SHORT", "BOTH")
_FLAGS = {"True": True, "true": True, "False": False, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of facts, by the columns of its frame."""

    name: str
    time: str
    """Stamps of the source's clock."""
    key: tuple[str, ...]
    """Two rows that agree here tell of the same fact."""
    amounts: Mapping[str, Bound]
    names: tuple[str, ...] = ()
    """Text that is not empty."""
    choices: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Columns of few values: as written, as kept."""
    derived: tuple[str, ...] = ()
    """Computed from the rest, whatever the input says."""
    on_grid: bool = False
    """One row opens each step: candles."""
    may_be_empty: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the input; a clean frame has them in this order, then the derived ones."""
        return (self.time, *self.names, *self.choices, *self.amounts)

    @property
    def by_symbol(self) -> bool:
        return "symbol" in self.names


_OHLC = dict.fromkeys(("open", "high", "low", "close"), Bound.POSITIVE)

CANDLES = Kind(
    name="candles",
    time="open_at",
    key=("open_at",),
    amounts={**_OHLC, "volume": Bound.NOT_NEGATIVE},
    on_grid=True,
)
"""Of one symbol and one step."""
MARKS = Kind(name="marks", time="open_at", key=("open_at",), amounts=_OHLC, on_grid=True)
"""Candles of the mark price, which has no volume."""
FUNDING_RATES = Kind(
    name="funding_rates",
    time="funded_at",
    key=("funded_at", "symbol"),
    amounts={"rate": Bound.FRACTION},
    names=("symbol",),
    derived=("interval_hours",),
)
TRADES = Kind(
    name="trades",
    time="traded_at",
    key=("traded_at", "symbol", "trade_id"),
    amounts={"price": Bound.POSITIVE, "quantity": Bound.POSITIVE},
    names=("symbol", "trade_id"),
    choices={"side": _SIDES},
    may_be_empty=True,
)
"""Everybody's; ``side`` is the taker's."""
FILLS = Kind(
    name="fills",
    time="filled_at",
    key=("filled_at", "symbol", "fill_id"),
    amounts={
        "price": Bound.POSITIVE,
        "quantity": Bound.POSITIVE,
        "realized_pnl": Bound.ANY,
        "commission": Bound.ANY,
    },
    names=("symbol", "fill_id", "venue_order_id", "commission_asset"),
    choices={"side": _SIDES, "position_side": _POSITION_SIDES, "maker": _FLAGS},
    may_be_empty=True,
)
"""The account's own."""

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (CANDLES, MARKS, FUNDING_RATES, TRADES, FILLS)}

STEPS: Mapping[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "4h": timedelta(hours=4),
    "6h": timedelta(hours=6),
    "8h": timedelta(hours=8),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
}
"""Intervals of candles, by the venue's words for them."""
