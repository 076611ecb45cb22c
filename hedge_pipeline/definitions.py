"""Composition root of the Dagster code location: assets, checks, jobs, sensors, schedules, one resource."""

from datetime import timedelta
from typing import Any

import dagster as dg

from hedge_pipeline.defs import account, nav, reserves, risk, trading
from hedge_pipeline.defs.jobs import JOBS
from hedge_pipeline.defs.schedules import build_schedules
from hedge_pipeline.defs.sensors import build_sensors
from hedge_pipeline.resources import fund_of_the_environment
from hedge_pipeline.settings import load_settings


def build_definitions(fund: Any = None, *, environment: dict[str, str] | None = None) -> dg.Definitions:
    """Everything this code location offers; ``fund`` replaces the one the environment describes.

    Raises:
        InvalidSettings: the environment describes no fund that may start; the location refuses to load.
    """
    settings = load_settings(environment)
    modules = [account, reserves, nav, risk, trading]
    checks = dg.load_asset_checks_from_modules(modules)
    return dg.Definitions(
        assets=dg.load_assets_from_modules(modules),
        asset_checks=checks,
        jobs=JOBS,
        sensors=build_sensors(list(checks), bar=timedelta(hours=1)),
        schedules=build_schedules(
            reserves_cron=settings.cadence.reserves, timezone=settings.fund.reset_timezone
        ),
        executor=dg.in_process_executor,
        resources={"fund": fund if fund is not None else fund_of_the_environment},
    )


defs = build_definitions()
