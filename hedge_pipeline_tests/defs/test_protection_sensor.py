"""The heartbeat of protection, tick by tick: it covers, cancels and reports in every state, and a failed check asks for a red run."""

from datetime import timedelta

import dagster as dg

from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.operations import halt
from hedge_pipeline_tests.defs.driving import Ticker, asked, run, why_skipped
from hedge_pipeline_tests.stage import Stage

BEAT = timedelta(seconds=10)


def cover(stage: Stage) -> ExitCover:
    found = stage.fund.latest(ExitCover)
    assert found is not None
    return found


def test_a_healthy_beat_covers_every_position_and_starts_no_run(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    stage.beat()
    stage.clock.pass_by(BEAT)

    outcome = tick("protection_sensor")

    assert "positions covered" in why_skipped(outcome)
    shown = {event.asset_key for event in outcome.asset_events if isinstance(event, dg.AssetMaterialization)}
    assert {key.to_user_string() for key in shown} == {"accounts", "open_orders", "fills", "exits"}
    for key in definitions.resolve_asset_graph().asset_check_keys:
        if key.asset_key in shown:
            record = instance.get_latest_asset_check_evaluation_record(key)
            assert record is not None, key
            assert record.status.value == "SUCCEEDED", key
    assert any(side.position_quantity for side in cover(stage).sides)
    assert not any(side.unprotected_quantity for side in cover(stage).sides)


def test_it_beats_before_anything_was_ever_valued(stage: Stage, tick: Ticker) -> None:
    tick("valuation_sensor")
    stage.clock.pass_by(BEAT)
    assert "positions covered" in why_skipped(tick("protection_sensor"))


def test_it_beats_behind_a_closed_gate(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    halt(stage.fund, actor="ada", reason="a look")
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        assert "positions covered" in why_skipped(tick("protection_sensor"))
    assert cover(stage).as_of is not None


def test_a_failed_check_asks_for_one_red_run(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, tick: Ticker
) -> None:
    stage.beat()
    stage.control.set_fault("/fapi/v1/algoOrder", "respond", status=500, body="down")
    requests: list[tuple[str | None, str | None]] = []
    for _ in range(3):
        stage.clock.pass_by(BEAT)
        requests += asked(tick("protection_sensor"))

    assert {job for job, _ in requests} == {"protection_job"}
    assert len(set(requests)) == 1
    assert not run(definitions, "protection_job", instance).success


def test_a_failed_source_does_not_end_the_beat(stage: Stage, tick: Ticker) -> None:
    stage.beat()
    stage.clock.pass_by(BEAT)
    tick("protection_sensor")
    stage.control.set_fault("/fapi/v1/userTrades", "drop")
    stage.clock.pass_by(BEAT)

    outcome = tick("protection_sensor")

    assert {
        event.asset_key.to_user_string()
        for event in outcome.asset_events
        if isinstance(event, dg.AssetMaterialization)
    } == {"accounts", "open_orders", "fills", "exits"}
    assert cover(stage).as_of is not None, "positions are known, whatever the fills say"
