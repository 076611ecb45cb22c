"""Replacing: an order goes only for a successor that may follow, and the successor follows only one that is gone unfilled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from hedge_pipeline.domain.orders import KnownOrder, OrderStatus
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate, pending_order
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.execution.canceling import cancel
from hedge_pipeline.execution.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What became of the predecessors."""

    updates: tuple[OrderUpdate, ...]
    faults: dict[str, str]
    """By client order id of the successor: why it does not follow."""


def make_way(desk: Desk, entries: Sequence[PlannedEntry]) -> Replaced:
    """Cancel what these entries replace. A predecessor with any fill has no successor: the next plan sees what it left."""
    faults = {}
    predecessors: dict[str, KnownOrder] = {}
    for entry in entries:
        successor, named = entry.order.client_order_id, entry.replaces
        known = _known_order(desk, named) if named else None
        if known is None:
            faults[successor] = f"it replaces {named}, of which no intent is stored"
        else:
            predecessors[successor] = known
    updates = cancel(desk, list(predecessors.values()))
    for successor, update in zip(predecessors, updates, strict=True):
        if not (update.answer is Answer.CANCELED and update.filled_quantity == 0):
            faults[successor] = f"{update.client_order_id} is not confirmed as gone without a fill"
    return Replaced(updates=tuple(updates), faults=faults)


def _known_order(desk: Desk, client_order_id: str) -> KnownOrder | None:
    intent = desk.intent_of(client_order_id)
    if intent is None:
        return None
    told = [
        update
        for update in desk.store.rows(OrderUpdate, desk.account, client_order_id=client_order_id)
        if update.venue_order_id is not None
    ]
    if not told:
        return pending_order(intent)
    return replace(
        pending_order(intent),
        venue_order_id=told[-1].venue_order_id,
        status=told[-1].status or OrderStatus.PENDING,
        filled_quantity=told[-1].filled_quantity or Decimal(0),
    )
