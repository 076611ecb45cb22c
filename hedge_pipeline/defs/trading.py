"""Trading, as far as it reaches: what the gate permits, reported; nothing is sent."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import accounts, income, instruments, marks
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.risk import gate_decisions, peak_states, verdict

GATED = [accounts, marks, instruments, income, nav_snapshots, peak_states, gate_decisions]
"""Every asset whose checks stand between the fund and an order. A blocking check blocks direct dependents only."""


@dg.asset(
    group_name="trading",
    owners=["team:trading"],
    kinds={"python"},
    deps=GATED,
    description=(
        "What may be traded now, by the gate's verdict evaluated at this instant. It sends nothing. "
        "When it is blocked, the failed check upstream says why; `hedge explain` says it in words."
    ),
)
def trading_permissions(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata=verdict(cycle.judge(fund)))
