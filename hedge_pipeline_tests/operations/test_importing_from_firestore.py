"""From a predecessor's documents on a real server to ours in their place, and back again after the store was lost."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import firestore

from hedge_pipeline import cycle
from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.operations import propose_peak, rearm, rebuild_peak, take_over
from hedge_pipeline.operations.importing import apply_import, plan_import
from hedge_pipeline.operations.remembering import peak_path
from hedge_pipeline.publishing import publish
from hedge_pipeline_tests.adapters.firestore.conftest import SERVERS, serving
from hedge_pipeline_tests.fakes import MemoryStage, memory_stage

pytestmark = pytest.mark.live_stack


@pytest.fixture(scope="module", params=SERVERS)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(request.param, tmp_path_factory.mktemp("firestore")) as address:
        yield address


@pytest.fixture
def project() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def database(host: str, project: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[firestore.Client]:
    """The predecessor's own client."""
    with monkeypatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", host)
        client = firestore.Client(project=project)
    yield client
    client._firestore_api.transport.close()


@pytest.fixture
def stage(host: str, project: str, tmp_path: Path) -> Iterator[MemoryStage]:
    """A fund that publishes to that server."""
    home = tmp_path / "home"
    home.mkdir()
    built = memory_stage(home)
    publisher = FirestorePublisher(env="dev", project=project, emulator_host=host, clock=built.clock)
    built.fund = replace(built.fund, publisher=publisher)
    yield built
    publisher.close()
    built.close()


def left_by_the_predecessor(stage: MemoryStage) -> dict[str, dict[str, Any]]:
    now = stage.clock.at
    return {
        "hedge/dev/state/nav": {
            "series": [{"t": (now - timedelta(hours=hour)).isoformat(), "nav": 101_000.1 + hour} for hour in (2, 1)],
            "peak_equity": 103_000.0,
            "updated_at": now,
            "exec_stats": {"top_vetoes": [{"reason": "nav_stale", "count": 3}]},
        },
        "hedge/dev/state/positions": {"items": [], "gross_exposure": 0.0},
        peak_path("dev"): {
            "day": "2026-11-20", "peak": 104_000.0, "peak_equity": 104_000.0, "nav": 100_000.0, "nav_usd": 100_000.0,
            "ts": now.timestamp() - 60, "updated_at": (now - timedelta(seconds=60)).isoformat(),
        },
        "hedge/dev/health/sync_state": {"ok": True},
        "hedge_leaderboard/assets": {"rows": [{"symbol": "BTCUSDT", "pnl": 1.5}]},
    }  # fmt: skip


def stored(database: firestore.Client, path: str) -> Any:
    return database.document(path).get().to_dict()


@pytest.mark.finding("S1-DD-4")
def test_a_predecessor_is_refused_then_taken_over_then_lost_and_rebuilt(
    stage: MemoryStage, database: firestore.Client, tmp_path: Path
):
    left = left_by_the_predecessor(stage)
    for path, fields in left.items():
        database.document(path).set(fields)
    before = {path: stored(database, path) for path in left}
    assert stage.beat(4).state is TradingState.ACTIVE

    told = {document.path: document.outcome for document in publish(stage.fund).documents}
    assert {told[path] for path in left if path in told} == {Outcome.REFUSED}
    assert {path: stored(database, path) for path in left} == before, "untouched"

    plan = plan_import(
        stage.fund, (), folder=tmp_path, settings_file=tmp_path / "hedge.toml", symbols=("BTCUSDT",)
    )
    assert set(plan.unversioned) == set(left)
    assert apply_import(stage.fund, plan, actor="ada", reason="moved")
    for path, fields in before.items():
        mark = stored(database, path)
        assert stored(database, mark["archived_to"])["content"] == fields
    assert len(stage.store.rows(ImportedNav, "main")) == 3
    again = plan_import(
        stage.fund, (), folder=tmp_path, settings_file=tmp_path / "hedge.toml", symbols=("BTCUSDT",)
    )
    assert not again.changes

    stage.beat()
    told = {document.path: document.outcome for document in publish(stage.fund).documents}
    assert Outcome.REFUSED not in told.values()
    assert stored(database, peak_path("dev"))["writer_id"] == stage.store.store_id

    with closing(open_state_store(f"sqlite:///{tmp_path}/new.sqlite", create=True)) as store:
        fund = replace(stage.fund, store=store)
        stage.clock.pass_by(30)
        assert cycle.run_cycle(fund).state is TradingState.HALTED
        by_source = {found.source: found for found in propose_peak(fund).candidates}
        assert by_source["published peak state"].value == stage.peak.high_water_mark
        state = rebuild_peak(fund, actor="ada", reason="the disk died")
        assert state.account_units == stage.peak.account_units
        stage.clock.pass_by(30)
        cycle.run_cycle(fund)
        rearm(fund, actor="ada", reason="reviewed")
        lost = stage.store.store_id
        assert Outcome.REFUSED in {document.outcome for document in publish(fund).documents}
        take_over(fund, actor="ada", reason="the disk died", writer=lost)
        assert Outcome.REFUSED not in {document.outcome for document in publish(fund).documents}
        assert stored(database, peak_path("dev"))["writer_id"] == store.store_id
