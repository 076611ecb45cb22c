"""Settling: what became of an order whose answer was lost, asked by its client order id and never guessed.

The venue says "not found" of orders that it has just taken, and a request may arrive after its sender died. So an order
counts as absent once it was not found as often as asked for and can arrive no more. Until then it may rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.execution.desk import Desk

BETWEEN_LOOKUPS_S = 0.5
MOST_SILENCES = 3
"""Look-ups in a row without an answer, after which nobody else is asked for in the same call."""


def unknown_symbols(unsettled: Iterable[Intent], resting: Iterable[KnownOrder] = ()) -> frozenset[str]:
    """Symbols with an order that may or may not rest: nothing is opened in them.

    Args:
        unsettled: intents that no update settles.
        resting: what the venue lists; an order in it is not unknown.
    """
    listed = {order.client_order_id for order in resting}
    return frozenset(intent.symbol for intent in unsettled if intent.client_order_id not in listed)


def unacknowledged(desk: Desk) -> list[Intent]:
    """Unsettled intents of which the venue's last word is not that it has them."""
    return [intent for intent in desk.store.unsettled(desk.account) if not _is_acknowledged(desk, intent)]


def settle(desk: Desk, intents: Sequence[Intent], lookups: int) -> list[OrderUpdate]:
    """Look each up and store what is new; the last word on each that was asked for.

    Args:
        lookups: how often an order has to be not found before it counts as absent, in this call and earlier ones.
    """
    told: dict[str, OrderUpdate] = {}
    silences = 0
    asked = list(intents)
    for attempt in range(lookups):
        if not asked:
            break
        if attempt:
            desk.pause(BETWEEN_LOOKUPS_S)
        again = []
        for intent in asked:
            update = look_up(desk, intent, lookups)
            told[intent.client_order_id] = update
            silences = silences + 1 if update.answer is Answer.UNKNOWN else 0
            if silences == MOST_SILENCES:
                return list(told.values())
            if update.answer is Answer.ABSENT and not update.settled:
                again.append(intent)
        asked = again
    return list(told.values())


def look_up(desk: Desk, intent: Intent, lookups: int) -> OrderUpdate:
    """Ask once, and store the answer if it is news."""
    order, asked_at = intent.order, desk.now()
    answered = desk.venue.look_up(
        order.client_order_id, order.symbol, conditional=order.stop_price is not None
    )
    update = desk.update(answered, asked_at)
    earlier = desk.store.rows(OrderUpdate, desk.account, client_order_id=order.client_order_id)
    if update.answer is Answer.ABSENT:
        update = _not_found(desk, intent, update, earlier, lookups)
    if update.answer is Answer.ABSENT or not earlier or _facts(update) != _facts(earlier[-1]):
        desk.store.append(update)
    return update


def _not_found(
    desk: Desk, intent: Intent, update: OrderUpdate, earlier: Sequence[OrderUpdate], lookups: int
) -> OrderUpdate:
    """Settled only if it was not found often enough, and sent so long ago that it arrives no more.

    Whoever asked knew of the order, so it was sent before the first question, whatever our own clock said when it was stored.
    """
    times = 1 + sum(1 for each in earlier if each.answer is Answer.ABSENT)
    asked = [each.as_of for each in earlier if each.answer is not Answer.DENIED]
    sent_by = min([intent.recorded_at, update.as_of, *asked])
    absent = times >= lookups and update.as_of - sent_by >= desk.arrival
    if absent:
        return update
    return replace(update, settled=False, message=f"not found {times} times: it may still arrive")


def _is_acknowledged(desk: Desk, intent: Intent) -> bool:
    update = desk.last_update(intent.client_order_id)
    return update is not None and update.answer is Answer.ACCEPTED


def _facts(update: OrderUpdate) -> tuple[object, ...]:
    return update.answer, update.status, update.filled_quantity, update.settled, update.code
