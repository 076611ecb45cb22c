"""The figures that were decided are the ones a fund without a settings file runs with."""

from datetime import timedelta
from decimal import Decimal

import pytest

from hedge_pipeline.domain.limits import Freshness, Ladder, RiskLimits
from hedge_pipeline.domain.prices import PriceLimits
from hedge_pipeline_tests.settings.conftest import DEMO, KILL_SWITCH, LIVE, Load

DECIDED = RiskLimits(
    freshness=Freshness(
        nav=timedelta(seconds=90),
        peak=timedelta(seconds=120),
        marks=timedelta(seconds=60),
        source_spread=timedelta(seconds=10),
        future_tolerance=timedelta(seconds=1),
        round_trip=timedelta(seconds=2),
        clock_offset_reduce=timedelta(seconds=1),
        clock_offset_halt=timedelta(milliseconds=2500),
        instruments=timedelta(hours=24),
        income_final=timedelta(seconds=60),
        income_overlap=timedelta(minutes=10),
        reconcile_grace=timedelta(seconds=180),
        transit=timedelta(hours=24),
    ),
    drawdown=Ladder(
        warn=Decimal("0.10"), reduce=Decimal("0.15"), halt=Decimal("0.20"), flatten=Decimal("0.25")
    ),
    daily_loss=Ladder(warn=Decimal("0.05"), reduce=Decimal("0.10"), halt=Decimal("0.15")),
    hard_ceiling=Decimal("0.30"),
    depeg=Decimal("0.01"),
    tripwire=Decimal("0.05"),
    jump_factor=Decimal(3),
    jump_step=Decimal("0.20"),
    mark_tolerance=Decimal("0.005"),
    cooldown=timedelta(minutes=60),
    reserves_halt_trading=False,
    reset_timezone="UTC",
)


@pytest.mark.finding("S2-RISK-1", "S3-CFG-R")
def test_every_profile_has_the_decided_limits(load: Load):
    for settings in (load(), load(env=DEMO), load(*KILL_SWITCH, env=LIVE)):
        assert settings.limits() == DECIDED
        assert settings.prices.limits() == PriceLimits()


@pytest.mark.finding("S3-CFG-R")
def test_the_offset_that_halts_is_half_the_receive_window(load: Load):
    limits = load("venue.recv_window_ms = 3000").limits()

    assert limits.freshness.clock_offset_halt == timedelta(milliseconds=1500)
