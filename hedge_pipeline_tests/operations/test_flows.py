"""A flow is announced before it moves; what moved unannounced is classified by people, not by guesses."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction, FlowPurpose
from hedge_pipeline.domain.verdicts import Command, TradingState
from hedge_pipeline.operations import classify_flow, rearm, register_flow
from hedge_pipeline.read_model import waiting_flows
from hedge_pipeline_tests.stage import Stage


def announce(stage: Stage, **changed: Any) -> FlowInstruction:
    order = {
        "purpose": FlowPurpose.SUBSCRIPTION,
        "asset": "USDT",
        "amount": Decimal(5000),
        "window_from": stage.clock.at,
        "window_until": stage.clock.at + timedelta(hours=2),
        "actor": "ada",
        "reason": "an investor joins",
    }
    return register_flow(stage.fund, **{**order, **changed})


def test_an_announced_flow_changes_units_and_nothing_else(stage: Stage):
    before = stage.nav
    instruction = announce(stage)
    stage.control.deposit("USDT", "5000")

    decision = stage.beat()

    assert decision.state is TradingState.ACTIVE
    assert stage.nav.labels == ()
    assert stage.nav.account_units is not None
    assert before.account_units is not None
    assert stage.nav.account_units > before.account_units + 4900
    flow = stage.fund.latest(Flow)
    assert flow is not None
    assert flow.instruction_id == instruction.instruction_id


def test_an_announced_outflow_does_not_halt(stage: Stage):
    announce(stage, purpose=FlowPurpose.REDEMPTION, amount=Decimal(-500))
    stage.control.withdraw("USDT", "500")

    assert stage.beat().state is TradingState.ACTIVE


@pytest.mark.parametrize("approver", [None, "ada"])
def test_outside_paper_an_announcement_takes_two_people(serious: Stage, approver: str | None):
    with pytest.raises(CommandRefused, match="approver"):
        announce(serious, approver=approver)

    assert announce(serious, approver="bob").approver == "bob"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"purpose": FlowPurpose.LOSS}, "purpose"),
        ({"asset": "usdt"}, "asset"),
        ({"asset": ""}, "asset"),
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("NaN")}, "amount"),
        ({"amount": Decimal("Infinity")}, "amount"),
        ({"amount": Decimal(-5)}, "amount: a subscription"),
        ({"purpose": FlowPurpose.REDEMPTION}, "amount: a redemption"),
    ],
)
def test_an_announcement_that_contradicts_itself_is_refused(stage: Stage, changed: dict[str, Any], why: str):
    with pytest.raises(CommandRefused, match=why):
        announce(stage, **changed)

    assert stage.fund.store.rows(FlowInstruction, "main") == []


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (timedelta(minutes=-2), timedelta(hours=1)),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(hours=1), timedelta(0)),
        (timedelta(0), timedelta(days=7, seconds=1)),
    ],
)
def test_a_window_lies_ahead_and_is_short(stage: Stage, begins: timedelta, ends: timedelta):
    with pytest.raises(CommandRefused, match="window"):
        announce(stage, window_from=stage.clock.at + begins, window_until=stage.clock.at + ends)


def test_a_window_without_a_time_zone_is_refused(stage: Stage):
    with pytest.raises(CommandRefused, match="time zone"):
        announce(stage, window_from=stage.clock.at.replace(tzinfo=None))


def test_only_what_waits_can_be_classified_and_the_refusal_lists_it(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key

    with pytest.raises(CommandRefused, match=rf"TRANSFER:1: no such flow waits.*{key}"):
        classify_flow(stage.fund, "TRANSFER:1", purpose=FlowPurpose.LOSS, actor="ada", reason="gone")

    assert stage.fund.store.rows(FlowClassification, "main") == []


def test_a_flow_is_classified_once(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key
    classify_flow(stage.fund, key, purpose=FlowPurpose.REDEMPTION, actor="ada", reason="an investor left")

    with pytest.raises(CommandRefused, match="none does"):
        classify_flow(stage.fund, key, purpose=FlowPurpose.LOSS, actor="bob", reason="gone")


def test_a_classified_loss_is_performance(stage: Stage):
    units = stage.nav.account_units
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key

    classify_flow(stage.fund, key, purpose=FlowPurpose.LOSS, actor="ada", reason="stolen")
    stage.beat()

    assert stage.nav.unclassified == ()
    assert stage.nav.account_units == units


def test_what_left_was_no_subscription(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key

    with pytest.raises(CommandRefused, match="a subscription comes into"):
        classify_flow(stage.fund, key, purpose=FlowPurpose.SUBSCRIPTION, actor="ada", reason="confused")


def test_outside_paper_a_classification_takes_two_people(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key
    fund = replace(stage.fund, two_people=True)

    with pytest.raises(CommandRefused, match="approver"):
        classify_flow(fund, key, purpose=FlowPurpose.REDEMPTION, actor="ada", reason="an investor left")

    said = classify_flow(
        fund, key, purpose=FlowPurpose.REDEMPTION, actor="ada", approver="bob", reason="an investor left"
    )
    assert said.approver == "bob"


def test_a_change_without_income_can_be_classified_and_rearmed(stage: Stage):
    stage.control.set_fault("*", "hide_income")
    stage.control.withdraw("USDT", "500")
    assert stage.beat(10).state is TradingState.HALTED
    waiting = [entry for entry in _waiting(stage) if entry.startswith("residual:USDT")]

    classify_flow(
        stage.fund, waiting[0], purpose=FlowPurpose.LOSS, actor="ada", reason="the venue's own mistake"
    )
    stage.beat()
    assert stage.nav.accepted
    rearm(stage.fund, actor="ada", reason="explained")

    assert stage.beat(3).state is TradingState.ACTIVE


def _waiting(stage: Stage) -> list[str]:
    return [flow.flow_key for flow in waiting_flows(stage.fund, stage.nav)]


def test_every_order_is_in_the_journal(stage: Stage):
    announce(stage)

    order = stage.fund.store.rows(Command, "main")[-1]

    assert (order.kind, order.actor) == ("flow_register", "ada")
    assert "subscription of 5000 USDT" in order.detail
