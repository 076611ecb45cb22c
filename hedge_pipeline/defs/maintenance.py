"""Maintenance: what keeps a daemon that runs for months from filling its disk."""

import dagster as dg

from hedge_pipeline.adapters.system_clock import SystemClock


@dg.op(
    name="delete_old_records",
    description=(
        "Deletes runs, heartbeat events and check evaluations past their retention, never the latest of an asset or check. "
        "The fund's own state is not touched. It failed: the disk fills slowly; look whether the disk is full or locked."
    ),
)
def delete_old_records(context: dg.OpExecutionContext) -> None:
    # Imports Dagster's storage: half a second that loading the definitions need not pay.
    from hedge_pipeline.defs.pruning import prune

    pruned = prune(context.instance, now=SystemClock().now())
    context.log.info("deleted %s", ", ".join(f"{count} {name}" for name, count in pruned.counts().items()))


@dg.job(
    executor_def=dg.in_process_executor,
    description="Keeps Dagster's own records small. The fund's state has no retention: nothing in it is ever deleted.",
)
def maintenance_job() -> None:
    delete_old_records()
