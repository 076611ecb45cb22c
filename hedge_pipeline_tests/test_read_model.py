"""One view of the fund: every figure with its own age, the verdict evaluated now, nothing made up."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.domain.fund_view import closed_view
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.operations import halt
from hedge_pipeline.read_model import read_fund
from hedge_pipeline_tests.cycle.turns import turns
from hedge_pipeline_tests.stage import NOON, Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "home") as built:
        built.beat()
        yield built


def test_a_good_fund_is_told_as_it_is(stage: Stage):
    view = read_fund(stage.fund)

    assert view.state is TradingState.ACTIVE
    assert (view.stale, view.peak_stale, view.positions_stale) == (False, False, False)
    assert view.complete
    assert view.nav == view.attempt == stage.nav
    assert view.positions
    assert view.daily_loss == 0
    assert view.waiting == ()


def test_with_everything_stopped_the_figures_stay_and_are_called_stale(stage: Stage):
    before = read_fund(stage.fund)
    stage.clock.pass_by(timedelta(minutes=10))

    view = read_fund(stage.fund)

    assert view.nav == before.nav
    assert view.stale
    assert view.peak_stale
    assert view.positions_stale
    assert view.age(view.as_of) == timedelta(minutes=10)


def test_the_verdict_is_evaluated_now_not_quoted(stage: Stage):
    stage.clock.pass_by(timedelta(minutes=10))
    stored = stage.fund.latest(GateDecision)

    view = read_fund(stage.fund)

    assert stored is not None
    assert stored.state is TradingState.ACTIVE
    assert view.state is TradingState.HALTED
    assert view.otherwise == stored


def test_figures_turn_stale_at_their_limit_not_after_it(stage: Stage):
    limit = stage.fund.limits.freshness.nav
    assert stage.nav.as_of is not None
    stage.clock.at = stage.nav.as_of + limit - timedelta(milliseconds=1)
    assert not read_fund(stage.fund).stale

    stage.clock.pass_by(timedelta(milliseconds=1))
    assert read_fund(stage.fund).stale


def test_a_nav_from_the_future_is_not_of_now(stage: Stage):
    stage.clock.pass_by(timedelta(minutes=-1))

    assert read_fund(stage.fund).stale


def test_a_failed_attempt_leaves_the_last_accepted_figures_and_says_so(stage: Stage):
    good = stage.nav
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    stage.beat()

    view = read_fund(stage.fund)

    assert view.nav == good
    assert view.attempt != good
    assert view.stale, "though it is young"
    assert not view.complete
    assert view.positions, "the last known ones"


def test_before_the_first_reading_everything_is_unknown(tmp_path: Path):
    with staged(tmp_path / "home") as empty:
        view = read_fund(empty.fund)

    assert view.state is TradingState.HALTED
    assert (view.nav, view.attempt, view.peak, view.positions, view.daily_loss) == (None,) * 5
    assert view.stale
    assert view.peak_stale
    assert view.positions_stale
    assert not view.complete


@pytest.mark.finding("S1-DD-7")
def test_the_loss_of_another_day_is_not_todays(stage: Stage):
    stage.control.realize("BTCUSDT", "-5000")
    stage.beat()
    lost = read_fund(stage.fund).daily_loss
    assert lost is not None
    assert lost > Decimal("0.03")

    stage.clock.at = datetime(2026, 11, 21, 0, 0, 1, tzinfo=NOON.tzinfo)

    view = read_fund(stage.fund)
    assert view.daily_loss is None
    assert view.realized_pnl_today is None
    assert view.peak is not None
    assert view.peak.drawdown > Decimal("0.03")


def test_orders_exits_and_the_last_bar_are_told_as_last_known(tmp_path: Path):
    with turns(tmp_path / "home") as trading:
        trading.trade()
        trading.tick()

        view = read_fund(trading.fund)

        assert view.open_orders is not None
        assert {order.client_order_id for order in trading.entries} <= {
            order.client_order_id for order in view.open_orders
        }
        assert view.exits == trading.fund.latest(ExitCover)
        assert (view.open_orders_stale, view.exits_stale, view.trading_enabled) == (False, False, True)
        (account,) = view.trading
        assert {fate.client_order_id for fate in account.planned} == {
            order.client_order_id for order in trading.entries
        }

        trading.stage.control.set_fault("/fapi/v1/openOrders", "drop")
        trading.tick(60)
        later = read_fund(trading.fund)

        assert later.open_orders == view.open_orders, "the last known ones"
        assert later.open_orders_stale


def test_flows_that_wait_are_listed_with_their_keys(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()

    (waiting,) = read_fund(stage.fund).waiting

    assert (waiting.asset, waiting.amount) == ("USDT", Decimal(-500))
    assert waiting.flow_key == stage.nav.unclassified[0].flow_key


def test_a_change_without_income_waits_too(stage: Stage):
    stage.control.set_fault("*", "hide_income")
    stage.control.withdraw("USDT", "500")
    stage.beat(3)

    assert [flow.amount for flow in read_fund(stage.fund).waiting] == [-500]


def test_a_latch_is_told_with_its_age(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")
    stage.beat()

    view = read_fund(stage.fund)

    assert view.opened_at["operator_halt"] == NOON + timedelta(seconds=30)
    assert [incident.key for incident in view.incidents] == ["operator_halt"]


def test_a_store_that_cannot_be_read_is_a_closed_gate(stage: Stage):
    view = closed_view("main", stage.fund.limits, now=NOON, reason="it is gone", remedy="look for it")

    assert view.state is TradingState.HALTED
    assert [(breach.reason, breach.message) for breach in view.decision.breaches] == [
        ("store_unavailable", "it is gone")
    ]
    assert view.stale
    assert view.nav is None


def test_everybody_reads_the_same_numbers(stage: Stage):
    first, second = read_fund(stage.fund), read_fund(stage.fund)

    assert first == second
