"""One valuation as a run, beside a run of as many empty assets with as many empty checks, in one warm process.

Both runs are recorded in SQLite as in production. What is left over is the valuation itself: eight requests over HTTP to a paper venue
in another process, a dozen rows in the state store.
"""

import logging
import tempfile
from pathlib import Path

import dagster as dg

from benchmarks.sidebyside import compare
from hedge_pipeline import local
from hedge_pipeline.composition import build_fund
from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.settings import load_settings


def emptied(job: dg.JobDefinition) -> dg.Definitions:
    """The job's graph with nothing in its assets and checks."""
    graph = job.asset_layer.asset_graph
    keys = job.asset_layer.selected_asset_keys
    assets = [
        dg.AssetsDefinition.from_op(
            dg.OpDefinition(
                compute_fn=_nothing,
                name=f"empty_{key.to_user_string()}",
                ins={
                    f"dep_{i}": dg.In(dg.Nothing)
                    for i, _ in enumerate(sorted(graph.get(key).parent_keys & keys))
                },
                outs={"result": dg.Out(dg.Nothing)},
            ),
            keys_by_input_name={
                f"dep_{i}": parent for i, parent in enumerate(sorted(graph.get(key).parent_keys & keys))
            },
            keys_by_output_name={"result": key},
        )
        for key in keys
    ]
    checks = [
        _empty_check(graph.get_check_spec(key))
        for key in job.asset_layer.asset_graph.asset_check_keys
        if key.asset_key in keys
    ]
    return dg.Definitions(assets=assets, asset_checks=checks, executor=dg.in_process_executor)


def _nothing(context: dg.OpExecutionContext, _inputs: object) -> object:
    yield dg.Output(None)


def _empty_check(spec: dg.AssetCheckSpec) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=spec.asset_key, name=spec.name, blocking=spec.blocking)
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return check


def main() -> None:
    logging.getLogger("dagster").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as records:
        home = Path(folder)
        local.up(home, local.PathOptions())
        try:
            fund = build_fund(load_settings({"HEDGE_HOME": folder}))
            ours = build_definitions(fund).resolve_job_def("nav_job")
            peer = emptied(ours).resolve_implicit_global_asset_job_def()
            quiet = {"telemetry": {"enabled": False}}
            with dg.DagsterInstance.local_temp(records, overrides=quiet) as instance:
                met = compare(
                    "one valuation beside empty assets and checks",
                    lambda: _run(ours, instance),
                    lambda: _run(peer, instance),
                    goal=1.15,
                    rounds=11,
                )
        finally:
            local.down(home)
    if not met:
        raise SystemExit(1)


def _run(job: dg.JobDefinition, instance: dg.DagsterInstance) -> None:
    if not job.execute_in_process(instance=instance, raise_on_error=True).success:
        raise SystemExit(f"{job.name} failed: nothing to measure")


if __name__ == "__main__":
    main()
