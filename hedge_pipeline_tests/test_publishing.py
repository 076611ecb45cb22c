"""What the fund knows reaches its documents truthfully or not at all, and nothing that fails there touches the fund."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.adapters.firestore import AbsentPublisher
from hedge_pipeline.domain.documents.models import parse_document
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.publication.publications import TRIPS_AFTER, Health, Publication, PublishedDocument
from hedge_pipeline.domain.publication.trips import FAILING, SECOND_WRITER
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.publishing import differences, publish, verify
from hedge_pipeline.read_model import read_fund
from hedge_pipeline_tests.fakes import MemoryPublisher, MemoryStage, memory_stage

NAV, POSITIONS, BOARD = "hedge/dev/state/nav", "hedge/dev/state/positions", "hedge/dev/state/leaderboard"
PEAK, GATE = "hedge/dev/risk/peak_state", "hedge/dev/risk/gate"
VALUATION, PUBLISHER = "hedge/dev/health/valuation", "hedge/dev/health/publisher"
DOCUMENTS = [NAV, POSITIONS, BOARD, PEAK, GATE, VALUATION, "hedge/dev/health/gate", PUBLISHER]


@pytest.fixture
def stage(tmp_path: Path) -> MemoryStage:
    built = memory_stage(tmp_path)
    built.beat(4)
    return built


@pytest.fixture
def server(stage: MemoryStage) -> MemoryPublisher:
    assert isinstance(stage.fund.publisher, MemoryPublisher)
    return stage.fund.publisher


def outcomes(publication: Publication) -> dict[str, Outcome]:
    return {row.path: row.outcome for row in publication.documents}


def row_of(publication: Publication, path: str) -> PublishedDocument:
    return next(row for row in publication.documents if row.path == path)


def open_keys(stage: MemoryStage) -> set[str]:
    return {incident.key for incident in stage.fund.store.open_incidents("main")}


def test_every_document_is_in_place_and_equals_the_store(stage: MemoryStage, server: MemoryPublisher):
    publication = publish(stage.fund)

    assert sorted(outcomes(publication)) == sorted(DOCUMENTS)
    assert set(outcomes(publication).values()) == {Outcome.WRITTEN}
    assert publication.health is Health.OK
    assert verify(stage.fund, publication) == ()
    assert Decimal(server.documents[NAV]["nav_usd"]) == stage.nav.nav_usd
    assert Decimal(server.documents[PEAK]["high_water_mark"]) == stage.peak.high_water_mark


def test_a_document_that_was_changed_by_hand_does_not_equal_the_store(
    stage: MemoryStage, server: MemoryPublisher
):
    publication = publish(stage.fund)
    server.documents[NAV]["aum_usd"] = "1.5"

    assert [(one.path, one.field) for one in verify(stage.fund, publication)] == [(NAV, "aum_usd")]


@pytest.mark.finding("S1-NAV-3", "S2-FS-5")
def test_a_stale_nav_is_published_as_stale_and_holds_up_nothing_else(
    stage: MemoryStage, server: MemoryPublisher
):
    publish(stage.fund)
    last_good = stage.nav.nav_usd
    stage.venue.failing["balances"] = "no answer"
    stage.beat(5)

    publication = publish(stage.fund)

    assert set(outcomes(publication).values()) == {Outcome.WRITTEN}
    nav = server.documents[NAV]
    assert nav["stale"] is True
    assert nav["age_s"] == 150.0
    assert Decimal(nav["nav_usd"]) == last_good
    assert not nav["attempt"]["accepted"]
    assert server.documents[POSITIONS]["stale"] is False
    assert server.documents[GATE]["state"] == "HALTED"
    heartbeat = server.documents[VALUATION]
    assert heartbeat["status"] == "degraded"
    assert heartbeat["error_count"] == 5
    assert any("NAV is stale" in problem for problem in heartbeat["problems"])


@pytest.mark.finding("S2-FS-5")
def test_a_heartbeat_says_down_after_five_minutes_without_a_valuation(
    stage: MemoryStage, server: MemoryPublisher
):
    stage.venue.failing["balances"] = "no answer"
    stage.beat(11)
    publish(stage.fund)

    assert server.documents[VALUATION]["status"] == "down"
    assert server.documents[VALUATION]["last_success_at"] == stage.nav.last_good_as_of


@pytest.mark.finding("X-11")
def test_what_is_told_again_keeps_its_own_instant(stage: MemoryStage, server: MemoryPublisher):
    publish(stage.fund)
    first = server.documents[NAV]
    stage.clock.pass_by(600)
    publish(stage.fund)
    again = server.documents[NAV]

    assert again["as_of"] == first["as_of"]
    assert again["expires_at"] == first["expires_at"]
    assert (first["stale"], again["stale"]) == (False, True)


@pytest.mark.finding("S1-FS-4", "S2-FS-2")
def test_what_is_not_known_is_withheld_and_the_last_truth_stays(tmp_path: Path):
    stage = memory_stage(tmp_path)
    stage.venue.failing["positions"] = "no answer"
    stage.beat()
    publication = publish(stage.fund)

    assert outcomes(publication)[NAV] is Outcome.WITHHELD
    assert outcomes(publication)[POSITIONS] is Outcome.WITHHELD
    assert outcomes(publication)[PEAK] is Outcome.WITHHELD
    server = stage.fund.publisher
    assert isinstance(server, MemoryPublisher)
    assert NAV not in server.documents, "no placeholder"
    assert publication.health is Health.DEGRADED


@pytest.mark.finding("S1-FS-4")
def test_a_nav_of_nothing_is_not_published_as_valid(stage: MemoryStage, server: MemoryPublisher):
    publish(stage.fund)
    before = dict(server.documents[NAV])
    broken = replace(
        stage.nav,
        ordinal=stage.nav.ordinal + 1,
        nav_usd=Decimal(0),
        trading_nav=Decimal(0),
    )
    stage.fund.store.append(broken)

    publication = publish(stage.fund)

    assert outcomes(publication)[NAV] is Outcome.REFUSED
    assert "nav_usd" in (row_of(publication, NAV).error or "")
    assert server.documents[NAV] == before
    assert outcomes(publication)[POSITIONS].in_place


@pytest.mark.finding("S2-FS-4")
def test_each_document_succeeds_or_fails_by_itself_and_is_counted(
    stage: MemoryStage, server: MemoryPublisher
):
    publish(stage.fund)
    server.failing.add(BOARD)
    stage.beat()
    publish(stage.fund)
    stage.beat()
    publication = publish(stage.fund)

    failed, fine = row_of(publication, BOARD), row_of(publication, NAV)
    assert failed.outcome is Outcome.FAILED
    assert failed.error == "nobody answers"
    assert (failed.successes, failed.failures, failed.failures_in_a_row) == (1, 2, 2)
    assert (fine.successes, fine.failures, fine.failures_in_a_row) == (3, 0, 0)
    assert failed.last_success_at is not None
    assert fine.last_success_at is not None
    assert failed.last_success_at < fine.last_success_at == publication.attempted_at
    assert publication.health is Health.DEGRADED
    heartbeat = server.documents[PUBLISHER]
    assert heartbeat["status"] == "degraded"
    assert heartbeat["error_count"] == 2


@pytest.mark.finding("S2-FS-3", "S2-FS-4")
def test_a_refused_target_is_a_failure_and_never_a_silent_success(stage: MemoryStage):
    fund = replace(stage.fund, publisher=AbsentPublisher("nowhere", "no credentials: set them"))

    publication = publish(fund)

    assert {row.outcome.in_place for row in publication.documents} == {False}
    assert all(row.failures == 1 for row in publication.documents)
    assert publication.error == "no credentials: set them"
    assert publication.health is not Health.OK


@pytest.mark.finding("S2-ENV-1")
def test_five_failures_in_a_row_are_an_incident_that_heals(stage: MemoryStage, server: MemoryPublisher):
    publish(stage.fund)
    server.failing.add("*")
    for _ in range(TRIPS_AFTER - 1):
        stage.beat()
        publish(stage.fund)
    assert FAILING not in open_keys(stage)

    stage.beat()
    publication = publish(stage.fund)
    assert FAILING in open_keys(stage)
    assert publication.health is Health.DOWN
    publish(stage.fund)
    assert [one.key for one in stage.incidents].count(FAILING) == 1, "told once"

    server.failing.clear()
    stage.beat()
    assert publish(stage.fund).health is Health.OK
    assert FAILING not in open_keys(stage)


@pytest.mark.finding("S2-ENV-1")
def test_silence_for_five_minutes_is_an_incident_however_few_attempts(
    stage: MemoryStage, server: MemoryPublisher
):
    publish(stage.fund)
    server.failing.add("*")
    stage.clock.pass_by(301)
    publish(stage.fund)

    assert FAILING in open_keys(stage)


def test_a_dead_server_touches_neither_nav_nor_peak_nor_gate(stage: MemoryStage, server: MemoryPublisher):
    server.failing.add("*")
    for _ in range(7):
        publish(stage.fund)
        assert stage.beat().state is TradingState.ACTIVE
    assert stage.nav.accepted
    assert FAILING in open_keys(stage)

    server.failing.clear()
    assert publish(stage.fund).health is Health.OK
    assert stage.beat().state is TradingState.ACTIVE


def test_everything_is_published_again_to_a_server_that_has_forgotten(
    stage: MemoryStage, server: MemoryPublisher
):
    stage.beat(6)
    publish(stage.fund)
    points = {path for path in server.documents if "/nav_points/" in path}
    assert len(points) > 1
    server.documents.clear()
    stage.beat()
    publication = publish(stage.fund)

    assert set(outcomes(publication).values()) == {Outcome.WRITTEN}
    assert points <= set(server.documents), "points of the last day come back by themselves"


def test_one_point_per_minute_is_published_once(stage: MemoryStage, server: MemoryPublisher):
    for _ in range(10):
        stage.beat()
        publish(stage.fund)
    points = [
        parse_document(path, fields, env="dev")
        for path, fields in server.documents.items()
        if "/nav_points/" in path
    ]
    minutes = sorted(point.as_of.replace(second=0, microsecond=0) for point in points)
    accepted = sorted({one.as_of.replace(second=0, microsecond=0) for one in stage.accepted if one.as_of})

    assert minutes == accepted
    assert sum(one.points_written for one in stage.fund.store.rows(Publication, "main")) == len(points)


@pytest.mark.finding("X-12")
def test_a_document_of_another_writer_is_refused_and_told(stage: MemoryStage, server: MemoryPublisher):
    publish(stage.fund)
    server.documents[GATE] = {**server.documents[GATE], "writer_id": "0123456789abcdef"}
    stage.beat()
    publication = publish(stage.fund)

    assert outcomes(publication)[GATE] is Outcome.REFUSED
    assert row_of(publication, GATE).found_writer == "0123456789abcdef"
    assert server.documents[GATE]["writer_id"] == "0123456789abcdef", "not overwritten"
    assert SECOND_WRITER in open_keys(stage)


@pytest.mark.finding("X-12")
def test_a_copy_of_this_store_that_publishes_too_is_detected_by_reading_back(
    stage: MemoryStage, server: MemoryPublisher
):
    publish(stage.fund)
    ahead = server.documents[NAV]
    server.documents[NAV] = {
        **ahead,
        "seq": ahead["seq"] + 1000,
        "as_of": ahead["as_of"] + timedelta(hours=1),
    }
    stage.beat()
    publication = publish(stage.fund)

    assert outcomes(publication)[NAV] is Outcome.REFUSED
    assert "a copy of it publishes too" in (row_of(publication, NAV).error or "")
    assert SECOND_WRITER in open_keys(stage)


@pytest.mark.finding("X-12")
def test_a_document_without_a_version_is_refused_untouched(stage: MemoryStage, server: MemoryPublisher):
    legacy = {"series": [], "total_equity": 0, "updated_at": "2025-11-01T00:00:00Z"}
    server.documents[NAV] = dict(legacy)
    publication = publish(stage.fund)

    assert outcomes(publication)[NAV] is Outcome.REFUSED
    assert "hedge import" in (row_of(publication, NAV).error or "")
    assert server.documents[NAV] == legacy


@pytest.mark.finding("S2-FS-2")
def test_a_dry_run_tells_the_difference_and_writes_nothing(stage: MemoryStage, server: MemoryPublisher):
    publish(stage.fund)
    before = json.dumps(server.documents, default=str, sort_keys=True)
    rows = len(stage.fund.store.rows(Publication, "main"))
    stage.venue.move("REALIZED_PNL", 1000)
    stage.beat()

    told = {(one.path, one.field) for one in differences(stage.fund)}

    assert (NAV, "nav_usd") in told
    assert (NAV, "numeraire") not in told
    assert json.dumps(server.documents, default=str, sort_keys=True) == before
    assert len(stage.fund.store.rows(Publication, "main")) == rows


@pytest.mark.finding("S2-LEG-2")
def test_every_consumer_shows_the_same_nav(stage: MemoryStage, server: MemoryPublisher):
    """Status, dashboard document and gate look at one view; there is one function that makes it."""
    publish(stage.fund)
    view = read_fund(stage.fund)

    nav = stage.fund.latest(NavSnapshot)
    assert nav is not None
    assert view.nav is not None
    assert view.nav.nav_usd == nav.nav_usd == Decimal(server.documents[NAV]["nav_usd"])
    point = max(
        (fields for path, fields in server.documents.items() if "/nav_points/" in path),
        key=lambda fields: fields["as_of"],
    )
    stored = next(one for one in stage.accepted if one.as_of == point["as_of"])
    assert Decimal(point["nav_usd"]) == stored.nav_usd


@pytest.mark.finding("S2-FS-6")
def test_the_view_says_how_old_what_was_published_is(stage: MemoryStage):
    publish(stage.fund)
    stage.clock.pass_by(3600)
    view = read_fund(stage.fund)

    assert view.stale
    assert view.published_at is not None
    assert view.age(view.published_at) == timedelta(hours=1)
    assert {row.path for row in view.published} == set(DOCUMENTS)
    assert cycle.judge(stage.fund).state is TradingState.HALTED


def test_a_copy_of_a_store_publishes_nothing(stage: MemoryStage, server: MemoryPublisher):
    class Copy:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return stage.clock.at if name == "copied_at" else getattr(self._store, name)

    publish(stage.fund)
    before = dict(server.documents[NAV])
    stage.beat()
    publication = publish(replace(stage.fund, store=Copy(stage.fund.store)))

    assert outcomes(publication)[NAV] is Outcome.REFUSED
    assert server.documents[NAV] == before
