"""The same promises with the real client over HTTP against the paper venue, whose own books are what counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id, recognize
from hedge_pipeline.domain.grid import Rung
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    TimeInForce,
    opening_side,
)
from hedge_pipeline.domain.permits import TradingPermit, issue_permit
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.execution import Desk, arm, cancel, disarm, open_entries, reduce, settle
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    PLACE,
    PLACE_MANY,
    PLACING,
    Trading,
    legs,
    trading_desk,
)
from hedge_pipeline_tests.domain.order_examples import decision, incident, position
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT, instrument
from hedge_pipeline_tests.execution.desks import RULE, STRATEGY

CYCLES = 150
BTC, MARK = "BTCUSDT", Decimal(60_000)
QUANTITY = Decimal("0.010")
STEP = Decimal(120)
EVERY_PLACING = (*PLACING, "DELETE /fapi/v1/batchOrders", "DELETE /fapi/v1/order")


@dataclass
class HttpDesk:
    """A desk at the paper venue, and the venue's books."""

    trading: Trading
    desk: Desk
    store: SqlStateStore
    journal: list[Any]

    @property
    def book(self) -> Book:
        return Book(store_id=self.store.store_id, strategy=STRATEGY, account="main", symbol=BTC)

    def entry(
        self,
        held: PositionSide,
        level: int,
        *,
        center: Decimal = MARK,
        attempt: int = 0,
        replaces: str | None = None,
    ) -> PlannedEntry:
        """As far from the center as its level, with the bar of this instant."""
        price = center - held.sign * level * STEP
        cycle = self.desk.now().replace(microsecond=0)
        name = OrderName(kind=OrderKind.ENTRY, position_side=held, level=level, cycle=cycle, attempt=attempt)
        order = NewOrder(
            client_order_id=client_order_id(self.book, name),
            symbol=BTC,
            kind=OrderKind.ENTRY,
            side=opening_side(held),
            position_side=held,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTX,
            quantity=QUANTITY,
            limit_price=price,
            stop_price=None,
        )
        rung = Rung(
            position_side=held,
            level=level,
            limit_price=price,
            quantity=QUANTITY,
            take_profit_price=price + held.sign * STEP,
            stop_loss_price=price - held.sign * 5 * STEP,
        )
        return PlannedEntry(order=order, rung=rung, replaces=replaces)

    def open(self, entries: Sequence[PlannedEntry]) -> list[OrderUpdate]:
        now = self.desk.now()
        permit = issue_permit(
            decision(decided_at=now, valid_until=now + timedelta(minutes=1)),
            symbols=frozenset({BTC}),
            notional_usd=Decimal(1_000_000),
            orders=100,
            incidents=(),
            now=now,
        )
        assert isinstance(permit, TradingPermit)
        return open_entries(
            self.desk,
            entries,
            permit,
            cycle=now,
            strategy=STRATEGY,
            mark_prices={BTC: MARK},
            rule=RULE,
            instruments=[instrument()],
        )

    def submitted(self) -> Counter[str]:
        """Times that each client order id of ours was posted."""
        single = [params["newClientOrderId"] for params in self.trading.heard(PLACE)]
        many = [leg["newClientOrderId"] for params in self.trading.heard(PLACE_MANY) for leg in legs(params)]
        return Counter([*single, *many])

    def taken(self) -> Counter[str]:
        """Times that the venue's books have each."""
        return Counter(order.client_order_id for order in self.trading.desk.core.order_book.orders.values())

    def listed(self) -> list[KnownOrder]:
        reading = self.trading.orders.read_orders()
        assert reading.orders is not None, reading.sources
        return list(reading.orders)

    def settle_what_is_unknown(self) -> list[OrderUpdate]:
        listed = {order.client_order_id for order in self.listed()}
        lost = [each for each in self.store.unsettled("main") if each.client_order_id not in listed]
        return settle(self.desk, lost, 3)

    def lose(self, kind: str = "lose_answer", endpoints: Sequence[str] = EVERY_PLACING) -> None:
        """What is asked next is done, and its answer lost."""
        for endpoint in endpoints:
            self.trading.fault(endpoint, kind, times=1)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HttpDesk]:
    with (
        trading_desk() as trading,
        closing(open_state_store(f"sqlite:///{tmp_path}/state.sqlite", create=True)) as store,
    ):
        journal: list[Any] = []
        desk = Desk(
            account="main",
            venue=trading.orders,
            store=store,
            clock=trading.clock,
            now=trading.clock.now,
            incidents=lambda: journal,
            pause=lambda seconds: trading.desk.wait(round(seconds * 1000)),
        )
        yield HttpDesk(trading=trading, desk=desk, store=store, journal=journal)


def test_a_ladder_is_opened_replaced_and_canceled(http: HttpDesk):
    entries = [http.entry(side, level) for side in (LONG, SHORT) for level in (1, 2, 3, 4)]
    opened = http.open(entries)
    assert {(update.answer, update.status) for update in opened} == {(Answer.ACCEPTED, OrderStatus.NEW)}
    assert len(http.trading.heard(PLACE_MANY)) == 2

    http.trading.desk.wait(30_000)
    first = entries[0].order.client_order_id
    canceled, placed = http.open([http.entry(LONG, 1, center=MARK - 50, replaces=first)])
    assert (canceled.answer, placed.answer) == (Answer.CANCELED, Answer.ACCEPTED)
    assert canceled.filled_quantity == 0

    updates = cancel(http.desk, http.listed())
    assert {update.answer for update in updates} == {Answer.CANCELED}
    assert http.trading.working() == set()
    assert http.store.unsettled("main") == []


def test_one_that_filled_is_not_replaced(http: HttpDesk):
    (opened,) = http.open([http.entry(LONG, 1)])
    http.trading.desk.walk(MARK - 2 * STEP)

    filled, denied = http.open([http.entry(LONG, 1, center=MARK - 50, replaces=opened.client_order_id)])

    assert (filled.status, filled.settled, denied.answer) == (OrderStatus.FILLED, True, Answer.DENIED)
    assert http.trading.working() == set()


def test_a_post_only_order_that_would_trade_moves_away(http: HttpDesk):
    http.trading.desk.walk(MARK - STEP)

    updates = http.open([http.entry(LONG, 1)])

    assert [update.code for update in updates[:-1]] == [-5022] * (len(updates) - 1)
    assert len(updates) == 2
    assert [order.limit_price for order in http.listed()] == [MARK - STEP - Decimal("0.5")]


def test_a_batch_whose_answer_is_lost_is_found_again(http: HttpDesk):
    http.lose()

    updates = http.open([http.entry(LONG, level) for level in (1, 2, 3)])

    assert {update.answer for update in updates} == {Answer.ACCEPTED}
    assert [update.answer for update in http.store.rows(OrderUpdate, "main")[:3]] == [Answer.UNKNOWN] * 3
    assert set(http.submitted().values()) == {1}


def test_a_request_that_never_arrived_is_absent_once_it_can_arrive_no_more(http: HttpDesk):
    http.lose("drop")

    (update,) = http.open([http.entry(LONG, 1)])
    assert (update.answer, update.settled) == (Answer.ABSENT, False)
    (denied,) = http.open([http.entry(LONG, 2)])
    assert denied.answer is Answer.DENIED

    http.trading.desk.wait(30_000)
    (settled,) = http.settle_what_is_unknown()
    assert (settled.answer, settled.settled) == (Answer.ABSENT, True)
    http.trading.desk.wait(1_000)
    (opened,) = http.open([http.entry(LONG, 1)])
    assert opened.answer is Answer.ACCEPTED


def test_exits_are_placed_under_a_halt_and_a_lost_stop_is_found_among_conditional_orders(http: HttpDesk):
    http.trading.desk.market("BUY LONG", "0.02")
    http.journal.append(incident())
    http.lose()
    names = [
        OrderName(kind=OrderKind.STOP_LOSS, position_side=LONG, level=level, cycle=http.desk.now(), attempt=0)
        for level in (1, 0)
    ]
    stops = [
        NewOrder(
            client_order_id=client_order_id(http.book, name),
            symbol=BTC,
            kind=OrderKind.STOP_LOSS,
            side=opening_side(SHORT),
            position_side=LONG,
            order_type=OrderType.STOP_MARKET,
            time_in_force=None,
            quantity=quantity,
            limit_price=None,
            stop_price=Decimal(55_000),
        )
        for name, quantity in zip(names, (Decimal("0.02"), None), strict=True)
    ]

    updates = reduce(
        http.desk,
        stops,
        positions=[position("0.02")],
        resting=http.listed(),
        strategy=STRATEGY,
        cycle=http.desk.now(),
    )

    assert {update.answer for update in updates} == {Answer.ACCEPTED}
    assert http.trading.working() == {order.client_order_id for order in stops}


def test_a_countdown_is_armed_and_disarmed(http: HttpDesk):
    http.open([http.entry(LONG, 1)])

    assert arm(http.desk, BTC, timedelta(seconds=30)) is None
    http.trading.desk.wait(29_000)
    assert disarm(http.desk, BTC) is None
    http.trading.desk.wait(29_000)
    assert len(http.trading.working()) == 1
    assert arm(http.desk, BTC, timedelta(seconds=30)) is None
    http.trading.desk.wait(31_000)
    assert http.trading.working() == set()


@pytest.mark.long
@pytest.mark.finding("X-18")
def test_with_every_fifth_answer_lost_no_order_is_ever_there_twice(http: HttpDesk):
    """Bars on a moving price: some orders fill, some are canceled, every free rung is asked for again."""
    chance, price, lost = Random(20_261_120), MARK, 0
    rungs = [(side, level) for side in (LONG, SHORT) for level in (1, 2)]
    for _ in range(CYCLES):
        http.settle_what_is_unknown()
        known = {*(order.client_order_id for order in http.listed())}
        known |= {intent.client_order_id for intent in http.store.unsettled("main")}
        busy = {(name.position_side, name.level) for id_ in known if (name := recognize(id_, http.book).name)}
        if chance.random() < 0.2:
            lost += 1
            http.lose(chance.choice(["lose_answer", "lose_answer", "drop"]))
        http.open(
            [http.entry(side, level, center=price) for side, level in rungs if (side, level) not in busy]
        )
        http.trading.venue.clear_faults()
        for _ in range(2):
            price = (price * (1 + Decimal(chance.randint(-25, 25)) / 10_000)).quantize(Decimal("0.1"))
            http.trading.desk.walk(price)
        cancel(http.desk, [order for order in http.listed() if chance.random() < 0.2])
        _flatten(http)
        http.trading.desk.wait(20_000)
        names = [recognize(order.client_order_id, http.book).name for order in http.listed()]
        resting = Counter((name.position_side, name.level) for name in names if name)
        assert set(resting.values()) <= {1}

    assert lost > 20
    assert len(http.submitted()) > CYCLES
    assert set(http.submitted().values()) == {1}
    assert set(http.taken().values()) == {1}
    http.settle_what_is_unknown()
    unsettled = {intent.client_order_id for intent in http.store.unsettled("main")}
    assert unsettled == {order.client_order_id for order in http.listed()}


def _flatten(http: HttpDesk) -> None:
    for way, side in (("SELL LONG", "LONG"), ("BUY SHORT", "SHORT")):
        if held := http.trading.desk.held(side):
            http.trading.desk.market(way, held)
