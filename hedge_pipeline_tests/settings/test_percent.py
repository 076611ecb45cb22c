"""Fractions, never percent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.settings.checking import known_keys
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline.settings.unknown import percent_remedy
from hedge_pipeline_tests.settings.conftest import Load, Refused

FRACTIONS = {
    "risk.drawdown.warn": "0.09",
    "risk.drawdown.reduce": "0.14",
    "risk.drawdown.halt": "0.19",
    "risk.drawdown.flatten": "0.24",
    "risk.daily_loss.warn": "0.04",
    "risk.daily_loss.reduce": "0.09",
    "risk.daily_loss.halt": "0.14",
    "risk.hard_ceiling": "0.29",
    "risk.depeg": "0.02",
    "risk.tripwire": "0.04",
    "risk.jump_step": "0.19",
    "risk.mark_tolerance": "0.02",
    "venue.weight_fraction": "0.79",
    "prices.jump": "0.19",
    "prices.cross_check": "0.02",
    "prices.cross_check_share": "0.09",
    "strategy.execution.order_diff_quantity_tolerance": "0.02",
    "strategy.position.emergency_liquidation_buffer": "0.14",
    "strategy.position.max_position_fraction": "0.74",
    "strategy.policy.counter_qty_scale": "0.49",
    "strategy.risk_management.max_drawdown": "0.19",
    "kill_switch.max_drawdown": "0.04",
    "kill_switch.max_margin_ratio": "0.79",
}


@pytest.mark.finding("X-1")
@pytest.mark.parametrize(("key", "fraction"), FRACTIONS.items())
def test_a_percent_is_refused_and_the_fraction_to_write_is_told_and_works(
    load: Load, refused: Refused, key: str, fraction: str
):
    percent = (Decimal(fraction) * 100).normalize()

    assert f"{percent} % is {fraction}" in refused(f"{key} = {percent}")
    assert f"{key} = {fraction}" in refused(f'{key} = "{percent}%"')
    assert f"{key} = {fraction}" in refused(f"{key}_pct = {percent}")
    load(f"{key} = {fraction}")


@pytest.mark.finding("X-1")
@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("risk.max_nav_drawdown_pct = 20", "risk.drawdown.halt = 0.2"),
        ("risk.daily_loss_limit_pct = 5", "risk.daily_loss.halt = 0.05"),
        ("risk.drawdown_alert_pct = 10", "risk.drawdown.warn = 0.1"),
        ("kill_switch.max_drawdown_pct = 5", "kill_switch.max_drawdown = 0.05"),
        ("strategy.risk_management.max_drawdown_pct = 20", "strategy.risk_management.max_drawdown = 0.2"),
        ("strategy.position.max_position_pct = 75", "strategy.position.max_position_fraction = 0.75"),
        ("risk.tripwire_percent = 5", "risk.tripwire = 0.05"),
        ("risk.pct_tripwire = 5", "risk.tripwire = 0.05"),
        ('risk.tripwire = "5 %"', "risk.tripwire = 0.05"),
        ('risk.tripwire = "5 percent"', "risk.tripwire = 0.05"),
        ('risk.tripwire_pct = "5%"', "risk.tripwire = 0.05"),
        ("risk.tripwire_pct = true", "write a fraction as risk.tripwire"),
        ("risk.tripwire_pct = 1e999", "write a fraction as risk.tripwire"),
    ],
)
def test_keys_named_as_percent_are_refused_with_the_key_and_fraction_to_write(
    refused: Refused, written: str, told: str
):
    assert told in refused(written)


@pytest.mark.finding("X-1")
def test_a_small_percent_is_ambiguous_so_both_readings_are_told(refused: Refused):
    told = refused("risk.daily_loss_limit_pct = 0.10")

    assert "write risk.daily_loss.halt = 0.1 for 10 %, 0.001 for 0.1 %" in told


@pytest.mark.finding("X-1")
def test_no_setting_is_named_as_percent():
    assert [key for key in known_keys(SECTIONS) if percent_remedy(key, 1, ()) is not None] == []


@pytest.mark.finding("X-1")
@given(percent=st.decimals(min_value=Decimal("1.01"), max_value=1000, places=2))
def test_the_fraction_told_is_exactly_a_hundredth(percent: Decimal):
    remedy = percent_remedy("risk.tripwire_pct", percent, ["risk.tripwire"])

    assert remedy is not None
    assert Decimal(remedy.rpartition(" = ")[2]) * 100 == percent
