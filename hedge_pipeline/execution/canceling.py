"""Canceling: needs neither a permit nor anybody's state, and learns whether the order had filled instead."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus
from hedge_pipeline.domain.trading.intents import Answer, Answered, OrderUpdate
from hedge_pipeline.execution.desk import Desk
from hedge_pipeline.execution.settling import MOST_SILENCES

_GONE = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED})


def cancel(desk: Desk, orders: Sequence[KnownOrder]) -> list[OrderUpdate]:
    """Cancel ours or anybody's; one update each, in order.

    CANCELED is confirmed, and states what had filled if the venue did. An order that filled first is ACCEPTED and FILLED;
    one that is still working, ABSENT or UNKNOWN is not settled. Updates of our own orders are stored, if the store can be
    written: what it does not learn now, ``settle`` learns later.
    """
    if not orders:
        return []
    asked_at = desk.now()
    updates: list[OrderUpdate] = []
    silences = 0
    for order, canceled in zip(orders, desk.venue.cancel(orders), strict=True):
        answered = canceled
        if not _is_complete(canceled) and silences < MOST_SILENCES:
            found = desk.venue.look_up(
                order.client_order_id, order.symbol, conditional=order.stop_price is not None
            )
            silences = silences + 1 if found.answer is Answer.UNKNOWN else 0
            answered = _learned(canceled, found)
        updates.append(_stored(desk, answered, asked_at))
    return updates


def _is_complete(canceled: Answered) -> bool:
    return canceled.answer is Answer.CANCELED and canceled.order is not None


def _learned(canceled: Answered, found: Answered) -> Answered:
    """What both answers say together: the look-up knows how it ended, unless it knows less than the cancellation."""
    if found.order is None:
        return canceled if canceled.answer is Answer.CANCELED else found
    if found.order.status in _GONE:
        return replace(found, answer=Answer.CANCELED)
    if canceled.answer is Answer.CANCELED and found.order.status.is_working:
        return canceled
    return found


def _stored(desk: Desk, answered: Answered, asked_at: datetime) -> OrderUpdate:
    """One that is not found may still arrive: only ``settle`` lets it count as absent."""
    update = desk.update(answered, asked_at)
    if update.answer is Answer.ABSENT:
        update = replace(update, settled=False)
    with suppress(StoreUnavailable):
        if desk.intent_of(update.client_order_id) is not None:
            desk.store.append(update)
    return update
