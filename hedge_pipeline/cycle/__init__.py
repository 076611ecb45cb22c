"""The fund cycle: read the world, value the fund, judge whether it may trade; one function per step.

Each step reads what the store holds, does one thing and appends one row, whatever happened; steps hand nothing to
each other. A Dagster asset, the heartbeat and the command line call the same functions.
"""

from collections.abc import Callable

from hedge_pipeline.cycle.fund import Fund, append_with_incidents, retried
from hedge_pipeline.cycle.judging import advance_peak, decide, gate_inputs, judge
from hedge_pipeline.cycle.reading import (
    read_account,
    read_income,
    read_instruments,
    read_marks,
    read_prices,
    value_reserves,
)
from hedge_pipeline.cycle.valuing import baseline, take_nav
from hedge_pipeline.domain.verdicts import GateDecision

__all__ = [
    "READING",
    "Fund",
    "advance_peak",
    "append_with_incidents",
    "baseline",
    "decide",
    "gate_inputs",
    "judge",
    "read_account",
    "read_income",
    "read_instruments",
    "read_marks",
    "read_prices",
    "retried",
    "run_cycle",
    "take_nav",
    "value_reserves",
]

READING: tuple[Callable[[Fund], object], ...] = (
    read_account,
    read_marks,
    read_instruments,
    read_income,
    read_prices,
    value_reserves,
    take_nav,
    advance_peak,
)
"""Every step before the verdict, in order."""


def run_cycle(fund: Fund) -> GateDecision:
    """Every step once, in order."""
    for step in READING:
        step(fund)
    return decide(fund)
