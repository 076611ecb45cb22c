"""Runs of the trading and the protection job against the staged venue: what is sent, and that nothing else Dagster can launch sends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from hedge_pipeline.cycle import order_reading
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.operations import halt
from hedge_pipeline_tests.defs.driving import failed_checks, run
from hedge_pipeline_tests.stage import Stage, staged

AHEAD = timedelta(seconds=40)
"""The stage's clock before Dagster's own: what is left of it is a run's age when it sends."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Valued just now, by a clock a little before the one by which Dagster stamps its runs; it stands still."""
    beats = 3
    with staged(tmp_path / "home") as built:
        built.clock.at = datetime.now(UTC) + AHEAD - beats * built.cadence
        built.beat(beats)
        yield built


@pytest.fixture
def protected(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    result = run(definitions, "protection_job", instance)
    assert result.success, failed_checks(result)
    return result


def entries(stage: Stage) -> list[KnownOrder]:
    """Opening orders that rest, by the venue's own list."""
    reading = order_reading.read_orders(stage.fund)
    assert reading.orders is not None, reading.sources
    return [order for order in reading.orders if not order.reduces_position]


def said(events: list[dg.AssetMaterialization]) -> str:
    (event,) = [event for event in events if event.asset_key == dg.AssetKey("order_executions")]
    sent = event.metadata["sent"].value
    assert isinstance(sent, str)
    return sent


def materialized(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return [
        event.materialization
        for event in result.all_events
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
    ]


@pytest.mark.usefixtures("protected")
def test_a_run_of_the_trading_job_leaves_its_orders_resting(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = run(definitions, "trading_job", instance)

    assert result.success, failed_checks(result)
    resting = entries(stage)
    assert resting
    assert said(materialized(result)) == f"{len(resting)} orders"
    assert {intent.client_order_id for intent in stage.fund.store.rows(Intent, "main")} >= {
        order.client_order_id for order in resting
    }


@pytest.mark.usefixtures("protected")
def test_the_same_bar_again_sends_nothing_twice(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    run(definitions, "trading_job", instance)
    before = {order.client_order_id for order in entries(stage)}
    run(definitions, "protection_job", instance)

    again = run(definitions, "trading_job", instance)

    assert again.success, failed_checks(again)
    assert {order.client_order_id for order in entries(stage)} == before


def everything(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Materialize all."""
    unpartitioned = [
        asset.key
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        and asset.partitions_def is None
        and asset.group_names_by_key[next(iter(asset.keys))] != "publication"
    ]
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, raise_on_error=False, asset_selection=unpartitioned
    )


def one_asset(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey("order_executions")]
    )


def a_part_of_the_job(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def("trading_job").execute_in_process(
        instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey("order_executions")]
    )


def the_job_without_its_checks(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def("trading_job")
    bare = job.get_subset(
        asset_selection=set(job.asset_layer.selected_asset_keys), asset_check_selection=set()
    )
    return bare.execute_in_process(instance=instance, raise_on_error=False)


def a_backfill(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def("trading_job").execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/backfill": "abcdef"}
    )


Launch = Callable[[dg.Definitions, dg.DagsterInstance], dg.ExecuteInProcessResult]


@pytest.mark.usefixtures("protected")
@pytest.mark.parametrize(
    ("launch", "why"),
    [
        (everything, "of __ASSET_JOB"),
        (one_asset, "of a part of __ASSET_JOB"),
        (a_part_of_the_job, "of a part of trading_job"),
        (the_job_without_its_checks, "of a part of trading_job"),
        (a_backfill, "of backfill abcdef"),
    ],
)
def test_launched_any_other_way_nothing_is_sent_and_it_says_why(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, launch: Launch, why: str
) -> None:
    result = launch(definitions, instance)

    told = said(materialized(result))
    assert told.startswith("nothing, because orders are sent by trading_job alone")
    assert why in told.replace("'", "")
    assert entries(stage) == []
    assert [i for i in stage.fund.store.rows(Intent, "main") if not i.order.reduces_position] == []


DEFINED: list[dg.Definitions] = []


def the_trading_job() -> dg.JobDefinition:
    return DEFINED[-1].resolve_job_def("trading_job")


def test_a_run_executed_again_sends_nothing_and_says_why(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """The first run is blocked, as yesterday's was: nobody had protected anything. Its repetition is not."""
    DEFINED.append(definitions)
    job = dg.reconstructable(the_trading_job)
    with dg.execute_job(job, instance=instance) as first:
        assert not first.success
    run(definitions, "protection_job", instance)

    options = dg.ReexecutionOptions(parent_run_id=first.run_id)
    with dg.execute_job(job, instance=instance, reexecution_options=options) as again:
        assert again.success
        (event,) = [
            event.materialization
            for event in again.all_events
            if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION
            and event.asset_key == dg.AssetKey("order_executions")
        ]

    assert f"executes run {first.run_id} again" in said([event])
    assert entries(stage) == []


@pytest.mark.usefixtures("protected")
def test_a_run_that_waited_for_more_than_a_minute_sends_nothing(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    for _ in range(2):
        stage.beat()
        run(definitions, "protection_job", instance)

    result = run(definitions, "trading_job", instance)

    assert "was launched" in said(materialized(result))
    assert entries(stage) == []


@pytest.mark.usefixtures("protected")
def test_a_closed_gate_computes_no_trading_asset(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    halt(stage.fund, actor="ada", reason="a look")

    result = run(definitions, "trading_job", instance)

    assert not result.success
    computed = {event.asset_key.to_user_string() for event in materialized(result)}
    assert not computed & {"candles", "ladders", "order_plans", "order_executions"}
    assert "gate_decisions" in computed
    assert entries(stage) == []


def test_without_protection_nothing_is_planned(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = run(definitions, "trading_job", instance)

    assert "exits:exits_are_recent" in failed_checks(result)
    assert not {"order_plans", "order_executions"} & {
        event.asset_key.to_user_string() for event in materialized(result)
    }


@pytest.mark.usefixtures("protected")
def test_behind_a_closed_gate_protection_cancels_what_opens_and_keeps_what_covers(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    run(definitions, "trading_job", instance)
    assert entries(stage)
    halt(stage.fund, actor="ada", reason="a look")

    result = run(definitions, "protection_job", instance)

    assert result.success, failed_checks(result)
    assert entries(stage) == []
    cover = stage.fund.latest(ExitCover)
    assert cover is not None
    assert any(side.position_quantity for side in cover.sides)
    assert not any(side.unprotected_quantity for side in cover.sides)


def test_protection_is_red_while_a_position_lacks_its_stop(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    stage.control.set_fault("/fapi/v1/algoOrder", "respond", status=500, body="down")

    result = run(definitions, "protection_job", instance)

    assert not result.success
    assert "exits:every_position_has_its_stop" in failed_checks(result)
