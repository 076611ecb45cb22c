"""`hedge explain` says in words why nothing is trading, what to do, and what would open it and when."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from hedge_pipeline.cli.explain import explanation
from hedge_pipeline.cycle.order_reading import read_orders, read_terms
from hedge_pipeline.cycle.planning import plan_ladders, plan_orders, read_candles, read_regimes
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.risk_gate import RULES
from hedge_pipeline.operations import halt
from hedge_pipeline.read_model import read_fund
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage


def explained(stage: Stage) -> str:
    return "\n".join(explanation(read_fund(stage.fund), cadence=timedelta(seconds=30)))


def test_an_open_gate_says_for_how_long(stage: Stage):
    text = explained(stage)

    assert "the gate is open" in text
    assert "stays open for another 1 min" in text


def test_what_each_symbol_wanted_and_sent_is_told_order_by_order(stage: Stage, trading: Stage):
    text = explained(stage)

    assert re.search(r"BTCUSDT, bar that closed at .*: [1-9]\d* rungs wanted", text)
    assert len(re.findall(r"(LONG|SHORT) \d+, [\d.]+ at [\d.]+: accepted, NEW", text)) > 2


def test_what_was_withheld_is_told_with_its_reason(stage: Stage):
    stage.control.set_fault("/fapi/v1/klines", "respond", status=500, body="down")
    for step in (read_orders, read_candles, read_terms, read_regimes, plan_ladders, plan_orders):
        step(stage.fund)

    assert "withheld: candles missing" in explained(stage)


def test_before_any_bar_it_says_so(stage: Stage):
    assert "BTCUSDT: nothing was planned yet" in explained(stage)


def test_trading_that_nobody_enabled_is_told_with_the_setting(stage: Stage):
    disabled = replace(stage.fund, trading=replace(stage.fund.trading, enabled=False))

    text = "\n".join(explanation(read_fund(disabled), cadence=timedelta(seconds=30)))

    assert "`enabled = true` below `[trading]`" in text


def test_a_failed_source_is_named_with_its_error_and_what_ends_it(stage: Stage):
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    stage.beat()

    text = explained(stage)

    assert "exposure_unavailable" in text
    assert "source positions" in text
    assert "by itself once this is known again and 3 valuations in a row were good" in text
    assert "The last verdict that said otherwise was ACTIVE, 30 s ago" in text


def test_recovery_counts_the_valuations_that_are_missing(stage: Stage):
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    stage.beat()
    stage.control.clear_faults()
    stage.beat()

    assert "by itself after 2 more good valuations, 1 min while the daemon runs" in explained(stage)


def test_a_halt_says_who_why_and_how_to_end_it(stage: Stage):
    halt(stage.fund, actor="ada", reason="a look")
    stage.beat()

    text = explained(stage)

    assert "halted by ada: a look" in text
    assert "hedge rearm --reason WHY" in text
    assert "operator_halt, for 30 s" in text


def test_a_waiting_flow_comes_with_the_command_that_classifies_it(stage: Stage):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key

    assert f"hedge flow classify '{key}' --as redemption|treasury_transfer|loss --reason WHY" in explained(
        stage
    )


def test_the_command_it_names_works(stage: Stage, hedge: Hedge):
    stage.control.withdraw("USDT", "500")
    stage.beat()
    key = stage.nav.unclassified[0].flow_key

    answer = hedge("flow", "classify", key, "--as", FlowPurpose.LOSS.value, "--reason", "stolen")

    assert answer.exit_code == 0, answer.output
    assert "flow classify" not in explained(stage).replace("`hedge flow classify", "")


def test_a_warning_is_told_apart_from_what_closes_the_gate(stage: Stage):
    stage.control.deposit("USDT", "500")
    stage.beat()

    text = explained(stage)

    assert "the gate is open" in text
    assert "Told, not acted on:" in text
    assert "unannounced_flow" in text


def test_a_days_loss_says_until_when_it_holds(stage: Stage):
    stage.control.realize("BTCUSDT", "-16000")
    stage.beat(3)

    text = explained(stage)

    assert "daily_loss_limit" in text
    assert "by itself at" in text


def test_it_works_before_anything_ever_ran(hedge: Hedge):
    answer = hedge("explain")

    assert answer.exit_code == 0
    assert "store_unavailable" in answer.output
    assert "hedge run" in answer.output


def test_every_command_that_a_remedy_names_exists(hedge: Hedge):
    remedies = [rule.remedy for rule in RULES]
    commands = {part.split()[1] for text in remedies for part in text.split("`") if part.startswith("hedge ")}

    for command in commands:
        assert hedge(command, "--help").exit_code == 0, command
    assert {"rearm", "run", "preflight", "flow", "inception", "rebuild-peak", "status"} <= commands


@pytest.mark.parametrize("command", ["status", "explain"])
def test_looking_writes_nothing(stage: Stage, hedge: Hedge, command: str):
    files = {path: path.read_bytes() for path in stage.home.iterdir() if path.name == "state.sqlite"}

    hedge(command)

    assert {path: path.read_bytes() for path in files} == files
