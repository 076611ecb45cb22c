"""Units of work and of record. Each runs in one process: a multiprocess run costs ten times as much."""

from collections.abc import Sequence

import dagster as dg

from hedge_pipeline.defs.account import accounts, income, instruments, marks
from hedge_pipeline.defs.history import drawdown_history, nav_daily, nav_minutes
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.orders import fills, open_orders
from hedge_pipeline.defs.protection import exits
from hedge_pipeline.defs.publication import publications
from hedge_pipeline.defs.reserves import prices, reserves_valuations
from hedge_pipeline.defs.risk import gate_decisions, peak_states
from hedge_pipeline.defs.trading import CHAIN
from hedge_pipeline.defs.venue_history import VENUE_HISTORY

VALUATION: Sequence[dg.AssetsDefinition] = [accounts, marks, instruments, income, nav_snapshots, peak_states]
"""In the order in which they are computed."""
RESERVES: Sequence[dg.AssetsDefinition] = [prices, reserves_valuations]
PROTECTION: Sequence[dg.AssetsDefinition] = [accounts, open_orders, fills, exits]

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

protection_job = dg.define_asset_job(
    "protection_job",
    selection=dg.AssetSelection.assets(*PROTECTION),
    executor_def=dg.in_process_executor,
    description=(
        "Cover every position and cancel what may not rest, whatever the gate says. Red when a position lacks its stop, an "
        "opening order rests behind a closed gate, or an order's outcome is unknown."
    ),
)

trading_job = dg.define_asset_job(
    "trading_job",
    selection=dg.AssetSelection.assets(*CHAIN) | dg.AssetSelection.checks_for_assets(exits),
    executor_def=dg.in_process_executor,
    description=(
        "Value, judge, plan a bar and send its orders, in one run with every blocking check. Only a whole, fresh run of "
        "it sends anything."
    ),
)

publication_job = dg.define_asset_job(
    "publication_job",
    selection=dg.AssetSelection.assets(publications),
    executor_def=dg.in_process_executor,
    description="Publish every document from what the store holds. Red when one did not arrive; nothing else waits for it.",
)

history_job = dg.define_asset_job(
    "history_job",
    selection=dg.AssetSelection.assets(nav_minutes, nav_daily, drawdown_history),
    executor_def=dg.in_process_executor,
    description="Keep closed days: minutes, roll-up and drawdown, with their checks. Red when history and the live state disagree.",
)

venue_history_job = dg.define_asset_job(
    "venue_history_job",
    selection=dg.AssetSelection.assets(*VENUE_HISTORY),
    executor_def=dg.in_process_executor,
    description="Keep the venue's own past while it still has it. Red when a day was refused, or was lost before being kept.",
)

JOBS = [
    nav_job,
    gate_job,
    reserves_job,
    protection_job,
    trading_job,
    publication_job,
    history_job,
    venue_history_job,
]
