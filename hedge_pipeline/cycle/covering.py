"""Covering: the exits of one symbol and side brought to its position as it is, and what rests afterwards.

Stops that are missing come first, and nothing that covers goes before they rest. What the venue did not confirm is taken as
it would hurt: a stop that may not rest covers nothing, an order that may still rest is not replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import Position
from hedge_pipeline.domain.client_order_ids import MOST_ATTEMPT, Book, Owner, recognize
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.exits import Exit, ExitPlan, exit_order, plan_exits
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.lots import UNEXPLAINED, Lot
from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderKind, OrderStatus
from hedge_pipeline.domain.trading.exit_cover import SideCover
from hedge_pipeline.domain.trading.fresh_inputs import Action, missing
from hedge_pipeline.domain.trading.held_side import Side
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.execution import Desk, ExitPrices, cancel, reduce

ZERO = Decimal(0)
NOT_ADOPTED = "position_not_adopted"


@dataclass(slots=True, kw_only=True)
class Coverer:
    """One protection cycle's turn at exits; what rests changes with every answer."""

    desk: Desk
    policy: TradingPolicy
    positions: Sequence[Position]
    resting: dict[str, KnownOrder]
    """Working orders, anybody's, by client order id."""
    cycle: datetime
    """Whole second that names this cycle's exits."""
    used: set[str]
    """Names given in this cycle."""

    def cover(self, side: Side) -> SideCover:
        """Bring one side's exits to its position, as far as can be known and done."""
        told: list[str] = []
        if side.covered_quantity and (lacking := missing(Action.PLACE_STOP, side.known)):
            told.append(f"{', '.join(lacking)} not known, so what rests is left as it is")
            return self._told(side, (), (), told)
        plan = self._plan(side, side.instrument) if side.instrument else self._left_over(side)
        first = self._place(side, plan.place_first, told)
        stale = [*plan.cancel, *self._exits_of_other_books(side)]
        if not all(_rests(update) for update in first):
            stale = [order for order in stale if order.stop_price is None]
        canceled = self._cancel(stale, told)
        last = self._place(side, self._possible(side, plan.place_last, canceled, told), told)
        placed = tuple(update.client_order_id for update in (*first, *last) if _rests(update))
        gone = tuple(update.client_order_id for update in canceled if update.answer is Answer.CANCELED)
        return self._told(side, placed, gone, told)

    def look(self, side: Side) -> SideCover:
        """What covers the side, with nothing done."""
        return self._told(side, (), (), [])

    def _left_over(self, side: Side) -> ExitPlan:
        """Nothing is held, and an instrument is needed for nothing that is canceled."""
        exits = tuple(order for order in self._exits(side) if not _is_executing(order, side.book))
        return ExitPlan(place_first=(), cancel=exits, place_last=(), keep=())

    def _plan(self, side: Side, instrument: Instrument) -> ExitPlan:
        plan = plan_exits(
            position_side=side.position_side,
            position_quantity=side.covered_quantity,
            lots=side.explained.lots,
            rest=self._rest(side),
            resting=[order for order in self.resting.values() if not _is_executing(order, side.book)],
            book=side.book,
            instrument=instrument,
            mark_price=side.position.mark_price if side.position else None,
            rule=self.policy.exits,
        )
        if side.covered_quantity == side.quantity:
            return plan
        # the stop that closes whatever is left would close what is to be left alone
        return replace(
            plan,
            cancel=(*plan.cancel, *(order for order in plan.keep if _closes_everything(order))),
            place_last=tuple(each for each in plan.place_last if each.quantity is not None),
            keep=tuple(order for order in plan.keep if not _closes_everything(order)),
        )

    def _rest(self, side: Side) -> Lot:
        """Where to leave what no fill of ours explains."""
        position, sign = side.position, side.position_side.sign
        price = next(
            (each for each in (position.entry_price, position.mark_price) if each > 0)
            if position
            else iter(()),
            Decimal(1),
        )
        return Lot(
            level=UNEXPLAINED,
            quantity=Decimal(1),
            take_profit_price=price * (1 + sign * self.policy.rest_take_profit_distance),
            stop_loss_price=price * (1 - sign * self.policy.rest_stop_distance),
        )

    def _possible(
        self, side: Side, wanted: Iterable[Exit], canceled: Sequence[OrderUpdate], told: list[str]
    ) -> tuple[Exit, ...]:
        """Without what would stand beside an order that may still rest; and after a fill only stops, for the plan is out of date."""
        unconfirmed = {
            order.stop_price is None
            for update in canceled
            if (order := self.resting.get(update.client_order_id)) is not None
        }
        raced = any(update.filled_quantity for update in canceled)
        lacking = missing(Action.REPRICE_TAKE_PROFIT, side.known)
        possible = []
        for each in wanted:
            is_limit = each.kind is OrderKind.TAKE_PROFIT
            if is_limit and lacking:
                told.append(f"{', '.join(lacking)} not known, so no take-profit is placed")
                continue
            if is_limit and (raced or True in unconfirmed):
                continue
            if not is_limit and any(_closes_everything(order) for order in self._exits(side)):
                continue
            possible.append(each)
        return tuple(possible)

    def _place(self, side: Side, wanted: Sequence[Exit], told: list[str]) -> list[OrderUpdate]:
        lots = {lot.level: lot for lot in side.explained.lots}
        orders = [self._named(each, side.book) for each in wanted]
        prices = {
            order.client_order_id: _prices(each, lots) for each, order in zip(wanted, orders, strict=True)
        }
        if not orders:
            return []
        updates = reduce(
            self.desk,
            orders,
            positions=self.positions,
            resting=tuple(self.resting.values()),
            strategy=side.book.strategy,
            cycle=self.cycle,
            prices=prices,
            lookups=self.policy.sending.lookups,
        )
        sent = {order.client_order_id: order for order in orders}
        for update in updates:
            order = sent[update.client_order_id]
            if update.settled and update.answer is not Answer.ACCEPTED:
                told.append(
                    f"{order.kind} of {order.quantity or 'everything'}: {update.answer} {update.message}"
                )
            elif not update.settled:
                self.resting[update.client_order_id] = _known(order, update)
                if update.answer is not Answer.ACCEPTED:
                    told.append(f"{order.kind} {update.client_order_id}: its outcome is not known")
        return updates

    def _cancel(self, orders: Sequence[KnownOrder], told: list[str]) -> list[OrderUpdate]:
        updates = cancel(self.desk, orders)
        for update in updates:
            if update.settled:
                self.resting.pop(update.client_order_id, None)
            else:
                told.append(f"{update.client_order_id}: not confirmed as canceled: {update.message}")
        return updates

    def _named(self, wanted: Exit, book: Book) -> NewOrder:
        """Under a name that no order has borne before."""
        for attempt in range(MOST_ATTEMPT + 1):
            order = exit_order(wanted, book, cycle=self.cycle, attempt=attempt)
            name = order.client_order_id
            if name not in self.used and self.desk.intent_of(name) is None:
                self.used.add(name)
                return order
        raise InvalidState(
            f"{book.symbol}: exits of level {wanted.level} were named {MOST_ATTEMPT + 1} times in one second"
        )

    def _exits(self, side: Side) -> list[KnownOrder]:
        """Ours, that close this side."""
        return [
            order
            for order in self._closing(side)
            if recognize(order.client_order_id, side.book).owner is Owner.OURS
        ]

    def _exits_of_other_books(self, side: Side) -> list[KnownOrder]:
        """Of a strategy that does not trade the symbol any more; the position is covered without them."""
        return [
            order
            for order in self._closing(side)
            if recognize(order.client_order_id, side.book).owner is Owner.OTHER_BOOK
        ]

    def _closing(self, side: Side) -> list[KnownOrder]:
        return [
            order
            for order in self.resting.values()
            if order.reduces_position
            and (order.symbol, order.position_side) == (side.symbol, side.position_side)
        ]

    def _told(
        self, side: Side, placed: tuple[str, ...], canceled: tuple[str, ...], told: Sequence[str]
    ) -> SideCover:
        """What covers the side now: nothing that the venue has not acknowledged."""
        if side.quantity > 0 and not side.explained.is_ours:
            why = "no order of ours entered it; it is counted and left alone until `hedge adopt`"
            told = [f"{NOT_ADOPTED}: {why}", *told]
        known = [order for order in self._exits(side) if order.status is not OrderStatus.PENDING]
        return SideCover(
            symbol=side.symbol,
            position_side=side.position_side,
            position_quantity=side.quantity,
            stop_quantity=sum(
                (order.remaining_quantity for order in known if order.stop_price is not None), ZERO
            ),
            take_profit_quantity=sum(
                (order.remaining_quantity for order in known if order.stop_price is None), ZERO
            ),
            has_backstop=any(_closes_everything(order) for order in known),
            placed=placed,
            canceled=canceled,
            problem="; ".join(told) or None,
        )


def _rests(update: OrderUpdate) -> bool:
    return update.answer is Answer.ACCEPTED


def _closes_everything(order: KnownOrder) -> bool:
    return order.stop_price is not None and not order.quantity


def _is_executing(order: KnownOrder, book: Book) -> bool:
    """What a stop of ours has sent: it is closing the position this moment."""
    name = recognize(order.client_order_id, book).name
    return name is not None and name.kind is OrderKind.STOP_LOSS and order.stop_price is None


def _prices(wanted: Exit, lots: Mapping[int, Lot]) -> ExitPrices:
    """Of the lot that the exit leaves; its own where it leaves no rung's."""
    lot = lots.get(wanted.level)
    if lot is not None:
        return ExitPrices(take_profit_price=lot.take_profit_price, stop_loss_price=lot.stop_loss_price)
    is_stop = wanted.kind is OrderKind.STOP_LOSS
    return ExitPrices(
        take_profit_price=None if is_stop else wanted.price, stop_loss_price=wanted.price if is_stop else None
    )


def _known(order: NewOrder, update: OrderUpdate) -> KnownOrder:
    return KnownOrder(
        client_order_id=order.client_order_id,
        venue_order_id=update.venue_order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        order_type=order.order_type.value,
        status=update.status or OrderStatus.PENDING,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        quantity=order.quantity or ZERO,
        filled_quantity=update.filled_quantity or ZERO,
    )
