"""A desk over the book in memory and a real store, with the documented grid of BTCUSDT to send."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id
from hedge_pipeline.domain.exits import Exit, exit_order
from hedge_pipeline.domain.orders import NewOrder, OrderKind, OrderType, TimeInForce, opening_side
from hedge_pipeline.domain.permits import TradingPermit, issue_permit
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate, pending_order
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.domain.trading.policy import SendingRule
from hedge_pipeline.domain.verdicts import Incident
from hedge_pipeline.execution import Desk, open_entries, settle
from hedge_pipeline_tests.domain.order_examples import decision
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, golden_ladders, instrument
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.fakes import ManualClock
from hedge_pipeline_tests.fakes_orders import MemoryOrderVenue

STRATEGY = "grid"
RULE = SendingRule(
    post_only=True,
    retry_attempts=3,
    retry_steps=5,
    retry_max_deviation_bps=Decimal(100),
    countdown=timedelta(seconds=60),
    lookups=3,
)
BOTH = (instrument(), replace(instrument(), symbol="ETHUSDT"))
_numbers = itertools.count(1)


@dataclass
class DeskStage:
    """A desk and what is on both sides of it."""

    desk: Desk
    venue: MemoryOrderVenue
    store: SqlStateStore
    clock: ManualClock
    journal: list[Incident] = field(default_factory=list)
    """Open incidents."""
    is_readable: bool = True
    """Whether the journal is."""

    @property
    def account(self) -> str:
        return self.desk.account

    @property
    def intents(self) -> list[Intent]:
        return self.store.rows(Intent, self.account)

    @property
    def updates(self) -> list[OrderUpdate]:
        return self.store.rows(OrderUpdate, self.account)

    @property
    def unsettled(self) -> list[str]:
        return [intent.client_order_id for intent in self.store.unsettled(self.account)]

    def book(self, symbol: str = "BTCUSDT") -> Book:
        return Book(store_id=self.store.store_id, strategy=STRATEGY, account=self.account, symbol=symbol)

    def permit(self, **changes: Any) -> TradingPermit:
        """Wide enough for anything unless told otherwise."""
        asked: dict[str, Any] = {
            "symbols": frozenset({"BTCUSDT", "ETHUSDT"}),
            "notional_usd": Decimal(1_000_000),
            "orders": 100,
            "incidents": (),
            "now": self.desk.now(),
        }
        decided = decision(
            account=self.account,
            decided_at=self.desk.now(),
            valid_until=self.desk.now() + timedelta(minutes=1),
        )
        issued = issue_permit(decided, **{**asked, **changes})
        assert isinstance(issued, TradingPermit)
        return issued

    def entry(
        self,
        level: int,
        held: PositionSide = LONG,
        *,
        symbol: str = "BTCUSDT",
        cycle: datetime = NOON,
        attempt: int = 0,
        replaces: str | None = None,
        price: Decimal | None = None,
    ) -> PlannedEntry:
        """A rung of the documented grid, 50 bps a level from 100,000."""
        rung = golden_ladders().of(held)[level - 1]
        name = OrderName(kind=OrderKind.ENTRY, position_side=held, level=level, cycle=cycle, attempt=attempt)
        order = NewOrder(
            client_order_id=client_order_id(self.book(symbol), name),
            symbol=symbol,
            kind=OrderKind.ENTRY,
            side=opening_side(held),
            position_side=held,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTX,
            quantity=rung.quantity.quantize(Decimal("0.001")),
            limit_price=price or rung.limit_price,
            stop_price=None,
        )
        return PlannedEntry(order=order, rung=rung, replaces=replaces)

    def exit(
        self,
        kind: OrderKind,
        quantity: Any,
        price: Any,
        *,
        level: int = 1,
        held: PositionSide = LONG,
        attempt: int = 0,
        cycle: datetime = NOON,
    ) -> NewOrder:
        wanted = Exit(
            kind=kind,
            symbol="BTCUSDT",
            position_side=held,
            level=level,
            quantity=None if quantity is None else Decimal(quantity),
            price=Decimal(price),
            tightest_price=Decimal(price),
        )
        return exit_order(wanted, self.book(), cycle=cycle, attempt=attempt)

    def open(
        self, entries: Sequence[PlannedEntry], permit: TradingPermit | None = None, **changes: Any
    ) -> list[OrderUpdate]:
        told: dict[str, Any] = {
            "cycle": NOON,
            "strategy": STRATEGY,
            "mark_prices": dict(self.venue.marks),
            "rule": RULE,
            "instruments": BOTH,
        }
        return open_entries(self.desk, entries, permit or self.permit(), **{**told, **changes})

    def settle_what_is_unknown(self, lookups: int = 3) -> list[OrderUpdate]:
        """As a later tick does: whatever is unsettled and not listed by the venue."""
        listed = {order.client_order_id for order in self.venue.working}
        lost = [each for each in self.store.unsettled(self.account) if each.client_order_id not in listed]
        return settle(self.desk, lost, lookups)

    def rests(self, client_order_id: str) -> Any:
        """The stored intent as an order of the venue's list."""
        intent = self.desk.intent_of(client_order_id)
        assert intent is not None
        return pending_order(intent)


def staged(store: SqlStateStore, **venue: Any) -> DeskStage:
    """A new account with no orders."""
    clock = ManualClock()
    account = f"desk-{next(_numbers)}"
    marks = {"BTCUSDT": CENTER, "ETHUSDT": CENTER}
    outside = MemoryOrderVenue(clock=clock, account=account, **{"marks": marks, **venue})
    journal: list[Incident] = []
    stage: DeskStage
    desk = Desk(
        account=account,
        venue=outside,
        store=store,
        clock=clock,
        now=clock.now,
        incidents=lambda: tuple(stage.journal) if stage.is_readable else None,
        pause=clock.pass_by,
    )
    stage = DeskStage(desk=desk, venue=outside, store=store, clock=clock, journal=journal)
    return stage


def ids(updates: Sequence[OrderUpdate]) -> list[str]:
    return [update.client_order_id for update in updates]
