"""Cadence for the record: runs that happen whether or not anything trades or fails."""

import dagster as dg

from hedge_pipeline.defs.jobs import gate_job, nav_job, reserves_job
from hedge_pipeline.defs.maintenance import maintenance_job

RUNNING = dg.DefaultScheduleStatus.RUNNING
TIDYING = "35 * * * *"
"""Every hour, so that each time little is deleted and nobody waits for it."""


def build_schedules(*, record: str, timezone: str) -> list[dg.ScheduleDefinition]:
    """One valuation, one verdict and one pricing as runs at ``record``, a cron line; and the tidying up."""
    schedules = (
        ("nav_record", nav_job, record, "The account valued as a run, with every check."),
        ("gate_record", gate_job, record, "The gate judged as a run: red while it is closed."),
        ("reserves_record", reserves_job, record, "Treasury and reserves priced and valued as a run."),
        ("tidying", maintenance_job, TIDYING, "Deletes Dagster's records that nobody will look at again."),
    )
    return [
        dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone=timezone,
            default_status=RUNNING,
            description=description,
        )
        for name, job, cron, description in schedules
    ]
