"""Reconciliation: from the rungs that are wanted and the orders that rest to what is kept, replaced, created and canceled.

An order belongs to a rung by position side and level, which its client order id tells; ids are read when orders are sorted
(``sort_orders``), so the comparison itself is a look-up per order. It sees our own opening orders alone. Foreign orders, other
books' and another store's are never touched, and exits are not its business: they follow the position, not the grid.

An order that was sent and not acknowledged counts: nothing is created or replaced at its rung until the venue has told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, Owner, recognize
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus

Key = tuple[PositionSide, int]
"""Position side and level. Frozen dataclasses as keys cost five times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far an order may be from its rung and stay. Both bounds are inside."""

    price_bps: Decimal
    """Of the order's price."""
    quantity: Decimal
    """Fraction of the order's quantity."""

    def __post_init__(self) -> None:
        if not (self.price_bps >= 0 and self.quantity >= 0):
            raise InvalidState("order_diff tolerances are distances: write 0 or more")


class Entry(NamedTuple):
    """One of our own opening orders."""

    order: KnownOrder
    name: OrderName | None
    """``None``: its id cannot be read, or contradicts the order."""
    key: Key | None
    """Of its rung; ``None`` without a name."""


class Match(NamedTuple):
    """A rung and the order that rests for it."""

    rung: Rung
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedOrders:
    """Working orders by whose they are."""

    resting: tuple[Entry, ...]
    """Ours, opening, on the venue's books."""
    pending: tuple[Entry, ...]
    """Ours, opening, sent and not acknowledged."""
    exits: tuple[KnownOrder, ...]
    """Ours, reducing."""
    other_book: tuple[KnownOrder, ...]
    other_store: tuple[KnownOrder, ...]
    """Of a second deployment on this account."""
    foreign: tuple[KnownOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlan:
    """What brings the resting orders to the wanted rungs; carried out in the order cancel, replace, create."""

    keep: tuple[Match, ...]
    replace: tuple[Match, ...]
    """Cancel the order, and only when that is confirmed create the rung."""
    create: tuple[Rung, ...]
    cancel: tuple[Entry, ...]
    waiting: tuple[Entry, ...]
    """Not acknowledged: to be looked up by their client order id."""

    @property
    def changes_nothing(self) -> bool:
        return not (self.replace or self.create or self.cancel)


def sort_orders(orders: Iterable[KnownOrder], book: Book) -> SortedOrders:
    """Tell working orders apart by whose they are, reading each id once.

    ``orders`` are the venue's and, of those that it has not acknowledged, the journal's. Where both tell of one order the
    venue is right.
    """
    sorted_by: dict[Owner, list[KnownOrder]] = {owner: [] for owner in Owner}
    resting: list[Entry] = []
    pending: list[Entry] = []
    for order in _once_each(orders):
        owner, name = _recognized(order, book)
        if owner is not Owner.OURS or order.reduces_position:
            sorted_by[owner].append(order)
            continue
        entry = Entry(order=order, name=name, key=(name.position_side, name.level) if name else None)
        (pending if order.status is OrderStatus.PENDING else resting).append(entry)
    return SortedOrders(
        resting=tuple(resting),
        pending=tuple(pending),
        exits=tuple(sorted_by[Owner.OURS]),
        other_book=tuple(sorted_by[Owner.OTHER_BOOK]),
        other_store=tuple(sorted_by[Owner.OTHER_STORE]),
        foreign=tuple(sorted_by[Owner.FOREIGN]),
    )


def reconcile(wanted: Ladders, orders: SortedOrders, tolerance: Tolerance) -> OrderPlan:
    """Compare rungs with our opening orders.

    One order per rung stays: the newest that fits. What rests at no wanted rung, cannot be read or is a second of its rung is
    canceled. A partly filled order is compared by what was ordered, so the rest of it goes on waiting.
    """
    rungs: dict[Key, Rung] = {(rung.position_side, rung.level): rung for rung in wanted.rungs}
    resting: dict[Key, list[Entry]] = {}
    keep, replace, create, cancel = [], [], [], []
    for entry in orders.resting:
        key = entry.key
        if key is None or key not in rungs:
            cancel.append(entry)
        elif key in resting:
            resting[key].append(entry)
        else:
            resting[key] = [entry]
    awaited = {entry.key for entry in orders.pending}
    for key, rung in rungs.items():
        there = resting.get(key)
        if there is None:
            if key not in awaited:
                create.append(rung)
            continue
        best, fits = _best(there, rung, tolerance)
        if fits:
            keep.append(Match(rung, best))
        elif key in awaited:
            cancel.append(best)
        else:
            replace.append(Match(rung, best))
        if len(there) > 1:
            cancel.extend(entry for entry in there if entry is not best)
    return OrderPlan(
        keep=tuple(keep),
        replace=tuple(replace),
        create=tuple(create),
        cancel=tuple(cancel),
        waiting=orders.pending,
    )


def _once_each(orders: Iterable[KnownOrder]) -> list[KnownOrder]:
    """Working orders; of a client order id that the venue states, not the journal's."""
    stated: set[str] = set()
    pending: list[KnownOrder] = []
    working: list[KnownOrder] = []
    for order in orders:
        if order.status is OrderStatus.PENDING:
            pending.append(order)
            continue
        stated.add(order.client_order_id)
        if order.status.is_working:
            working.append(order)
    return working + [order for order in pending if order.client_order_id not in stated]


def _recognized(order: KnownOrder, book: Book) -> tuple[Owner, OrderName | None]:
    """By its id, unless the order contradicts it: then it is ours and has no name."""
    recognized = recognize(order.client_order_id, book)
    name = recognized.name
    if recognized.owner is Owner.OURS and order.symbol != book.symbol:
        return Owner.OTHER_BOOK, None
    if name is not None and (
        name.position_side is not order.position_side
        or (name.kind is OrderKind.ENTRY) is order.reduces_position
    ):
        name = None
    return recognized.owner, name


def _best(there: list[Entry], rung: Rung, tolerance: Tolerance) -> tuple[Entry, bool]:
    """The newest order that fits the rung, else the newest of all; and whether it fits."""
    if len(there) == 1:
        return there[0], _fits(there[0].order, rung, tolerance)
    newest_first = sorted(there, key=_age, reverse=True)
    fitting = next((entry for entry in newest_first if _fits(entry.order, rung, tolerance)), None)
    return (newest_first[0], False) if fitting is None else (fitting, True)


def _age(entry: Entry) -> tuple[float, int]:
    return (entry.name.cycle.timestamp(), entry.name.attempt) if entry.name else (0.0, 0)


def _fits(order: KnownOrder, rung: Rung, tolerance: Tolerance) -> bool:
    price, quantity = order.limit_price, order.quantity
    if price == rung.limit_price and quantity == rung.quantity:
        return True
    if price is None:
        return False
    return (
        abs(price - rung.limit_price) * 10_000 <= tolerance.price_bps * price
        and abs(quantity - rung.quantity) <= tolerance.quantity * quantity
    )
