"""What a test does with definitions: run a job, tick a sensor as the daemon would."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg


def run(definitions: dg.Definitions, job: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """``asset:check`` of every evaluation that did not pass."""
    return {
        f"{verdict.asset_key.to_user_string()}:{verdict.check_name}"
        for verdict in result.get_asset_check_evaluations()
        if not verdict.passed
    }


@dataclass
class Ticker:
    """Ticks sensors, reports their events and keeps their cursors."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, sensor: str) -> dg.SensorResult:
        repository = self.definitions.get_repository_def()
        context = dg.build_sensor_context(
            instance=self.instance,
            repository_def=repository,
            cursor=self.cursors.get(sensor),
            resources=dict(self.definitions.resources or {}),
        )
        outcome = repository.get_sensor_def(sensor)(context)
        assert isinstance(outcome, dg.SensorResult)
        for event in outcome.asset_events:
            self.instance.report_runless_asset_event(event)
        self.cursors[sensor] = outcome.cursor
        return outcome


def asked(outcome: dg.SensorResult) -> Sequence[tuple[str | None, str | None]]:
    """Job and run key of every run asked for."""
    return [(request.job_name, request.run_key) for request in outcome.run_requests or ()]


def why_skipped(outcome: dg.SensorResult) -> str:
    assert not outcome.run_requests, outcome
    assert outcome.skip_reason, "a tick that asks for no run says why"
    return outcome.skip_reason.skip_message or ""
