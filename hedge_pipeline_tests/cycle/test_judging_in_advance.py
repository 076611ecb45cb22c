"""Who judges beside a valuation that has not written its peak state yet judges as everybody will once it has."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.cycle.judging import inputs_in_advance
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline_tests.cycle.turns import Turns, turns
from hedge_pipeline_tests.stage import staged


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[Turns]:
    with turns(tmp_path / "home") as found:
        found.trade()
        found.tick()
        yield found


def value_without_the_peak(trading: Turns) -> None:
    """A valuation up to its NAV, as a run is for some seconds while it evaluates that NAV's checks."""
    trading.stage.clock.pass_by(trading.stage.cadence)
    for step in cycle.READING[: cycle.READING.index(cycle.advance_peak)]:
        step(trading.fund)


def test_protection_between_nav_and_peak_cancels_nothing(trading: Turns) -> None:
    before = {order.client_order_id for order in trading.entries}
    value_without_the_peak(trading)

    cover = protect(trading.fund)

    assert cover.canceled_entries == ()
    assert {order.client_order_id for order in trading.entries} == before


@pytest.mark.parametrize("lost", ["-1", "-12000", "-40000"])
def test_it_is_the_verdict_that_holds_once_the_peak_state_is_written(trading: Turns, lost: str) -> None:
    trading.stage.control.realize("BTCUSDT", lost)
    states = set()
    for _ in range(3):
        value_without_the_peak(trading)
        early = cycle.judge(trading.fund, inputs_in_advance(trading.fund))
        cycle.advance_peak(trading.fund)
        late = cycle.judge(trading.fund)
        assert (early.state, {b.reason for b in early.breaches}) == (
            late.state,
            {b.reason for b in late.breaches},
        )
        states.add(early.state)
    assert (states == {TradingState.ACTIVE}) is (lost == "-1")


def test_without_a_baseline_nothing_is_known_in_advance_either(tmp_path: Path) -> None:
    with staged(tmp_path / "home") as empty:
        assert inputs_in_advance(empty.fund) == cycle.gate_inputs(empty.fund)
        assert inputs_in_advance(empty.fund).peak is None
