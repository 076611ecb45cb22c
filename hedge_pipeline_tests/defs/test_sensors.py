"""What fires by itself, tick by tick, on a Dagster instance of the test's own."""

from datetime import timedelta

import dagster as dg
import pytest

from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests.defs.driving import run, tick, why_skipped
from hedge_pipeline_tests.stage import Stage

BEAT = timedelta(seconds=30)


@pytest.mark.finding("S1-NAV-2")
def test_valuation_runs_by_default_and_every_tick_leaves_a_snapshot(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    repository = definitions.get_repository_def()
    assert repository.get_sensor_def("valuation_sensor").default_status is dg.DefaultSensorStatus.RUNNING
    assert repository.get_schedule_def("hourly_nav_record").default_status is dg.DefaultScheduleStatus.RUNNING
    for _ in range(4):
        stage.clock.pass_by(BEAT)
        tick(definitions, "valuation_sensor", instance)
    assert len(stage.fund.store.rows(NavSnapshot, "main")) == 4


@pytest.mark.finding("S1-NAV-5")
def test_valuation_goes_on_while_trading_is_blocked(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.beat()
    stage.control.withdraw("USDT", "1000")
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        tick(definitions, "valuation_sensor", instance)
        assert "unregistered_outflow" in why_skipped(tick(definitions, "trading_sensor", instance))
    assert stage.nav.accepted


def test_a_green_heartbeat_lets_the_trading_sensor_ask_once_per_bar(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert "never" in why_skipped(tick(definitions, "trading_sensor", instance))
    keys = set()
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        tick(definitions, "valuation_sensor", instance)
        request = tick(definitions, "trading_sensor", instance)
        assert isinstance(request, dg.RunRequest), request
        keys.add(request.run_key)
    assert keys == {"bar closed 2026-11-20T12:00:00+00:00"}


@pytest.mark.finding("S1-DD-1", "S2-RISK-1", "S2-NAV-1")
def test_data_that_grows_old_closes_the_sensor_with_nothing_running(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.clock.pass_by(BEAT)
    tick(definitions, "valuation_sensor", instance)
    stage.clock.pass_by(timedelta(seconds=89))
    assert isinstance(tick(definitions, "trading_sensor", instance), dg.RunRequest)
    stage.clock.pass_by(timedelta(seconds=1))
    assert "nav_stale" in why_skipped(tick(definitions, "trading_sensor", instance))
    stage.clock.pass_by(timedelta(seconds=30))
    assert "peak_state_stale" in why_skipped(tick(definitions, "trading_sensor", instance))


def test_a_check_that_did_not_run_on_the_latest_row_blocks(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.clock.pass_by(BEAT)
    tick(definitions, "valuation_sensor", instance)
    instance.report_runless_asset_event(dg.AssetMaterialization("nav_snapshots"))
    assert "nav_snapshots:nav_is_accepted has not been evaluated" in why_skipped(
        tick(definitions, "trading_sensor", instance)
    )


def test_a_failed_beat_asks_for_red_runs_once(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.beat()
    stage.control.set_fault("/fapi/v3/positionRisk", "respond", status=500, body="down")
    asked = []
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        outcome = tick(definitions, "valuation_sensor", instance)
        assert isinstance(outcome, dg.SensorResult)
        asked.append([(request.job_name, request.run_key) for request in outcome.run_requests or ()])
    assert [job for job, _ in asked[0]] == ["nav_job", "gate_job"]
    assert len({key for requests in asked for job, key in requests if job == "nav_job"}) == 1
    assert [job for job, _ in asked[1]] == [job for job, _ in asked[2]] == ["nav_job"]
    assert not run(definitions, "nav_job", instance).success


def test_the_gate_judges_without_a_valuation(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.beat()
    assert "just been judged" in why_skipped(tick(definitions, "gate_sensor", instance))
    stage.clock.pass_by(timedelta(seconds=100))
    outcome = tick(definitions, "gate_sensor", instance)
    assert isinstance(outcome, dg.SensorResult)
    assert [request.job_name for request in outcome.run_requests or ()] == ["gate_job"]
    decision = stage.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.HALTED
