"""The account's orders as the venue keeps them: ordinary, conditional, and the countdowns that cancel them.

An ordinary order rests or is done. A conditional one waits for a price outside the book and then sends an ordinary one; the two
kinds have their own identifiers and are asked for at their own endpoints.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeVar

from hedge_pipeline.paper.positions import PositionSide

Side = Literal["BUY", "SELL"]
OrderType = Literal["LIMIT", "MARKET"]
TimeInForce = Literal["GTC", "GTX", "IOC", "FOK"]
OrderStatus = Literal["NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"]
ConditionalType = Literal["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]
ConditionalStatus = Literal["NEW", "FINISHED", "CANCELED", "EXPIRED", "REJECTED"]
WorkingType = Literal["MARK_PRICE", "CONTRACT_PRICE"]
Restriction = Literal[-4400, -4401]

_ZERO = Decimal(0)
_KEPT_MS = 7 * 86_400_000
"""How long an order that is done can still be asked for."""
_REVIEWED_EVERY_MS = 3_600_000
_MOST_DONE = 2000
"""How many of them; the state is written whole at every change."""


def opens(side: Side, position_side: PositionSide) -> bool:
    """Whether such an order enlarges its position; otherwise it reduces it."""
    return (side == "BUY") == (position_side == "LONG")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    """Limit; 0 for a market order."""
    created_ms: int
    updated_ms: int
    status: OrderStatus = "NEW"
    filled_quantity: Decimal = _ZERO
    filled_quote: Decimal = _ZERO
    """Sum of price × quantity over its fills."""
    fills: int = 0
    original_type: OrderType | ConditionalType | None = None
    """Of the conditional order that sent it; None: it was sent as it is."""
    stop_price: Decimal = _ZERO
    close_position: bool = False

    @property
    def opens(self) -> bool:
        return opens(self.side, self.position_side)

    @property
    def is_working(self) -> bool:
        return self.status in {"NEW", "PARTIALLY_FILLED"}

    @property
    def remaining_quantity(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal:
        return self.filled_quote / self.filled_quantity if self.filled_quantity else _ZERO

    def is_reached(self, last_price: Decimal) -> bool:
        """Whether the market trades at its limit or beyond."""
        return last_price <= self.price if self.side == "BUY" else last_price >= self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    algo_id: int
    client_algo_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    order_type: ConditionalType
    time_in_force: TimeInForce
    """Of the limit order it sends; a market order has none."""
    quantity: Decimal
    """0 where it closes the position, whatever that is by then."""
    price: Decimal
    """Limit of the order it sends; 0: a market order."""
    trigger_price: Decimal
    working_type: WorkingType
    price_protect: bool
    close_position: bool
    created_ms: int
    updated_ms: int
    status: ConditionalStatus = "NEW"
    triggered_ms: int = 0
    actual_order_id: int | None = None
    """The ordinary order it sent."""

    @property
    def opens(self) -> bool:
        return opens(self.side, self.position_side)

    @property
    def is_working(self) -> bool:
        return self.status == "NEW"

    def is_triggered(self, price: Decimal) -> bool:
        """A stop waits for the price to go its own way, a take-profit for it to come the other way."""
        is_stop = self.order_type in {"STOP", "STOP_MARKET"}
        upwards = (self.side == "BUY") == is_stop
        return price >= self.trigger_price if upwards else price <= self.trigger_price


_Kind = TypeVar("_Kind", bound=Order | Conditional)


@dataclass(kw_only=True)
class OrderBook:
    """Everything that trading adds to an account's state."""

    seed: int = 1
    """Decides which fills are partial."""
    partial_share: Decimal = Decimal("0.25")
    """Of the executions, those that fill a part only."""
    countdown_spares_conditionals: bool = False
    """False: a countdown that ends cancels conditional orders too, the worse of what is documented nowhere."""
    restriction: Restriction | None = None
    """While set the venue takes reducing orders only, and refuses others with this code."""
    distance: dict[str, Decimal] = field(default_factory=dict)
    """By symbol, how far beyond the last price takers trade: a fraction of it, 0 where absent."""
    orders: dict[int, Order] = field(default_factory=dict)
    """Those that are done included; written by `keep` alone, as conditional ones by `keep_conditional`."""
    conditionals: dict[int, Conditional] = field(default_factory=dict)
    countdowns: dict[str, int] = field(default_factory=dict)
    """By symbol, the instant in milliseconds at which its orders are canceled."""
    next_order_id: int = 5_000_000_001
    next_algo_id: int = 1_000_000_000_001
    next_trade_id: int = 300_000_001
    walked_until_ms: int | None = None
    """Orders were matched along the path up to here; None: not yet walked."""

    def __post_init__(self) -> None:
        self._working = {number: o for number, o in self.orders.items() if o.is_working}
        self._waiting = {number: c for number, c in self.conditionals.items() if c.is_working}
        self._reviewed_ms = 0

    def keep(self, order: Order) -> None:
        self.orders[order.order_id] = order
        if order.is_working:
            self._working[order.order_id] = order
        else:
            self._working.pop(order.order_id, None)

    def keep_conditional(self, conditional: Conditional) -> None:
        self.conditionals[conditional.algo_id] = conditional
        if conditional.is_working:
            self._waiting[conditional.algo_id] = conditional
        else:
            self._waiting.pop(conditional.algo_id, None)

    def working(self, symbol: str | None = None) -> Iterator[Order]:
        """Resting orders, oldest first, as they are now."""
        return (o for o in list(self._working.values()) if symbol in {None, o.symbol})

    def waiting(self, symbol: str | None = None) -> Iterator[Conditional]:
        """Conditional orders not yet triggered, oldest first, as they are now."""
        return (c for c in list(self._waiting.values()) if symbol in {None, c.symbol})

    def resting_closes(self, symbol: str, position_side: PositionSide) -> list[Order]:
        return [o for o in self.working(symbol) if o.position_side == position_side and not o.opens]

    def resting_notional(self, symbol: str, position_side: PositionSide) -> Decimal:
        """Of the orders that would enlarge this position, at their limits."""
        enlarging = (o for o in self.working(symbol) if o.opens and o.position_side == position_side)
        return sum((o.price * o.remaining_quantity for o in enlarging), _ZERO)

    def new_order_id(self) -> int:
        self.next_order_id += 1
        return self.next_order_id - 1

    def new_algo_id(self) -> int:
        self.next_algo_id += 1
        return self.next_algo_id - 1

    def new_trade_id(self) -> int:
        self.next_trade_id += 1
        return self.next_trade_id - 1

    def forget(self, now_ms: int) -> None:
        """Drop what has long been done, looking once an hour, and the oldest of what is done where that is much."""
        done = max(len(self.orders) - len(self._working), len(self.conditionals) - len(self._waiting))
        if done <= _MOST_DONE and abs(now_ms - self._reviewed_ms) < _REVIEWED_EVERY_MS:
            return
        self._reviewed_ms = now_ms
        before = now_ms - _KEPT_MS
        self.orders = _remembered(self.orders, before)
        self.conditionals = _remembered(self.conditionals, before)


def _remembered(orders: dict[int, _Kind], before_ms: int) -> dict[int, _Kind]:
    done = [number for number, order in orders.items() if not order.is_working]
    dropped = {number for number in done if orders[number].updated_ms < before_ms} | {*done[:-_MOST_DONE]}
    return {n: order for n, order in orders.items() if n not in dropped} if dropped else orders
