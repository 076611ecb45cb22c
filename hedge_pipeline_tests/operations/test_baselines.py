"""A baseline is declared by people or rebuilt from every source; it is never guessed and never lower than what is known."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline import cycle
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState, path_from_income
from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import Command, GateDecision, TradingState
from hedge_pipeline.operations import classify_flow, inception, propose_peak, rearm, rebuild_peak
from hedge_pipeline.operations.income_paths import income_steps
from hedge_pipeline_tests.stage import NOON, Stage, staged

CLOSE = Decimal("0.001")


def peak(stage: Stage) -> PeakState:
    state = stage.fund.latest(PeakState)
    assert state is not None
    return state


def reasons(decision: GateDecision) -> set[str]:
    return {breach.reason for breach in decision.breaches}


def declare(stage: Stage, *, accept_unread: bool = False) -> PeakState:
    return inception(
        stage.fund, actor="ada", approver="bob", reason="first money", accept_unread=accept_unread
    )


def lose(stage: Stage, *tables: str) -> None:
    """Rows that somebody or something deleted."""
    with sqlite3.connect(stage.home / "state.sqlite") as connection:
        for table in tables:
            connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_outside_paper_nothing_trades_before_somebody_declares_a_baseline(serious: Stage):
    decision = serious.beat(5)

    assert decision.state is TradingState.HALTED
    assert reasons(decision) == {"drawdown_unavailable"}
    assert serious.fund.latest(PeakState) is None


def test_an_inception_by_two_people_opens_the_gate(serious: Stage):
    state = declare(serious)

    assert cycle.judge(serious.fund).state is TradingState.ACTIVE
    assert serious.beat(3).state is TradingState.ACTIVE
    assert (state.origin, state.high_water_mark, state.nav_per_unit) == ("inception", Decimal(1), Decimal(1))
    assert serious.nav.account_units == state.account_units
    order = serious.fund.store.rows(Command, "main")[-1]
    assert (order.kind, order.actor, order.approver) == ("inception", "ada", "bob")
    assert "by ada, approved by bob: first money" in state.origin_detail


@pytest.mark.parametrize("approver", [None, "ada", "Ada"])
def test_one_person_alone_declares_no_baseline_outside_paper(serious: Stage, approver: str | None):
    with pytest.raises(CommandRefused, match="approver"):
        inception(serious.fund, actor="ada", approver=approver, reason="first money")

    assert serious.fund.latest(PeakState) is None


def test_money_lost_before_the_inception_is_part_of_the_mark(serious: Stage):
    serious.control.realize("BTCUSDT", "-20000")
    serious.beat()
    nav = serious.nav.trading_nav
    assert nav is not None

    state = declare(serious)

    assert abs(state.high_water_mark - (nav + 20000) / nav) < CLOSE
    assert "venue income" in state.origin_detail
    assert state.drawdown > Decimal("0.1")


def test_what_was_booked_after_the_valuation_is_no_part_of_it(serious: Stage):
    serious.clock.pass_by(timedelta(seconds=5))
    serious.control.realize("BTCUSDT", "-20000")
    serious.clock.pass_by(timedelta(seconds=5))

    assert declare(serious).high_water_mark == 1


def test_money_moved_before_the_inception_is_no_performance(serious: Stage):
    serious.control.deposit("USDT", "20000")
    serious.control.withdraw("USDC", "5000")
    serious.beat()
    with pytest.raises(CommandRefused, match="flow classify"):
        declare(serious)
    key = serious.nav.unclassified[0].flow_key
    classify_flow(
        serious.fund,
        key,
        purpose=FlowPurpose.TREASURY_TRANSFER,
        actor="ada",
        approver="bob",
        reason="to cold storage",
    )
    serious.beat()

    assert abs(declare(serious).high_water_mark - 1) < CLOSE


def test_a_price_that_stood_higher_before_the_inception_is_part_of_the_mark(serious: Stage):
    low = serious.nav.trading_nav
    serious.control.move_price("SOLUSDT", "3")
    serious.beat()
    high = serious.nav.trading_nav
    serious.control.move_price("SOLUSDT", "0.3333")
    serious.beat()
    assert low is not None
    assert high is not None
    assert high > low + 10_000

    state = declare(serious)

    assert abs(state.high_water_mark - high / low) < Decimal("0.01")
    assert state.origin_detail.startswith("stored NAV snapshots")


def test_money_that_came_after_the_high_does_not_water_it_down(serious: Stage):
    low = serious.nav.trading_nav
    serious.control.move_price("SOLUSDT", "3")
    serious.beat()
    high = serious.nav.trading_nav
    serious.control.move_price("SOLUSDT", "0.3333")
    serious.beat()
    serious.control.deposit("USDT", "100000")
    serious.beat()
    assert low is not None
    assert high is not None

    assert abs(declare(serious).high_water_mark - high / low) < Decimal("0.01")


def test_an_income_history_that_cannot_be_read_is_not_an_empty_one(serious: Stage):
    serious.control.set_fault("/fapi/v1/income", "drop")

    with pytest.raises(CommandRefused, match=r"venue income.*--accept-unread"):
        declare(serious)
    assert serious.fund.latest(PeakState) is None

    state = declare(serious, accept_unread=True)
    assert "venue income" in state.origin_detail


def test_a_stale_nav_is_no_baseline(serious: Stage):
    serious.clock.pass_by(timedelta(minutes=5))

    with pytest.raises(CommandRefused, match="fresh NAV"):
        declare(serious)


def test_a_nav_that_was_not_accepted_is_no_baseline(serious: Stage):
    serious.control.set_fault("/fapi/v3/positionRisk", "drop")
    serious.beat()

    with pytest.raises(CommandRefused, match="positions source_failed"):
        declare(serious)


def test_a_second_inception_is_refused(serious: Stage):
    declare(serious)

    with pytest.raises(CommandRefused, match="rebuild-peak"):
        declare(serious)


def test_an_inception_does_not_paper_over_lost_peak_states(serious: Stage):
    declare(serious)
    serious.beat()
    lose(serious, "peak_states")

    with pytest.raises(CommandRefused, match="rebuild-peak"):
        declare(serious)


@pytest.fixture
def risen(stage: Stage) -> Stage:
    """Once a tenth higher than now."""
    stage.control.realize("BTCUSDT", "14000")
    stage.beat(2)
    stage.control.realize("BTCUSDT", "-14000")
    stage.beat(2)
    assert peak(stage).high_water_mark > Decimal("1.09")
    return stage


@pytest.mark.finding("S1-DD-3")
def test_a_lost_peak_is_rebuilt_from_history_and_stays_closed_until_rearmed(risen: Stage):
    mark = peak(risen).high_water_mark
    lose(risen, "peak_states")
    assert reasons(risen.beat(3)) == {"drawdown_unavailable"}

    state = rebuild_peak(risen.fund, actor="ada", reason="the table was lost")

    assert state.high_water_mark == mark
    assert state.origin == "rebuild"
    assert state.origin_detail.startswith("rebuilt_from stored NAV snapshots")
    assert risen.beat(5).state is TradingState.HALTED
    assert rearm(risen.fund, actor="ada", reason="reviewed").state is TradingState.ACTIVE
    assert peak(risen).high_water_mark == mark


@pytest.mark.finding("S1-DD-4")
def test_after_the_disk_was_lost_the_venues_income_still_knows_the_mark(risen: Stage, tmp_path: Path):
    mark = peak(risen).high_water_mark
    with staged(tmp_path / "new disk", start=risen.clock.at) as fresh:
        fund = replace(risen.fund, store=fresh.fund.store, self_inception=False, two_people=True)
        emptied = Stage(
            fund=fund, control=risen.control, venue=risen.venue, clock=risen.clock, home=fresh.home
        )
        assert reasons(emptied.beat(2)) == {"drawdown_unavailable"}

        state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

        assert abs(state.high_water_mark - mark) < CLOSE
        assert "venue income" in state.origin_detail
        assert emptied.beat(4).state is TradingState.HALTED
        assert rearm(emptied.fund, actor="ada", reason="reviewed").state is TradingState.ACTIVE


def test_a_proposal_names_every_source_and_writes_nothing(risen: Stage):
    before = [risen.fund.store.rows(table, "main") for table in (PeakState, Command, NavSnapshot)]

    proposal = propose_peak(risen.fund)

    assert [found.source for found in proposal.candidates] == [
        "current NAV", "stored peak states", "stored NAV snapshots", "venue income",
        "published peak state", "history",
    ]  # fmt: skip
    told = [found.value is not None and found.as_of is not None for found in proposal.candidates]
    assert told == [True, True, True, True, False, False]
    assert proposal.high_water_mark == peak(risen).high_water_mark
    assert [risen.fund.store.rows(table, "main") for table in (PeakState, Command, NavSnapshot)] == before


def test_a_rebuild_never_lowers_the_mark(risen: Stage):
    mark = peak(risen).high_water_mark
    lose(risen, "nav_snapshots")
    risen.beat(3)

    assert rebuild_peak(risen.fund, actor="ada", reason="to be sure").high_water_mark >= mark


def test_a_rebuild_does_not_forgive_the_days_loss(risen: Stage):
    loss = peak(risen).daily_loss
    risen.control.realize("BTCUSDT", "-10000")
    risen.beat(2)
    assert peak(risen).daily_loss > loss
    lost_today = peak(risen).daily_loss

    state = rebuild_peak(risen.fund, actor="ada", reason="to be sure")

    assert state.daily_loss == lost_today


def test_a_second_rebuild_meets_the_latch_of_the_first(risen: Stage):
    rebuild_peak(risen.fund, actor="ada", reason="once")
    rebuild_peak(risen.fund, actor="ada", reason="twice")

    keys = [incident.key for incident in risen.fund.store.open_incidents("main")]
    assert keys == ["peak_rebuilt"]


def test_a_rebuild_without_the_venue_is_refused_unless_accepted(risen: Stage):
    risen.control.set_fault("/fapi/v1/income", "drop")

    with pytest.raises(CommandRefused, match="--accept-unread"):
        rebuild_peak(risen.fund, actor="ada", reason="in a hurry")

    assert rebuild_peak(risen.fund, actor="ada", reason="in a hurry", accept_unread=True).origin == "rebuild"


def income(kind: str, amount: str, *, asset: str = "USDT", second: int = 0, tran_id: str = "1") -> IncomeRow:
    return IncomeRow(
        account="main",
        income_type=kind,
        tran_id=tran_id,
        trade_id="",
        asset=asset,
        symbol="",
        occurred_at=NOON + timedelta(seconds=second),
        amount=Decimal(amount),
        info="",
        recorded_at=NOON,
    )


RATES = {"USDT": Decimal(1), "USDC": Decimal("0.999")}


def highest(nav: int, rows: list[IncomeRow]) -> Decimal:
    return path_from_income(Decimal(nav), [(step.value, step.is_flow) for step in income_steps(rows, RATES)])


@pytest.mark.parametrize(("out", "back"), [(1, 2), (2, 1)])
def test_between_the_legs_of_a_conversion_the_account_was_not_worth_one_leg(out: int, back: int):
    rows = [
        income("COIN_SWAP_WITHDRAW", "-50000", second=out, tran_id="7"),
        income("COIN_SWAP_DEPOSIT", "50050", asset="USDC", second=back, tran_id="7"),
    ]

    assert highest(60_000, rows) == pytest.approx(Decimal(1), abs=CLOSE)


def test_what_one_trade_booked_at_one_instant_is_one_step():
    rows = [income("REALIZED_PNL", "5000"), income("COMMISSION", "-5000")]

    assert [(step.value, step.is_flow) for step in income_steps(rows, RATES)] == [(Decimal(0), False)]


def test_a_type_of_income_that_nobody_knows_proves_nothing():
    with pytest.raises(SourceUnavailable, match="MYSTERY"):
        income_steps([income("MYSTERY", "1")], RATES)


@given(st.lists(st.integers(-400, 900), max_size=12))
def test_flows_alone_make_no_high(amounts: list[int]):
    rows = [
        income("TRANSFER", str(amount), second=place, tran_id=str(place))
        for place, amount in enumerate(amounts)
    ]

    assert highest(10_000, rows) == 1


@given(st.lists(st.integers(-400, 900), max_size=12))
def test_without_flows_the_path_is_the_running_worth(amounts: list[int]):
    rows = [income("REALIZED_PNL", str(amount), second=place) for place, amount in enumerate(amounts)]
    worths = [Decimal(10_000 - sum(amounts[place:])) for place in range(len(amounts))]
    expected = max([Decimal(1), *(worth / 10_000 for worth in worths)])

    assert highest(10_000, rows) == pytest.approx(expected, abs=Decimal("1e-9"))
