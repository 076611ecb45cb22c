"""Every way of failing that the fault table shows, through runs of Dagster's command line with their real exit codes."""

from collections.abc import Iterator

import pytest

from hedge_pipeline.domain.verdicts import TradingState
from tools.fault_table import SCENARIOS, Outcome, outcomes, table
from tools.stack import stack

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(900)]

OFF_VENUE = {scenario.name for scenario in SCENARIOS if scenario.off_venue}
LATE = "a clock 2 s off"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    folder = tmp_path_factory.mktemp("faults") / "checkout"
    with stack(folder, files={"treasury.toml": "", "reserves.toml": ""}) as fund_folder:
        yield {outcome.name: outcome for outcome in outcomes(fund_folder)}


@pytest.mark.finding("S1-NAV-1")
def test_a_fault_of_the_venue_is_a_row_moves_nothing_good_and_closes_the_gate(
    found: dict[str, Outcome],
) -> None:
    for outcome in found.values():
        assert outcome.rows >= 1, outcome
        assert not outcome.last_good_moved, outcome
        if outcome.name in OFF_VENUE | {LATE}:
            continue
        assert not outcome.accepted, outcome
        assert outcome.problems, outcome
        assert outcome.state is TradingState.HALTED, outcome
        assert {"nav_is_accepted", "every_input_is_known"} <= set(outcome.failed_checks), outcome
        assert outcome.exits == {"NAV": 1, "gate": 1}, outcome


def test_a_clock_that_is_off_reduces_and_is_red(found: dict[str, Outcome]) -> None:
    assert found[LATE].state is TradingState.REDUCING
    assert found[LATE].exits == {"NAV": 0, "gate": 1}


@pytest.mark.finding("S2-RES-2")
def test_a_fault_off_the_venue_makes_reporting_red_and_leaves_the_gate_alone(
    found: dict[str, Outcome],
) -> None:
    for name in OFF_VENUE:
        outcome = found[name]
        assert outcome.exits == {"reserves": 1, "NAV": 0, "gate": 0}, outcome
        assert outcome.accepted, outcome
        assert not outcome.aum_complete, outcome
        assert outcome.state is TradingState.ACTIVE, outcome
        assert outcome.opened == ("reporting_nav_is_complete",), outcome


def test_every_fault_opens_an_incident_that_closes_once_it_is_over(found: dict[str, Outcome]) -> None:
    for outcome in found.values():
        assert outcome.opened, outcome
        assert outcome.left_open == (), outcome


def test_the_table_has_a_line_for_each(found: dict[str, Outcome]) -> None:
    text = table(list(found.values()))
    assert len(text.splitlines()) == len(SCENARIOS) + 2
    assert "MOVED" not in text
    assert "STILL OPEN" not in text
