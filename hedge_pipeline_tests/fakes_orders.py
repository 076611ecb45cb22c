"""The order side of the outside, in memory: a small book that keeps the promises of ``OrderVenue``.

Real code, no mocks: what was accepted rests, fills, is canceled or expires, whatever its sender was told. As at the venue an id
is unique among working orders alone, so a submission that is repeated after a fill opens twice: ``accepted`` shows it. A fault
decides what becomes of one request on its way there or back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from hedge_pipeline.domain.account import Position, PositionSide
from hedge_pipeline.domain.market_data import Fill, Side
from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderStatus, OrderType, opening_side
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.trading.intents import Answer, Answered
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, TermsReading
from hedge_pipeline_tests.fakes import ManualClock

ZERO = Decimal(0)
MOST_IN_A_BATCH = 5
WOULD_TAKE, DUPLICATE, EXCEEDS, TRIGGERS, UNKNOWN_ORDER, NO_ORDER = -5022, -4116, -2022, -2021, -2011, -2013


class Fault(Enum):
    """What becomes of one order's request."""

    ANSWER_LOST = "done, and the answer is lost"
    REQUEST_LOST = "it never arrives, and nobody says so"
    LATE = "it arrives later, and nobody says so"
    REFUSED = "the venue refuses it"
    HELD_BACK = "our own client does not send it"


def no_fault(_request: str, _client_order_id: str) -> Fault | None:
    return None


@dataclass
class MemoryOrderVenue:
    """``OrderVenue`` of ports: one hedge-mode account, its working orders and what became of the others."""

    clock: ManualClock
    account: str = "main"
    marks: dict[str, Decimal] = field(default_factory=lambda: {"BTCUSDT": Decimal(100_000)})
    orders: dict[str, KnownOrder] = field(default_factory=dict)
    """By the venue's id, in order of arrival."""
    held: dict[tuple[str, PositionSide], Decimal] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    countdowns: dict[str, datetime] = field(default_factory=dict)
    leverages: dict[str, int] = field(default_factory=dict)
    fault: Callable[[str, str], Fault | None] = no_fault
    """By request (``place``, ``cancel``, ``look_up``) and client order id."""
    takes_s: float = 0
    """How long each request is under way."""
    late_s: float = 3
    shown_after_s: float = 0
    """A look-up does not find what was accepted a shorter time ago."""
    submitted: list[NewOrder] = field(default_factory=list)
    """Everything that left for the venue, whatever became of it."""
    requests: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Every request with the ids in it."""
    _late: list[tuple[datetime, NewOrder]] = field(default_factory=list)
    _accepted_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def accepted(self) -> list[str]:
        """Client order ids of every order that was taken, each time it was."""
        return [order.client_order_id for order in self.orders.values()]

    @property
    def working(self) -> list[KnownOrder]:
        self._arrive()
        return [order for order in self.orders.values() if order.status.is_working]

    @property
    def positions(self) -> tuple[Position, ...]:
        return tuple(
            Position(
                symbol=symbol,
                position_side=side,
                quantity=quantity,
                entry_price=self.marks[symbol],
                mark_price=self.marks[symbol],
                unrealized_pnl=ZERO,
                margin_asset="USDT",
                liquidation_price=None,
                updated_at=self.clock.now(),
            )
            for (symbol, side), quantity in self.held.items()
        )

    def fill(self, client_order_id: str, quantity: Decimal | None = None) -> None:
        """Execute a working order, or a part of it."""
        venue_id, order = next(
            (key, each)
            for key, each in self.orders.items()
            if each.client_order_id == client_order_id and each.status.is_working
        )
        key = (order.symbol, order.position_side)
        left = order.remaining_quantity or self.held.get(key, ZERO)
        executed = min(left, quantity or left)
        filled = order.filled_quantity + executed
        status = OrderStatus.FILLED if executed == left else OrderStatus.PARTIALLY_FILLED
        self.orders[venue_id] = replace(order, filled_quantity=filled, status=status)
        self.held[key] = self.held.get(key, ZERO) + (-executed if order.reduces_position else executed)
        self.fills.append(
            Fill(
                account=self.account,
                symbol=order.symbol,
                fill_id=str(len(self.fills) + 1),
                venue_order_id=venue_id,
                side=order.side,
                position_side=order.position_side,
                price=order.limit_price or order.stop_price or self.marks[order.symbol],
                quantity=executed,
                realized_pnl=ZERO,
                commission=ZERO,
                commission_asset="USDT",
                maker=True,
                filled_at=self.clock.now(),
                recorded_at=self.clock.now(),
            )
        )

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        answers: list[Answered] = []
        for start in range(0, len(orders), MOST_IN_A_BATCH):
            batch = orders[start : start + MOST_IN_A_BATCH]
            self._begin("place", [order.client_order_id for order in batch])
            answers += [self._placed(order) for order in batch]
        return tuple(answers)

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        self._begin("cancel", [order.client_order_id for order in orders])
        return tuple(self._canceled(order) for order in orders)

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        self._begin("look_up", [client_order_id])
        if self.fault("look_up", client_order_id) is not None:
            return _answered(client_order_id, symbol, Answer.UNKNOWN, message="no answer")
        shown_until = self.clock.now() - timedelta(seconds=self.shown_after_s)
        for key, order in reversed(self.orders.items()):
            found = (order.client_order_id, order.symbol, order.stop_price is not None)
            if found == (client_order_id, symbol, conditional) and self._accepted_at[key] <= shown_until:
                return _answered(client_order_id, symbol, Answer.ACCEPTED, order)
        return _answered(
            client_order_id, symbol, Answer.ABSENT, code=NO_ORDER, message="Order does not exist."
        )

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        self._begin("set_countdown", [])
        fault = self.fault("set_countdown", symbol)
        if fault is Fault.REQUEST_LOST:
            return "nobody answered"
        self.countdowns.pop(symbol, None)
        if countdown > timedelta(0):
            self.countdowns[symbol] = self.clock.now() + countdown
        return "nobody answered" if fault is Fault.ANSWER_LOST else None

    def set_leverage(self, symbol: str, leverage: int) -> str | None:
        self._begin("set_leverage", [])
        self.leverages[symbol] = leverage
        return None

    def read_orders(self) -> OrdersReading:
        self._begin("read_orders", [])
        now = self.clock.now()
        return OrdersReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=now,
            orders=tuple(self.working),
            sources=tuple(_health(name, now) for name in ("orders", "conditionals")),
        )

    def read_fills(self, symbol: str, after: str | None, since: datetime) -> tuple[Fill, ...]:
        self._begin("read_fills", [])
        own = [fill for fill in self.fills if fill.symbol == symbol]
        if after is None:
            return tuple(fill for fill in own if fill.filled_at >= since)
        return tuple(fill for fill in own if int(fill.fill_id) > int(after))

    def name_of(self, venue_order_id: str, symbol: str) -> str | None:
        self._begin("name_of", [])
        order = self.orders.get(venue_order_id)
        return None if order is None else order.client_order_id

    def read_terms(self, symbols: Sequence[str]) -> TermsReading:
        now = self.clock.now()
        names = ("symbol_configs", "brackets", "funding_intervals")
        return TermsReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            configs=None,
            terms=None,
            sources=tuple(_health(name, None) for name in names),
        )

    def read_candles(self, symbol: str, interval: timedelta, most: int) -> CandlesReading:
        now = self.clock.now()
        return CandlesReading(
            account=self.account,
            symbol=symbol,
            interval=interval,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            candles=None,
            sources=(_health("candles", None),),
        )

    def _begin(self, request: str, ids: Sequence[str]) -> None:
        self.requests.append((request, tuple(ids)))
        self.clock.pass_by(self.takes_s)
        self._arrive()

    def _arrive(self) -> None:
        """Whatever happened at the venue by itself until now: late requests, and countdowns that ran out."""
        now = self.clock.now()
        due = [late for at, late in self._late if at <= now]
        self._late = [(at, late) for at, late in self._late if at > now]
        for late in due:
            self._taken(late)
        for symbol in [symbol for symbol, at in self.countdowns.items() if at <= now]:
            del self.countdowns[symbol]
            for key, order in self.orders.items():
                if order.symbol == symbol and order.status.is_working and order.stop_price is None:
                    self.orders[key] = replace(order, status=OrderStatus.CANCELED)

    def _placed(self, order: NewOrder) -> Answered:
        fault, id_ = self.fault("place", order.client_order_id), order.client_order_id
        if fault is Fault.HELD_BACK:
            return _answered(id_, order.symbol, Answer.DENIED, message="not sent")
        self.submitted.append(order)
        lost = _answered(id_, order.symbol, Answer.UNKNOWN, message="no answer")
        if fault is Fault.LATE:
            self._late.append((self.clock.now() + timedelta(seconds=self.late_s), order))
            return lost
        if fault is Fault.REQUEST_LOST:
            return lost
        if fault is Fault.REFUSED:
            return _answered(
                id_, order.symbol, Answer.REJECTED, code=-2019, message="Margin is insufficient."
            )
        told = self._taken(order)
        return lost if fault is Fault.ANSWER_LOST else told

    def _taken(self, order: NewOrder) -> Answered:
        if refused := self._refusal(order):
            code, message = refused
            return _answered(order.client_order_id, order.symbol, Answer.REJECTED, code=code, message=message)
        key = str(len(self.orders) + 1)
        self._accepted_at[key] = self.clock.now()
        self.orders[key] = KnownOrder(
            client_order_id=order.client_order_id,
            venue_order_id=key,
            symbol=order.symbol,
            side=order.side,
            position_side=order.position_side,
            order_type=order.order_type.value,
            status=OrderStatus.NEW,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            quantity=order.quantity or ZERO,
            filled_quantity=ZERO,
        )
        if order.order_type is OrderType.MARKET:
            self.fill(order.client_order_id)
        return _answered(order.client_order_id, order.symbol, Answer.ACCEPTED, self.orders[key])

    def _refusal(self, order: NewOrder) -> tuple[int, str] | None:
        if any(
            each.client_order_id == order.client_order_id
            for each in self.orders.values()
            if each.status.is_working
        ):
            return DUPLICATE, "ClientOrderId is duplicated."
        mark = self.marks[order.symbol]
        if order.post_only and order.limit_price is not None:
            buys = order.side is Side.BUY
            if order.limit_price >= mark if buys else order.limit_price <= mark:
                return WOULD_TAKE, "the Post Only order will be rejected"
        if order.stop_price is not None:
            long = opening_side(order.position_side) is Side.BUY
            if mark <= order.stop_price if long else mark >= order.stop_price:
                return TRIGGERS, "Order would immediately trigger."
        elif order.reduces_position and (order.quantity or ZERO) > self._closable(order):
            return EXCEEDS, "ReduceOnly Order is rejected."
        return None

    def _closable(self, order: NewOrder) -> Decimal:
        side = (order.symbol, order.position_side)
        resting = (
            each.remaining_quantity
            for each in self.orders.values()
            if each.reduces_position and each.stop_price is None and (each.symbol, each.position_side) == side
        )
        return self.held.get(side, ZERO) - sum(resting, ZERO)

    def _canceled(self, order: KnownOrder) -> Answered:
        fault, id_ = self.fault("cancel", order.client_order_id), order.client_order_id
        lost = _answered(id_, order.symbol, Answer.UNKNOWN, message="no answer")
        if fault is not None and fault is not Fault.ANSWER_LOST:
            return lost
        for key, each in self.orders.items():
            if each.client_order_id == id_ and each.status.is_working:
                self.orders[key] = replace(each, status=OrderStatus.CANCELED)
                return lost if fault else _answered(id_, order.symbol, Answer.CANCELED, self.orders[key])
        if fault:
            return lost
        return _answered(id_, order.symbol, Answer.ABSENT, code=UNKNOWN_ORDER, message="Unknown order sent.")


def _answered(
    client_order_id: str,
    symbol: str,
    answer: Answer,
    order: KnownOrder | None = None,
    *,
    code: int | None = None,
    message: str = "",
) -> Answered:
    return Answered(
        client_order_id=client_order_id, symbol=symbol, answer=answer, order=order, code=code, message=message
    )


def _health(source: str, as_of: datetime | None) -> SourceHealth:
    error = None if as_of else "the book in memory has none"
    return SourceHealth(source=source, ok=as_of is not None, as_of=as_of, error=error)
