"""In live no venue is used with a key that may do too much, and none before the venue has said what it may do."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hedge_pipeline import cycle
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.composition import build_fund
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.key_guard import ASK_AGAIN, ASK_AGAIN_AFTER_FAILURE, KeyGuard
from hedge_pipeline.outside import Outside
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.endpoints import KEY_PERMISSIONS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline.settings import Profile, Settings, load_settings
from hedge_pipeline.settings.secrets import VenueKey


@dataclass
class LaterClock:
    """The machine's clock, with a monotonic one that can be moved on."""

    passed: timedelta = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now()

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.passed.total_seconds()

    def boot_id(self) -> str:
        return SystemClock().boot_id()


@pytest.fixture
def running() -> Iterator[tuple[PaperVenue, str]]:
    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    paper = PaperVenue(core=open_core(World(), now_ms=now_ms()), clock=now_ms)
    with serve(paper) as url:
        yield paper, url


@pytest.fixture
def live(running: tuple[PaperVenue, str], tmp_path: Path) -> Settings:
    """Settings as live has them, but for the servers: no test reaches the venue itself."""
    paper = load_settings({"HEDGE_HOME": str(tmp_path)})
    _, url = running
    venue = paper.venue.model_copy(update={"base_url": url, "spot_url": url})
    secrets = paper.secrets.model_copy(update={"venue_trade": None})
    return paper.model_copy(update={"profile": Profile.LIVE, "venue": venue, "secrets": secrets})


def switch(paper: PaperVenue, name: str, *, value: bool) -> None:
    paper.set_fault(KEY_PERMISSIONS, effect("replace_field", {"path": name, "value": value}))


def fail(paper: PaperVenue, **answer: Any) -> None:
    paper.set_fault(KEY_PERMISSIONS, effect("respond", {"status": 503, "body": "maintenance"} | answer))


def test_live_reads_with_a_key_that_only_reads(live: Settings):
    reading = Outside(live, SystemClock()).read_account()

    assert all(source.ok for source in reading.sources), reading.sources


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enableWithdrawals", True),
        ("enableInternalTransfer", True),
        ("permitsUniversalTransfer", True),
        ("ipRestrict", False),
        ("enableFutures", True),
    ],
)
def test_live_reads_nothing_with_a_dangerous_key(
    *, live: Settings, running: tuple[PaperVenue, str], name: str, value: bool
):
    switch(running[0], name, value=value)
    outside = Outside(live, SystemClock())

    reading = outside.read_account()

    assert not any(source.ok for source in reading.sources)
    assert name in (reading.sources[0].error or "")
    with pytest.raises(SourceUnavailable, match=name):
        outside.read_income(SystemClock().now())


@pytest.mark.finding("S3-CFG-2")
def test_with_a_dangerous_key_a_cycle_is_recorded_and_halted_for_that_reason(
    live: Settings, running: tuple[PaperVenue, str]
):
    switch(running[0], "enableWithdrawals", value=True)
    fund = build_fund(live)

    decision = cycle.run_cycle(fund)

    assert decision.state is TradingState.HALTED
    assert any("enableWithdrawals" in breach.message for breach in decision.breaches)
    nav = fund.latest(NavSnapshot)
    assert nav is not None
    assert not nav.accepted
    fund.store.close()  # type: ignore[attr-defined]  # the port leaves closing to its adapter


def test_paper_does_not_ask(live: Settings, running: tuple[PaperVenue, str]):
    switch(running[0], "enableWithdrawals", value=True)
    paper = live.model_copy(update={"profile": Profile.PAPER})

    assert all(source.ok for source in Outside(paper, SystemClock()).read_account().sources)


def test_the_trading_key_is_looked_at_where_there_is_one(live: Settings, running: tuple[PaperVenue, str]):
    trade = VenueKey(key=SecretStr("paper-trade"), secret=SecretStr("paper-trade-secret"))
    both = live.model_copy(update={"secrets": live.secrets.model_copy(update={"venue_trade": trade})})
    KeyGuard(both, SystemClock()).refuse_dangerous_keys()

    switch(running[0], "enableWithdrawals", value=True)

    with pytest.raises(SourceUnavailable, match="the trading key: it may withdraw"):
        KeyGuard(both, SystemClock()).refuse_dangerous_keys()


def test_what_is_not_known_is_refused_until_it_was_known_once(
    live: Settings, running: tuple[PaperVenue, str]
):
    paper, clock = running[0], LaterClock()
    guard = KeyGuard(live, clock)
    fail(paper)
    with pytest.raises(SourceUnavailable, match="not known"):
        guard.refuse_dangerous_keys()

    paper.faults.clear()
    with pytest.raises(SourceUnavailable, match="not known"):
        guard.refuse_dangerous_keys()
    clock.passed += ASK_AGAIN_AFTER_FAILURE
    guard.refuse_dangerous_keys()

    fail(paper)
    clock.passed += ASK_AGAIN
    guard.refuse_dangerous_keys()


def test_a_key_that_becomes_dangerous_is_found_within_the_hour(
    live: Settings, running: tuple[PaperVenue, str]
):
    paper, clock = running[0], LaterClock()
    guard = KeyGuard(live, clock)
    guard.refuse_dangerous_keys()
    switch(paper, "enableWithdrawals", value=True)
    guard.refuse_dangerous_keys()
    clock.passed += ASK_AGAIN

    with pytest.raises(SourceUnavailable, match="enableWithdrawals"):
        guard.refuse_dangerous_keys()
    paper.faults.clear()
    clock.passed += ASK_AGAIN_AFTER_FAILURE
    guard.refuse_dangerous_keys()
