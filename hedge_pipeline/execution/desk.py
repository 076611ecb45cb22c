"""The desk: the ports that sending takes, and how answers become rows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.trading.intents import Answer, Answered, Intent, OrderUpdate, update_of
from hedge_pipeline.domain.verdicts import Incident
from hedge_pipeline.ports import Clock, OrderVenue, StateStore

SENDABLE = timedelta(seconds=5)
"""How old an intent may be and still be sent: a process that stood still does not go on with what others gave up."""
ARRIVAL = timedelta(seconds=30)
"""From the intent on: it is sent while it is sendable, its client tries for 20 s, and the venue takes what was signed for 5 s."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One account's way to the venue."""

    account: str
    venue: OrderVenue
    store: StateStore
    clock: Clock
    now: Callable[[], datetime]
    """The venue's time."""
    incidents: Callable[[], Sequence[Incident] | None]
    """Reads the journal again: those open now; ``None``: it could not be read."""
    pause: Callable[[float], None] = time.sleep
    """Waits so many seconds between two look-ups of one order."""
    arrival: timedelta = ARRIVAL
    """How old an intent is when its order can arrive no more."""

    def intent_of(self, client_order_id: str) -> Intent | None:
        return self.store.latest(Intent, self.account, client_order_id=client_order_id)

    def last_update(self, client_order_id: str) -> OrderUpdate | None:
        return self.store.latest(OrderUpdate, self.account, client_order_id=client_order_id)

    def update(self, answered: Answered, asked_at: datetime) -> OrderUpdate:
        return update_of(answered, account=self.account, recorded_at=self.clock.now(), as_of=asked_at)

    def denial(self, order: NewOrder, why: str) -> OrderUpdate:
        """That an order of ours did not leave."""
        answered = Answered(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            answer=Answer.DENIED,
            order=None,
            code=None,
            message=why,
        )
        return self.update(answered, self.now())

    def repetition(self, order: NewOrder) -> OrderUpdate | None:
        """That an order does not leave because an intent of its id is stored: says nothing of that one, so it is not stored."""
        if self.intent_of(order.client_order_id) is None:
            return None
        denial = self.denial(order, "an order of this id was stored before: it is looked up, not sent")
        return replace(denial, settled=False)
