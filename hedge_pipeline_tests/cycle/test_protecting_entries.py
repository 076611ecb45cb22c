"""Behind a closed gate no opening order of ours rests, whatever else fails; other people's orders are never touched."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.readings import OrdersReading
from hedge_pipeline.domain.verdicts import Incident, TradingState
from hedge_pipeline.execution import unacknowledged
from hedge_pipeline.operations.halting import halt
from hedge_pipeline_tests.cycle.guarded import BTC, SHORT, Guarded, guarded
from hedge_pipeline_tests.fakes_orders import Fault


@pytest.fixture
def fund(tmp_path: Path) -> Guarded:
    funded = guarded(tmp_path / "fund")
    funded.beats()
    return funded


def closes(fund: Guarded, how: str) -> None:
    """Take the gate from ACTIVE, one way or another."""
    if how == "halted by a person":
        halt(fund.fund, actor="ana", reason="a test")
    elif how == "a source is silent":
        fund.stage.clock.pass_by(200)
    elif how == "trading is disabled":
        fund.fund = replace(fund.fund, trading=replace(fund.fund.trading, enabled=False))
    elif how == "an incident reduces":
        fund.fund.store.append(
            Incident(
                account="main", key="a_loss", opened_at=fund.fund.now(), closed_at=None, latched=False,
                ceiling=TradingState.REDUCING, reason="loss", message="a loss", remedy="wait",
                holds_until=None, closed_by=None,
            )
        )  # fmt: skip
    elif how == "the circuit breaker is open":
        breaker = fund.fund.trading.limits.breaker
        fund.book.fault = lambda request, _: Fault.REFUSED if request == "place" else None
        for level in range(1, breaker.failures + 1):
            fund.enters(level)
        fund.book.fault = lambda request, _: None


CLOSED = [
    "halted by a person",
    "a source is silent",
    "trading is disabled",
    "an incident reduces",
    "the circuit breaker is open",
]


def test_while_the_gate_is_active_entries_rest(fund: Guarded):
    names = [fund.enters(1), fund.enters(1, held=SHORT)]
    cover = fund.tick()

    assert fund.entries() == names
    assert cover.canceled_entries == ()
    assert cover.problem is None


@pytest.mark.finding("S3-LIFE-R")
@pytest.mark.parametrize("how", CLOSED)
def test_a_closed_gate_cancels_every_entry_of_either_side_within_one_cycle(fund: Guarded, how: str):
    names = {fund.enters(1), fund.enters(2), fund.enters(1, held=SHORT)}
    fund.tick()
    closes(fund, how)
    cover = fund.tick()

    assert fund.entries() == []
    assert set(cover.canceled_entries) == names


@pytest.mark.parametrize("how", CLOSED)
def test_a_closed_gate_keeps_and_restores_stops(fund: Guarded, how: str):
    fund.takes(1)
    fund.tick()
    closes(fund, how)
    fund.takes(2)
    fund.tick()

    fund.is_covered()


def test_entries_go_first_of_all(fund: Guarded):
    fund.takes(1)
    name = fund.enters(2)
    closes(fund, "halted by a person")
    before = len(fund.changes())
    fund.tick()

    what, names = fund.changes()[before]
    assert what == "cancel"
    assert name in names
    assert [what for what, _ in fund.changes()[before + 1 :]] == ["place", "place"]


def test_an_entry_of_a_strategy_that_trades_no_more_goes_even_while_active(fund: Guarded):
    mine, gone = fund.enters(1), fund.enters(2, strategy="the one before")
    cover = fund.tick()

    assert fund.entries() == [mine]
    assert cover.canceled_entries == (gone,)


@pytest.mark.parametrize("how", CLOSED)
def test_foreign_orders_are_never_touched(fund: Guarded, how: str):
    foreign = fund.enters(1, store_id="another store")
    fund.book.place([replace(_order(fund, foreign), client_order_id="web_1")])
    closes(fund, how)
    fund.tick()

    assert fund.entries() == [foreign, "web_1"]


def _order(fund: Guarded, name: str) -> NewOrder:
    resting = next(order for order in fund.book.working if order.client_order_id == name)
    return NewOrder(
        client_order_id=name, symbol=resting.symbol, kind=OrderKind.ENTRY, side=resting.side,
        position_side=resting.position_side, order_type=OrderType.LIMIT, time_in_force=TimeInForce.GTC,
        quantity=resting.quantity, limit_price=resting.limit_price, stop_price=None,
    )  # fmt: skip


class Silent:
    """A book that tells nobody what rests."""

    def __init__(self, fund: Guarded) -> None:
        self._read = fund.book.read_orders

    def __call__(self) -> OrdersReading:
        return replace(self._read(), as_of=None, orders=None)


def test_where_nobody_tells_what_rests_the_journal_does(fund: Guarded):
    names = {fund.enters(1), fund.enters(2)}
    fund.tick()
    fund.book.read_orders = Silent(fund)  # type: ignore[method-assign]
    closes(fund, "halted by a person")
    cover = fund.tick()

    assert fund.entries() == []
    assert set(cover.canceled_entries) == names
    assert "what rests is not known" in str(cover.problem)


def test_an_entry_whose_answer_was_lost_goes_too(fund: Guarded):
    fund.book.fault = lambda request, _: Fault.ANSWER_LOST if request == "place" else None
    fund.enters(1)
    fund.book.fault = lambda request, _: None
    closes(fund, "halted by a person")
    fund.tick()

    assert fund.entries() == []


def test_an_order_that_is_listed_and_was_never_acknowledged_is_looked_up_so_that_its_symbol_opens(
    fund: Guarded,
):
    fund.book.fault = lambda request, _: Fault.ANSWER_LOST if request != "orders" else None
    name = fund.enters(1)
    assert unacknowledged(desk_of(fund.fund))
    fund.book.fault = lambda request, _: None
    fund.tick()

    assert fund.entries() == [name]
    assert unacknowledged(desk_of(fund.fund)) == []


def test_an_order_of_unknown_outcome_is_looked_up_until_the_venue_has_told(fund: Guarded):
    fund.book.fault = lambda _request, _: Fault.REQUEST_LOST
    name = fund.enters(1)
    fund.book.fault = lambda request, _: None
    fund.tick(seconds=3)
    assert [intent.client_order_id for intent in fund.fund.store.unsettled("main")] == [name]
    fund.tick(seconds=30)

    assert fund.fund.store.unsettled("main") == []
    last = fund.fund.store.latest(OrderUpdate, "main", client_order_id=name)
    assert last is not None
    assert last.answer is Answer.ABSENT


def test_a_fill_that_raced_its_cancel_has_its_stop_in_the_same_cycle(fund: Guarded):
    name = fund.enters(1)
    fund.tick()
    closes(fund, "halted by a person")
    cancel = fund.book.cancel

    def fills_first(orders: list[KnownOrder]) -> Any:
        fund.book.fill(name)
        fund.sees()
        fund.book.cancel = cancel  # type: ignore[method-assign]
        return cancel(orders)

    fund.book.cancel = fills_first  # type: ignore[method-assign, assignment]
    fund.tick()

    fund.is_covered()
    assert fund.stops() > 0


def test_entries_go_while_somebody_else_holds_the_lock_and_exits_wait(fund: Guarded):
    fund.takes(1)
    fund.enters(2)
    closes(fund, "halted by a person")
    with fund.fund.lock.hold() as held:
        assert held
        cover = fund.tick()

    assert fund.entries() == []
    assert fund.ours() == []
    assert "exits are looked at in the next cycle" in str(cover.problem)
    fund.tick()
    fund.is_covered()


def test_a_store_that_cannot_be_read_keeps_no_entry_from_going(
    fund: Guarded, monkeypatch: pytest.MonkeyPatch
):
    fund.enters(1)
    fund.tick()

    def gone(*_args: object, **_more: object) -> Any:
        raise StoreUnavailable("the disk is gone")

    for name in ("latest", "rows", "columns", "unsettled", "open_incidents", "append", "latest_known"):
        monkeypatch.setattr(SqlStateStore, name, gone)
    with pytest.raises(StoreUnavailable):
        protect(fund.fund)

    assert fund.entries() == []


def test_nothing_is_changed_twice(fund: Guarded):
    fund.takes(1)
    fund.enters(2)
    fund.tick()
    before = fund.changes()
    protect(fund.fund)
    fund.tick()

    assert fund.changes() == before


def test_the_countdown_runs_exactly_while_an_entry_rests_behind_an_open_gate(fund: Guarded):
    name = fund.enters(1)
    assert fund.tick().armed == (BTC,)
    assert fund.book.countdowns[BTC] - fund.stage.clock.now() == fund.fund.trading.sending.countdown
    fund.beats(1)
    assert fund.tick().armed == (BTC,)
    assert fund.book.countdowns[BTC] - fund.stage.clock.now() == fund.fund.trading.sending.countdown

    fund.book.fill(name)
    assert fund.tick().armed == ()
    assert fund.book.countdowns == {}


def test_a_closed_gate_stops_the_countdown_so_that_it_takes_no_exit(fund: Guarded):
    fund.takes(1)
    fund.enters(2)
    fund.tick()
    closes(fund, "halted by a person")
    cover = fund.tick()

    assert cover.armed == ()
    assert fund.book.countdowns == {}
    fund.tick(seconds=300)
    fund.is_covered()


def test_a_countdown_that_could_not_be_stopped_is_stopped_in_the_next_cycle(fund: Guarded):
    name = fund.enters(1)
    fund.tick()
    fund.book.fill(name)
    real = fund.book.set_countdown
    fund.book.set_countdown = lambda symbol, countdown: "no answer"  # type: ignore[method-assign]
    assert fund.tick().armed == (BTC,)
    fund.book.set_countdown = real  # type: ignore[method-assign]
    assert fund.tick().armed == ()
    assert fund.book.countdowns == {}


def test_after_a_countdown_fired_stops_come_first_then_take_profits(fund: Guarded):
    fund.takes(1)
    fund.enters(2)
    fund.tick()
    for key, order in list(fund.book.orders.items()):
        if order.status.is_working:
            fund.book.orders[key] = replace(order, status=OrderStatus.EXPIRED)
    began = len(fund.book.submitted)
    fund.tick()

    placed = fund.book.submitted[began:]
    assert [order.stop_price is not None for order in placed] == [True, True, False]
    fund.is_covered()


def test_take_profits_that_a_countdown_took_come_back(fund: Guarded):
    fund.takes(1)
    fund.enters(2)
    fund.tick()
    fund.stage.clock.pass_by(61)
    fund.beats(1)
    assert fund.take_profits() == 0
    fund.tick()

    fund.is_covered()
    assert fund.take_profits() == fund.stops()


def test_another_stores_orders_halt_until_they_are_gone(fund: Guarded):
    mine = fund.enters(1)
    fund.tick()
    other = fund.enters(2, store_id="another store")
    cover = fund.tick()

    (incident,) = [each for each in fund.fund.store.open_incidents("main") if each.reason == "second_trader"]
    assert incident.ceiling is TradingState.HALTED
    assert other in incident.message
    assert cover.canceled_entries == (mine,)
    assert fund.entries() == [other]

    fund.tick()
    assert len(fund.fund.store.rows(Incident, "main", reason="second_trader")) == 1
    order = next(each for each in fund.book.working if each.client_order_id == other)
    fund.book.cancel([order])
    fund.tick()
    assert not [each for each in fund.fund.store.open_incidents("main") if each.reason == "second_trader"]


def test_a_silent_list_does_not_end_a_second_trader(fund: Guarded):
    fund.enters(2, store_id="another store")
    fund.tick()
    fund.book.read_orders = Silent(fund)  # type: ignore[method-assign]
    fund.tick()

    assert [each.reason for each in fund.fund.store.open_incidents("main")] == ["second_trader"]
