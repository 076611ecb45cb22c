"""Runs of the real jobs against the staged venue: what a source's failure leaves behind, and where it shows."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests.defs.driving import failed_checks, run
from hedge_pipeline_tests.stage import Stage

FAULTS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "positions failing": ("/fapi/v3/positionRisk", "respond", {"status": 500, "body": "down"}, "positions"),
    "balances failing": ("/fapi/v3/account", "respond", {"status": 503, "body": "down"}, "balances"),
    "marks failing": ("/fapi/v1/premiumIndex", "respond", {"status": 500, "body": "down"}, "marks"),
    "an empty object": ("/fapi/v3/account", "respond", {"status": 200, "body": "{}"}, "balances"),
    "HTML": (
        "/fapi/v3/positionRisk",
        "respond",
        {"status": 200, "body": "<html>maintenance</html>"},
        "positions",
    ),
    "a missing field": ("/fapi/v3/account", "remove_field", {"path": "assets.0.walletBalance"}, "balances"),
    "a mark from the future": ("/fapi/v1/premiumIndex", "shift_time", {"seconds": 5}, "mark"),
    "a stale mark": ("/fapi/v1/premiumIndex", "shift_time", {"seconds": -120}, "mark"),
    "income failing": ("/fapi/v1/income", "drop", {}, "income"),
}


def test_a_healthy_cycle_is_green_in_every_job(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    for job in ("reserves_job", "nav_job", "gate_job", "protection_job", "trading_job"):
        result = run(definitions, job, instance)
        assert result.success, failed_checks(result)
    decision = stage.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.ACTIVE


@pytest.mark.finding("S1-NAV-1", "S2-PIPE-1", "S2-TEST-1")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_source_is_recorded_blocks_and_moves_nothing_good(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, fault: str
) -> None:
    stage.beat(2)
    good = stage.nav
    endpoint, kind, parameters, source = FAULTS[fault]
    stage.control.set_fault(endpoint, kind, **parameters)
    stage.clock.pass_by(timedelta(seconds=30))

    valued = run(definitions, "nav_job", instance)
    judged = run(definitions, "gate_job", instance)

    assert not valued.success
    assert "nav_snapshots:nav_is_accepted" in failed_checks(valued)
    assert stage.nav.ordinal == good.ordinal + 1, "the attempt is a row"
    assert stage.nav.stale
    assert any(problem.source.startswith(source) for problem in stage.nav.problems)
    assert (stage.nav.last_good_nav_usd, stage.nav.last_good_as_of) == (good.nav_usd, good.as_of)
    assert stage.nav.attempted_at > good.attempted_at
    assert not judged.success
    assert "gate_decisions:every_input_is_known" in failed_checks(judged)
    decision = stage.fund.latest(GateDecision)
    assert decision is not None, "the verdict is written before its checks fail the run"
    assert decision.state is TradingState.HALTED


@pytest.mark.finding("S2-NAV-1")
def test_an_old_body_under_a_fresh_date_is_a_failed_source(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.beat()
    stage.control.set_fault("/fapi/v1/premiumIndex", "replay")
    stage.beat()
    stage.clock.pass_by(timedelta(seconds=90))

    result = run(definitions, "nav_job", instance)

    assert "nav_snapshots:nav_is_accepted" in failed_checks(result)
    assert {problem.code for problem in stage.nav.problems} & {"stale", "spread"}


def test_a_clock_two_seconds_off_reduces(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.beat()
    stage.control.set_clock_offset(2)
    stage.clock.pass_by(timedelta(seconds=30))
    run(definitions, "nav_job", instance)

    judged = run(definitions, "gate_job", instance)

    decision = stage.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.REDUCING
    assert not judged.success


@pytest.mark.finding("S2-RES-2", "S2-NAV-4")
def test_an_unpriced_holding_fails_reporting_and_leaves_the_gate_alone(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    (stage.home / "reserves.toml").write_text('[holdings]\nXAUT = "2"\n')
    stage.control.set_fault("/api/v3/simple/price", "rate_limit", retry_after_s=60)
    stage.beat()

    reporting = run(definitions, "reserves_job", instance)

    assert not reporting.success
    assert "reserves_valuations:every_holding_is_priced" in failed_checks(reporting)
    assert stage.nav.accepted
    assert not stage.nav.aum_complete
    assert any("XAUT" in problem for problem in stage.nav.aum_problems)
    assert run(definitions, "gate_job", instance).success
    incidents = [incident.key for incident in stage.fund.store.open_incidents("main")]
    assert incidents == ["reporting_nav_is_complete"]

    stage.control.clear_faults()
    stage.clock.pass_by(timedelta(seconds=60))
    stage.beat(2)
    assert stage.fund.store.open_incidents("main") == []
    assert stage.nav.aum_complete


def test_no_attempt_is_lost_across_failures(stage: Stage) -> None:
    stage.beat()
    stage.control.set_fault("/fapi/v3/account", "drop", times=3)
    stage.beat(3)
    stage.beat()
    assert [row.ordinal for row in stage.fund.store.rows(NavSnapshot, "main")] == [1, 2, 3, 4, 5]
