"""The heartbeat of protection: covers positions and cancels what may not rest, every few seconds, in every state."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.asking import RUNNING, interval, outcome, red_runs
from hedge_pipeline.defs.heartbeat import beat
from hedge_pipeline.defs.jobs import PROTECTION, protection_job
from hedge_pipeline.domain.trading.exit_cover import ExitCover


def build_protection_sensor(
    checks: Sequence[dg.AssetChecksDefinition], *, cadence: timedelta
) -> dg.SensorDefinition:
    """The sensor over these checks, at this cadence."""

    @dg.sensor(
        job=protection_job,
        minimum_interval_seconds=interval(cadence),
        default_status=RUNNING,
        description=(
            "Covers every position and cancels what may not rest, without a run; asks for one when a check fails. A failed "
            "tick says what could not be read or written: positions keep the stops that rest at the venue."
        ),
    )
    def protection_sensor(
        context: dg.SensorEvaluationContext, fund: dg.ResourceParam[Fund]
    ) -> dg.SensorResult:
        protected = beat(fund, PROTECTION, checks)
        return outcome(
            protected.events,
            list(red_runs(fund, protected.failed, protection_job.name)),
            told=_told(fund.latest(ExitCover)),
        )

    return protection_sensor


def _told(cover: ExitCover | None) -> str:
    """What a cycle saw and did, in a line."""
    if cover is None:
        return "no protection cycle has ever run"
    held = [side for side in cover.sides if side.position_quantity]
    covered = sum(not side.unprotected_quantity for side in held)
    line = f"{covered} of {len(held)} positions covered"
    changes = {
        "placed": sum(len(side.placed) for side in cover.sides),
        "canceled": sum(len(side.canceled) for side in cover.sides),
        "entries canceled": len(cover.canceled_entries),
    }
    told = [line, *(f"{count} {name}" for name, count in changes.items() if count)]
    return ", ".join(told) + (f"; {cover.problem}" if cover.problem else "")
