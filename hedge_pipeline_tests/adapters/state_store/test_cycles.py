"""Whole fund cycles over each engine: what the fund knows does not depend on where it is kept."""

from dataclasses import replace
from pathlib import Path

from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests.stage import Stage, staged


def eventful(stage: Stage) -> tuple[list[NavSnapshot], list[PeakState], list[GateDecision]]:
    """Good cycles, a source that fails and recovers, an outflow nobody announced."""
    stage.beat(2)
    stage.control.set_fault("/fapi/v3/positionRisk", "respond", status=500, body="down", times=2)
    stage.beat(5)
    stage.control.withdraw("USDT", "1000")
    stage.beat(2)
    store = stage.fund.store
    # Error texts name the port of a server that is another each time.
    navs = [replace(row, problems=(), sources=()) for row in store.rows(NavSnapshot, "main")]
    decisions = [replace(row, breaches=()) for row in store.rows(GateDecision, "main")]
    return navs, store.rows(PeakState, "main"), decisions


def test_the_same_cycles_leave_the_same_rows_on_every_engine(url: str, tmp_path: Path):
    with staged(tmp_path / "reference") as stage:
        expected = eventful(stage)
    with staged(tmp_path / "here", state_url=url) as stage:
        assert eventful(stage) == expected

    states = [decision.state for decision in expected[2]]
    assert states[1] is TradingState.ACTIVE
    assert states[-1] is TradingState.HALTED
