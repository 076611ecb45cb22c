"""Dagster's command line, as continuous integration and an operator call it: what it finds, and how it exits."""

from collections.abc import Iterator

import pytest

from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from tools.stack import NAV_CHAIN, Stack, stack

pytestmark = [pytest.mark.live_stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def fund_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("checkout")) as made:
        yield made


def test_the_definitions_are_valid_and_the_selection_is_not_empty(fund_folder: Stack) -> None:
    """A selection that matches nothing would be materialized with success."""
    answer = fund_folder.dagster("definitions", "validate", "-w", "workspace.yaml")
    assert answer.returncode == 0, answer.stdout
    assert set(fund_folder.listed(",".join(NAV_CHAIN))) == set(NAV_CHAIN)


def test_a_healthy_fund_exits_0_and_a_failed_source_does_not(fund_folder: Stack) -> None:
    valued = fund_folder.materialize([*NAV_CHAIN, "gate_decisions"])
    assert valued.returncode == 0, valued.stdout
    with fund_folder.control() as control:
        control.set_fault("/fapi/v3/positionRisk", "respond", status=500, body="down")

    refused = fund_folder.materialize(NAV_CHAIN)
    judged = fund_folder.materialize(["gate_decisions"])

    assert refused.returncode == 1
    assert "blocking asset check" in refused.stdout
    assert judged.returncode == 1, "the gate is red by itself, in a run of its own"
    decision = fund_folder.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.HALTED
