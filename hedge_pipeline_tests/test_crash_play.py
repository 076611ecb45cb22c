"""The tenth of October 2025, played against a long book: the figures follow, the gate closes once and stays closed.

Recorded candles and funding through the paper venue, its HTTP and the real client, on a clock of the test's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest

from hedge_pipeline.domain.account import AccountReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision, Incident, TradingState
from hedge_pipeline.paper.seed import AccountSeed, SeedPosition
from hedge_pipeline.paper.world import World
from hedge_pipeline_tests.domain.test_units import half_even
from hedge_pipeline_tests.stage import NOON, Stage, staged

LONG_BOOK = AccountSeed(
    balances={"USDT": Decimal(100_000)},
    positions=(
        SeedPosition(symbol="BTCUSDT", position_side="LONG", quantity=Decimal("0.6")),
        SeedPosition(symbol="ETHUSDT", position_side="LONG", quantity=Decimal(18)),
        SeedPosition(symbol="SOLUSDT", position_side="LONG", quantity=Decimal(200)),
    ),
)
"""Some 180 thousand at entry: what this crash takes from it is more than the drawdown limit and less than all."""


@dataclass(frozen=True)
class Play:
    """What was stored while it ran."""

    navs: list[NavSnapshot]
    states: list[PeakState]
    decisions: list[GateDecision]
    incidents: list[Incident]
    marks: list[MarksReading]
    accounts: list[AccountReading]


def play(
    home: Path, recording: Path, *, start: datetime, pace: int, beats: int, clock: datetime = NOON
) -> Play:
    world = World(recording=recording, start=start)
    with staged(home, world=world, account=LONG_BOOK, pace=Decimal(pace), start=clock) as stage:
        stage.beat(beats)
        store = stage.fund.store
        return Play(
            navs=store.rows(NavSnapshot, "main"),
            states=store.rows(PeakState, "main"),
            decisions=store.rows(GateDecision, "main"),
            incidents=store.rows(Incident, "main"),
            marks=store.rows(MarksReading, "main"),
            accounts=store.rows(AccountReading, "main"),
        )


@pytest.fixture(scope="module")
def crash(recorded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Play:
    """The hour of it at four times its pace."""
    return play(
        tmp_path_factory.mktemp("crash"), recorded_data / "market" / "S1_crash_2025-10",
        start=datetime(2025, 10, 10, 21, 0, tzinfo=UTC), pace=4, beats=32,
    )  # fmt: skip


def check_that_nav_follows(crash: Play) -> None:
    """Every value is cash and positions at the marks, which are another source than the account."""
    assert all(snapshot.accepted for snapshot in crash.navs), [s.problems for s in crash.navs if s.problems]
    for snapshot, marks, account in zip(crash.navs, crash.marks, crash.accounts, strict=True):
        at_mark = {mark.symbol: mark.mark_price for mark in marks.marks or ()}
        cash = sum((balance.wallet_balance for balance in account.balances or ()), Decimal(0))
        profit = sum(
            (p.quantity * (at_mark[p.symbol] - p.entry_price) for p in account.positions or ()), Decimal(0)
        )
        assert snapshot.trading_nav is not None
        assert abs(snapshot.trading_nav - cash - profit) <= Decimal("1e-6")
    lowest = min(snapshot.trading_nav for snapshot in crash.navs if snapshot.trading_nav is not None)
    assert 50_000 < lowest < 80_000


def check_the_stored_drawdown(crash: Play) -> None:
    """To the last digit what plain arithmetic makes of the accepted rows."""
    by_ordinal = {state.nav_ordinal: state for state in crash.states}
    assert sorted(by_ordinal) == [snapshot.ordinal for snapshot in crash.navs]
    assert len(by_ordinal) == len(crash.states)
    highest = Fraction(0)
    for snapshot in crash.navs:
        assert snapshot.nav_per_unit is not None
        worth = Fraction(snapshot.nav_per_unit)
        highest = max(highest, worth)
        state = by_ordinal[snapshot.ordinal]
        assert Fraction(state.high_water_mark) == highest
        assert state.drawdown == half_even((highest - worth) / highest)
        opened = Fraction(state.day_open)
        assert state.daily_loss == half_even(max(Fraction(0), (opened - worth) / opened))
    assert max(state.drawdown for state in crash.states) > Decimal("0.22")


def check_that_the_gate_closes_once(crash: Play) -> None:
    states = [state for state, _ in groupby(decision.state for decision in crash.decisions)]
    assert states[0] is TradingState.ACTIVE
    assert states[-1] is TradingState.HALTED
    assert states == sorted(states, reverse=True), "it never opens again by itself"
    assert len(states) <= 3
    latched = {incident.reason for incident in crash.incidents if incident.latched}
    assert {"nav_drawdown_limit", "daily_loss_halt"} <= latched
    assert all(incident.closed_at is None for incident in crash.incidents if incident.latched)
    keys = [incident.key for incident in crash.incidents if incident.latched]
    assert len(keys) == len(set(keys)), "one incident per latch"


def check_the_second_sample_closes(crash: Play) -> None:
    """Two of three snapshots beyond the limit, not one."""
    beyond = [state.nav_ordinal for state in crash.states if state.drawdown >= Decimal("0.20")]
    breached = next(
        decision.nav_ordinal
        for decision in crash.decisions
        if any(breach.rule == "drawdown_is_within_its_limit" for breach in decision.breaches)
    )
    assert breached == beyond[1]


def test_nav_follows_the_crash(crash: Play):
    check_that_nav_follows(crash)


def test_the_stored_drawdown_is_the_recomputed_one(crash: Play):
    check_the_stored_drawdown(crash)


def test_the_gate_closes_once_and_stays_closed(crash: Play):
    check_that_the_gate_closes_once(crash)
    check_the_second_sample_closes(crash)


@pytest.mark.long
def test_the_whole_evening_at_its_own_pace(recorded_data: Path, tmp_path: Path):
    """Four hours of it, with a funding instant of the venue's wall clock among them."""
    whole = play(
        tmp_path, recorded_data / "market" / "S1_crash_2025-10",
        start=datetime(2025, 10, 10, 20, 0, tzinfo=UTC), pace=1, beats=500,
        clock=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )  # fmt: skip

    check_that_nav_follows(whole)
    check_the_stored_drawdown(whole)
    check_that_the_gate_closes_once(whole)
    check_the_second_sample_closes(whole)
    wallets = [dict(snapshot.baseline.wallet) for snapshot in whole.navs if snapshot.baseline]
    assert wallets[0] == LONG_BOOK.balances != wallets[-1], "funding was charged and explained"


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Stage]:
    seed = AccountSeed(
        balances={"USDT": Decimal(100_000)},
        positions=(SeedPosition(symbol="BTCUSDT", position_side="LONG", quantity=Decimal("0.001")),),
    )
    with staged(tmp_path, account=seed) as stage:
        yield stage


def test_an_account_without_a_fill_for_two_days_is_not_stale(quiet: Stage):
    """Its stamps are those of its last change; the age of an answer is that of the asking."""
    quiet.beat(3)
    for _ in range(8):
        quiet.clock.pass_by(timedelta(hours=6))
        decision = quiet.beat(3)
        assert quiet.nav.accepted, quiet.nav.problems
        assert decision.state is TradingState.ACTIVE

    account = quiet.fund.latest(AccountReading)
    assert account is not None
    (position,) = account.positions or ()
    assert position.updated_at is not None
    assert quiet.clock.at - position.updated_at > timedelta(hours=48)
    assert quiet.nav.as_of == quiet.clock.at
