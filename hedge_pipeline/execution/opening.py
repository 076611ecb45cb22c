"""Opening: entries go out under a permit, which every one of them spends.

The permit is asked right before a batch leaves, with the journal of incidents read again, so that a halt counts at once. An
id that has an intent is never sent again, and a symbol with an order of unknown outcome takes no further one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.client_order_ids import Book, recognize
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.orders import NewOrder, OrderKind
from hedge_pipeline.domain.permits import TradingPermit
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.domain.trading.policy import SendingRule
from hedge_pipeline.execution.arming import arm
from hedge_pipeline.execution.desk import Desk
from hedge_pipeline.execution.replacing import make_way
from hedge_pipeline.execution.repricing import repriced
from hedge_pipeline.execution.sending import batches, is_unknown, send
from hedge_pipeline.execution.settling import unacknowledged, unknown_symbols
from hedge_pipeline.execution.spending import spend_each

WOULD_TAKE = -5022
"""A post-only order that would trade at once."""


def open_entries(
    desk: Desk,
    entries: Sequence[PlannedEntry],
    permit: TradingPermit,
    *,
    cycle: datetime,
    strategy: str,
    mark_prices: Mapping[str, Decimal],
    rule: SendingRule,
    instruments: Iterable[Instrument],
) -> list[OrderUpdate]:
    """Send them, those that replace another order last; the last word on each order that was named, retries too.

    What is not sent is DENIED, with the reason. An order that is to be replaced is canceled first, and stays without
    successor if it is not confirmed to be gone without a fill.

    Raises:
        ConcurrentAppend: somebody else stored an intent of the same id meanwhile; the batch was not sent.
        StoreUnavailable: what was sent without an update is settled later.
    """
    session = _Session(
        desk=desk,
        permit=permit,
        cycle=cycle,
        strategy=strategy,
        mark_prices=mark_prices,
        rule=rule,
        instruments={instrument.symbol: instrument for instrument in instruments},
        store_id=desk.store.store_id,
        closed=set(unknown_symbols(unacknowledged(desk))),
        updates=[],
    )
    creating = [entry for entry in entries if entry.replaces is None]
    replacing = [entry for entry in entries if entry.replaces is not None]
    for planned in (*batches(creating), *batches(replacing)):
        attempts = [_Attempt(entry=entry, order=entry.order, retry=0) for entry in planned]
        while attempts:
            attempts = session.send(attempts)
    return session.updates


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One order of an entry: as planned, or a retry of it."""

    entry: PlannedEntry
    order: NewOrder
    retry: int


@dataclass(slots=True, kw_only=True)
class _Session:
    """One call, with what is left of its permit."""

    desk: Desk
    permit: TradingPermit
    cycle: datetime
    strategy: str
    mark_prices: Mapping[str, Decimal]
    rule: SendingRule
    instruments: Mapping[str, Instrument]
    store_id: str
    closed: set[str]
    """Symbols with an order of unknown outcome."""
    updates: list[OrderUpdate]
    guarded: dict[str, str | None] = field(default_factory=dict)
    """Symbols whose countdown was asked for in this call, and why it does not run."""

    def send(self, attempts: Sequence[_Attempt]) -> list[_Attempt]:
        """One batch; what of it is to be tried again, at another price."""
        ready = self._after_predecessors([each for each in attempts if self._is_sendable(each.order)])
        intents = [self._intent(attempt) for attempt in ready]
        if not intents:
            return []
        self.desk.store.append(*intents)
        faults = self._unguarded(intents)
        orders = [attempt.order for attempt in ready if attempt.order.client_order_id not in faults]
        self.permit, refused = spend_each(self.desk, self.permit, orders, self.mark_prices)
        faults |= {id_: f"{refusal.reason}: {refusal.message}" for id_, refusal in refused.items()}
        answers = send(
            self.desk,
            [each for each in intents if each.client_order_id not in faults],
            self.rule.lookups,
            until=self.permit.expires_at,
        )
        self._tell(answers)
        for attempt in ready:
            if fault := faults.get(attempt.order.client_order_id):
                self._withhold(attempt.order, fault)
        crossing = {
            update.client_order_id
            for update in answers
            if update.answer is Answer.REJECTED and update.code == WOULD_TAKE
        }
        return [
            again
            for attempt in ready
            if attempt.order.client_order_id in crossing and (again := self._again(attempt))
        ]

    def _unguarded(self, intents: Sequence[Intent]) -> dict[str, str]:
        """By client order id, why an entry may not be sent: nobody would cancel it if all of us died behind it.

        The switch is set once the intents are stored, so that the protection cycle knows where it may run.
        """
        for symbol in sorted({intent.symbol for intent in intents} - self.guarded.keys()):
            self.guarded[symbol] = arm(self.desk, symbol, self.rule.countdown)
        return {
            intent.client_order_id: f"the countdown could not be set: {failure}"
            for intent in intents
            if (failure := self.guarded[intent.symbol]) is not None
        }

    def _is_sendable(self, order: NewOrder) -> bool:
        name = recognize(order.client_order_id, self._book(order.symbol)).name
        if repetition := self.desk.repetition(order):
            self.updates.append(repetition)
            return False
        if name is None or name.kind is not OrderKind.ENTRY:
            return self._withhold(order, f"its id is of no entry of {self.strategy} on {order.symbol}")
        if failure := self.guarded.get(order.symbol):
            return self._withhold(order, f"the countdown could not be set: {failure}")
        if order.symbol in self.closed:
            return self._withhold(order, f"what became of another order of {order.symbol} is not known")
        return True

    def _after_predecessors(self, attempts: Sequence[_Attempt]) -> list[_Attempt]:
        """Those that replace nothing, or whose predecessor has made way. It stays if the permit does not cover them."""
        successors = [each for each in attempts if each.entry.replaces is not None and not each.retry]
        if not successors:
            return list(attempts)
        orders = [each.order for each in successors]
        _, refused = spend_each(self.desk, self.permit, orders, self.mark_prices)
        faults = {id_: f"{refusal.reason}: {refusal.message}" for id_, refusal in refused.items()}
        replaced = make_way(
            self.desk, [each.entry for each in successors if each.order.client_order_id not in refused]
        )
        self._tell(replaced.updates)
        faults |= replaced.faults
        for order in orders:
            if fault := faults.get(order.client_order_id):
                self._withhold(order, fault)
        left = [each for each in attempts if each.order.client_order_id not in faults]
        return [each for each in left if self._is_sendable(each.order)]

    def _intent(self, attempt: _Attempt) -> Intent:
        order, rung = attempt.order, attempt.entry.rung
        return Intent(
            account=self.desk.account,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            strategy=self.strategy,
            recorded_at=self.desk.clock.now(),
            cycle=self.cycle,
            decided_at=self.permit.decided_at,
            order=order,
            take_profit_price=rung.take_profit_price,
            stop_loss_price=rung.stop_loss_price,
        )

    def _again(self, attempt: _Attempt) -> _Attempt | None:
        instrument = self.instruments.get(attempt.order.symbol)
        if instrument is None:
            return None
        retry, book = attempt.retry + 1, self._book(attempt.order.symbol)
        order = repriced(attempt.entry, retry, book=book, instrument=instrument, rule=self.rule)
        return None if order is None else _Attempt(entry=attempt.entry, order=order, retry=retry)

    def _tell(self, updates: Iterable[OrderUpdate]) -> None:
        for update in updates:
            self.updates.append(update)
            if is_unknown(update):
                self.closed.add(update.symbol)

    def _withhold(self, order: NewOrder, why: str) -> bool:
        denial = self.desk.denial(order, why)
        self.desk.store.append(denial)
        self.updates.append(denial)
        return False

    def _book(self, symbol: str) -> Book:
        return Book(store_id=self.store_id, strategy=self.strategy, account=self.desk.account, symbol=symbol)
