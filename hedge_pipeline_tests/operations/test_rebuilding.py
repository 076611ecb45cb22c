"""A store that is gone: its ledger of units and its mark go on from what is published and kept elsewhere."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline import cycle
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.flows import FlowPurpose, flow_key
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.verdicts import Command, TradingState
from hedge_pipeline.operations import (
    inception,
    propose_peak,
    rearm,
    rebuild_peak,
    register_flow,
    take_over,
)
from hedge_pipeline.operations.remembering import peak_path
from hedge_pipeline.publishing import publish
from hedge_pipeline_tests.fakes import MemoryPublisher, MemoryStage, memory_stage
from hedge_pipeline_tests.operations.conftest import HARDLY
from hedge_pipeline_tests.stage import Stage

EXACT = Decimal("1e-9")


def peak(fund: Fund) -> PeakState:
    state = fund.latest(PeakState)
    assert state is not None
    return state


@dataclass
class Emptied:
    """A fund whose store was deleted: a new one over the same venue, publisher and clock."""

    fund: Fund
    before: PeakState
    """What the lost store said last."""
    survivor: MemoryStage
    """The same fund, had its store not been lost."""

    def beat(self, times: int = 1) -> TradingState:
        """Both live on."""
        for _ in range(times):
            self.survivor.beat()
            cycle.run_cycle(self.fund)
        return cycle.judge(self.fund).state

    def book(self, income_type: str, amount: int) -> None:
        self.survivor.clock.pass_by(300)
        self.survivor.venue.move(income_type, amount)


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Emptied]:
    """It once stood a tenth higher, took money in, and is published; then its store was deleted."""
    home = tmp_path / "home"
    home.mkdir()
    survivor = memory_stage(home, limits={"daily_loss": HARDLY})
    for income_type, amount in (("REALIZED_PNL", 10_000), ("REALIZED_PNL", -10_000), ("TRANSFER", 30_000)):
        survivor.beat(2)
        survivor.venue.move(income_type, amount)
    survivor.beat(2)
    publish(survivor.fund)
    before = survivor.peak
    assert before.drawdown > Decimal("0.09")
    with closing(open_state_store(f"sqlite:///{tmp_path}/new/state.sqlite", create=True)) as store:
        yield Emptied(fund=replace(survivor.fund, store=store), before=before, survivor=survivor)
    survivor.close()


def published(emptied: Emptied) -> dict[str, Any]:
    publisher = emptied.fund.publisher
    assert isinstance(publisher, MemoryPublisher)
    return publisher.documents[peak_path("dev")]


@pytest.mark.finding("S1-DD-4")
def test_from_a_deleted_store_to_trading_again(stage: Stage, tmp_path: Path):
    stage.control.realize("BTCUSDT", "14000")
    stage.beat(2)
    stage.control.realize("BTCUSDT", "-14000")
    stage.beat(2)
    publish(stage.fund)
    before = peak(stage.fund)
    with closing(open_state_store(f"sqlite:///{tmp_path}/new/state.sqlite", create=True)) as store:
        stage.fund = replace(stage.fund, store=store)
        assert stage.beat(4).state is TradingState.HALTED
        plan = propose_peak(stage.fund)
        told = {found.source: (found.value, found.as_of) for found in plan.candidates}
        assert told["published peak state"] == (before.high_water_mark, before.as_of)
        assert told["venue income"][1] is not None

        state = rebuild_peak(stage.fund, actor="ada", reason="the disk died")

        assert state.high_water_mark == max(value for value, _ in told.values() if value is not None)
        assert state.account_units == before.account_units
        assert stage.beat(4).state is TradingState.HALTED, "until somebody re-arms"
        assert rearm(stage.fund, actor="ada", reason="reviewed").state is TradingState.ACTIVE
        assert stage.beat().state is TradingState.ACTIVE
        assert peak(stage.fund).high_water_mark == state.high_water_mark


@pytest.mark.finding("S1-DD-4")
def test_after_the_store_was_deleted_the_published_ledger_goes_on(emptied: Emptied):
    assert emptied.beat(4) is TradingState.HALTED
    assert emptied.fund.latest(PeakState) is None, "not even in paper is an emptied store a first run"

    plan = propose_peak(emptied.fund)
    by_source = {found.source: found for found in plan.candidates}
    mark = emptied.before.high_water_mark
    assert by_source["published peak state"].value == mark
    assert by_source["published peak state"].as_of == emptied.before.as_of
    assert all(found.as_of is not None for found in plan.candidates if found.value is not None)
    assert plan.high_water_mark == max(found.value for found in plan.candidates if found.value is not None)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert state.high_water_mark == mark
    assert state.account_units == emptied.before.account_units
    assert state.drawdown == emptied.before.drawdown
    assert emptied.beat(4) is TradingState.HALTED, "until somebody re-arms"
    assert rearm(emptied.fund, actor="ada", reason="reviewed").state is TradingState.ACTIVE
    assert emptied.beat() is TradingState.ACTIVE
    assert peak(emptied.fund).high_water_mark == state.high_water_mark


@pytest.mark.finding("S1-DD-4")
def test_the_rebuilt_ledger_is_published_again_once_it_took_the_lost_writers_place(emptied: Emptied):
    emptied.beat(2)
    rebuild_peak(emptied.fund, actor="ada", reason="the disk died")
    emptied.beat()
    lost = published(emptied)["writer_id"]
    before = dict(published(emptied))

    publish(emptied.fund)
    assert published(emptied) == before, "another store's document is not overwritten"

    take_over(emptied.fund, actor="ada", reason="the disk died", writer=lost)
    publish(emptied.fund)
    assert published(emptied)["writer_id"] == emptied.fund.store.store_id
    assert Decimal(published(emptied)["high_water_mark"]) >= Decimal(before["high_water_mark"])


def test_a_deposit_since_the_publication_is_no_performance(emptied: Emptied):
    emptied.book("TRANSFER", 50_000)
    emptied.beat(2)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert abs(state.account_units - emptied.survivor.peak.account_units) < EXACT
    assert abs(state.drawdown - emptied.survivor.peak.drawdown) < EXACT


def test_an_outflow_that_no_store_remembers_is_a_loss_until_somebody_says_otherwise(emptied: Emptied):
    emptied.book("TRANSFER", -40_000)
    emptied.beat(2)
    plan = propose_peak(emptied.fund)
    (key,) = plan.unspoken
    lost = 1 - plan.footing.nav_per_unit / plan.high_water_mark
    assert lost > Decimal("0.35")

    with pytest.raises(CommandRefused, match=rf"{key}.*--redeemed KEY or --lost KEY"):
        rebuild_peak(emptied.fund, actor="ada", reason="the disk died")
    assert emptied.fund.latest(PeakState) is None

    as_loss = propose_peak(emptied.fund, spoken={key: FlowPurpose.LOSS})
    assert as_loss.unspoken == ()
    assert as_loss.footing.units == plan.footing.units
    state = rebuild_peak(
        emptied.fund, actor="ada", reason="the disk died", spoken={key: FlowPurpose.REDEMPTION}
    )
    assert abs(state.drawdown - emptied.before.drawdown) < EXACT


def test_the_days_loss_goes_on_too(emptied: Emptied):
    emptied.book("REALIZED_PNL", -9000)
    emptied.beat(2)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert state.day_open == emptied.before.day_open
    assert abs(state.daily_loss - emptied.survivor.peak.daily_loss) < EXACT
    assert state.daily_loss > Decimal("0.04")


def test_the_days_open_is_the_published_one_even_where_income_tells_another(emptied: Emptied):
    published(emptied)["day_open"] = "1.25"
    emptied.beat(2)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert state.day_open == Decimal("1.25")
    assert state.day_open_as_of == emptied.before.day_open_as_of
    assert abs(state.daily_loss - Decimal("0.2")) < EXACT


def test_a_day_that_began_since_opens_at_the_last_published_nav_per_unit(emptied: Emptied):
    emptied.survivor.clock.pass_by(86_400)
    emptied.book("REALIZED_PNL", -13_000)
    emptied.beat(2)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert (state.day_open, state.day_open_as_of) == (emptied.before.nav_per_unit, emptied.before.as_of)
    assert abs(state.daily_loss - emptied.survivor.peak.daily_loss) < EXACT
    assert state.daily_loss > Decimal("0.09")


def test_without_any_ledger_the_days_open_is_what_income_tells(emptied: Emptied):
    emptied.book("REALIZED_PNL", -9000)
    emptied.beat()
    fund = replace(emptied.fund, publisher=MemoryPublisher(), self_inception=False)
    emptied.fund = fund
    emptied.beat()

    state = rebuild_peak(fund, actor="ada", reason="all is lost")

    assert state.account_units == propose_peak(fund).footing.nav
    assert state.daily_loss > Decimal("0.04")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"schema_version": None}, "unversioned.*hedge import --firestore"),
        ({"account": "other"}, "account other"),
        ({"env": "prod"}, "env is not dev"),
        ({"high_water_mark": "0"}, "high_water_mark"),
        ({"high_water_mark": "NaN"}, "high_water_mark"),
        ({"high_water_mark": 1.1}, "high_water_mark"),
        ({"as_of": timedelta(minutes=30)}, "from the future"),
        ({"numeraire": "BTC"}, "counts in BTC"),
        ({"nav_per_unit": "-1", "drawdown": "2"}, "no ledger goes on"),
        ({"surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_published_state_is_not_believed_unless_it_is_ours_and_whole(
    emptied: Emptied, changed: dict[str, Any], why: str
):
    document = published(emptied)
    for field, value in changed.items():
        if value is None:
            del document[field]
        elif isinstance(value, timedelta):
            late = document[field] + value
            document.update({field: late, "published_at": late, "expires_at": late + timedelta(minutes=2)})
        else:
            document[field] = value
    emptied.beat(2)

    with pytest.raises(CommandRefused, match=rf"published peak state: .*{why}.*--accept-unread"):
        rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died", accept_unread=True)
    assert "published peak state" in state.origin_detail


def test_a_publisher_that_does_not_answer_is_not_one_without_a_document(emptied: Emptied):
    publisher = emptied.fund.publisher
    assert isinstance(publisher, MemoryPublisher)
    emptied.beat(2)
    publisher.failing.add("*")

    with pytest.raises(CommandRefused, match=r"published peak state.*--accept-unread"):
        rebuild_peak(emptied.fund, actor="ada", reason="the disk died")


def test_a_remembered_account_has_no_inception(emptied: Emptied):
    emptied.fund = replace(emptied.fund, self_inception=False)
    emptied.beat(2)

    with pytest.raises(CommandRefused, match="rebuild-peak"):
        inception(emptied.fund, actor="ada", approver="bob", reason="as if nothing had been")

    assert emptied.fund.store.rows(Command, "main") == []


def minute(at: datetime, state: PeakState, high: Decimal) -> Minute:
    return Minute(
        account="main",
        minute=at.replace(second=0, microsecond=0),
        day=at.date(),
        open=high,
        high=high,
        low=state.nav_per_unit,
        close=state.nav_per_unit,
        account_units=state.account_units,
        trading_nav=state.nav_per_unit * state.account_units,
        nav_usd=None,
        aum_usd=None,
        aum_complete=None,
        high_water_mark=None,
        drawdown=None,
        nav_ordinal=state.nav_ordinal,
        closed_at=at,
        attempts=1,
        accepted=1,
    )


def test_history_remembers_the_ledger_where_nothing_is_published(emptied: Emptied, tmp_path: Path):
    history = HistoryFiles(tmp_path / "history")
    before = emptied.before
    history.write_day(Minute, before.day, [minute(before.as_of, before, Decimal("1.5"))], at=before.as_of)
    emptied.fund = replace(emptied.fund, publisher=MemoryPublisher(), history=history, self_inception=False)
    emptied.beat(2)

    state = rebuild_peak(emptied.fund, actor="ada", reason="the disk died")

    assert state.account_units == before.account_units
    assert state.high_water_mark == Decimal("1.5")
    assert state.origin_detail.startswith("rebuilt_from history: 1.5")


events = st.lists(
    st.tuples(st.sampled_from(["gain", "deposit", "withdraw"]), st.integers(1, 9)), min_size=1, max_size=4
)


@pytest.mark.long
@settings(max_examples=15)
@given(before=events, after=events, lose_first=st.booleans())
@pytest.mark.finding("S1-DD-4")
def test_a_rebuilt_drawdown_is_the_one_the_lost_store_would_show(
    before: list[tuple[str, int]],
    after: list[tuple[str, int]],
    lose_first: bool,  # noqa: FBT001 - hypothesis passes it by name
):
    """Exact where no unrealized PnL hides; flows are announced to the survivor and spoken for in the rebuild."""
    home = Path(tempfile.mkdtemp(prefix="hedge-rebuild-"))
    survivor = memory_stage(home)
    try:
        survivor.beat()
        for number, event in enumerate([*before, ("gain", 3), ("gain", -6 if lose_first else 2)]):
            _happen(survivor, event, number)
        publish(survivor.fund)
        for number, event in enumerate(after):
            _happen(survivor, event, number + 100)
        with closing(open_state_store(f"sqlite:///{home}/new.sqlite", create=True)) as store:
            fund = replace(survivor.fund, store=store, self_inception=False)
            cycle.run_cycle(fund)
            cycle.run_cycle(survivor.fund)
            spoken = {
                flow_key(booking.row): FlowPurpose.REDEMPTION
                for booking in survivor.venue.bookings
                if booking.row.income_type == "TRANSFER"
            }
            state = rebuild_peak(fund, actor="ada", reason="the disk died", spoken=spoken)

        expected = survivor.peak
        assert abs(state.account_units / expected.account_units - 1) < EXACT
        assert abs(state.drawdown - expected.drawdown) < EXACT
        assert abs(state.high_water_mark - expected.high_water_mark) < EXACT
        assert abs(state.daily_loss - expected.daily_loss) < EXACT
    finally:
        survivor.close()
        shutil.rmtree(home)


def _happen(stage: MemoryStage, event: tuple[str, int], number: int) -> None:
    kind, size = event
    amount = Decimal(size * 1000)
    stage.clock.pass_by(30)
    if kind == "gain":
        stage.venue.move("REALIZED_PNL", amount)
    elif kind == "deposit":
        stage.venue.move("TRANSFER", amount)
    else:
        register_flow(
            stage.fund,
            purpose=FlowPurpose.REDEMPTION,
            asset="USDT",
            amount=-amount,
            window_from=stage.clock.at,
            window_until=stage.clock.at + timedelta(minutes=1),
            actor="ada",
            approver="bob",
            reason=f"investor {number}",
        )
        stage.venue.move("TRANSFER", -amount)
    stage.beat()
