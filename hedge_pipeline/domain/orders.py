"""Orders: what is sent to the venue, and what is known of what was sent.

In hedge mode an order is two directions: ``side`` says whether it buys or sells, ``position_side`` which of the symbol's two
positions it moves. Whether it opens or reduces follows from both and is never stored, so nothing can contradict it: buying
LONG and selling SHORT open, the other two reduce. The venue's reduce-only flag does not exist in this mode.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.market_data import Side


class OrderKind(StrEnum):
    """What an order is for."""

    ENTRY = "entry"
    TAKE_PROFIT = "tp"
    STOP_LOSS = "sl"


class OrderType(StrEnum):
    """How an order executes, by the venue's word."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_MARKET = "STOP_MARKET"
    """Conditional: a market order once the mark price reaches ``stop_price``."""


class TimeInForce(StrEnum):
    """How long a limit order waits."""

    GTC = "GTC"
    """Until canceled."""
    GTX = "GTX"
    """Until canceled, and only as maker: the venue refuses it where it would trade at once (post-only)."""
    IOC = "IOC"
    """What fills at once; the rest is canceled."""
    FOK = "FOK"
    """All of it at once, or nothing."""


class OrderStatus(StrEnum):
    """What became of an order."""

    PENDING = "PENDING"
    """Journaled, perhaps sent, not acknowledged: it counts as resting until the venue has told, by its client order id."""
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def is_working(self) -> bool:
        """Whether it may still fill."""
        return self in _WORKING


_WORKING = frozenset({OrderStatus.PENDING, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


def opening_side(position_side: PositionSide) -> Side:
    """What enters or enlarges this position."""
    return Side.BUY if position_side is PositionSide.LONG else Side.SELL


def closing_side(position_side: PositionSide) -> Side:
    return Side.SELL if position_side is PositionSide.LONG else Side.BUY


def reduces_position(side: Side, position_side: PositionSide) -> bool:
    """Whether such an order can only make its position smaller."""
    return side is closing_side(position_side)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as it is to be sent, complete."""

    client_order_id: str
    symbol: str
    kind: OrderKind
    side: Side
    position_side: PositionSide
    order_type: OrderType
    time_in_force: TimeInForce | None
    """Of a limit order; ``None`` for any other."""
    quantity: Decimal | None
    """Base units. ``None``: the whole position, whatever it is when the stop triggers."""
    limit_price: Decimal | None
    stop_price: Decimal | None
    """Mark price that triggers it."""

    def __post_init__(self) -> None:
        if (self.kind is OrderKind.ENTRY) is self.reduces_position:
            raise self._wrong(f"{self.side} {self.position_side} is no {self.kind}")
        if self.quantity is None and self.order_type is not OrderType.STOP_MARKET:
            raise self._wrong("only a stop may close the whole position: give its quantity")
        for name, wanted in (
            ("limit_price", self.order_type is OrderType.LIMIT),
            ("stop_price", self.order_type is OrderType.STOP_MARKET),
        ):
            if (getattr(self, name) is not None) is not wanted:
                raise self._wrong(f"{name} belongs to an order of its type, and to no other")
        if (self.time_in_force is not None) is not (self.order_type is OrderType.LIMIT):
            raise self._wrong("time_in_force belongs to a limit order, and to no other")
        for name in ("quantity", "limit_price", "stop_price"):
            value: Decimal | None = getattr(self, name)
            if value is not None and not (value.is_finite() and value > 0):
                raise self._wrong(f"{name} is {value}, not above 0")

    @property
    def reduces_position(self) -> bool:
        return reduces_position(self.side, self.position_side)

    @property
    def post_only(self) -> bool:
        return self.time_in_force is TimeInForce.GTX

    def _wrong(self, fault: str) -> InvalidState:
        return InvalidState(
            f"{self.order_type} order {self.client_order_id or '(without id)'} of {self.symbol}: {fault}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrder:
    """One order of the account as it stands: stated by the venue, or by our journal while PENDING. Ours or anybody's."""

    client_order_id: str
    """As the venue states it; a person's or another program's may be anything."""
    venue_order_id: str | None
    """``None`` while PENDING."""
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: str
    """The venue's word: an ``OrderType`` if we could have sent it."""
    status: OrderStatus
    limit_price: Decimal | None
    stop_price: Decimal | None
    quantity: Decimal
    """As ordered, base units."""
    filled_quantity: Decimal

    @property
    def reduces_position(self) -> bool:
        return reduces_position(self.side, self.position_side)

    @property
    def remaining_quantity(self) -> Decimal:
        """What may still fill."""
        return self.quantity - self.filled_quantity if self.status.is_working else Decimal(0)
