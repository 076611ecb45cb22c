"""Maintenance: what keeps a daemon that runs for months from filling its disk."""

import dagster as dg

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cycle import Fund
from hedge_pipeline.cycle.letting_go import let_go


@dg.op(
    name="delete_old_records",
    description=(
        "Deletes runs, heartbeat events and check evaluations past their retention, never the latest of an asset or check. "
        "It failed: the disk fills slowly; look whether the disk is full or locked."
    ),
)
def delete_old_records(context: dg.OpExecutionContext) -> None:
    # Imports Dagster's storage: half a second that loading the definitions need not pay.
    from hedge_pipeline.defs.pruning import prune

    pruned = prune(context.instance, now=SystemClock().now())
    context.log.info("deleted %s", ", ".join(f"{count} {name}" for name, count in pruned.counts().items()))


@dg.op(
    name="let_old_rows_go",
    description=(
        "Rows of days older than `[history] hot_days` leave the state store, once history holds every one of them. It "
        "failed: nothing that history does not hold has left; look whether the disk is full, or which row differs."
    ),
)
def let_old_rows_go(context: dg.OpExecutionContext, fund: dg.ResourceParam[Fund]) -> None:
    for departure in let_go(fund):
        context.log.info("%s: %s rows kept, %s left", departure.day, departure.archived, departure.left)


@dg.job(
    executor_def=dg.in_process_executor,
    description="Keeps Dagster's own records small. The fund's state is not touched.",
)
def maintenance_job() -> None:
    delete_old_records()


@dg.job(
    executor_def=dg.in_process_executor,
    description="Keeps the state store small: old rows move into history. Orders, flows, income and incidents never leave.",
)
def letting_go_job() -> None:
    let_old_rows_go()
