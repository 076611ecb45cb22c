"""Orders that should not rest: opening orders of ours behind a closed gate, and those of a second deployment, which only a person touches."""

from collections.abc import Callable, Iterable

from hedge_pipeline.domain.client_order_ids import Book, Owner, recognize
from hedge_pipeline.domain.orders import KnownOrder

BookOf = Callable[[str], Book]
"""The book of a symbol: with the name of the strategy that trades it now."""
_THIS_STORE = frozenset({Owner.OURS, Owner.OTHER_BOOK})


def opening_orders(orders: Iterable[KnownOrder], book_of: BookOf) -> tuple[KnownOrder, ...]:
    """Working orders of any book of this store that can enlarge a position."""
    return tuple(
        order
        for order in orders
        if order.status.is_working and not order.reduces_position and _owner(order, book_of) in _THIS_STORE
    )


def unwanted_entries(
    orders: Iterable[KnownOrder], book_of: BookOf, *, traded: Iterable[str], closed: str | None
) -> tuple[KnownOrder, ...]:
    """Of the opening orders, all while the gate is closed; else those that no strategy looks after any more.

    Args:
        traded: symbols that have a strategy.
        closed: why the gate lets nothing open, in one line; ``None``: a permit could be issued.
    """
    looked_after = frozenset(traded)
    return tuple(
        order
        for order in opening_orders(orders, book_of)
        if closed is not None or order.symbol not in looked_after or _owner(order, book_of) is not Owner.OURS
    )


def orders_of_a_second_trader(orders: Iterable[KnownOrder], book_of: BookOf) -> tuple[KnownOrder, ...]:
    """Working orders that another deployment of this project placed on the account."""
    return tuple(
        order for order in orders if order.status.is_working and _owner(order, book_of) is Owner.OTHER_STORE
    )


def _owner(order: KnownOrder, book_of: BookOf) -> Owner:
    return recognize(order.client_order_id, book_of(order.symbol)).owner
