"""Publications as assets: what arrived is materialized, what did not is red, and nothing else waits for either."""

import dagster as dg
import pytest

from hedge_pipeline.defs.publication import DEPENDENCIES, key_of
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests.defs.driving import Ticker, asked, failed_checks, run, why_skipped
from hedge_pipeline_tests.fakes import MemoryPublisher
from hedge_pipeline_tests.stage import Stage

KEYS = {key_of(name).to_user_string() for name in DEPENDENCIES}


@pytest.fixture
def server(stage: Stage) -> MemoryPublisher:
    assert isinstance(stage.fund.publisher, MemoryPublisher)
    return stage.fund.publisher


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    keys = (event.asset_key for event in result.get_asset_materialization_events())
    return {key.to_user_string() for key in keys if key is not None}


def test_a_publication_run_materializes_every_document(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance
):
    stage.beat()
    result = run(definitions, "publication_job", instance)

    assert result.success
    assert materialized(result) == KEYS
    assert failed_checks(result) == set()
    assert len(stage.fund.store.rows(Publication, "main")) == 1, "one step publishes all of it"


@pytest.mark.finding("S2-FS-4", "S2-ENV-1")
def test_a_document_that_did_not_arrive_is_red_and_goes_overdue(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, server: MemoryPublisher
):
    stage.beat()
    server.failing.add("hedge/dev/risk/gate")
    result = run(definitions, "publication_job", instance)

    assert not result.success
    assert materialized(result) == KEYS - {"publications/gate"}
    assert failed_checks(result) == {"publications/gate:the_document_is_in_place"}


@pytest.mark.finding("S2-ENV-1")
def test_after_five_failures_publishing_itself_is_unhealthy(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, server: MemoryPublisher
):
    stage.beat()
    server.failing.add("*")
    for _ in range(4):
        assert "publications/health:documents_are_published" not in failed_checks(
            run(definitions, "publication_job", instance)
        )
    assert "publications/health:documents_are_published" in failed_checks(
        run(definitions, "publication_job", instance)
    )


def test_nothing_that_is_published_blocks_valuation_gate_or_trading(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, server: MemoryPublisher
):
    stage.beat(4)
    server.failing.add("*")
    assert not run(definitions, "publication_job", instance).success

    for job in ("nav_job", "gate_job", "protection_job", "trading_job"):
        assert run(definitions, job, instance).success
    decision = stage.fund.latest(GateDecision)
    assert decision is not None
    assert decision.state is TradingState.ACTIVE
    graph = definitions.resolve_asset_graph()
    for name in DEPENDENCIES:
        assert not graph.get(key_of(name)).child_keys


def test_the_heartbeat_reports_arrivals_and_checks_and_starts_no_run(stage: Stage, tick: Ticker):
    stage.beat()
    outcome = tick("publication_sensor")

    assert "8 of 8 documents in place" in why_skipped(outcome)
    for name in DEPENDENCIES:
        assert tick.instance.get_latest_materialization_event(key_of(name)) is not None


def test_a_failed_publication_asks_for_one_red_run(stage: Stage, tick: Ticker, server: MemoryPublisher):
    stage.beat()
    server.failing.add("hedge/dev/state/nav")
    first, second = tick("publication_sensor"), tick("publication_sensor")

    assert [job for job, _ in asked(first)] == ["publication_job"]
    assert asked(first) == asked(second), "the daemon starts one run per key"
    assert tick.instance.get_latest_materialization_event(key_of("nav")) is None


@pytest.mark.finding("S1-NAV-3")
def test_publishing_goes_on_while_the_nav_is_stale(
    stage: Stage, definitions: dg.Definitions, instance: dg.DagsterInstance, server: MemoryPublisher
):
    stage.beat()
    stage.control.set_fault("/fapi/v3/account", "respond", status=500, body="{}")
    stage.beat(4)
    result = run(definitions, "publication_job", instance)

    assert result.success, "a stale NAV is told, and telling it is no failure"
    assert server.documents["hedge/dev/state/nav"]["stale"] is True
    assert server.documents["hedge/dev/health/valuation"]["status"] == "degraded"
