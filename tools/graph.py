"""The asset graph as text: who depends on whom, which checks each job carries, what fires by itself.

`make graph` writes it to the file that a test compares it with, so that a change of the graph is seen in review.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from hedge_pipeline.definitions import build_definitions

FILE = Path(__file__).resolve().parents[1] / "hedge_pipeline_tests" / "defs" / "asset_graph.txt"


def told(definitions: dg.Definitions) -> str:
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    paragraphs = (
        _assets(definitions),
        _jobs(definitions, sorted(job.name for job in jobs)),
        (_sensor(repository.get_sensor_def(sensor.name)) for sensor in repository.sensor_defs),
        (_schedule(repository.get_schedule_def(schedule.name)) for schedule in repository.schedule_defs),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in paragraphs)


def _assets(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    specs = {spec.key: spec for spec in definitions.resolve_all_asset_specs()}
    for key in graph.toposorted_asset_keys:
        parents = sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
        yield f"asset {key.to_user_string()}" + (f" <- {', '.join(parents)}" if parents else "")
        policy = specs[key].freshness_policy
        if isinstance(policy, TimeWindowFreshnessPolicy):
            yield f"    overdue after {policy.fail_window.to_timedelta().total_seconds():g} s"
        for check in sorted(k.name for k in graph.asset_check_keys if k.asset_key == key):
            blocking = graph.get_check_spec(dg.AssetCheckKey(key, check)).blocking
            yield f"    {'blocks' if blocking else 'tells '} {check}"


def _jobs(definitions: dg.Definitions, names: list[str]) -> Iterator[str]:
    for name in names:
        layer = definitions.resolve_job_def(name).asset_layer
        assets = sorted(key.to_user_string() for key in layer.selected_asset_keys)
        yield f"job {name}: {', '.join(assets) or 'no asset'}"
        for key in sorted(layer.asset_graph.asset_check_keys):
            blocking = layer.asset_graph.get_check_spec(key).blocking
            yield f"    {'blocks' if blocking else 'tells '} {key.to_user_string()}"


def _sensor(sensor: dg.SensorDefinition) -> str:
    jobs = ", ".join(sorted(target.job_name for target in sensor.targets))
    every = f"every {sensor.minimum_interval_seconds} s"
    return f"sensor {sensor.name}: {sensor.default_status.value}, {every}, {jobs}"


def _schedule(schedule: dg.ScheduleDefinition) -> str:
    cron = f"'{schedule.cron_schedule}' {schedule.execution_timezone}"
    return f"schedule {schedule.name}: {schedule.default_status.value}, {cron}, {schedule.job_name}"


if __name__ == "__main__":
    FILE.write_text(told(build_definitions(environment={})))
