"""Sending: stored intents go to the venue, five at a time, each once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from hedge_pipeline.domain.trading.intents import Answer, Answered, Intent, OrderUpdate
from hedge_pipeline.execution.desk import SENDABLE, Desk
from hedge_pipeline.execution.settling import settle

BATCH = 5
"""Orders that the venue takes in one request."""
DUPLICATE = -4116
"""The venue has an order of this id: ours, whose first answer never came."""

Item = TypeVar("Item")


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def send(
    desk: Desk, intents: Sequence[Intent], lookups: int, *, until: datetime | None = None
) -> list[OrderUpdate]:
    """Submit one batch of stored intents, and look up at once whatever was not answered; one update each, in order.

    None leaves after ``until``, the end of their permit by the venue's time.
    """
    if not intents:
        return []
    if desk.clock.now() - min(intent.recorded_at for intent in intents) > SENDABLE:
        updates = [desk.denial(intent.order, "it was stored too long ago to be sent") for intent in intents]
        desk.store.append(*updates)
        return updates
    asked_at = desk.now()
    within = None if until is None else until - asked_at
    answers = desk.venue.place([intent.order for intent in intents], within=within)
    updates = [desk.update(_believed(answered), asked_at) for answered in answers]
    desk.store.append(*updates)
    lost = [
        intent for intent, update in zip(intents, updates, strict=True) if update.answer is Answer.UNKNOWN
    ]
    found = {update.client_order_id: update for update in settle(desk, lost, lookups)}
    return [found.get(update.client_order_id, update) for update in updates]


def is_unknown(update: OrderUpdate) -> bool:
    """Whether the order may or may not rest."""
    return not update.settled and update.answer is not Answer.ACCEPTED


def _believed(answered: Answered) -> Answered:
    duplicate = answered.answer is Answer.REJECTED and answered.code == DUPLICATE
    return replace(answered, answer=Answer.UNKNOWN) if duplicate else answered
