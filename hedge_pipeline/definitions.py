"""Composition root of the Dagster code location: assets, checks, jobs, sensors, schedules, one resource."""

from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg

from hedge_pipeline.defs import (
    account,
    history,
    market,
    nav,
    orders,
    planning,
    protection,
    publication,
    reserves,
    risk,
    trading,
    venue_history,
)
from hedge_pipeline.defs.jobs import JOBS
from hedge_pipeline.defs.maintenance import letting_go_job, maintenance_job
from hedge_pipeline.defs.partitions import partitions, with_days
from hedge_pipeline.defs.protection_sensor import build_protection_sensor
from hedge_pipeline.defs.schedules import build_schedules
from hedge_pipeline.defs.sensors import build_sensors
from hedge_pipeline.defs.trading_sensor import build_trading_sensor
from hedge_pipeline.resources import fund_of_the_environment
from hedge_pipeline.settings import Settings, load_settings


def build_definitions(fund: Any = None, *, environment: dict[str, str] | None = None) -> dg.Definitions:
    """Everything this code location offers; ``fund`` replaces the one the environment describes.

    Raises:
        InvalidSettings: the environment describes no fund that may start; the location refuses to load.
    """
    settings = load_settings(environment)
    modules = [
        account,
        reserves,
        nav,
        risk,
        orders,
        protection,
        market,
        planning,
        trading,
        publication,
        history,
        venue_history,
    ]
    days = partitions(start=settings.history.start, timezone=settings.fund.reset_timezone)
    checks = dg.load_asset_checks_from_modules(modules)
    assets = [
        asset.map_asset_specs(partial(_with_freshness, windows=_freshness_windows(settings))).map_asset_specs(
            partial(with_days, days=days)
        )
        for asset in dg.load_assets_from_modules(modules)
        if isinstance(asset, dg.AssetsDefinition)
    ]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=[*JOBS, letting_go_job, maintenance_job],
        sensors=[
            *build_sensors(
                checks,
                valuation=settings.cadence.valuation,
                reserves=settings.cadence.reserves,
                publication=settings.cadence.publication,
            ),
            build_protection_sensor(checks, cadence=settings.cadence.protection),
            build_trading_sensor(checks, cadence=settings.cadence.protection),
        ],
        schedules=build_schedules(
            record=settings.cadence.record,
            timezone=settings.fund.reset_timezone,
            start=settings.history.start,
        ),
        executor=dg.in_process_executor,
        resources={"fund": fund if fund is not None else fund_of_the_environment},
    )


MINUTE = timedelta(minutes=1)
"""Dagster refuses a shorter freshness window."""


def _freshness_windows(settings: Settings) -> dict[str, timedelta]:
    """How long ago each asset may have been materialized before the UI says it is overdue.

    The second pair of eyes: the gate goes by ``as_of`` and does not look at these.
    """
    freshness, beat = settings.freshness, settings.cadence.valuation
    return {
        "accounts": freshness.nav,
        "marks": max(freshness.marks, 2 * beat),
        "instruments": freshness.nav,
        "income": freshness.nav,
        "nav_snapshots": freshness.nav,
        "peak_states": freshness.peak,
        "gate_decisions": 3 * beat,
        **dict.fromkeys(("open_orders", "fills", "exits"), 6 * settings.cadence.protection),
        **dict.fromkeys((asset.key.to_user_string() for asset in trading.TRADING), 3 * settings.strategy.bar),
        **{
            publication.key_of(name).to_user_string(): 3 * settings.cadence.publication
            for name in publication.DEPENDENCIES
        },
        "prices": max(settings.prices.crypto, 2 * settings.cadence.reserves),
        "reserves_valuations": max(settings.prices.crypto, 2 * settings.cadence.reserves),
    }


def _with_freshness(spec: dg.AssetSpec, *, windows: dict[str, timedelta]) -> dg.AssetSpec:
    window = windows.get(spec.key.to_user_string())
    if window is None:
        return spec
    policy = dg.FreshnessPolicy.time_window(fail_window=max(MINUTE, window))
    return spec.replace_attributes(freshness_policy=policy)


defs = build_definitions()
