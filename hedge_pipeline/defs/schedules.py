"""Cadence for the record: runs that happen whether or not anything trades or fails."""

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg

from hedge_pipeline.cycle import Fund, closing, venue_past
from hedge_pipeline.defs.jobs import gate_job, history_job, nav_job, reserves_job, venue_history_job
from hedge_pipeline.defs.maintenance import letting_go_job, maintenance_job

RUNNING = dg.DefaultScheduleStatus.RUNNING
CLOSING = "10 * * * *"
"""Ten minutes into each hour: soon after midnight, and again where that failed."""
VENUE = "25 * * * *"
"""Beside it: the venue's lists lag, and its answers must not keep our own days waiting."""
LETTING_GO = "45 */6 * * *"
"""A day's rows take seconds; several times a day, so that a machine that sleeps at night does it too."""
TIDYING = "35 * * * *"
"""Every hour, so that each time little is deleted and nobody waits for it."""


def build_schedules(*, record: str, timezone: str, start: date) -> list[dg.ScheduleDefinition]:
    """One valuation, one verdict and one pricing as runs at ``record``, a cron line; the closing of days from ``start`` on, and the tidying up."""
    schedules = (
        ("nav_record", nav_job, record, "The account valued as a run, with every check."),
        ("gate_record", gate_job, record, "The gate judged as a run: red while it is closed."),
        ("reserves_record", reserves_job, record, "Treasury and reserves priced and valued as a run."),
        (
            "letting_go",
            letting_go_job,
            LETTING_GO,
            "Old rows leave the state store, once history holds them.",
        ),
        ("tidying", maintenance_job, TIDYING, "Deletes Dagster's records that nobody will look at again."),
    )
    regular = [
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

    return [
        *regular,
        _keeping(
            "closing_days",
            history_job,
            CLOSING,
            closing.days_due,
            timezone=timezone,
            start=start,
            description="Keeps the days that are over and not kept yet, in one run: yesterday, as a rule.",
        ),
        _keeping(
            "venue_days",
            venue_history_job,
            VENUE,
            venue_past.venue_days_due,
            timezone=timezone,
            start=start,
            description="Reads the days that are over and not kept yet from the venue, in one run, while it still has them.",
        ),
    ]


def _keeping(
    name: str,
    job: Any,
    cron: str,
    due: Callable[[Fund], tuple[date, date] | None],
    *,
    timezone: str,
    start: date,
    description: str,
) -> dg.ScheduleDefinition:
    """One run for all the days that are due, none when none is."""

    @dg.schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        default_status=RUNNING,
        description=description,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, fund: dg.ResourceParam[Fund]
    ) -> dg.RunRequest | dg.SkipReason:
        days = due(fund)
        if days is None or days[1] < start:
            return dg.SkipReason("every day that is over is kept")
        first, last = max(days[0], start), days[1]
        return dg.RunRequest(
            run_key=f"{first} to {last} at {context.scheduled_execution_time:%Y-%m-%dT%H}",
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
        )

    return schedule
