"""What a test does with definitions: run a job, tick a sensor, report what a tick returned."""

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


def tick(
    definitions: dg.Definitions, sensor: str, instance: dg.DagsterInstance
) -> dg.SensorResult | dg.SkipReason | dg.RunRequest:
    """One tick, its asset events reported as the daemon would."""
    repository = definitions.get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, repository_def=repository, resources=dict(definitions.resources or {})
    )
    outcome = repository.get_sensor_def(sensor)(context)
    assert isinstance(outcome, dg.SensorResult | dg.SkipReason | dg.RunRequest)
    if isinstance(outcome, dg.SensorResult):
        for event in outcome.asset_events or ():
            instance.report_runless_asset_event(event)
    return outcome


def why_skipped(outcome: object) -> str:
    assert isinstance(outcome, dg.SkipReason), outcome
    return outcome.skip_message or ""
