"""Exits: stops that cover a position exactly, take-profits within it, and one stop that closes whatever is left.

Exits follow the position, not the grid: whatever filled, in however many parts, by whoever's order, the plan brings the resting
exits to the position as it is. A lot has a stop and a take-profit of one quantity, so when one of the twins fills the other
is not wanted any more. Applied to a book that is as planned, the plan changes nothing.

Every stop is a conditional order on MARK_PRICE, sent with the venue's price protection. Our own exits alone are touched; other
people's closing orders are left, and leave less to our take-profits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, Owner, client_order_id, recognize
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import directed_price
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.lots import Lot, fit_lots, sendable_lots
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
)

ZERO = Decimal(0)
WHOLE_POSITION = 0
"""Level of the stop that closes whatever is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRule:
    """Where exits may lie."""

    crossed_stop_bps: Decimal
    """A stop that mark has passed already is placed this far behind mark: the venue refuses one that would trigger at once."""
    backstop_distance: Decimal
    """Of the stop that closes everything, behind the furthest stop; a fraction of that stop's price."""

    def __post_init__(self) -> None:
        if not (self.crossed_stop_bps.is_finite() and 0 < self.crossed_stop_bps <= 1000):
            raise InvalidState(
                f"exits: crossed_stop_bps is {self.crossed_stop_bps}: write above 0, at most 1000"
            )
        if not (self.backstop_distance.is_finite() and 0 < self.backstop_distance < 1):
            raise InvalidState(f"exits: backstop_distance is {self.backstop_distance}: write a fraction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """One exit that is wanted."""

    kind: OrderKind
    symbol: str
    position_side: PositionSide
    level: int
    quantity: Decimal | None
    """Base units; ``None`` closes whatever is left."""
    price: Decimal
    """Limit of a take-profit, trigger of a stop."""
    tightest_price: Decimal
    """A resting stop between ``price`` and this one does as well: it was placed while mark was elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """What brings the resting exits to the position; carried out in the order of the fields.

    Stops come first, so that the position is covered while others are replaced; the venue holds one closing stop per
    side, so a new one waits for its predecessor's cancellation, as take-profits do for theirs.
    """

    place_first: tuple[Exit, ...]
    cancel: tuple[KnownOrder, ...]
    place_last: tuple[Exit, ...]
    keep: tuple[KnownOrder, ...]

    @property
    def changes_nothing(self) -> bool:
        return not (self.place_first or self.cancel or self.place_last)


def plan_exits(
    *,
    position_side: PositionSide,
    position_quantity: Decimal,
    lots: Iterable[Lot],
    rest: Lot,
    resting: Iterable[KnownOrder],
    book: Book,
    instrument: Instrument,
    mark_price: Decimal | None,
    rule: ExitRule,
) -> ExitPlan:
    """Compare what rests with what covers the position of one symbol and side.

    Args:
        position_quantity: as the venue states it; zero cancels every exit of ours.
        rest: where to leave what the lots do not explain; its quantity is not looked at.
        mark_price: needed only where a stop is crossed already; ``None``, not known, places stops where they belong.

    Raises:
        InvalidState: the position is no quantity, or book and instrument are of different symbols.
    """
    if not (position_quantity.is_finite() and position_quantity >= 0):
        raise InvalidState(
            f"{book.symbol} {position_side}: the position is {position_quantity}, not a quantity"
        )
    if instrument.symbol != book.symbol:
        raise InvalidState(f"exits of {book.symbol} cannot be planned by {instrument.symbol}")
    ours: list[tuple[KnownOrder, OrderName | None]] = []
    others = ZERO
    for order in resting:
        if not _closes(order, book.symbol, position_side):
            continue
        recognized = recognize(order.client_order_id, book)
        if recognized.owner is Owner.OURS:
            ours.append((order, recognized.name))
        elif order.stop_price is None:
            others += order.remaining_quantity
    fitted = fit_lots(lots, position_quantity, position_side, rest)
    wanted = _wanted(
        sendable_lots(fitted, position_side, instrument),
        fitted,
        position_side,
        position_quantity - others,
        instrument,
        mark_price,
        rule,
    )
    return _compared(wanted, ours)


def exit_order(wanted: Exit, book: Book, *, cycle: datetime, attempt: int) -> NewOrder:
    """The order of an exit, named. ``cycle`` and ``attempt`` are new for every placement, so no name is used twice."""
    is_stop = wanted.kind is OrderKind.STOP_LOSS
    name = OrderName(
        kind=wanted.kind,
        position_side=wanted.position_side,
        level=wanted.level,
        cycle=cycle,
        attempt=attempt,
    )
    return NewOrder(
        client_order_id=client_order_id(book, name),
        symbol=wanted.symbol,
        kind=wanted.kind,
        side=closing_side(wanted.position_side),
        position_side=wanted.position_side,
        order_type=OrderType.STOP_MARKET if is_stop else OrderType.LIMIT,
        time_in_force=None if is_stop else TimeInForce.GTC,
        quantity=wanted.quantity,
        limit_price=None if is_stop else wanted.price,
        stop_price=wanted.price if is_stop else None,
    )


def _closes(order: KnownOrder, symbol: str, position_side: PositionSide) -> bool:
    return (
        order.status.is_working
        and order.reduces_position
        and (order.symbol, order.position_side) == (symbol, position_side)
    )


def _wanted(
    lots: tuple[Lot, ...],
    fitted: tuple[Lot, ...],
    position_side: PositionSide,
    take_profit_budget: Decimal,
    instrument: Instrument,
    mark_price: Decimal | None,
    rule: ExitRule,
) -> list[Exit]:
    wanted = []
    for lot in lots:
        own = directed_price(lot.stop_loss_price, closing_side(position_side), instrument)
        wanted.append(
            Exit(
                kind=OrderKind.STOP_LOSS,
                symbol=instrument.symbol,
                position_side=position_side,
                level=lot.level,
                quantity=lot.quantity,
                price=_behind_mark(own, position_side, instrument, mark_price, rule),
                tightest_price=own,
            )
        )
    if fitted:
        wanted.append(_backstop(fitted, position_side, instrument, mark_price, rule))
    for lot in lots:
        if lot.quantity > take_profit_budget:
            continue
        take_profit_budget -= lot.quantity
        price = directed_price(lot.take_profit_price, closing_side(position_side), instrument)
        wanted.append(
            Exit(
                kind=OrderKind.TAKE_PROFIT,
                symbol=instrument.symbol,
                position_side=position_side,
                level=lot.level,
                quantity=lot.quantity,
                price=price,
                tightest_price=price,
            )
        )
    return wanted


def _backstop(
    fitted: tuple[Lot, ...],
    position_side: PositionSide,
    instrument: Instrument,
    mark_price: Decimal | None,
    rule: ExitRule,
) -> Exit:
    sign = position_side.sign
    furthest = min(lot.stop_loss_price * sign for lot in fitted) * sign
    own = directed_price(
        furthest * (1 - sign * rule.backstop_distance), closing_side(position_side), instrument
    )
    return Exit(
        kind=OrderKind.STOP_LOSS,
        symbol=instrument.symbol,
        position_side=position_side,
        level=WHOLE_POSITION,
        quantity=None,
        price=_behind_mark(own, position_side, instrument, mark_price, rule),
        tightest_price=own,
    )


def _behind_mark(
    own: Decimal,
    position_side: PositionSide,
    instrument: Instrument,
    mark_price: Decimal | None,
    rule: ExitRule,
) -> Decimal:
    """The stop's own price or, once mark is there or past it, a little behind mark, rounded away from it."""
    sign = position_side.sign
    if mark_price is None or not (mark_price.is_finite() and mark_price > 0) or (mark_price - own) * sign > 0:
        return own
    behind = mark_price * (1 - sign * rule.crossed_stop_bps / 10_000)
    price = directed_price(behind, opening_side(position_side), instrument)
    return price if price > 0 else own


def _compared(wanted: list[Exit], ours: list[tuple[KnownOrder, OrderName | None]]) -> ExitPlan:
    keep: list[KnownOrder] = []
    left = list(ours)
    first: list[Exit] = []
    last: list[Exit] = []
    for each in wanted:
        match = next(((order, name) for order, name in left if _fits(order, name, each)), None)
        if match is not None:
            left.remove(match)
            keep.append(match[0])
        elif each.kind is OrderKind.STOP_LOSS and each.quantity is not None:
            first.append(each)
        else:
            last.append(each)
    return ExitPlan(
        place_first=tuple(first),
        cancel=tuple(order for order, _ in left),
        place_last=tuple(last),
        keep=tuple(keep),
    )


def _fits(order: KnownOrder, name: OrderName | None, wanted: Exit) -> bool:
    if name is None or (name.kind, name.position_side, name.level) != (
        wanted.kind,
        wanted.position_side,
        wanted.level,
    ):
        return False
    price = order.stop_price if wanted.kind is OrderKind.STOP_LOSS else order.limit_price
    if price is None or order.remaining_quantity != (wanted.quantity or ZERO):
        return False
    return min(wanted.price, wanted.tightest_price) <= price <= max(wanted.price, wanted.tightest_price)
