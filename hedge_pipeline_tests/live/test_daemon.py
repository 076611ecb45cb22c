"""The real daemon over a real venue: it beats without runs, closes when the venue is gone, and opens by itself, but not past a latch.

One stack serves the whole file, in the order of its tests, at a faster cadence than by default: it takes minutes to see a
gate close and open.
"""

import asyncio
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import dagster as dg
import pytest

from hedge_pipeline import cycle, local
from hedge_pipeline.defs.trading_sensor import objections
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.local import PathOptions
from tools.screenshots import browser, find_chromium, take
from tools.stack import Stack, stack

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(400)]

SETTINGS = """
[cadence]
valuation = "10s"
[freshness]
nav = "40s"
peak = "50s"
marks = "30s"
"""
LIMIT_S, TICK_S = 40, 15
"""The NAV's limit; a cadence and the daemon's loop of five seconds."""
LONGEST_BEAT = timedelta(seconds=45)
"""The reads of a hanging venue are bounded at 23 s; the daemon gives a tick a minute."""
START_S = 240
OVER = {"SUCCESS", "FAILURE"}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("served"), files={"hedge.toml": SETTINGS}) as made, made.served(port):
        yield made


@pytest.fixture(scope="module")
def instance(served: Stack) -> Iterator[dg.DagsterInstance]:
    wait_for(START_S, "the first decision", lambda: served.fund.latest(GateDecision) is not None)
    with served.instance() as made:
        yield made


def wait_for(seconds: float, what: str, is_true: Callable[[], bool]) -> float:
    """How long it took."""
    start = time.monotonic()
    while not is_true():
        assert time.monotonic() - start < seconds, f"waited {seconds} s in vain for {what}"
        time.sleep(0.5)
    return time.monotonic() - start


def decision(served: Stack) -> GateDecision:
    found = served.fund.latest(GateDecision)
    assert found is not None
    return found


def is_active(served: Stack) -> bool:
    return decision(served).state is TradingState.ACTIVE


def beats(served: Stack) -> int:
    return len(served.fund.store.columns(NavSnapshot, "main", "ordinal"))


def verdicts_of_runs(instance: dg.DagsterInstance, job: str) -> set[str]:
    return {run.status.value for run in instance.get_runs(dg.RunsFilter(job_name=job))}


@contextmanager
def venue_stopped(served: Stack) -> Iterator[None]:
    """It accepts connections and answers nothing: the worst a source can do."""
    servers = local.running(served.home)
    assert servers is not None
    os.kill(servers.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(servers.pid, signal.SIGCONT)


def test_it_values_and_judges_by_itself_without_a_run_while_all_is_well(
    served: Stack, instance: dg.DagsterInstance
) -> None:
    wait_for(180, "the bar's trading job", lambda: "SUCCESS" in verdicts_of_runs(instance, "trading_job"))
    of_the_heartbeat = dg.RunsFilter(tags={"dagster/sensor_name": "valuation_sensor"})
    runs_before, beats_before = instance.get_runs_count(of_the_heartbeat), beats(served)

    wait_for(120, "four beats", lambda: beats(served) >= beats_before + 4)

    assert instance.get_runs_count(of_the_heartbeat) == runs_before
    events = instance.fetch_materializations(dg.AssetKey("nav_snapshots"), limit=8).records
    assert [event.run_id for event in events].count("") >= 4, (
        "reported, not made by a run, but for a bar that closed"
    )
    record = instance.get_latest_asset_check_evaluation_record(
        dg.AssetCheckKey(dg.AssetKey("nav_snapshots"), "nav_is_accepted")
    )
    assert record is not None
    assert record.status.value == "SUCCEEDED"


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed to look at the UI with")
def test_the_ui_can_be_pictured(served: Stack, instance: dg.DagsterInstance, port: int) -> None:
    chromium = find_chromium()
    assert chromium is not None
    with browser(chromium) as debugged:
        pictures = asyncio.run(take(f"http://127.0.0.1:{port}", {"nav": "/assets/nav_snapshots"}, debugged))
    assert pictures["nav"].startswith(b"\x89PNG")
    assert len(pictures["nav"]) > 50_000, "more than an empty page"


def test_a_venue_that_hangs_closes_the_gate_in_time_and_it_opens_by_itself(
    served: Stack, instance: dg.DagsterInstance
) -> None:
    wait_for(120, "an open gate", lambda: is_active(served))
    last_open, judged = decision(served), verdicts(served)
    with venue_stopped(served):
        wait_for(
            LIMIT_S + TICK_S + LONGEST_BEAT.total_seconds(), "a closed gate", lambda: not is_active(served)
        )
        closed = decision(served)
        assert closed.state is TradingState.HALTED
        assert {breach.reason for breach in closed.breaches} & {
            "nav_stale",
            "exposure_unavailable",
            "clock_unknown",
        }
        assert all(breach.remedy for breach in closed.breaches)
        assert closed.recorded_at - last_open.recorded_at < timedelta(seconds=LIMIT_S + TICK_S) + LONGEST_BEAT
        wait_for(90, "more verdicts while it hangs", lambda: verdicts(served) >= judged + 2)
        for job in ("gate_job", "nav_job"):
            wait_for(120, f"a red {job}", lambda job=job: "FAILURE" in verdicts_of_runs(instance, job))  # type: ignore[misc]
    wait_for(180, "an open gate", lambda: is_active(served))

    assert longest_beat(served) < LONGEST_BEAT


def verdicts(served: Stack) -> int:
    return len(served.fund.store.columns(GateDecision, "main", "state"))


def longest_beat(served: Stack) -> timedelta:
    """From the first request of a valuation to its snapshot."""
    begun = served.fund.store.columns(AccountReading, "main", "attempted_at")
    taken = [recorded for (recorded,) in served.fund.store.columns(NavSnapshot, "main", "recorded_at")]
    spans: list[timedelta] = []
    for (start,) in begun:
        after = [recorded for recorded in taken if recorded > start]
        spans += [min(after) - start] if after else []
    return max(spans)


def failed_ticks(instance: dg.DagsterInstance, sensor: str) -> list[str]:
    """What the failed ones said, newest first."""
    (state,) = (s for s in instance.all_instigator_state() if s.instigator_name == sensor)
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=20)
    return [tick.error.to_string() for tick in ticks if tick.error is not None]


def test_a_locked_store_shows_as_failed_ticks_that_say_so_and_nothing_may_trade(
    served: Stack, instance: dg.DagsterInstance
) -> None:
    wait_for(120, "an open gate", lambda: is_active(served))
    with closing(sqlite3.connect(served.home / "state.sqlite", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        wait_for(60, "a failed valuation", lambda: bool(failed_ticks(instance, "valuation_sensor")))
        wait_for(60, "a closed gate", lambda: cycle.judge(served.fund).state is TradingState.HALTED)
        assert objections(served.fund)
        writer.execute("ROLLBACK")

    assert "is locked" in failed_ticks(instance, "valuation_sensor")[0]
    wait_for(180, "an open gate", lambda: is_active(served))


def test_a_venue_that_comes_back_elsewhere_is_found(served: Stack, instance: dg.DagsterInstance) -> None:
    wait_for(120, "an open gate", lambda: is_active(served))
    local.down(served.home)
    wait_for(LIMIT_S + TICK_S, "a closed gate", lambda: not is_active(served))

    local.up(served.home, PathOptions(), with_this_process=True)

    wait_for(180, "an open gate", lambda: is_active(served))


def test_money_that_leaves_unannounced_keeps_the_gate_closed(
    served: Stack, instance: dg.DagsterInstance
) -> None:
    wait_for(120, "an open gate", lambda: is_active(served))
    with served.control() as control:
        control.withdraw("USDT", "1000")
    wait_for(LIMIT_S + TICK_S, "a closed gate", lambda: not is_active(served))
    beats_before = beats(served)

    wait_for(120, "six good beats", lambda: beats(served) >= beats_before + 6)

    assert decision(served).state is TradingState.HALTED
    assert "unregistered_outflow" in {breach.reason for breach in decision(served).breaches}
    snapshot = served.fund.latest(NavSnapshot)
    assert snapshot is not None
    assert snapshot.accepted, "valuation goes on"
    open_latches = [i.key for i in served.fund.store.open_incidents("main") if i.latched]
    assert open_latches == ["outflows_are_announced"]


def test_without_servers_up_runs_use_the_venue_that_the_code_server_started(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("alone")
    with stack(folder, files={"hedge.toml": SETTINGS}, servers=False) as alone, alone.served(free_port()):
        wait_for(
            START_S, "an open gate", lambda: alone.fund.latest(GateDecision) is not None and is_active(alone)
        )
        with alone.instance() as recorded:
            wait_for(180, "the trading job", lambda: bool(verdicts_of_runs(recorded, "trading_job") & OVER))
            assert "SUCCESS" in verdicts_of_runs(recorded, "trading_job")
        assert local.running(alone.home) is None
