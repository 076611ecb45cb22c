"""The trading sensor, tick by tick: it asks once per closed bar, and while it does not ask it names every reason."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline.defs.trading_sensor import ages
from hedge_pipeline_tests.defs.driving import Ticker, asked, why_skipped
from hedge_pipeline_tests.stage import Stage, staged

BEAT = timedelta(seconds=30)
BAR = "bar closed 2026-11-20T12:00:00+00:00"
INPUTS = {
    "accounts", "marks", "instruments", "income", "nav_snapshots", "peak_states", "open_orders", "fills", "exits",
}  # fmt: skip


def beat(stage: Stage, tick: Ticker, times: int = 1) -> None:
    """What the daemon does between two looks of the trading sensor."""
    for _ in range(times):
        stage.clock.pass_by(BEAT)
        tick("valuation_sensor")
        tick("protection_sensor")


def test_a_green_heartbeat_lets_it_ask_once_per_bar(stage: Stage, tick: Ticker) -> None:
    assert "never" in why_skipped(tick("trading_sensor"))
    beat(stage, tick)
    assert asked(tick("trading_sensor")) == [(None, BAR)]
    stage.clock.pass_by(timedelta(seconds=20))
    assert "asked for already" in why_skipped(tick("trading_sensor"))
    beat(stage, tick)
    assert asked(tick("trading_sensor")) == [(None, BAR.replace("12:00", "12:01"))]


def test_a_bar_that_was_blocked_is_over_when_the_gate_opens(stage: Stage, tick: Ticker) -> None:
    beat(stage, tick)
    stage.control.set_fault("/fapi/v3/positionRisk", "drop")
    beat(stage, tick)
    assert "exposure_unavailable" in why_skipped(tick("trading_sensor"))
    stage.control.clear_faults()
    beat(stage, tick, 3)
    assert asked(tick("trading_sensor")) == [(None, BAR.replace("12:00", "12:02"))]


def test_a_request_bears_the_age_of_every_input(stage: Stage, tick: Ticker) -> None:
    beat(stage, tick)
    (request,) = tick("trading_sensor").run_requests or ()
    assert {part.split()[0] for part in request.tags["hedge/ages"].split(", ")} == INPUTS
    assert "peak_states 0 s old" in request.tags["hedge/ages"]


@pytest.mark.finding("S1-NAV-5")
def test_valuation_goes_on_while_trading_is_blocked(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    before = stage.nav.ordinal
    stage.control.withdraw("USDT", "1000")
    for _ in range(3):
        beat(stage, tick)
        assert "unregistered_outflow" in why_skipped(tick("trading_sensor"))
    assert stage.nav.accepted
    assert stage.nav.ordinal == before + 3


@pytest.mark.finding("S1-DD-1", "S2-RISK-1", "S2-NAV-1")
def test_data_that_grows_old_closes_it_with_nothing_running(stage: Stage, tick: Ticker) -> None:
    beat(stage, tick)
    stage.clock.pass_by(timedelta(seconds=59))
    assert asked(tick("trading_sensor"))
    stage.clock.pass_by(timedelta(seconds=1))
    assert "exits 60 s old, the limit is 60 s" in why_skipped(tick("trading_sensor"))
    stage.clock.pass_by(timedelta(seconds=30))
    assert "nav_stale" in why_skipped(tick("trading_sensor"))
    stage.clock.pass_by(timedelta(seconds=30))
    assert "peak_state_stale" in why_skipped(tick("trading_sensor"))


def test_every_reason_is_named_at_once(stage: Stage, tick: Ticker) -> None:
    beat(stage, tick)
    stage.clock.pass_by(timedelta(hours=25))
    skipped = why_skipped(tick("trading_sensor"))
    assert {"nav_stale", "peak_state_stale", "the latest decision was valid until"} <= {
        reason
        for reason in ("nav_stale", "peak_state_stale", "the latest decision was valid until")
        if reason in skipped
    }
    assert all(f"{name} 90" in skipped for name in INPUTS), skipped


def test_each_input_alone_keeps_it_from_asking(stage: Stage, tick: Ticker) -> None:
    """Protection has stopped; everything else is as it should be."""
    beat(stage, tick)
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        tick("valuation_sensor")
    skipped = why_skipped(tick("trading_sensor"))
    assert "exits 90 s old" in skipped
    assert "open_orders 90 s old" in skipped
    assert "nav" not in skipped


def test_a_check_that_did_not_run_on_the_latest_row_blocks(
    stage: Stage, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    beat(stage, tick)
    instance.report_runless_asset_event(dg.AssetMaterialization("nav_snapshots"))
    assert "nav_snapshots:nav_is_accepted has not been evaluated" in why_skipped(tick("trading_sensor"))


@pytest.mark.parametrize(
    ("asset", "check"), [("peak_states", "peak_is_recent"), ("exits", "every_position_has_its_stop")]
)
def test_a_check_that_failed_blocks_whatever_the_verdict_is(
    stage: Stage, instance: dg.DagsterInstance, tick: Ticker, asset: str, check: str
) -> None:
    beat(stage, tick)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=dg.AssetKey(asset), check_name=check, passed=False, metadata={})
    )
    assert f"{asset}:{check} has not succeeded (FAILED)" in why_skipped(tick("trading_sensor"))


def test_a_run_that_is_still_going_is_waited_for(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    beat(stage, tick)
    going = instance.create_run_for_job(
        definitions.resolve_job_def("trading_job"), status=dg.DagsterRunStatus.STARTED
    )
    assert f"run {going.run_id} is still STARTED" in why_skipped(tick("trading_sensor"))


def test_where_trading_is_not_enabled_it_names_the_setting(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with staged(tmp_path / "home", trading={"enabled": False}) as stage:
        tick = Ticker(build_definitions(stage.fund), instance)
        beat(stage, tick)
        skipped = why_skipped(tick("trading_sensor"))
    assert "write `enabled = true` below `[trading]`" in skipped
    assert "nav" not in skipped, "nothing else is wrong"


def test_the_limits_of_age_are_those_of_the_settings(stage: Stage) -> None:
    beat_of_protection = stage.fund.trading.protection
    limits = {name: limit for name, _, limit in ages(stage.fund)}
    assert limits.keys() == INPUTS
    assert limits["exits"] == limits["open_orders"] == limits["fills"] == 6 * beat_of_protection
    assert limits["nav_snapshots"] == stage.fund.limits.freshness.nav
    assert limits["marks"] == stage.fund.limits.freshness.marks


def test_the_shortest_bar_of_all_strategies_is_asked_for(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with staged(tmp_path / "home") as stage:
        (strategy,) = stage.fund.trading.strategies
        slower = replace(strategy, symbol="ETHUSDT", bar=timedelta(minutes=5))
        fund = replace(stage.fund, trading=replace(stage.fund.trading, strategies=(slower, strategy)))
        tick = Ticker(build_definitions(fund), instance)
        beat(stage, tick, 3)
        assert asked(tick("trading_sensor")) == [(None, BAR.replace("12:00", "12:01"))]
