"""Units of work and of record. Each runs in one process: a multiprocess run costs ten times as much."""

from collections.abc import Sequence

import dagster as dg

from hedge_pipeline.defs.account import accounts, income, instruments, marks
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.reserves import prices, reserves_valuations
from hedge_pipeline.defs.risk import gate_decisions, peak_states
from hedge_pipeline.defs.trading import GATED, trading_permissions

VALUATION: Sequence[dg.AssetsDefinition] = [accounts, marks, instruments, income, nav_snapshots, peak_states]
"""In the order in which they are computed."""
RESERVES: Sequence[dg.AssetsDefinition] = [prices, reserves_valuations]

nav_job = dg.define_asset_job(
    "nav_job",
    selection=dg.AssetSelection.assets(*VALUATION),
    executor_def=dg.in_process_executor,
    description="Value the account: readings, NAV, peak state, with their checks. Red when the NAV may not be used.",
)

gate_job = dg.define_asset_job(
    "gate_job",
    selection=dg.AssetSelection.assets(gate_decisions),
    executor_def=dg.in_process_executor,
    description=(
        "Judge alone, from what the store holds: a gate inside the valuation's run would be silent exactly when "
        "sources fail. It writes its row and then fails when the gate is closed."
    ),
)

reserves_job = dg.define_asset_job(
    "reserves_job",
    selection=dg.AssetSelection.assets(*RESERVES),
    executor_def=dg.in_process_executor,
    description="Price and value treasury and reserves. Red when reporting NAV is only a lower bound.",
)

trading_job = dg.define_asset_job(
    "trading_job",
    selection=dg.AssetSelection.assets(*GATED, trading_permissions),
    executor_def=dg.in_process_executor,
    description="Value, judge and report what may be traded, in one run with every blocking check. It sends nothing.",
)

JOBS = [nav_job, gate_job, reserves_job, trading_job]
