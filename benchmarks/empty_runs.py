"""The fund's own code location with two more jobs, each asked for once a minute by a sensor: one empty step, and an empty trading run.

They share the location's process, imports and the sensors' turns, so that what is left over is the trading run's own work.
"""

from datetime import UTC, datetime

import dagster as dg

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.defs import account, market, nav, orders, planning, protection, risk, trading

ONE, MANY = "one_empty_step", "empty_trading_run"
DUE_S = {ONE: 20, MANY: 40}
"""Seconds into each minute: apart from each other and from the bar."""
EMPTY = "empty"
INTERVAL_S = 9
"""As of the trading sensor."""


def _named(key: dg.AssetKey) -> dg.AssetKey:
    return key.with_prefix(EMPTY)


def _empty_asset(asset: dg.AssetsDefinition, known: set[dg.AssetKey]) -> dg.AssetsDefinition:
    deps = sorted(dep.asset_key for spec in asset.specs for dep in spec.deps if dep.asset_key in known)

    @dg.asset(key=_named(asset.key), deps=[_named(key) for key in deps])
    def nothing() -> None: ...

    return nothing


def _empty_check(spec: dg.AssetCheckSpec) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=_named(spec.asset_key), name=spec.name, blocking=spec.blocking)
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return check


def _once_a_minute(job_name: str, job: object) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{job_name}_sensor",
        job=job,  # type: ignore[arg-type]  # of either kind
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sensor() -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(UTC)
        if now.second < DUE_S[job_name]:
            return dg.SkipReason("not due")
        return dg.RunRequest(run_key=f"{now:%Y-%m-%dT%H:%M}")

    return sensor


@dg.op
def nothing_at_all() -> None: ...


@dg.job(name=ONE, executor_def=dg.in_process_executor)
def one_empty_step() -> None:
    nothing_at_all()


def _definitions() -> dg.Definitions:
    chain = [*trading.CHAIN, protection.exits]
    keys = {asset.key for asset in chain}
    modules = [account, nav, risk, orders, market, planning, protection, trading]
    specs = [
        spec
        for check in dg.load_asset_checks_from_modules(modules)
        for spec in check.check_specs
        if spec.asset_key in keys
    ]
    assets = [_empty_asset(asset, keys) for asset in chain]
    selection = dg.AssetSelection.assets(*(_named(asset.key) for asset in trading.CHAIN))
    many = dg.define_asset_job(
        MANY,
        selection=selection | dg.AssetSelection.checks_for_assets(_named(protection.exits.key)),
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=assets,
        asset_checks=[_empty_check(spec) for spec in specs],
        jobs=[one_empty_step, many],
        sensors=[_once_a_minute(ONE, one_empty_step), _once_a_minute(MANY, many)],
    )


defs = dg.Definitions.merge(build_definitions(), _definitions())
