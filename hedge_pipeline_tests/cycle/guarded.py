"""A fund with an order book in memory, what a test lets happen on it, and what protection owes it after every cycle."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.order_reading import read_fills, read_orders
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, Owner, client_order_id, recognize
from hedge_pipeline.domain.market_data import Fill
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
)
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.execution.sending import send
from hedge_pipeline_tests.fakes import MemoryStage, memory_stage
from hedge_pipeline_tests.fakes_orders import MemoryOrderVenue

BTC = "BTCUSDT"
MARK = Decimal(50_000)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ZERO = Decimal(0)
STEP = Decimal("0.005")


@dataclass
class Guarded:
    """What a test drives: the fund, its account and its book, which share one set of positions."""

    stage: MemoryStage
    fund: Fund
    book: MemoryOrderVenue
    named: int = 0
    fills: int = field(default=0)

    def tick(self, seconds: float = 10) -> ExitCover:
        """One protection cycle as its job runs it."""
        self.stage.clock.pass_by(seconds)
        self.sees()
        cycle.read_account(self.fund)
        read_orders(self.fund)
        read_fills(self.fund)
        return protect(self.fund)

    def sees(self) -> None:
        """The account's answers show what the book holds."""
        self.stage.venue.book.clear()
        self.stage.venue.book.update(
            {key: (quantity, MARK) for key, quantity in self.book.held.items() if quantity > 0}
        )

    def beats(self, times: int = 4) -> None:
        """Valuations and verdicts, until the gate is ACTIVE."""
        self.sees()
        self.stage.beat(times)

    def enters(
        self,
        level: int,
        quantity: Any = "0.002",
        held: PositionSide = LONG,
        *,
        strategy: str | None = None,
        store_id: str | None = None,
    ) -> str:
        """Send an entry of a rung as the strategy does; its id."""
        self.named += 1
        book = self.own_book
        book = replace(book, strategy=strategy or book.strategy, store_id=store_id or book.store_id)
        price = MARK * (1 - held.sign * STEP * level)
        order = NewOrder(
            client_order_id=client_order_id(
                book,
                OrderName(
                    kind=OrderKind.ENTRY,
                    position_side=held,
                    level=level,
                    cycle=(self.fund.now() + timedelta(hours=self.named)).replace(microsecond=0),
                    attempt=0,
                ),
            ),
            symbol=BTC,
            kind=OrderKind.ENTRY,
            side=opening_side(held),
            position_side=held,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            quantity=Decimal(quantity),
            limit_price=price,
            stop_price=None,
        )
        if store_id is not None:
            self.book.place([order])
            return order.client_order_id
        intent = Intent(
            account="main",
            client_order_id=order.client_order_id,
            symbol=BTC,
            strategy=book.strategy,
            recorded_at=self.fund.clock.now(),
            cycle=self.fund.now(),
            decided_at=self.fund.now(),
            order=order,
            take_profit_price=price * (1 + held.sign * 3 * STEP),
            stop_loss_price=price * (1 - held.sign * 5 * STEP),
        )
        self.fund.store.append(intent)
        send(desk_of(self.fund), [intent], 1)
        return order.client_order_id

    def takes(self, level: int, quantity: Any = "0.002", held: PositionSide = LONG) -> str:
        """An entry that fills at once, whole."""
        name = self.enters(level, quantity, held)
        self.book.fill(name)
        return name

    def somebody(self, change: Any, held: PositionSide = LONG, name: str = "web_", symbol: str = BTC) -> None:
        """A person or the venue itself executes: above 0 opens, below 0 closes at most what there is."""
        change = Decimal(change)
        key = (symbol, held)
        change = max(change, -self.book.held.get(key, ZERO))
        if change == 0:
            return
        self.fills += 1
        venue_id = str(len(self.book.orders) + 1)
        self.book.held[key] = self.book.held.get(key, ZERO) + change
        side = opening_side(held) if change > 0 else closing_side(held)
        self.book.orders[venue_id] = KnownOrder(
            client_order_id=f"{name}{self.fills}",
            venue_order_id=venue_id,
            symbol=symbol,
            side=side,
            position_side=held,
            order_type="MARKET",
            status=OrderStatus.FILLED,
            limit_price=None,
            stop_price=None,
            quantity=abs(change),
            filled_quantity=abs(change),
        )
        now = self.stage.clock.now()
        self.book.fills.append(
            Fill(
                account="main",
                symbol=symbol,
                fill_id=str(len(self.book.fills) + 1),
                venue_order_id=venue_id,
                side=side,
                position_side=held,
                price=MARK,
                quantity=abs(change),
                realized_pnl=ZERO,
                commission=ZERO,
                commission_asset="USDT",
                maker=False,
                filled_at=now,
                recorded_at=now,
            )
        )

    @property
    def own_book(self) -> Book:
        return self.fund.trading.book(self.fund.store.store_id, "main", BTC)

    def ours(self, held: PositionSide = LONG) -> list[KnownOrder]:
        """Exits of ours that rest on one side."""
        return [
            order
            for order in self.book.working
            if order.reduces_position
            and order.position_side is held
            and recognize(order.client_order_id, self.own_book).owner is Owner.OURS
        ]

    def entries(self) -> list[str]:
        return [order.client_order_id for order in self.book.working if not order.reduces_position]

    def stops(self, held: PositionSide = LONG) -> Decimal:
        return sum((o.remaining_quantity for o in self.ours(held) if o.stop_price is not None), ZERO)

    def take_profits(self, held: PositionSide = LONG) -> Decimal:
        return sum((o.remaining_quantity for o in self.ours(held) if o.stop_price is None), ZERO)

    def backstops(self, held: PositionSide = LONG) -> int:
        return sum(1 for o in self.ours(held) if o.stop_price is not None and not o.quantity)

    def is_covered(self, held: PositionSide = LONG) -> None:
        position = self.book.held.get((BTC, held), ZERO)
        assert self.stops(held) == position
        assert self.take_profits(held) <= position
        assert self.backstops(held) == (1 if position else 0)

    def changes(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every request so far that could change the book."""
        return [(what, ids) for what, ids in self.book.requests if what in {"place", "cancel"} and ids]

    def shape(self) -> list[tuple[Any, ...]]:
        """What rests, without names and venue ids."""
        rows = []
        for order in self.book.working:
            name = recognize(order.client_order_id, self.own_book).name
            rows.append(
                (
                    str(name.kind) if name else order.client_order_id,
                    str(order.position_side),
                    name.level if name else 0,
                    order.remaining_quantity,
                    order.limit_price or order.stop_price,
                )
            )
        return sorted(rows)


def guarded(home: Path, *, book: MemoryOrderVenue | None = None, **policy: Any) -> Guarded:
    """Flat, with nothing resting; ``policy`` replaces parts of the trading policy."""
    home.mkdir(parents=True, exist_ok=True)
    stage = memory_stage(home)
    orders = book or MemoryOrderVenue(clock=stage.clock)
    orders.clock, orders.marks = stage.clock, stage.venue.marks
    trading = stage.fund.trading
    trading = replace(trading, **{"sending": replace(trading.sending, lookups=1), **policy})
    return Guarded(stage=stage, fund=replace(stage.fund, orders=orders, trading=trading), book=orders)
