"""The real daemon while its Firestore server dies in the middle of publishing, stays dead, and comes back empty.

One stack serves the whole file, in the order of its tests.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import dagster as dg
import pytest

from hedge_pipeline import local
from hedge_pipeline.defs.publication import IN_PLACE, key_of
from hedge_pipeline.domain.documents.models import parse_document
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.publication.publications import Health, Publication
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.local import PathOptions
from tools.stack import Stack, stack

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(400)]

SETTINGS = """
[cadence]
valuation = "10s"
publication = "10s"
"""
NAV = "hedge/dev/state/nav"
CYCLE_S = 30
"""A cadence, the daemon's loop of five seconds, and what a dead server costs."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    from hedge_pipeline_tests.live.test_daemon import free_port

    folder = tmp_path_factory.mktemp("published")
    with stack(folder, files={"hedge.toml": SETTINGS}) as made, made.served(free_port()):
        wait_for(240, "the first publication", lambda: health(made) is Health.OK)
        yield made


def wait_for(seconds: float, what: str, is_true: Callable[[], bool]) -> float:
    """How long it took."""
    start = time.monotonic()
    while not is_true():
        assert time.monotonic() - start < seconds, f"waited {seconds} s in vain for {what}"
        time.sleep(0.25)
    return time.monotonic() - start


def health(served: Stack) -> Health | None:
    found = served.fund.latest(Publication)
    return found.health if found else None


def rows(served: Stack, table: type) -> int:
    return len(served.fund.store.columns(table, "main", "account"))


def kill_server(served: Stack) -> None:
    server = local.running_firestore(served.home)
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)


def wait_for_the_next_publication(served: Stack) -> None:
    count = rows(served, Publication)
    wait_for(CYCLE_S, "the next publication", lambda: rows(served, Publication) > count)


def published(served: Stack) -> dict[str, dict[str, object]]:
    publication = served.fund.latest(Publication)
    assert publication is not None
    paths = [row.path for row in publication.documents]
    stored = served.fund.publisher.read(paths)
    return {path: dict(fields) for path, fields in stored.items() if fields is not None}


def test_the_daemon_publishes_by_itself(served: Stack):
    documents = published(served)

    assert len(documents) == 8
    for path, fields in documents.items():
        parse_document(path, fields, env="dev")


def test_a_server_killed_while_publishing_touches_neither_nav_nor_peak_nor_gate(served: Stack):
    """Killed again and again around the instants of publication, brought back empty each time."""
    before = {table: rows(served, table) for table in (NavSnapshot, PeakState, GateDecision)}
    started = time.monotonic()
    for _ in range(2):
        wait_for_the_next_publication(served)
        time.sleep(9.0)  # the next one is about to begin
        kill_server(served)
        took = wait_for(CYCLE_S, "degraded health", lambda: health(served) is not Health.OK)
        assert took <= CYCLE_S
        local.up(served.home, PathOptions(), with_this_process=True)
        wait_for(2 * CYCLE_S, "health", lambda: health(served) is Health.OK)

    beats = (time.monotonic() - started) / 15
    for table, count in before.items():
        assert rows(served, table) - count >= beats / 2, f"{table.__name__} stood still"
    assert all(accepted for (accepted,) in served.fund.store.columns(NavSnapshot, "main", "accepted")[1:]), (
        "no valuation noticed"
    )
    states = {state for (state,) in served.fund.store.columns(GateDecision, "main", "state")[4:]}
    assert states == {TradingState.ACTIVE}


def test_what_comes_back_is_everything_once_and_never_older(served: Stack):
    seen: list[tuple[datetime, datetime]] = []
    watched = threading.Event()

    def watch() -> None:
        while not watched.is_set():
            try:
                nav = published(served).get(NAV)
            except Exception:  # noqa: BLE001 the server is being killed
                nav = None
            if nav is not None:
                document = parse_document(NAV, nav, env="dev")
                seen.append((document.as_of, document.published_at))
            time.sleep(0.2)

    thread = threading.Thread(target=watch)
    thread.start()
    kill_server(served)
    wait_for(CYCLE_S, "degraded health", lambda: health(served) is not Health.OK)
    local.up(served.home, PathOptions(), with_this_process=True)
    wait_for(2 * CYCLE_S, "health", lambda: health(served) is Health.OK)
    time.sleep(12)
    watched.set()
    thread.join()

    assert seen == sorted(seen), "no reader ever saw a step backwards"
    assert len(published(served)) == 8
    publication = served.fund.latest(Publication)
    assert publication is not None
    assert publication.points_through is not None
    assert {row.failures_in_a_row for row in publication.documents} == {0}


def test_the_ui_shows_what_arrived_and_that_it_failed_in_between(served: Stack):
    with served.instance() as instance:
        key = dg.AssetCheckKey(key_of("nav"), IN_PLACE)
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        assert {record.status.value for record in history} >= {"SUCCEEDED", "FAILED"}
        assert history[0].status.value == "SUCCEEDED"
        for name in ("nav", "positions", "peak_state", "gate", "health", "nav_points"):
            assert instance.get_latest_materialization_event(key_of(name)) is not None
