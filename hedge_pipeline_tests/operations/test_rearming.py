"""A latch comes off by a person's order, once its cause is gone or an expiring waiver stands in for it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.verdicts import Command, GateDecision, Incident, TradingState, Waiver
from hedge_pipeline.operations import LONGEST_WAIVER, WaiverRequest, classify_flow, halt, rearm
from hedge_pipeline_tests.stage import Stage

LOSS = "-31000"
"""About 0.21 of the fund: over the drawdown's halt, below the hard ceiling."""


def reasons(decision: GateDecision) -> set[str]:
    return {breach.reason for breach in decision.breaches}


def peak(stage: Stage) -> PeakState:
    state = stage.fund.latest(PeakState)
    assert state is not None
    return state


def waiver(stage: Stage, limit: str = "0.25", lasting: timedelta = timedelta(hours=4)) -> WaiverRequest:
    return WaiverRequest(drawdown_limit=Decimal(limit), expires_at=stage.clock.at + lasting)


@pytest.fixture
def fallen(stage: Stage) -> Stage:
    """Latched by its drawdown."""
    stage.control.realize("BTCUSDT", LOSS)
    assert stage.beat(4).state is TradingState.HALTED
    return stage


def test_rearming_takes_every_latch_off(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")

    decision = rearm(stage.fund, actor="bob", reason="looked")

    assert decision.state is TradingState.ACTIVE
    assert stage.fund.store.open_incidents("main") == []
    assert [row.closed_by for row in stage.fund.store.rows(Incident, "main")] == ["bob"]
    assert [row.kind for row in stage.fund.store.rows(Command, "main")][-1] == "rearm"


def test_there_is_nothing_to_rearm_while_nothing_is_latched(stage: Stage):
    with pytest.raises(CommandRefused, match="nothing is latched"):
        rearm(stage.fund, actor="ada", reason="why not")


def test_a_stale_nav_keeps_the_latch_on(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")
    stage.clock.pass_by(timedelta(minutes=5))

    with pytest.raises(CommandRefused, match="nav_stale"):
        rearm(stage.fund, actor="ada", reason="looked")

    assert cycle.judge(stage.fund).state is TradingState.HALTED


def test_a_nav_that_was_not_accepted_keeps_the_latch_on(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    stage.beat()

    with pytest.raises(CommandRefused, match="positions"):
        rearm(stage.fund, actor="ada", reason="looked")


def test_an_unclassified_outflow_keeps_the_latch_on_until_somebody_says_what_it_was(stage: Stage):
    stage.control.withdraw("USDT", "500")
    assert stage.beat().state is TradingState.HALTED
    with pytest.raises(CommandRefused, match="unregistered_outflow"):
        rearm(stage.fund, actor="ada", reason="it was me")

    key = stage.nav.unclassified[0].flow_key
    classify_flow(stage.fund, key, purpose=FlowPurpose.REDEMPTION, actor="ada", reason="an investor left")
    stage.beat()

    assert rearm(stage.fund, actor="ada", reason="classified").state is TradingState.ACTIVE


def test_rearming_while_sources_recover_leaves_the_gate_to_open_by_itself(stage: Stage):
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    stage.beat()
    stage.control.clear_faults()
    stage.beat()
    halt(stage.fund, actor="ada", reason="a look")

    decision = rearm(stage.fund, actor="ada", reason="looked")

    assert decision.state is TradingState.HALTED
    assert reasons(decision) == {"recovering"}
    assert stage.beat(2).state is TradingState.ACTIVE


def test_a_drawdown_over_its_limit_rearms_by_no_word_alone(fallen: Stage):
    with pytest.raises(CommandRefused, match=r"only an expiring waiver re-arms.*above 0\.21.*below 0\.30"):
        rearm(fallen.fund, actor="ada", reason="it will come back")


def test_one_snapshot_over_the_limit_is_enough_to_refuse(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")
    stage.control.realize("BTCUSDT", LOSS)
    stage.beat()

    with pytest.raises(CommandRefused, match="only an expiring waiver"):
        rearm(stage.fund, actor="ada", reason="looked")


def test_a_waiver_rearms_and_leaves_the_high_water_mark_alone(fallen: Stage):
    mark = peak(fallen).high_water_mark

    decision = rearm(fallen.fund, actor="ada", reason="hedged since", waiver=waiver(fallen))

    assert decision.state is TradingState.ACTIVE
    assert fallen.beat(3).state is TradingState.ACTIVE
    assert peak(fallen).high_water_mark == mark
    granted = fallen.fund.latest(Waiver)
    assert granted is not None
    assert granted.drawdown_limit == Decimal("0.25")


def test_a_waiver_ends_by_itself(fallen: Stage):
    rearm(
        fallen.fund, actor="ada", reason="hedged since", waiver=waiver(fallen, lasting=timedelta(minutes=2))
    )
    assert fallen.beat(3).state is TradingState.ACTIVE

    decision = fallen.beat(2)

    assert decision.state is TradingState.HALTED
    assert "nav_drawdown_limit" in reasons(decision)


def test_a_further_fall_trips_the_waiver_before_its_limit(fallen: Stage):
    rearm(fallen.fund, actor="ada", reason="hedged since", waiver=waiver(fallen, "0.29"))
    fallen.control.realize("BTCUSDT", "-7000")

    decision = fallen.beat()

    assert peak(fallen).drawdown < Decimal("0.29")
    assert "waiver_tripped" in reasons(decision)
    assert decision.state is TradingState.HALTED


@pytest.mark.parametrize("limit", ["0.20", "0.21", "0.30", "0.5", "NaN", "-1"])
def test_a_waiver_lies_above_the_drawdown_and_below_the_hard_ceiling(fallen: Stage, limit: str):
    with pytest.raises(CommandRefused, match=r"waiver: .* does not lie above"):
        rearm(fallen.fund, actor="ada", reason="please", waiver=waiver(fallen, limit))

    assert fallen.fund.latest(Waiver) is None


@pytest.mark.parametrize(
    "lasting", [timedelta(0), timedelta(seconds=-1), LONGEST_WAIVER + timedelta(seconds=1)]
)
def test_a_waiver_ends_within_a_day(fallen: Stage, lasting: timedelta):
    with pytest.raises(CommandRefused, match="within 24 h"):
        rearm(fallen.fund, actor="ada", reason="please", waiver=waiver(fallen, lasting=lasting))


def test_a_waiver_of_unclear_end_is_refused(fallen: Stage):
    naive = WaiverRequest(
        drawdown_limit=Decimal("0.25"), expires_at=(fallen.clock.at + timedelta(hours=1)).replace(tzinfo=None)
    )

    with pytest.raises(CommandRefused, match="no time zone"):
        rearm(fallen.fund, actor="ada", reason="please", waiver=naive)


def test_a_waiver_is_not_for_those_who_need_none(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")

    with pytest.raises(CommandRefused, match="re-arm without one"):
        rearm(stage.fund, actor="ada", reason="looked", waiver=waiver(stage))


def test_beyond_the_hard_ceiling_nothing_rearms(stage: Stage):
    stage.control.realize("BTCUSDT", "-50000")
    stage.beat(3)

    with pytest.raises(CommandRefused, match="hard ceiling"):
        rearm(stage.fund, actor="ada", reason="please")
    with pytest.raises(CommandRefused, match="waiver"):
        rearm(stage.fund, actor="ada", reason="please", waiver=waiver(stage, "0.29"))


@pytest.mark.parametrize("approver", [None, "ada", "ADA", " "])
def test_outside_paper_a_waiver_takes_a_second_person(fallen: Stage, approver: str | None):
    fallen.fund = replace(fallen.fund, two_people=True)

    with pytest.raises(CommandRefused, match="approver"):
        rearm(fallen.fund, actor="ada", approver=approver, reason="please", waiver=waiver(fallen))

    decision = rearm(fallen.fund, actor="ada", approver="bob", reason="agreed", waiver=waiver(fallen))
    assert decision.state is TradingState.ACTIVE


def test_a_refused_order_leaves_no_trace(fallen: Stage):
    before = len(fallen.fund.store.rows(Command, "main"))

    with pytest.raises(CommandRefused):
        rearm(fallen.fund, actor="ada", reason="please")

    assert len(fallen.fund.store.rows(Command, "main")) == before
    assert any(incident.latched for incident in fallen.fund.store.open_incidents("main"))
