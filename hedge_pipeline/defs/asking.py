"""Asking for runs: what sensors have in common."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.heartbeat import Event

RUNNING = dg.DefaultSensorStatus.RUNNING


def interval(cadence: timedelta) -> int:
    """A second less: the daemon looks every five seconds and would else miss its turn by a hair."""
    return max(1, int(cadence.total_seconds()) - 1)


def outcome(events: Sequence[Event], requests: list[dg.RunRequest], *, told: str) -> dg.SensorResult:
    """Runs, or in a line why there are none."""
    if requests:
        return dg.SensorResult(run_requests=requests, asset_events=events)
    return dg.SensorResult(skip_reason=told, asset_events=events)


def red_runs(
    fund: Fund, failed: tuple[str, ...], job_name: str, *, since: datetime | None = None
) -> Iterator[dg.RunRequest]:
    """One run for what fails ``since`` it last did not, and one more each hour it lasts."""
    if failed:
        key = f"{', '.join(failed)} since {since} hour {fund.now():%Y-%m-%dT%H}"
        yield dg.RunRequest(run_key=key, job_name=job_name, tags={"hedge/why": ", ".join(failed)[:200]})
