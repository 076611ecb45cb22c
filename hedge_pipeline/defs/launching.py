"""Launching: what a Dagster run says of itself to whoever sends orders.

Only a whole, fresh run of the trading job has judged and planned what it sends. What else Dagster can launch bears another
name here, and nothing is sent in it: Materialize all, one asset, a part of the job, a backfill, a run executed again.
"""

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg

from hedge_pipeline.domain.trading.authority import RunAuthority

BACKFILL = "dagster/backfill"
PARTITION = "dagster/partition"
PARTITIONS = "dagster/asset_partition_range_start"
RETRY = "dagster/retry_number"


def authority(
    context: dg.AssetExecutionContext,
    *,
    assets: Collection[dg.AssetKey],
    checks: Collection[dg.AssetCheckKey],
) -> RunAuthority:
    """Of the run that ``context`` belongs to; it is whole if it holds all of these. Its age counts from when it was asked for."""
    run = context.run
    record = context.instance.get_run_record_by_id(run.run_id)
    launched_at = record.create_timestamp if record else datetime.fromtimestamp(0, UTC)
    name = run.job_name
    if not _is_whole(context, assets, checks):
        name = f"a part of {name}"
    if run.tags.keys() & {PARTITION, PARTITIONS}:
        name = f"partitions of {name}"
    if BACKFILL in run.tags:
        name = f"backfill {run.tags[BACKFILL]}"
    return RunAuthority(
        run_id=run.run_id,
        job_name=name,
        launched_at=launched_at.astimezone(UTC),
        repeats=run.parent_run_id or run.root_run_id or run.tags.get(RETRY),
    )


def _is_whole(
    context: dg.AssetExecutionContext,
    assets: Collection[dg.AssetKey],
    checks: Collection[dg.AssetCheckKey],
) -> bool:
    """Whether the run computes every asset and evaluates every check, without a step left out."""
    job = context.job_def
    steps = context.run.step_keys_to_execute
    return (
        set(assets) <= set(job.asset_layer.selected_asset_keys)
        and set(checks) <= set(job.asset_layer.asset_graph.asset_check_keys)
        and (steps is None or {node.name for node in job.nodes} <= set(steps))
    )
