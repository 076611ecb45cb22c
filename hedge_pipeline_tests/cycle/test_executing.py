"""Orders leave once, in a run of the trading job, behind an open gate, under the account's lock; else nothing leaves, with a reason."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.cycle import executing, planning, trading_facts
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.domain.account import AccountReading, PositionSide
from hedge_pipeline.domain.client_order_ids import OrderName, recognize
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.verdicts import GateDecision, Incident, TradingState
from hedge_pipeline_tests.cycle.turns import BTC, Turns, turns


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[Turns]:
    with turns(tmp_path / "home") as found:
        yield found


def named(trading: Turns, order: KnownOrder) -> OrderName | None:
    book = trading.fund.trading.book(trading.fund.store.store_id, "main", BTC)
    return recognize(order.client_order_id, book).name


def nothing_left(trading: Turns) -> bool:
    return not trading.entries and not trading.fund.store.rows(Intent, "main")


def test_a_bar_leaves_the_grid_resting_on_the_venue(trading: Turns):
    row = trading.plan()
    done = trading.execute()

    assert [str(each) for each in done.symbols] == [
        "BTCUSDT: 12 sent, 12 accepted, 0 rejected, 0 denied, 0 unknown, 0 canceled"
    ]
    wanted = trading.ladder.ladders
    assert wanted is not None
    rest = {order.client_order_id: order for order in trading.entries}
    assert {(order.position_side, order.limit_price, order.quantity) for order in rest.values()} == {
        (rung.position_side, rung.limit_price, rung.quantity) for rung in wanted.rungs
    }
    assert set(rest) == {entry.order.client_order_id for entry in row.entries}
    stored = trading.fund.store.rows(Intent, "main")
    assert {intent.client_order_id for intent in stored} == set(rest)
    assert {intent.decided_at for intent in stored} != {None}


def test_a_bar_without_news_changes_nothing(trading: Turns):
    trading.trade()
    before = {order.venue_order_id for order in trading.entries}
    done = trading.bar()

    assert done.symbols[0].why == "no entry is missing"
    assert {order.venue_order_id for order in trading.entries} == before


@pytest.mark.finding("X-18")
def test_a_plan_executed_again_sends_nothing_twice(trading: Turns):
    trading.trade()
    again = trading.execute()

    assert (again.symbols[0].sent, again.symbols[0].denied) == (0, 12)
    assert len(trading.entries) == 12
    assert len(trading.fund.store.rows(Intent, "main")) == 12


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"job_name": "__ASSET_JOB"}, "orders are sent by trading_job alone: this is run 1 of __ASSET_JOB"),
        ({"job_name": "nav_job"}, "orders are sent by trading_job alone"),
        ({"repeats": "run 0"}, "executes run run 0 again"),
    ],
)
def test_any_other_run_sends_nothing_and_says_why(trading: Turns, run: dict[str, Any], told: str):
    trading.plan()
    done = trading.execute(**run)

    assert done.symbols == ()
    assert done.refused is not None
    assert told in done.refused
    assert nothing_left(trading)


def test_a_run_that_waited_or_that_nobody_launched_sends_nothing(trading: Turns):
    trading.plan()
    now = trading.fund.clock.now()

    for launched_at in (now - timedelta(seconds=60.001), now + timedelta(seconds=1)):
        assert trading.execute(launched_at=launched_at).refused is not None
    assert execute_plans(trading.fund, None).refused is not None
    assert str(execute_plans(trading.fund, None)).startswith("nothing is sent: ")
    assert nothing_left(trading)
    assert trading.execute(launched_at=now - timedelta(seconds=60)).refused is None


def test_while_somebody_else_holds_the_account_nothing_leaves(trading: Turns):
    trading.plan()
    with trading.fund.lock.hold() as held:
        assert held
        refused = trading.execute().refused
    assert refused == "another process is sending orders on this account"
    assert nothing_left(trading)
    assert trading.execute().symbols[0].accepted == 12


def halt(trading: Turns) -> None:
    """As an operator does; the journal counts at once."""
    trading.fund.store.append(
        Incident(
            account="main",
            key="operator_halt",
            opened_at=trading.fund.now(),
            closed_at=None,
            latched=True,
            ceiling=TradingState.HALTED,
            reason="kill_switch",
            message="told to",
            remedy="hedge rearm",
            holds_until=None,
            closed_by=None,
        )
    )


@pytest.mark.finding("S3-RISK-3")
def test_a_halt_between_plan_and_sending_lets_nothing_leave(trading: Turns):
    row = trading.plan()
    halt(trading)
    done = trading.execute()

    assert len(row.entries) == 12
    assert done.symbols[0].why is not None
    assert done.symbols[0].why.startswith("no permit: the gate is HALTED")
    assert nothing_left(trading)


@pytest.mark.finding("S3-RISK-3")
@pytest.mark.finding("X-24")
def test_a_halted_fund_submits_nothing_from_any_path_warm_or_not(trading: Turns):
    """Bars, a plan executed again, the protection cycle's own look-ups; and what rested is gone within one of those."""
    trading.trade()
    assert len(trading.entries) == 12
    halt(trading)
    trading.tick()
    assert trading.entries == []
    sent = len(trading.fund.store.rows(Intent, "main"))
    trading.execute()
    for _ in range(2):
        done = trading.bar()
        assert done.symbols[0].sent == 0
        assert done.symbols[0].why is not None
        assert "kill_switch" in done.symbols[0].why or "latched" in done.symbols[0].why
    slow = replace(trading.fund.trading.strategies[0].regime, adx_length=100, atr_length=100)
    trading.fund = replace(
        trading.fund,
        trading=replace(
            trading.fund.trading, strategies=(replace(trading.fund.trading.strategies[0], regime=slow),)
        ),
    )
    assert trading.bar().symbols[0].sent == 0
    assert len(trading.fund.store.rows(Intent, "main")) == sent
    assert trading.entries == []


@pytest.mark.finding("S3-LIFE-1")
@pytest.mark.finding("S3-RISK-3")
def test_the_gate_is_judged_before_anything_is_planned_and_again_before_anything_leaves(
    trading: Turns, monkeypatch: pytest.MonkeyPatch
):
    order: list[str] = []

    def noting(module: Any, name: str) -> None:
        stage = getattr(module, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            order.append(name)
            return stage(*args, **kwargs)

        monkeypatch.setattr(module, name, noted)

    noting(planning, "read_regime")
    noting(planning, "ladder_row")
    noting(trading_facts, "judge")
    noting(planning, "plan_rows")
    for name in ("authority_refusal", "cancel", "plan_refusal", "judge", "issue_permit", "open_entries"):
        noting(executing, name)
    trading.trade()

    assert order == [
        "read_regime",
        "ladder_row",
        "judge",
        "plan_rows",
        "authority_refusal",
        "cancel",
        "plan_refusal",
        "judge",
        "issue_permit",
        "open_entries",
    ]


def test_a_plan_of_an_earlier_bar_is_not_executed(trading: Turns):
    trading.plan()
    trading.wait()
    done = trading.execute()

    assert done.symbols[0].why is not None
    assert done.symbols[0].why.endswith("plan again")
    assert nothing_left(trading)
    assert trading.trade().symbols[0].accepted == 12


def test_increments_that_changed_since_the_plan_ask_for_another(trading: Turns):
    trading.plan()
    reading = trading.fund.last_known(InstrumentsReading, "instruments")
    assert reading is not None
    assert reading.instruments is not None
    coarser = tuple(replace(each, price_increment=Decimal(7)) for each in reading.instruments)
    trading.fund.store.append(replace(reading, instruments=coarser))
    done = trading.execute()

    assert done.symbols[0].why == "the increments of BTCUSDT changed since it was planned: plan again"
    assert nothing_left(trading)
    trading.plan()
    assert trading.execute().symbols[0].why is None, "by the increments as they are now"


def test_a_grid_that_moves_replaces_each_order_once_it_is_gone(trading: Turns):
    trading.trade()
    before = trading.ladder.center
    first = {order.client_order_id for order in trading.entries}
    trading.stage.control.move_price(BTC, "1.03")
    for _ in range(3):
        trading.bar()
    wanted = trading.ladder.ladders

    assert wanted is not None
    assert trading.ladder.center != before
    assert first.isdisjoint(order.client_order_id for order in trading.entries)
    assert {(each.position_side, each.limit_price) for each in trading.entries} == {
        (rung.position_side, rung.limit_price) for rung in wanted.rungs
    }


def test_other_peoples_orders_are_left_alone(trading: Turns):
    trading.stage.control.place_order(
        symbol=BTC, side="BUY", positionSide="LONG", type="LIMIT", timeInForce="GTC",
        quantity="0.01", price="40000", newClientOrderId="web_1",
    )  # fmt: skip
    trading.tick()
    trading.trade()
    trading.stage.control.move_price(BTC, "1.03")
    trading.bar()
    trading.bar()

    orders = trading.fund.orders.read_orders().orders
    assert orders is not None
    assert [each.status for each in orders if each.client_order_id == "web_1"] == [OrderStatus.NEW]


@pytest.mark.finding("X-18")
def test_an_order_of_unknown_outcome_holds_the_symbol_until_the_venue_has_told(trading: Turns):
    """The batch arrives and its answer is lost, and look-ups fail: half the grid is not known to rest."""
    control = trading.stage.control
    trading.plan()
    control.set_fault("GET /fapi/v1/order", "drop")
    control.set_fault("POST /fapi/v1/batchOrders", "respond", times=1, status=503, body="{}")
    done = trading.execute()

    assert done.symbols[0].unknown >= 1
    row = trading.plan()
    assert row.entries == ()
    assert row.withheld is not None
    assert "is not known" in row.withheld
    control.clear_faults()
    for _ in range(4):
        trading.tick()
    last = {update.client_order_id: update.answer for update in trading.fund.store.rows(OrderUpdate, "main")}
    assert Answer.UNKNOWN not in last.values()
    trading.bar()
    names = [named(trading, order) for order in trading.entries]
    assert len(names) == 12
    assert len({(name.position_side, name.level) for name in names if name}) == 12


def test_what_filled_between_two_bars_is_held_covered_and_counted(trading: Turns):
    trading.trade()
    trading.stage.control.move_price(BTC, "0.99")
    trading.wait()
    reading = trading.fund.last_known(AccountReading, "positions")
    assert reading is not None
    held = {each.position_side: each.quantity for each in reading.positions or () if each.quantity}
    cover = trading.fund.latest(ExitCover)

    assert list(held) == [PositionSide.LONG]
    assert cover is not None
    assert [(side.stop_quantity, side.has_backstop) for side in cover.sides] == [
        (held[PositionSide.LONG], True)
    ]
    trading.trade()
    names = [name for order in trading.entries if (name := named(trading, order))]
    assert len({(name.position_side, name.level) for name in names}) == len(names)


@pytest.mark.finding("S3-HEDGE-2")
def test_an_account_that_nets_both_sides_is_halted_and_nothing_is_sent(trading: Turns):
    trading.wait()
    trading.stage.control.set_mode(hedge_mode=False)
    trading.tick()
    cycle.run_cycle(trading.fund)
    trading.trade()

    decision = trading.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.HALTED
    assert "hedge_mode_off" in {breach.reason for breach in decision.breaches}
    assert not trading.entries
    assert not [row for row in trading.fund.store.rows(Intent, "main") if row.decided_at is not None]


@pytest.mark.finding("S3-PERF-1")
def test_a_bar_says_no_more_than_one_line_a_symbol(trading: Turns, caplog: pytest.LogCaptureFixture):
    trading.wait()
    with caplog.at_level(logging.INFO):
        trading.trade()

    assert len(trading.entries) == 12
    assert len([record for record in caplog.records if record.levelno >= logging.INFO]) <= 1
