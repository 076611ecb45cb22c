"""What fires by itself, tick by tick, on a Dagster instance of the test's own."""

from datetime import timedelta

import dagster as dg
import pytest

from hedge_pipeline.defs.risk import peak_is_recent
from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import ReservesValuation
from hedge_pipeline.domain.verdicts import GateDecision, Incident, TradingState
from hedge_pipeline_tests.defs.driving import Ticker, asked, run, why_skipped
from hedge_pipeline_tests.stage import Stage

BEAT = timedelta(seconds=30)


def decided(stage: Stage) -> GateDecision:
    decision = stage.fund.latest(GateDecision)
    assert decision is not None
    return decision


@pytest.mark.finding("S1-NAV-2")
def test_valuation_runs_by_default_and_every_tick_leaves_a_snapshot(
    stage: Stage, definitions: dg.Definitions, tick: Ticker
) -> None:
    repository = definitions.get_repository_def()
    assert repository.get_sensor_def("valuation_sensor").default_status is dg.DefaultSensorStatus.RUNNING
    assert repository.get_schedule_def("nav_record").default_status is dg.DefaultScheduleStatus.RUNNING
    for _ in range(4):
        stage.clock.pass_by(BEAT)
        tick("valuation_sensor")
    assert len(stage.fund.store.rows(NavSnapshot, "main")) == 4


def test_a_healthy_beat_shows_every_asset_and_check_and_starts_no_run(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    stage.beat()
    outcome = tick("valuation_sensor")
    assert "ACTIVE; NAV" in why_skipped(outcome)
    graph = definitions.resolve_asset_graph()
    shown = {event.asset_key for event in outcome.asset_events if isinstance(event, dg.AssetMaterialization)}
    assert {key.to_user_string() for key in shown} == {
        "accounts", "marks", "instruments", "income", "nav_snapshots", "peak_states", "gate_decisions",
    }  # fmt: skip
    for key in graph.asset_check_keys:
        if key.asset_key in shown:
            record = instance.get_latest_asset_check_evaluation_record(key)
            assert record is not None, key
            assert record.status.value == "SUCCEEDED", key


@pytest.mark.finding("S1-DD-1")
def test_a_stale_peak_state_fails_its_check_and_opens_one_incident(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    for _ in range(4):
        stage.clock.pass_by(timedelta(seconds=60))
        tick("gate_sensor")

    verdict = peak_is_recent(fund=stage.fund)
    assert isinstance(verdict, dg.AssetCheckResult)
    assert (verdict.passed, verdict.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert next(iter(peak_is_recent.check_specs)).blocking
    incidents = [i for i in stage.fund.store.rows(Incident, "main") if i.key == "peak_is_fresh"]
    assert [incident.reason for incident in incidents] == ["peak_state_stale"]


def test_a_failed_beat_asks_for_red_runs_once(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    stage.beat()
    stage.control.set_fault("/fapi/v3/positionRisk", "respond", status=500, body="down")
    requests = []
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        requests.append(asked(tick("valuation_sensor")))
    assert [job for job, _ in requests[0]] == ["nav_job", "gate_job"]
    assert len({key for wave in requests for job, key in wave if job == "nav_job"}) == 1
    assert [job for job, _ in requests[1]] == [job for job, _ in requests[2]] == ["nav_job"]
    assert not run(definitions, "nav_job", instance).success


def test_the_gate_judges_without_a_valuation(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    assert "ACTIVE, judged" in why_skipped(tick("gate_sensor"))
    stage.clock.pass_by(timedelta(seconds=100))
    assert [job for job, _ in asked(tick("gate_sensor"))] == ["gate_job"]
    assert decided(stage).state is TradingState.HALTED


def test_the_gate_judges_while_every_valuation_raises(
    stage: Stage, tick: Ticker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.beat()

    def refuse(*_: object) -> None:
        raise StoreUnavailable("state store: database is locked")

    monkeypatch.setattr("hedge_pipeline.cycle.read_account", refuse)
    for _ in range(4):
        stage.clock.pass_by(BEAT)
        with pytest.raises(StoreUnavailable, match="database is locked"):
            tick("valuation_sensor")
        tick("gate_sensor")
    assert decided(stage).state is TradingState.HALTED
    assert {breach.reason for breach in decided(stage).breaches} >= {"nav_stale"}
    assert "nav_stale" in why_skipped(tick("trading_sensor"))


def test_the_gate_is_judged_again_when_the_clock_went_back(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    stage.clock.pass_by(-timedelta(seconds=120))
    before = decided(stage)
    tick("gate_sensor")
    assert decided(stage) != before


@pytest.mark.finding("S2-RES-2")
def test_reserves_are_valued_between_records_and_a_failure_asks_for_one_red_run(
    stage: Stage, tick: Ticker
) -> None:
    assert "treasury 0.00, reserves 0.00 USD" in why_skipped(tick("reserves_sensor"))
    (stage.home / "reserves.toml").write_text('[holdings]\nXAUT = "2"\n')
    stage.control.set_fault("/api/v3/simple/price", "rate_limit", retry_after_s=60)
    requests: list[object] = []
    for _ in range(3):
        stage.clock.pass_by(timedelta(seconds=20))
        requests += asked(tick("reserves_sensor"))
    assert len(set(requests)) == 1
    valuation = stage.fund.latest(ReservesValuation)
    assert valuation is not None
    assert not valuation.complete
