"""Every figure of the strategy's settings reaches the part of the domain that it is for, and changes what that part does."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.account import Mark
from hedge_pipeline.domain.funding import guard_funding
from hedge_pipeline.domain.grid import needs_recenter, plan_ladders
from hedge_pipeline.domain.placement import PlacementMode, place
from hedge_pipeline.domain.regime import Regime, read_regime
from hedge_pipeline.settings.strategy import (
    StrategySettings,
    candle_max_age,
    funding_rule,
    grid_shape,
    order_tolerance,
    placement_rule,
    regime_rule,
)
from hedge_pipeline_tests.domain.trading_examples import (
    CENTER,
    MINUTE,
    START,
    golden_ladders,
    instrument,
    march,
)
from hedge_pipeline_tests.settings.conftest import Load

EIGHT_HOURS = timedelta(hours=8)


def grid(strategy: StrategySettings) -> Any:
    return plan_ladders(CENTER, grid_shape(strategy), instrument())


def recenters_at_101_500(strategy: StrategySettings) -> Any:
    return needs_recenter(CENTER, Decimal(101_500), grid_shape(strategy))


def regime(strategy: StrategySettings) -> Any:
    """At the close of a candle after 40 rising and 12 falling ones."""
    rising = march(40)
    falling = march(52, "0.9995", start=rising[-1].close / Decimal("0.9995") ** 40)[40:]
    candles = rising + falling
    now = candles[-1].open_at + MINUTE
    return read_regime("BTCUSDT", candles, regime_rule(strategy), now=now, max_age=candle_max_age(strategy))


def stale(strategy: StrategySettings) -> Any:
    candles = march(40)
    now = candles[-1].open_at + MINUTE + timedelta(seconds=200)
    return read_regime(
        "BTCUSDT", candles, regime_rule(strategy), now=now, max_age=candle_max_age(strategy)
    ).fault


def in_a_rise(strategy: StrategySettings) -> Any:
    return place(golden_ladders(), Regime.UP, placement_rule(strategy))


def funding(strategy: StrategySettings) -> Any:
    mark = Mark(
        symbol="BTCUSDT",
        mark_price=CENTER,
        index_price=CENTER,
        funding_rate=Decimal("0.0013"),
        next_funding_at=START + timedelta(hours=4),
        as_of=START,
    )
    rule = funding_rule(strategy, max_age=MINUTE, future_tolerance=timedelta(seconds=1))
    return guard_funding(golden_ladders(), mark, EIGHT_HOURS, rule, now=START).ladders


@pytest.mark.finding("S3-QUAL-3")
@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("grid.grid_step_bps = 60", grid),
        ("grid.grid_levels_long = 5", grid),
        ("grid.grid_levels_short = 5", grid),
        ("grid.base_qty = 0.003", grid),
        ("grid.qty_scale = 1.06", grid),
        ("exit.tp_steps = 4", grid),
        ("exit.sl_steps = 6", grid),
        ("rebalance.recenter_trigger_bps = 100", recenters_at_101_500),
        ("regime.adx_len = 20", regime),
        ("regime.atr_len = 20", regime),
        ("regime.ema_fast = 12", regime),
        ("regime.ema_slow = 35", regime),
        ("regime.hysteresis_bps = 1000", regime),
        ("regime.adx_trend_threshold = 100", regime),
        ("execution.max_bar_staleness_seconds = 199", stale),
        ('policy.strategy = "core-and-scalp"', in_a_rise),
        ("policy.counter_levels = 3", in_a_rise),
        ("policy.counter_qty_scale = 0.4", in_a_rise),
        ("funding.funding_window_minutes = 300", funding),
        ("funding.funding_max_cost_bps = 13", funding),
    ],
)
def test_changing_a_setting_changes_what_the_strategy_wants(
    load: Load, line: str, part: Callable[[StrategySettings], Any]
):
    assert part(load(f"strategy.{line}").strategy) != part(load().strategy)


@pytest.mark.finding("S3-QUAL-3")
def test_the_tolerances_of_the_comparison_are_the_settings(load: Load):
    lines = (
        "strategy.execution.order_diff_price_tolerance_bps = 3",
        "strategy.execution.order_diff_quantity_tolerance = 0.2",
    )
    tolerance = order_tolerance(load(*lines).strategy)

    assert (tolerance.price_bps, tolerance.quantity) == (Decimal(3), Decimal("0.2"))


def test_the_inventory_cap_is_the_setting(load: Load):
    strategy = load("strategy.rebalance.max_inventory_quote = 1234").strategy

    assert grid_shape(strategy).max_inventory == 1234


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize("mode", PlacementMode)
def test_settings_and_domain_know_the_same_modes(load: Load, mode: PlacementMode):
    assert placement_rule(load(f'strategy.policy.strategy = "{mode}"').strategy).mode is mode


@pytest.mark.finding("S3-ARCH-1")
def test_the_strategys_parts_know_no_configuration():
    """They import neither the settings nor what reads them: small values are all they take."""
    parts = (
        "client_order_ids",
        "funding",
        "grid",
        "indicators",
        "orders",
        "placement",
        "reconciliation",
        "regime",
        "sizing",
    )
    code = (
        f"import sys; from hedge_pipeline.domain import {', '.join(parts)}; "
        "print(sorted(m for m in sys.modules if m == 'pydantic' or m.startswith('hedge_pipeline.settings')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
