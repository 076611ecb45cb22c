"""Money that comes and goes, in every way it can: announced or not, its income row early, late or never, with or without a loss.

Half of the fund moves. Whatever the order in which wallet and income list tell of it, NAV per unit ends where the
loss alone would have put it, and on the way nothing is traded on a figure that is not known.
"""

import shutil
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product
from pathlib import Path

import pytest

from hedge_pipeline.domain.account import IncomeRow, PositionSide
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowPurpose
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import BreachKind, TradingState
from hedge_pipeline.paper.endpoints import ACCOUNT, INCOME
from hedge_pipeline.paper.seed import AccountSeed
from hedge_pipeline.read_model import waiting_flows
from hedge_pipeline_tests.examples import NOON, SECOND, classification, instruction
from hedge_pipeline_tests.fakes import MemoryStage, memory_stage
from hedge_pipeline_tests.stage import Stage, staged

HALF = Decimal(50_000)
LOSS = Decimal(30_000)
ONE = Decimal(1)
EXACT = Decimal("1e-12")
PURPOSE = {1: FlowPurpose.SUBSCRIPTION, -1: FlowPurpose.REDEMPTION}
SETTLING_BEATS = 4


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a fund that has been trading for two minutes."""
    home = tmp_path_factory.mktemp("settled")
    stage = memory_stage(home)
    assert stage.beat(SETTLING_BEATS).state is TradingState.ACTIVE
    stage.close()
    return home


@pytest.fixture
def stage(settled: Path, tmp_path: Path) -> Iterator[MemoryStage]:
    shutil.copyfile(settled / "state.sqlite", tmp_path / "state.sqlite")
    stage = memory_stage(tmp_path, at=NOON + SETTLING_BEATS * 30 * SECOND)
    yield stage
    check_the_wallet_identity(stage)
    check_what_never_changes(stage)
    stage.close()


def check_the_wallet_identity(stage: MemoryStage) -> None:
    """Per asset and between any two accepted snapshots: change of wallet = income rows inside + classified residuals."""
    rows = stage.fund.store.income_outside("main", through_at=NOON - SECOND * 86_400, through_seq=0)
    flows = stage.fund.store.rows(Flow, "main")
    for before, after in pairwise(stage.accepted):
        assert before.baseline is not None
        assert after.baseline is not None
        inside = [
            {seq for seq, row in rows if row.occurred_at <= b.through_at and seq <= b.through_seq}
            for b in (before.baseline, after.baseline)
        ]
        assert inside[0] <= inside[1], "a row that was inside stays inside"
        explained: dict[str, Decimal] = {}
        for seq, row in rows:
            if seq in inside[1] - inside[0]:
                explained[row.asset] = explained.get(row.asset, Decimal(0)) + row.amount
        for flow in flows:
            if flow.nav_ordinal == after.ordinal and flow.flow_key.startswith("residual:"):
                explained[flow.asset] = explained.get(flow.asset, Decimal(0)) + flow.amount
        wallets = dict(before.baseline.wallet), dict(after.baseline.wallet)
        for asset in wallets[0].keys() | wallets[1].keys():
            change = wallets[1].get(asset, Decimal(0)) - wallets[0].get(asset, Decimal(0))
            assert abs(change - explained.get(asset, Decimal(0))) <= Decimal("1e-8")


def check_what_never_changes(stage: MemoryStage) -> None:
    """Whatever flowed: the mark never falls, units are worth the NAV, and nothing is known of what was not accepted."""
    for snapshot in stage.navs:
        if not snapshot.accepted:
            assert snapshot.nav_per_unit is None
            assert snapshot.problems
    assert all(
        abs(snapshot.account_units * snapshot.nav_per_unit - (snapshot.trading_nav or 0)) <= Decimal("1e-6")
        for snapshot in stage.accepted
        if snapshot.account_units and snapshot.nav_per_unit is not None
    )


def transfer(stage: MemoryStage, amount: Decimal, time: str) -> IncomeRow:
    listed = {"early": 0, "late": 45, "never": None}[time]
    return stage.venue.move(
        "TRANSFER", amount, listed_after=listed, in_wallet_after=20 if time == "early" else 0
    )


def per_unit(stage: MemoryStage) -> Decimal:
    assert stage.nav.nav_per_unit is not None
    return stage.nav.nav_per_unit


def classify(stage: MemoryStage, purpose: FlowPurpose) -> str:
    """Say what the one flow was that the fund cannot go on without."""
    (waiting,) = waiting_flows(stage.fund, stage.nav)
    stage.fund.store.append(classification(waiting.flow_key, purpose))
    return waiting.flow_key


@pytest.mark.parametrize("loses", [False, True], ids=["no loss", "a loss"])
@pytest.mark.parametrize("time", ["early", "late", "never"])
@pytest.mark.parametrize("direction", [1, -1], ids=["in", "out"])
@pytest.mark.parametrize("registered", [True, False], ids=["registered", "unregistered"])
def test_a_flow_leaves_performance_alone(
    stage: MemoryStage, *, registered: bool, direction: int, time: str, loses: bool
):
    amount = direction * HALF
    units = stage.nav.account_units
    assert units == 100_000
    if registered:
        stage.fund.store.append(instruction(amount, PURPOSE[direction]))

    stage.clock.pass_by(20)
    if loses:
        stage.venue.move("REALIZED_PNL", -LOSS)
        stage.clock.pass_by(1)
    transfer(stage, amount, time)
    stage.beat(seconds=9)

    nav_before = Decimal(100_000) - (LOSS if loses else 0)
    expected = nav_before / 100_000
    if time == "early" and not loses:
        assert stage.nav.accepted
        assert stage.nav.trading_nav == 100_000, "the wallet has not moved yet"
        assert per_unit(stage) == ONE
    if time != "early":
        assert not stage.nav.reconciled
        assert stage.decisions[-1].state is TradingState.HALTED
        assert stage.latches == set()
        assert stage.nav.last_good_nav_per_unit == stage.peak.nav_per_unit == ONE, "frozen"

    if time == "never":
        frozen = stage.peak
        stage.beat(6)
        assert stage.latches == set(), "inside the three minutes of grace"
        stage.beat()
        assert stage.latches == {"unexplained_balance_change"}
        assert stage.peak == frozen
        classify(stage, PURPOSE[direction])
    stage.beat(3)
    assert stage.nav.accepted

    if not registered and direction < 0 and time != "never":
        assert "unregistered_outflow" in stage.latches
        assert stage.nav.account_units == units, "units do not move until somebody says what it was"
        assert stage.nav.trading_nav == nav_before - HALF
        assert stage.nav.nav_per_unit is None, "a loss or a redemption: nobody can say yet"
        assert stage.nav.fund_nav_per_unit is None
        assert stage.peak.nav_per_unit in {ONE, expected}, "as it was before the outflow"
        classify(stage, FlowPurpose.REDEMPTION)
        stage.beat(3)

    assert abs(per_unit(stage) - expected) <= EXACT
    assert stage.nav.account_units is not None
    assert abs(stage.nav.account_units - 100_000 * (nav_before + amount) / nav_before) <= Decimal("1e-9")
    assert stage.peak.high_water_mark == ONE
    assert abs(stage.peak.drawdown - (1 - expected)) <= EXACT
    assert abs(stage.peak.daily_loss - (1 - expected)) <= EXACT
    assert stage.nav.fund_nav_per_unit is not None
    assert abs(stage.nav.fund_nav_per_unit - expected) <= EXACT
    assert stage.nav.fund_units is not None
    assert abs(stage.nav.fund_units - stage.nav.account_units) <= Decimal("1e-9"), (
        "investors' money both times"
    )
    labeled = any(label.code == "unregistered_inflow" for snapshot in stage.navs for label in snapshot.labels)
    assert labeled is (not registered and direction > 0 and time != "never")

    if loses:
        assert "nav_drawdown_limit" in stage.latches
    if registered and not loses and time != "never":
        assert stage.latches == set()
        assert stage.beat(3).state is TradingState.ACTIVE
        halted = [d for d in stage.decisions if d.state is TradingState.HALTED]
        assert bool(halted) is (time == "late")
    if not loses:
        stage.rearm()
        assert stage.beat(3).state is TradingState.ACTIVE, "with the figures right again, trading may go on"


def test_a_loss_of_half_shows_and_closes(stage: MemoryStage):
    stage.clock.pass_by(20)
    stage.venue.move("REALIZED_PNL", -HALF)
    stage.beat(2, seconds=10)

    assert per_unit(stage) == Decimal("0.5")
    assert stage.peak.drawdown == Decimal("0.5")
    assert stage.peak.realized_pnl_today == -HALF
    assert stage.decisions[-1].state is TradingState.HALTED
    assert "nav_drawdown_limit" in stage.latches


@pytest.mark.finding("X-24")
def test_an_unrealized_loss_counts_from_the_first_cycles_on(tmp_path: Path):
    stage = memory_stage(tmp_path, book={("BTCUSDT", PositionSide.LONG): (Decimal(2), Decimal(50_000))})
    stage.beat()
    stage.venue.marks["BTCUSDT"] = Decimal(35_000)
    stage.beat(2)

    assert stage.venue.wallet() == {"USDT": Decimal(100_000)}, "not a cent of the wallet has moved"
    assert stage.peak.drawdown == Decimal("0.3")
    assert stage.decisions[-1].state is TradingState.HALTED
    assert "nav_drawdown_limit" in stage.latches
    stage.close()


def test_flows_while_an_outflow_is_unclassified_are_exact_once_it_is(stage: MemoryStage):
    """Neither what flowed after it nor what flowed beside it has paid for it."""
    stage.fund.store.append(
        instruction(HALF, FlowPurpose.SUBSCRIPTION), instruction(-10_000, FlowPurpose.REDEMPTION)
    )
    stage.venue.move("TRANSFER", -HALF)
    stage.venue.move("TRANSFER", -10_000)
    stage.beat()
    stage.venue.move("REALIZED_PNL", -4_000)
    stage.beat()
    stage.venue.move("TRANSFER", HALF)
    stage.beat()
    (key,) = {flow.flow_key for flow in stage.nav.unclassified}
    stage.fund.store.append(classification(key, FlowPurpose.REDEMPTION))
    stage.beat()

    # 100 − 50 − 10 = 40 thousand at 1; 36 after the loss at 0.9; 50 more at 0.9.
    assert abs(per_unit(stage) - Decimal("0.9")) <= EXACT
    assert stage.nav.account_units is not None
    assert abs(stage.nav.account_units - (40_000 + HALF / Decimal("0.9"))) <= Decimal("1e-9")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("purposes", list(product((FlowPurpose.REDEMPTION, FlowPurpose.LOSS), repeat=2)))
def test_outflows_of_one_instant_are_exact_whatever_each_was(
    stage: MemoryStage, purposes: tuple[FlowPurpose, FlowPurpose], order: tuple[int, int]
):
    amounts = (Decimal(-20_000), Decimal(-30_000))
    rows = [stage.venue.move("TRANSFER", amount) for amount in amounts]
    stage.beat()
    for i in order:
        (key,) = [flow.flow_key for flow in stage.nav.unclassified if flow.amount == rows[i].amount]
        stage.fund.store.append(classification(key, purposes[i]))
        stage.beat()

    lost = sum((a for a, p in zip(amounts, purposes, strict=True) if p is FlowPurpose.LOSS), Decimal(0))
    assert stage.nav.unclassified == ()
    assert abs(per_unit(stage) - (100_000 + lost) / 100_000) <= EXACT


def test_a_classified_loss_beside_a_redemption_shows_exactly_the_loss(stage: MemoryStage):
    """Half is gone without a row, and of the rest half is redeemed."""
    stage.fund.store.append(instruction(-25_000))
    stage.venue.move("ADJUSTMENT", -HALF, listed_after=None)
    stage.venue.move("TRANSFER", -25_000)
    stage.beat(2)
    classify(stage, FlowPurpose.LOSS)
    stage.beat()

    assert stage.nav.accepted
    assert abs(per_unit(stage) - Decimal("0.5")) <= EXACT
    stage.beat(3)
    assert stage.nav.accepted, "rows absorbed with the classified residual are not pending again"
    assert abs(per_unit(stage) - Decimal("0.5")) <= EXACT


def test_what_was_said_about_one_change_says_nothing_about_a_larger_one(stage: MemoryStage):
    stage.venue.move("ADJUSTMENT", -10_000, listed_after=None)
    stage.beat(2)
    classify(stage, FlowPurpose.REDEMPTION)
    stage.venue.move("ADJUSTMENT", -20_000, listed_after=None)
    stage.beat()

    assert not stage.nav.accepted
    assert stage.nav.account_units == 100_000


def test_a_row_that_comes_after_its_latch_explains_the_change_and_a_person_still_re_arms(stage: MemoryStage):
    stage.fund.store.append(instruction(-HALF))
    stage.venue.move("TRANSFER", -HALF, listed_after=300)
    stage.beat(9)
    assert stage.latches == {"unexplained_balance_change"}

    stage.beat(4)

    assert stage.nav.accepted
    assert per_unit(stage) == ONE
    assert stage.decisions[-1].state is TradingState.HALTED
    stage.rearm()
    assert stage.beat().state is TradingState.ACTIVE


def test_all_units_redeemed_is_dormant_and_restarts_where_it_ended(stage: MemoryStage):
    stage.fund.store.append(
        instruction(-90_000), instruction(40_000, FlowPurpose.SUBSCRIPTION), instruction(10_000)
    )
    stage.venue.move("REALIZED_PNL", -10_000)
    stage.venue.move("TRANSFER", -90_000)
    stage.beat()
    assert stage.nav.account_units == 0
    assert stage.nav.fund_units == 0
    assert per_unit(stage) == Decimal("0.9"), "the loss before the redemption is not forgotten"
    assert stage.decisions[-1].dormant

    stage.venue.move("TRANSFER", 40_000)
    stage.beat(3)
    assert per_unit(stage) == Decimal("0.9")
    assert stage.nav.fund_nav_per_unit == Decimal("0.9")
    assert stage.peak.high_water_mark == ONE
    assert stage.peak.drawdown == Decimal("0.1")
    assert not stage.decisions[-1].dormant


def test_no_unit_is_issued_where_a_unit_is_worth_nothing(stage: MemoryStage):
    """An account below zero is topped up: that is neither performance nor priced."""
    stage.venue.move("REALIZED_PNL", -110_000)
    stage.beat()
    stage.fund.store.append(instruction(HALF, FlowPurpose.SUBSCRIPTION))
    stage.venue.move("TRANSFER", HALF)
    before = stage.peak
    stage.beat(3)

    assert stage.nav.accepted
    assert stage.nav.trading_nav == 40_000
    assert stage.nav.account_units == 100_000
    assert stage.nav.nav_per_unit is None, "divided by the old units, the money would look like a gain"
    assert stage.peak == before
    assert stage.decisions[-1].state is TradingState.HALTED


def test_a_withdrawal_of_all_that_nobody_announced_waits_with_what_came_after_it(stage: MemoryStage):
    stage.venue.move("TRANSFER", -100_000)
    stage.beat()
    stage.venue.move("TRANSFER", HALF)
    stage.beat()
    assert [flow.amount for flow in stage.nav.unclassified] == [-100_000, HALF]
    key = next(flow.flow_key for flow in stage.nav.unclassified if flow.amount < 0)
    stage.fund.store.append(classification(key, FlowPurpose.REDEMPTION))
    stage.beat()

    assert stage.nav.unclassified == ()
    assert per_unit(stage) == ONE
    assert stage.nav.account_units == HALF


def test_an_asset_withdrawn_to_the_last_is_still_priced(stage: MemoryStage):
    """The account no longer holds any of it, so nobody would ask for its price."""
    stage.venue.usd["BNB"] = Decimal(500)
    stage.fund.store.append(
        instruction(20, FlowPurpose.SUBSCRIPTION, asset="BNB"), instruction(-20, asset="BNB")
    )
    stage.venue.move("TRANSFER", 20, "BNB")
    stage.beat(2)
    assert stage.nav.trading_nav == 110_000
    assert per_unit(stage) == ONE

    stage.venue.move("TRANSFER", -20, "BNB")
    stage.beat(2)
    assert stage.nav.accepted
    assert stage.nav.trading_nav == 100_000
    assert per_unit(stage) == ONE
    assert stage.nav.account_units == 100_000


def test_an_asset_without_a_price_that_flowed_is_told_not_taken_for_nothing(stage: MemoryStage):
    stage.venue.move("TRANSFER", 20, "BNB")
    stage.venue.move("TRANSFER", -20, "BNB")
    stage.beat()

    assert not stage.nav.accepted
    assert [problem.code for problem in stage.nav.problems] == ["incomplete"]
    assert "BNB" in stage.nav.problems[0].message


class TestBetweenVenueAndTreasury:
    """Three tenths of the fund move between its two pockets; no investor's figure moves at any accepted instant."""

    AMOUNT = Decimal(30_000)

    @pytest.fixture
    def pockets(self, stage: MemoryStage) -> MemoryStage:
        stage.holdings.treasury["USDT"] = Decimal(70_000)
        stage.beat()
        return stage

    def check(self, stage: MemoryStage, since: NavSnapshot) -> None:
        for snapshot in stage.accepted:
            if snapshot.ordinal >= since.ordinal:
                assert snapshot.fund_nav_per_unit == since.fund_nav_per_unit
                assert snapshot.fund_units == since.fund_units
                assert snapshot.aum_usd == since.aum_usd
                assert snapshot.nav_per_unit == since.nav_per_unit

    @pytest.mark.parametrize("direction", [1, -1])
    @pytest.mark.parametrize("treasury_first", [False, True])
    @pytest.mark.parametrize("time", ["early", "late"])
    def test_a_registered_transfer(
        self, pockets: MemoryStage, *, direction: int, treasury_first: bool, time: str
    ):
        stage, since, amount = pockets, pockets.nav, direction * self.AMOUNT
        stage.fund.store.append(instruction(amount, FlowPurpose.TREASURY_TRANSFER))
        legs = [
            lambda: transfer(stage, amount, time),
            lambda: stage.holdings.treasury.update(USDT=70_000 - amount),
        ]
        for leg in reversed(legs) if treasury_first else legs:
            stage.clock.pass_by(25)
            leg()
            stage.beat(seconds=5)
            stage.beat(3)
            assert stage.nav.accepted

        self.check(stage, since)
        between = [s.in_transit_usd for s in stage.accepted if s.ordinal > since.ordinal]
        assert {abs(usd) for usd in between} == {0, self.AMOUNT}
        assert stage.nav.in_transit == ()
        assert stage.nav.treasury_usd == 70_000 - amount
        assert not any(snapshot.labels for snapshot in stage.accepted if snapshot.ordinal > since.ordinal)
        assert stage.latches == set()

    def test_it_arrives_in_parts(self, pockets: MemoryStage):
        stage, since = pockets, pockets.nav
        stage.fund.store.append(instruction(-self.AMOUNT, FlowPurpose.TREASURY_TRANSFER))
        stage.venue.move("TRANSFER", -self.AMOUNT)
        stage.beat()
        for held in (80_000, 99_999):
            stage.holdings.treasury["USDT"] = Decimal(held)
            stage.beat()

        self.check(stage, since)
        assert [entry.amount for entry in stage.nav.in_transit] == [1]

    @pytest.mark.parametrize("purpose", [FlowPurpose.TREASURY_TRANSFER, FlowPurpose.REDEMPTION])
    def test_the_treasury_may_be_edited_before_anybody_says_what_the_outflow_was(
        self, pockets: MemoryStage, purpose: FlowPurpose
    ):
        stage, since = pockets, pockets.nav
        stage.venue.move("TRANSFER", -self.AMOUNT)
        stage.beat()
        stage.holdings.treasury["USDT"] = Decimal(100_000)
        stage.beat()
        assert not stage.nav.aum_complete
        classify(stage, purpose)
        stage.beat(2)

        assert stage.nav.in_transit == ()
        assert stage.nav.nav_per_unit == ONE
        assert stage.nav.aum_usd == 170_000
        if purpose is FlowPurpose.TREASURY_TRANSFER:
            assert stage.nav.fund_units == since.fund_units
            assert stage.nav.fund_nav_per_unit == since.fund_nav_per_unit

    def test_a_change_no_transfer_explains_is_told(self, pockets: MemoryStage):
        pockets.holdings.treasury["USDT"] = Decimal(60_000)
        pockets.beat()

        assert [label.code for label in pockets.nav.labels] == ["treasury_changed"]
        assert pockets.nav.fund_units == 100_000
        assert pockets.nav.aum_usd == 160_000

    def test_money_too_long_on_its_way_is_told(self, pockets: MemoryStage):
        stage = pockets
        stage.fund.store.append(instruction(-self.AMOUNT, FlowPurpose.TREASURY_TRANSFER))
        stage.venue.move("TRANSFER", -self.AMOUNT)
        stage.beat(2, seconds=43_210)

        (breach,) = [b for b in stage.decisions[-1].breaches if b.reason == "transfer_late"]
        assert breach.kind is BreachKind.WARNING


def test_a_classification_is_a_row_and_changes_nothing_by_itself(stage: MemoryStage):
    stage.fund.store.append(classification("TRANSFER:404", FlowPurpose.LOSS))
    stage.beat()

    assert per_unit(stage) == ONE
    assert len(stage.fund.store.rows(FlowClassification, "main")) == 1


class TestOverTheWire:
    """The same through the paper venue, its HTTP and the real client: the fault is the venue's, not a fake's."""

    SEED = AccountSeed(balances={"USDT": Decimal(100_000)}, positions=())

    @pytest.fixture
    def wire(self, tmp_path: Path) -> Iterator[Stage]:
        with staged(tmp_path / "home", account=self.SEED) as stage:
            stage.beat(SETTLING_BEATS)
            assert stage.nav.nav_per_unit == ONE
            yield stage

    @pytest.mark.parametrize("loses", [False, True], ids=["no loss", "a loss"])
    @pytest.mark.parametrize("time", ["early", "late", "never"])
    @pytest.mark.parametrize("direction", [1, -1], ids=["in", "out"])
    @pytest.mark.parametrize("registered", [True, False], ids=["registered", "unregistered"])
    def test_a_flow_leaves_performance_alone(
        self, wire: Stage, *, registered: bool, direction: int, time: str, loses: bool
    ):
        nav_before = Decimal(100_000) - (LOSS if loses else 0)
        expected = nav_before / 100_000
        store = wire.fund.store
        if registered:
            store.append(instruction(direction * HALF, PURPOSE[direction]))
        wire.clock.pass_by(20 * SECOND)
        if loses:
            wire.control.realize("BTCUSDT", -LOSS)
            wire.clock.pass_by(SECOND)
        match time:
            case "early":
                wire.control.set_fault(ACCOUNT, "wallet_lag", seconds=20)
            case "late":
                wire.control.set_fault(INCOME, "income_lag", seconds=45)
            case _:
                wire.control.set_fault(INCOME, "hide_income", income_type="TRANSFER")
        move = wire.control.deposit if direction > 0 else wire.control.withdraw
        move("USDT", HALF)
        wire.clock.pass_by(-21 * SECOND)
        wire.beat()
        if time == "early":
            assert wire.nav.accepted
            assert wire.nav.trading_nav == 100_000, "the wallet has not moved yet"
        else:
            assert not wire.nav.reconciled
            assert latches(wire) == set()

        if time == "never":
            wire.beat(7)
            assert latches(wire) == {"unexplained_balance_change"}
            self.classify(wire, PURPOSE[direction])
        wire.beat(3)
        assert wire.nav.accepted
        if not registered and direction < 0 and time != "never":
            assert "unregistered_outflow" in latches(wire)
            assert wire.nav.account_units == 100_000
            assert wire.nav.nav_per_unit is None
            self.classify(wire, FlowPurpose.REDEMPTION)
            wire.beat()

        state = wire.fund.latest(PeakState)
        assert state is not None
        assert wire.nav.nav_per_unit is not None
        assert abs(wire.nav.nav_per_unit - expected) <= EXACT
        assert state.high_water_mark == ONE
        assert abs(state.drawdown - (1 - expected)) <= EXACT
        assert wire.nav.trading_nav == nav_before + direction * HALF

    def classify(self, wire: Stage, purpose: FlowPurpose) -> None:
        (waiting,) = waiting_flows(wire.fund, wire.nav)
        wire.fund.store.append(classification(waiting.flow_key, purpose))

    def test_a_transfer_to_the_treasury_moves_no_investors_figure(self, wire: Stage):
        (wire.home / "treasury.toml").write_text('[holdings]\nUSDT = "70000"\n')
        wire.beat()
        since = wire.nav
        assert since.aum_complete
        wire.fund.store.append(instruction(-30_000, FlowPurpose.TREASURY_TRANSFER))
        wire.control.withdraw("USDT", 30_000)
        wire.beat(3)
        between = wire.nav
        (wire.home / "treasury.toml").write_text('[holdings]\nUSDT = "100000"\n')
        wire.beat(2)

        assert [entry.amount for entry in between.in_transit] == [30_000]
        assert wire.nav.in_transit == ()
        for snapshot in (between, wire.nav):
            assert snapshot.nav_per_unit == ONE
            assert snapshot.fund_units == since.fund_units
            assert snapshot.trading_nav is not None
            treasury = sum((held for _, held in snapshot.treasury_quantities or ()), Decimal(0))
            on_the_way = sum((entry.amount for entry in snapshot.in_transit), Decimal(0))
            assert snapshot.trading_nav + on_the_way + treasury == 170_000
            # The provider's price of a dollar coin is up to a minute older than the venue's.
            assert snapshot.fund_nav_per_unit is not None
            assert since.fund_nav_per_unit is not None
            assert abs(snapshot.fund_nav_per_unit / since.fund_nav_per_unit - 1) < Decimal("1e-4")

    def test_a_conversion_inside_the_wallet_is_no_flow(self, wire: Stage):
        wire.control.convert("USDT", "10000", "USDC", "9990")
        wire.beat(2)

        assert wire.nav.accepted
        assert wire.nav.account_units == 100_000
        assert wire.nav.unclassified == ()
        assert latches(wire) == set()

    def test_a_type_nobody_knows_halts_without_latching(self, wire: Stage):
        wire.control.book("AIRDROP_2027", "USDT", "12.5")
        wire.beat(9)

        assert not wire.nav.reconciled
        assert any("AIRDROP_2027" in problem.message for problem in wire.nav.problems)
        assert latches(wire) == set()


def latches(wire: Stage) -> set[str]:
    return {incident.reason for incident in wire.fund.store.open_incidents("main") if incident.latched}
