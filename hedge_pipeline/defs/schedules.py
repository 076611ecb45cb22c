"""Cadence for the record: runs that happen whether or not anything trades."""

import dagster as dg

from hedge_pipeline.defs.jobs import gate_job, nav_job, reserves_job

RUNNING = dg.DefaultScheduleStatus.RUNNING


def build_schedules(*, reserves_cron: str, timezone: str) -> list[dg.ScheduleDefinition]:
    """Reserves by their own cadence; one valuation and one verdict an hour as runs."""
    return [
        dg.ScheduleDefinition(
            name="reserves_schedule",
            job=reserves_job,
            cron_schedule=reserves_cron,
            execution_timezone=timezone,
            default_status=RUNNING,
        ),
        dg.ScheduleDefinition(
            name="hourly_nav_record",
            job=nav_job,
            cron_schedule="5 * * * *",
            execution_timezone=timezone,
            default_status=RUNNING,
        ),
        dg.ScheduleDefinition(
            name="hourly_gate_record",
            job=gate_job,
            cron_schedule="6 * * * *",
            execution_timezone=timezone,
            default_status=RUNNING,
        ),
    ]
