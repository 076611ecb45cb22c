"""What stands between the fund and an opening order."""

import dagster as dg

from hedge_pipeline.defs.account import accounts, income, instruments, marks
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.risk import gate_decisions, peak_states

GATED: list[dg.AssetsDefinition] = [
    accounts,
    marks,
    instruments,
    income,
    nav_snapshots,
    peak_states,
    gate_decisions,
]
"""Every trading asset depends on each of these directly: a failed blocking check keeps direct dependents alone from being computed."""
