"""Protecting: one protection cycle, in every state of the gate, on nothing but what the venue says of the account.

Behind a closed gate every opening order of ours goes first of all; orders of unknown outcome are looked up; each position gets
exactly its exits; the dead-man's switch runs where an opening order rests, and nowhere else. Each part is tried whatever
became of the others, and the row says what could not be known or done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from hedge_pipeline.cycle.alarming import changes_of_incidents
from hedge_pipeline.cycle.covering import Coverer
from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.fund import Fund, append_with_incidents, retried
from hedge_pipeline.cycle.order_reading import read_fills, read_orders
from hedge_pipeline.cycle.permitting import why_closed
from hedge_pipeline.cycle.position_sides import instruments_lately, sides_of
from hedge_pipeline.cycle.reading import read_account, read_instruments
from hedge_pipeline.cycle.trading_facts import is_fresh
from hedge_pipeline.domain.account import AccountReading, Position
from hedge_pipeline.domain.errors import HedgeError
from hedge_pipeline.domain.orders import KnownOrder, OrderKind
from hedge_pipeline.domain.trading.exit_cover import ExitCover, SideCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate, pending_order
from hedge_pipeline.domain.trading.planning import working_orders
from hedge_pipeline.domain.trading.readings import FillsReading, OrdersReading
from hedge_pipeline.domain.trading.unwanted import BookOf, opening_orders, unwanted_entries
from hedge_pipeline.execution import Desk, arm, cancel, disarm, settle, unacknowledged

T = TypeVar("T")

BUSY = "somebody else sends orders of this account: its exits are looked at in the next cycle"
MOST_PROBLEM = 4000
ENTRIES_LATELY = 200
"""Intents looked back through for entries sent since the last cycle."""


def protect(fund: Fund) -> ExitCover:
    """One protection cycle, and its row. What was read within the last cadence is not read again, unless it changed since.

    Raises:
        StoreUnavailable: the row could not be stored; what could be canceled has been.
    """
    with fund.lock.hold() as held:
        return _Cycle(fund=fund, desk=desk_of(fund)).run(held=held)


@dataclass(slots=True, kw_only=True)
class _Cycle:
    fund: Fund
    desk: Desk
    problems: list[str] = field(default_factory=list)
    canceled_entries: list[str] = field(default_factory=list)
    orders: tuple[KnownOrder, ...] | None = None
    """What rests by the venue's list and our own orders that may; ``None``: the list is not known."""

    def run(self, *, held: bool) -> ExitCover:
        stated = self._stated()
        closed = why_closed(self.fund, stated)
        if self._cancel_entries(stated, closed):
            self._read_again()
            stated = self._stated()
        self._tried("orders of unknown outcome", lambda: self._look_up(stated))
        self.orders = working_orders(stated, self._unsettled())
        positions, as_of = self._positions()
        sides = self._tried("exits", lambda: self._cover(positions, as_of, held=held)) or []
        armed = self._tried("countdown", lambda: self._count_down(closed)) or ()
        return retried(lambda: self._append(stated, as_of, sides, armed))

    def _stated(self) -> tuple[KnownOrder, ...] | None:
        """The venue's list, read again if anything of ours was sent or answered since, or nobody has asked lately."""
        reading = self._tried("open orders", self._orders_reading)
        if reading is None:
            reading = self._tried("open orders", self.fund.orders.read_orders)
        if reading is None or reading.orders is None:
            sources = reading.sources if reading is not None else ()
            errors = "; ".join(f"{source.source}: {source.error}" for source in sources if source.error)
            self._tell(f"what rests is not known: {errors}")
            return None
        return reading.orders

    def _orders_reading(self) -> OrdersReading:
        reading = self.fund.latest(OrdersReading)
        if reading is None or not self._is_of_this_cycle(reading) or self._changed_since(reading):
            return read_orders(self.fund)
        return reading

    def _is_of_this_cycle(self, reading: OrdersReading | AccountReading | FillsReading) -> bool:
        age = self.fund.clock.now() - reading.recorded_at
        return abs(age) <= self.fund.trading.protection

    def _changed_since(self, reading: OrdersReading) -> bool:
        stamps = [
            row.recorded_at
            for row in (self.fund.latest(Intent), self.fund.latest(OrderUpdate))
            if row is not None
        ]
        return any(stamp >= reading.attempted_at for stamp in stamps)

    def _unsettled(self) -> list[Intent]:
        return self._tried("unsettled intents", lambda: self.fund.store.unsettled(self.fund.account)) or []

    def _book_of(self) -> BookOf:
        return partial(self.fund.trading.book, self.fund.store.store_id, self.fund.account)

    def _cancel_entries(self, stated: Sequence[KnownOrder] | None, closed: str | None) -> bool:
        """Whether anything was to be canceled. Where nobody tells what rests, our journal does."""
        unsettled = self._unsettled()
        working = working_orders(stated, unsettled)
        if working is None:
            working = tuple(pending_order(intent) for intent in unsettled)
        traded = [strategy.symbol for strategy in self.fund.trading.strategies]
        unwanted = unwanted_entries(working, self._book_of(), traded=traded, closed=closed)
        for update in self._tried("opening orders", lambda: cancel(self.desk, unwanted)) or ():
            if update.answer is Answer.CANCELED:
                self.canceled_entries.append(update.client_order_id)
            elif not update.settled:
                self._tell(f"{update.client_order_id} is not confirmed as canceled: {update.message}")
        return bool(unwanted)

    def _read_again(self) -> None:
        """What was canceled may have filled first."""
        self._tried("positions", lambda: read_account(self.fund))
        self._tried("open orders", lambda: read_orders(self.fund))
        self._tried("fills", lambda: read_fills(self.fund))

    def _look_up(self, stated: Sequence[KnownOrder] | None) -> None:
        """Of what is listed, those too whose answer never came: until they are acknowledged their symbol stays closed."""
        listed = {order.client_order_id for order in stated or ()}
        lost = [intent for intent in self._unsettled() if intent.client_order_id not in listed]
        lost += [intent for intent in unacknowledged(self.desk) if intent.client_order_id in listed]
        settle(self.desk, lost, self.fund.trading.sending.lookups)

    def _positions(self) -> tuple[tuple[Position, ...] | None, datetime | None]:
        """With the venue's time of them, which is not that of the balances."""
        reading = self._tried("positions", self._account_reading)
        self._tried("fills", self._fills_reading)
        sources = reading.sources if reading is not None else ()
        as_of = next((source.as_of for source in sources if source.source == "positions"), None)
        if (
            reading is None
            or reading.positions is None
            or not is_fresh(self.fund, as_of, self.fund.trading.silence)
        ):
            self._tell("positions are not known, so what rests is left as it is")
            return None, None
        return reading.positions, as_of

    def _account_reading(self) -> AccountReading:
        reading = self.fund.latest(AccountReading)
        if reading is None or not self._is_of_this_cycle(reading):
            return read_account(self.fund)
        return reading

    def _fills_reading(self) -> FillsReading:
        reading = self.fund.latest(FillsReading)
        if reading is None or not self._is_of_this_cycle(reading):
            return read_fills(self.fund)
        return reading

    def _cover(
        self, positions: tuple[Position, ...] | None, as_of: datetime | None, *, held: bool
    ) -> list[SideCover]:
        if positions is None or as_of is None:
            return []
        resting = self.orders
        self._tried("instruments", lambda: self._know_instruments(positions))
        sides, told = sides_of(self.fund, positions, resting, as_of)
        self.problems += told
        coverer = Coverer(
            desk=self.desk,
            policy=self.fund.trading,
            positions=positions,
            resting={order.client_order_id: order for order in resting or ()},
            cycle=self.fund.now().replace(microsecond=0),
            used=set(),
        )
        if not held:
            self._tell(BUSY)
        covers = []
        for side in sides:
            cover = None
            if held:
                cover = self._tried(
                    f"exits of {side.symbol} {side.position_side}", partial(coverer.cover, side)
                )
            covers.append(cover or coverer.look(side))
        if resting is not None:
            self.orders = tuple(coverer.resting.values())
        return covers

    def _know_instruments(self, positions: Sequence[Position]) -> None:
        """A symbol that nobody has valued yet, or lately, needs its exits now."""
        known = instruments_lately(self.fund)
        if any(position.quantity > 0 and position.symbol not in known for position in positions):
            read_instruments(self.fund)

    def _count_down(self, closed: str | None) -> tuple[str, ...]:
        """Symbols whose countdown runs, or may: one that could not be stopped is stopped in the next cycle."""
        fund, book_of = self.fund, self._book_of()
        orders = self.orders
        if orders is None:
            orders = tuple(pending_order(intent) for intent in self._unsettled())
        opening = {order.symbol for order in opening_orders(orders, book_of)}
        running = self._may_run()
        if closed is None:
            for symbol in sorted(opening):
                running.add(symbol)
                if failure := arm(self.desk, symbol, fund.trading.sending.countdown):
                    self._tell(f"the countdown of {symbol} could not be renewed: {failure}")
        for symbol in sorted(running - opening):
            if failure := disarm(self.desk, symbol):
                self._tell(f"the countdown of {symbol} could not be stopped: {failure}")
            else:
                running.discard(symbol)
        return tuple(sorted(running))

    def _may_run(self) -> set[str]:
        """By the last cycle, and by entries sent since: whoever sent them may have armed it."""
        last = self.fund.latest(ExitCover)
        if last is None:
            return {strategy.symbol for strategy in self.fund.trading.strategies}
        sent = self.fund.recent(Intent, ENTRIES_LATELY)
        return {
            *last.armed,
            *(
                intent.symbol
                for intent in sent
                if intent.order.kind is OrderKind.ENTRY and intent.recorded_at >= last.recorded_at
            ),
        }

    def _append(
        self,
        stated: Sequence[KnownOrder] | None,
        as_of: datetime | None,
        sides: Sequence[SideCover],
        armed: tuple[str, ...],
    ) -> ExitCover:
        fund = self.fund
        changes = changes_of_incidents(fund, stated)
        cover = ExitCover(
            account=fund.account,
            recorded_at=fund.clock.now(),
            as_of=as_of,
            sides=tuple(sides),
            canceled_entries=tuple(self.canceled_entries),
            armed=armed,
            problem="; ".join(self.problems)[:MOST_PROBLEM] or None,
        )
        append_with_incidents(fund, cover, changes, at=fund.now())
        return cover

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def _tried(self, what: str, part: Callable[[], T]) -> T | None:
        """``None``: it failed, which is told and keeps nothing else from being tried. Only our own errors' texts are free of secrets."""
        try:
            return part()
        except HedgeError as error:
            self._tell(f"{what}: {error}")
        except Exception as error:  # noqa: BLE001  an unforeseen fault in one part must not leave the others undone
            self._tell(f"{what}: {type(error).__name__}")
        return None
