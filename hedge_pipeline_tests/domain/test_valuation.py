"""One attempt is one snapshot: a value that is known in full, or every reason why it is not."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline import cycle
from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.domain.account import IncomeReading, PositionSide
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import InvalidState, StoreUnavailable
from hedge_pipeline.domain.nav import InTransit, NavSnapshot
from hedge_pipeline.domain.readings import Readings, assets_in_question
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.valuation import Valuation, value
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.examples import (
    NOON,
    SECOND,
    balance,
    limits,
    mark,
    nav_snapshot,
    position,
    readings,
)
from hedge_pipeline_tests.fakes import MemoryStage, memory_stage

NOW = NOON + 30 * SECOND
REQUIRED_SOURCES = ("clock", "balances", "positions", "modes", "marks", "asset_rates", "income")


def valued(now: datetime = NOW, uncounted: frozenset[str] = frozenset(), **changes: Any) -> Valuation:
    return value(
        readings(**changes), limits(), account="main", numeraire="USDT", uncounted=uncounted,
        attempted_at=NOW, recorded_at=NOW, now=now,
    )  # fmt: skip


def snapshot(**changes: Any) -> NavSnapshot:
    return valued(**changes).snapshot


def problems(**changes: Any) -> list[tuple[str, str]]:
    taken = snapshot(**changes)
    assert taken.accepted is (not taken.problems)
    return [(problem.code, problem.source) for problem in taken.problems]


def account(*balances: Any, positions: Any = (), at: datetime = NOW, **changes: Any) -> Any:
    return examples.account_reading(balances or None, positions, at=at, **changes)


def marks(rates: dict[str, Any] | None = None, *listed: Any, at: datetime = NOW, **changes: Any) -> Any:
    return examples.marks_reading(rates, listed, at=at, **changes)


class TestWhatTheFundIsWorth:
    def test_the_account_is_its_assets_and_their_unrealized_profits_at_market(self):
        held = [position(quantity=2, entry=50_000, mark=51_000)]
        taken = snapshot(
            account=account(balance(wallet=90_000, unrealized=2_000), balance("BNB", 20), positions=held),
            marks=marks({"USDT": Decimal("0.999"), "BNB": 500}, mark(price=51_000, at=NOW)),
            previous=None,
        )

        bnb = (20 * Decimal(500) / Decimal("0.999")).quantize(Decimal("1e-12"))
        assert taken.accepted
        assert taken.trading_nav == 92_000 + bnb
        assert taken.nav_usd == (taken.trading_nav * Decimal("0.999")).quantize(Decimal("1e-12"))
        assert [(part.asset, part.value) for part in taken.parts] == [("USDT", Decimal(92_000)), ("BNB", bnb)]

    def test_a_debt_is_a_liability(self):
        taken = snapshot(
            account=account(balance(), balance("BNB", -2)),
            marks=marks({"USDT": 1, "BNB": 500}),
            previous=None,
        )
        assert taken.trading_nav == 99_000

    def test_what_does_not_count_is_listed(self):
        odd = account(balance(), balance("VOUCHER", 50))
        taken = snapshot(account=odd, uncounted=frozenset({"VOUCHER"}), previous=None)

        assert taken.accepted
        assert taken.trading_nav == 100_000
        assert [(part.asset, part.counted, part.value) for part in taken.parts][1] == ("VOUCHER", False, None)

    def test_a_flow_of_what_does_not_count_moves_no_unit(self):
        row = examples.income_row(5, 50, "TRANSFER", asset="VOUCHER")
        taken = valued(
            account=account(balance(), balance("VOUCHER", 50)),
            uncounted=frozenset({"VOUCHER"}),
            pending_income=((1, row),),
            income_seq=1,
        )
        assert taken.snapshot.accepted
        assert taken.snapshot.account_units == 100_000
        assert taken.flows == ()

    @pytest.mark.finding("S2-NAV-2")
    def test_an_account_that_answers_with_no_money_is_worth_zero(self):
        empty = account(balance(wallet=0))
        taken = snapshot(account=empty, previous=nav_snapshot(baseline=examples.baseline({"USDT": 0})))

        assert taken.accepted
        assert taken.trading_nav == taken.nav_usd == taken.nav_per_unit == 0

    def test_reporting_adds_treasury_reserves_and_what_is_between(self):
        reserves = examples.reserves_valuation({"USDT": 5_000}, reserves_usd=Decimal(700))
        taken = snapshot(reserves=reserves, previous=nav_snapshot(treasury_quantities=None))

        assert taken.aum_complete
        assert taken.aum_usd == 105_700
        assert taken.fund_nav_per_unit == Decimal("1.057")

    def test_reporting_that_is_not_complete_says_why_and_stops_nothing(self):
        unpriced = replace(
            examples.reserves_valuation({"XAUT": 1}).values[0],
            value_usd=None,
            price_usd=None,
            reason="HTTP 500",
        )
        reserves = examples.reserves_valuation(values=(unpriced,), complete=False)
        taken = snapshot(reserves=reserves)

        assert taken.accepted
        assert taken.aum_problems == ("treasury XAUT is unpriced: HTTP 500",)
        assert not taken.aum_complete
        assert taken.fund_nav_per_unit is None
        assert taken.last_good_fund_nav_per_unit == 1

    @pytest.mark.parametrize(
        ("reserves", "says"),
        [
            (None, "never been valued"),
            (examples.reserves_valuation(error="treasury.toml: not TOML", complete=False), "not TOML"),
            (examples.reserves_valuation(valid_until=NOW), "too old"),
        ],
    )
    def test_reporting_on_unknown_reserves_is_not_complete(self, reserves: Any, says: str):
        assert says in snapshot(reserves=reserves).aum_problems[0]

    def test_holdings_of_one_asset_in_two_lines_are_one_quantity(self):
        twice = examples.reserves_valuation({"USDT": 5})
        twice = replace(twice, values=twice.values * 2)

        assert snapshot(reserves=twice).treasury_quantities == (("USDT", Decimal(10)),)


class TestWhatIsNotAccepted:
    @pytest.mark.parametrize("source", REQUIRED_SOURCES)
    def test_a_source_that_failed_is_named_with_its_reason(self, source: str):
        taken = snapshot(**failing(source))

        assert not taken.accepted
        assert not taken.complete
        assert (source, "HTTP 500") in [
            (p.source, p.message) for p in taken.problems if p.code == "source_failed"
        ]
        assert taken.nav_per_unit is None
        assert taken.last_good_nav_per_unit == 1

    @pytest.mark.parametrize("missing", ["account", "marks", "income"])
    def test_what_was_never_read_is_missing(self, missing: str):
        assert ("missing", {"account": "balances"}.get(missing, missing)) in problems(**{missing: None})

    @pytest.mark.parametrize(
        ("reading", "fact", "source"),
        [
            ("account", "clock", "clock"),
            ("account", "as_of", "balances"),
            ("account", "answered_at", "balances"),
            ("account", "balances", "balances"),
            ("account", "totals", "balances"),
            ("account", "account_positions", "balances"),
            ("account", "positions", "positions"),
            ("account", "hedge_mode", "modes"),
            ("account", "multi_assets_mode", "modes"),
            ("marks", "marks", "marks"),
            ("marks", "asset_rates", "asset_rates"),
            ("income", "as_of", "income"),
        ],
    )
    def test_a_source_that_counts_as_well_and_states_nothing_is_missing(
        self, reading: str, fact: str, source: str
    ):
        said = replace(getattr(readings(), reading), **{fact: None})

        assert ("missing", source) in problems(**{reading: said})

    def test_unknown_balances_are_not_worth_zero(self):
        taken = snapshot(**failing("balances"))

        assert taken.trading_nav is None
        assert taken.nav_usd is None

    def test_an_asset_without_a_price_makes_the_sum_unknown(self):
        wallet = nav_snapshot(baseline=examples.baseline({"USDT": 100_000, "BNB": 20}))
        taken = snapshot(account=account(balance(), balance("BNB", 20)), previous=wallet)

        assert [(p.code, p.message) for p in taken.problems] == [("incomplete", "BNB has no price")]
        assert taken.trading_nav is None

    @pytest.mark.parametrize("usd", [0, -1])
    def test_a_price_that_is_none_is_no_price(self, usd: int):
        assert problems(marks=marks({"USDT": usd})) == [("incomplete", "asset_rates")]

    def test_an_account_without_money_still_needs_its_numeraires_price(self):
        empty = nav_snapshot(baseline=examples.baseline({}))
        assert problems(account=account(balance(wallet=0)), marks=marks({}), previous=empty) == [
            ("incomplete", "asset_rates")
        ]

    def test_a_position_without_a_mark_is_not_taken_on_trust(self):
        held = account(balance(unrealized=1000), positions=[position(mark=51_000)])

        assert problems(account=held) == [("incomplete", "marks")]

    def test_a_flow_in_an_asset_without_a_price_is_not_worth_zero(self):
        there, back = (examples.income_row(i, a, "TRANSFER", asset="BNB") for i, a in ((1, 20), (2, -20)))

        assert problems(pending_income=((1, there), (2, back))) == [("incomplete", "asset_rates")]

    def test_sums_that_disagree_are_not_reconciled(self):
        taken = snapshot(account=account(replace(balance(), margin_balance=Decimal(7))))

        assert not taken.reconciled
        assert taken.complete
        assert taken.unreconciled_since is None, "the wallet itself is explained"

    def test_a_wallet_without_its_income_is_not_reconciled_whatever_else_failed(self):
        lost = account(balance(wallet=90_000))
        taken = snapshot(account=lost, marks=failing("marks")["marks"])

        assert ("unreconciled", "income") in [(p.code, p.source) for p in taken.problems]
        assert not taken.reconciled
        assert taken.unreconciled_since == NOW
        assert [entry.residual for entry in taken.residuals] == [-10_000]

    def test_what_could_not_be_compared_is_not_reconciled(self):
        assert not snapshot(**failing("positions")).reconciled
        assert not snapshot(**failing("income")).reconciled

    @pytest.mark.parametrize(
        ("age", "problem"),
        [(59, None), (60, "stale"), (-1, None), (-1.1, "future")],
    )
    def test_marks_hold_for_a_minute_and_are_not_of_the_future(self, age: float, problem: str | None):
        at = NOW - timedelta(seconds=age)
        stamped = {
            "account": account(at=at),
            "marks": marks(at=at),
            "income": examples.income_reading(at=at),
        }
        codes = {code for code, _ in problems(**stamped)}
        assert codes == ({problem} if problem else set())

    @pytest.mark.parametrize(("age", "accepted"), [(89, True), (90, False)])
    def test_a_nav_holds_for_a_minute_and_a_half(self, age: int, *, accepted: bool):
        at = NOW - age * SECOND
        taken = snapshot(
            account=account(at=at), income=examples.income_reading(at=at), marks=marks(at=at + 10 * SECOND)
        )
        stale = [p for p in taken.problems if p.source in {"balances", "income"}]
        assert (stale == []) is accepted

    @pytest.mark.parametrize(("apart", "together"), [(10, True), (11, False)])
    def test_facts_of_different_times_make_no_value(self, apart: int, *, together: bool):
        taken = snapshot(marks=marks(at=NOW - apart * SECOND))

        assert taken.accepted is together
        assert taken.reconciled is together
        assert taken.as_of == NOW - apart * SECOND

    @given(st.sets(st.sampled_from(REQUIRED_SOURCES)))
    def test_any_sources_may_fail_together(self, sources: set[str]):
        taken = snapshot(**failing(*sources))

        assert taken.accepted is (not sources)
        assert {p.source for p in taken.problems if p.code == "source_failed"} == sources
        assert {health.source for health in taken.sources if not health.ok} == sources


def failing(*sources: str) -> dict[str, Any]:
    whole = readings()
    assert whole.account is not None
    assert whole.marks is not None
    assert whole.income is not None
    read, seen, listed = whole.account, whole.marks, whole.income
    for source in sources:
        if source in {"marks", "asset_rates"}:
            seen = replace(seen, as_of=None, sources=broken(seen.sources, source), **{source: None})  # type: ignore[arg-type]
        elif source == "income":
            listed = replace(listed, as_of=None, sources=broken(listed.sources, source))
        else:
            read = examples.failed(read, source)
    return {"account": read, "marks": seen, "income": listed}


def broken(sources: tuple[SourceHealth, ...], source: str) -> tuple[SourceHealth, ...]:
    return tuple(
        replace(entry, ok=False, as_of=None, error="HTTP 500") if entry.source == source else entry
        for entry in sources
    )


class TestWhatIsNotExplained:
    def lost(self, amount: int = -10_000, **changes: Any) -> NavSnapshot:
        return snapshot(account=account(balance(wallet=100_000 + amount)), **changes)

    def test_is_kept_and_moves_nothing(self):
        before = nav_snapshot()
        taken = self.lost()

        assert taken.trading_nav == 90_000
        assert taken.baseline == before.baseline
        assert taken.account_units == before.account_units
        assert (taken.last_good_nav_usd, taken.last_good_as_of) == (before.last_good_nav_usd, NOON)

    def test_dates_from_when_it_was_first_seen_until_it_is_explained(self):
        first = self.lost()
        later = self.lost(previous=first, now=NOW + 20 * SECOND)
        unread = snapshot(previous=later, **failing("income"))
        back = snapshot(previous=unread)

        assert first.unreconciled_since == later.unreconciled_since == unread.unreconciled_since == NOW
        assert back.unreconciled_since is None
        assert back.accepted

    def test_is_explained_though_the_snapshot_is_not_accepted_for_another_reason(self):
        assert snapshot(previous=self.lost(), **failing("marks")).unreconciled_since is None

    def test_is_not_ended_by_an_answer_that_contradicts_itself(self):
        odd = account(replace(balance(), margin_balance=Decimal(7)))

        assert snapshot(previous=self.lost(), account=odd).unreconciled_since == NOW

    def test_an_income_row_a_moment_ahead_of_our_idea_of_the_venues_time_may_be_in_the_wallet(self):
        row = examples.income_row(1, 5, occurred_at=NOW + timedelta(milliseconds=400))
        taken = snapshot(account=account(balance(wallet=100_005)), pending_income=((1, row),), income_seq=1)

        assert taken.accepted


class TestTheRecord:
    @pytest.mark.finding("S1-NAV-4")
    def test_each_source_keeps_its_last_good_instant(self):
        good = snapshot()
        assert dict(good.source_stamps) == dict.fromkeys(REQUIRED_SOURCES, NOW)
        later = snapshot(previous=good, now=NOW + 5 * SECOND, **failing("positions"))

        assert dict(later.source_stamps)["positions"] == NOW
        health = {source.source: source for source in later.sources}
        assert (health["positions"].ok, health["positions"].error) == (False, "HTTP 500")

    def test_what_flowed_or_is_on_its_way_is_still_asked_a_price(self):
        row = examples.income_row(asset="BNB")
        before = nav_snapshot(
            baseline=examples.baseline({"USDC": 5, "DUST": 0}),
            in_transit=(
                InTransit(instruction_id="t", asset="BTC", amount=Decimal(1), since=NOON, value_usd=None),
            ),
        )  # fmt: skip

        assert assets_in_question(before, [row]) == {"BNB", "USDC", "BTC"}
        assert assets_in_question(None, []) == set()

    def test_every_combination_of_readings_gives_a_snapshot(self):
        names = ("account", "marks", "income", "reserves", "previous")
        for size in range(len(names) + 1):
            for absent in combinations(names, size):
                taken = snapshot(**dict.fromkeys(absent))
                assert isinstance(taken, NavSnapshot)
                assert taken.accepted is not bool({"account", "marks", "income"} & set(absent))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[MemoryStage]:
    """A fund that trades, long two bitcoin."""
    stage = memory_stage(tmp_path, book={("BTCUSDT", PositionSide.LONG): (Decimal(2), Decimal(50_000))})
    assert stage.beat(4).state is TradingState.ACTIVE
    yield stage
    stage.close()


def reasons(decision: GateDecision) -> set[str]:
    return {breach.reason for breach in decision.breaches}


class TestOverCycles:
    @pytest.mark.finding("S1-NAV-1", "S1-NAV-4")
    def test_one_source_that_fails_freezes_no_record(self, stage: MemoryStage):
        good = stage.nav
        stage.venue.failing["positions"] = "HTTP 503: overloaded"
        stage.venue.move("FUNDING_FEE", 25)
        stage.beat()
        taken = stage.nav
        health = {source.source: source for source in taken.sources}

        assert taken.ordinal == good.ordinal + 1
        assert taken.attempted_at == stage.clock.at > good.attempted_at
        assert taken.stale
        assert not good.stale
        assert taken.last_good_nav_usd == good.nav_usd
        assert taken.last_good_as_of == good.as_of
        assert (health["positions"].ok, health["positions"].error) == (False, "HTTP 503: overloaded")
        assert health["balances"].ok
        assert dict(taken.source_stamps)["balances"] == stage.clock.at
        assert dict(taken.source_stamps)["positions"] == good.as_of
        assert taken.trading_nav == 100_025, "what was read is shown, only not believed"

        stage.venue.failing.clear()
        stage.beat()
        assert not stage.nav.stale
        assert stage.nav.last_good_nav_usd == 100_025

    @pytest.mark.finding("X-6", "S2-NAV-1")
    def test_failed_attempts_do_not_refresh_the_age(self, stage: MemoryStage):
        good = stage.nav.as_of
        assert good is not None
        stage.venue.failing["balances"] = "timeout"
        for _ in range(4):
            stage.beat()
            assert stage.nav.recorded_at == stage.clock.at
            assert stage.nav.last_good_as_of == good
        (breach,) = [b for b in stage.decisions[-1].breaches if b.rule == "nav_is_fresh"]
        assert breach.age == stage.clock.at - good == timedelta(seconds=120)

    @pytest.mark.finding("S2-NAV-1")
    def test_the_age_is_that_of_the_record_whatever_was_done_to_its_file(
        self, stage: MemoryStage, tmp_path: Path
    ):
        stage.clock.pass_by(89)
        before = cycle.judge(stage.fund)
        for file in tmp_path.iterdir():
            os.utime(file, (stage.clock.at.timestamp() + 10**6,) * 2)
        assert cycle.judge(stage.fund) == before
        assert before.state is TradingState.ACTIVE

        stage.clock.pass_by(1)
        stale = cycle.judge(stage.fund)
        assert stale.state is TradingState.HALTED
        assert "nav_stale" in reasons(stale)

    @pytest.mark.finding("S2-NAV-2")
    def test_a_wallet_of_zero_is_zero(self, tmp_path: Path):
        stage = memory_stage(tmp_path)
        stage.beat(2)
        stage.venue.move("INSURANCE_CLEAR", -100_000)
        stage.beat()

        assert stage.nav.accepted
        assert stage.nav.trading_nav == stage.nav.nav_usd == 0
        assert stage.peak.drawdown == 1
        assert stage.decisions[-1].state is TradingState.HALTED
        assert "nav_unavailable" in stage.latches
        stage.close()

    @pytest.mark.finding("S2-NAV-2")
    def test_a_wallet_that_cannot_be_read_is_the_last_one_known_and_stale(self, stage: MemoryStage):
        stage.venue.failing["balances"] = "the key has expired"
        stage.beat()

        assert stage.nav.trading_nav is None
        assert stage.nav.stale
        assert stage.nav.last_good_nav_usd == 100_000
        assert stage.decisions[-1].state is TradingState.HALTED

    @pytest.mark.finding("S2-PIPE-1")
    def test_a_drawdown_that_is_not_of_a_live_nav_is_not_taken_for_one(self, stage: MemoryStage):
        known = stage.peak
        stage.venue.failing["positions"] = "timeout"
        stage.venue.marks["BTCUSDT"] = Decimal(25_000)
        stage.beat()

        assert stage.nav.trading_nav == 50_000, "half is gone by the balances alone"
        assert stage.nav.stale
        assert stage.peak == known, "no drawdown is computed from it"
        assert stage.decisions[-1].state is TradingState.HALTED
        assert "nav_stale" in reasons(stage.decisions[-1])

        stage.beat(3)
        assert "peak_state_stale" in reasons(stage.decisions[-1])
        stage.venue.failing.clear()
        stage.beat(2)
        assert stage.peak.drawdown == Decimal("0.5"), "of the live one, as soon as there is one"
        assert "nav_drawdown_limit" in stage.latches

    @pytest.mark.finding("X-4", "S1-DD-6", "S1-DD-7")
    def test_realized_profit_belongs_to_its_day(self, stage: MemoryStage):
        stage.venue.move("REALIZED_PNL", -40)
        stage.beat()
        assert stage.peak.realized_pnl_today == -40
        assert stage.peak.day.day == 20

        stage.beat(seconds=86_400)
        assert stage.peak.day.day == 21
        assert stage.peak.realized_pnl_today == 0, (
            "nothing was realized today: neither unknown nor yesterday's"
        )

        stage.venue.move("REALIZED_PNL", 15)
        stage.beat()
        assert stage.peak.realized_pnl_today == 15

    @pytest.mark.finding("S1-DD-6", "S1-DD-7")
    def test_realized_profit_that_cannot_be_priced_is_unavailable(self, stage: MemoryStage):
        stage.venue.usd["USDC"] = Decimal(1)
        stage.venue.move("TRANSFER", 100, "USDC")
        stage.venue.move("REALIZED_PNL", -40, "USDC")
        stage.beat(2)
        assert stage.peak.realized_pnl_today == -40
        stage.fund.store.append(examples.instruction(-60, asset="USDC"))
        stage.venue.move("TRANSFER", -60, "USDC")
        stage.beat(2)

        state = stage.peak
        assert state.realized_pnl_today is None
        assert "drawdown_unavailable" in reasons(stage.decisions[-1])

    def test_a_missed_step_hides_no_high(self, stage: MemoryStage):
        """Valuations go on while the peak state is not advanced; it catches up with each of them in order."""
        absorbed = stage.peak.ordinal
        for price in (52_000, 51_000):
            stage.venue.marks["BTCUSDT"] = Decimal(price)
            stage.clock.pass_by(30)
            for step in cycle.READING[:-1]:
                step(stage.fund)
        cycle.advance_peak(stage.fund)

        assert stage.peak.ordinal == absorbed + 2
        assert stage.peak.high_water_mark == Decimal("1.04")
        assert stage.peak.nav_per_unit == Decimal("1.02")
        assert cycle.advance_peak(stage.fund) is None

    @pytest.mark.finding("X-7")
    def test_looking_writes_nothing(self, stage: MemoryStage, tmp_path: Path):
        """What a dry run is here: the verdict on stored rows, through a store that refuses every row."""
        place = tmp_path / "state.sqlite"
        rows = everything(place)
        reader = open_state_store(f"sqlite:///{place}", create=False, read_only=True)
        looking = replace(stage.fund, store=reader)

        assert cycle.judge(looking).state is TradingState.ACTIVE
        for step in (*cycle.READING, cycle.decide):
            with suppress(StoreUnavailable):
                step(looking)
        with pytest.raises(StoreUnavailable):
            cycle.run_cycle(looking)
        assert everything(place) == rows
        reader.close()

    @pytest.mark.finding("X-7")
    def test_a_fund_without_a_venue_records_no_nav(self, tmp_path: Path):
        """Where nothing answers, the record says so; it holds no zero that could be taken for confirmed."""
        stage = memory_stage(tmp_path)
        stage.venue.failing = dict.fromkeys(REQUIRED_SOURCES, "there is no venue")
        stage.beat()

        assert not stage.nav.accepted
        assert stage.nav.trading_nav is None
        assert stage.nav.last_good_nav_usd is None
        assert stage.fund.latest(PeakState) is None
        assert stage.decisions[-1].state is TradingState.HALTED
        stage.close()


def everything(place: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(place) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    connection.close()
    return rows


@pytest.mark.finding("S2-TEST-1", "S2-RISK-2")
class TestANavThatMayNotBeUsed:
    """Missing, corrupt, stale, future-dated or unhealthy: the gate is closed, and says why."""

    def test_missing(self, tmp_path: Path):
        """Whatever else is fresh."""
        stage = memory_stage(tmp_path)
        for step in cycle.READING:
            if step is not cycle.take_nav:
                step(stage.fund)
        decision = cycle.decide(stage.fund)

        assert decision.state is TradingState.HALTED
        assert {"nav_stale", "drawdown_unavailable"} <= reasons(decision)
        assert decision.nav_ordinal is None
        stage.close()

    @pytest.mark.parametrize(
        ("column", "garbage"),
        [("trading_nav", "NaN"), ("last_good_as_of", "yesterday"), ("parts", "{}"), ("sources", "[1]")],
    )
    def test_corrupt(self, stage: MemoryStage, tmp_path: Path, column: str, garbage: str):
        """No verdict is better than one on half a row; the last one runs out by itself."""
        with sqlite3.connect(tmp_path / "state.sqlite") as connection:
            connection.execute(f"UPDATE nav_snapshots SET {column} = ? WHERE ordinal = 4", (garbage,))
        connection.close()

        with pytest.raises(InvalidState, match=f"nav_snapshots.{column}"):
            cycle.judge(stage.fund)
        assert stage.decisions[-1].valid_until <= stage.clock.at + timedelta(seconds=90)

    def test_stale(self, stage: MemoryStage):
        stage.clock.pass_by(90)
        decision = cycle.decide(stage.fund)

        assert decision.state is TradingState.HALTED
        (breach,) = [b for b in decision.breaches if b.rule == "nav_is_fresh"]
        assert (breach.reason, breach.threshold, breach.age) == ("nav_stale", "90 s", timedelta(seconds=90))

    def test_future_dated(self, stage: MemoryStage):
        stage.venue.account_age = stage.venue.marks_age = timedelta(seconds=-5)
        decision = stage.beat()

        assert not stage.nav.accepted
        assert {problem.code for problem in stage.nav.problems} == {"future"}
        assert decision.state is TradingState.HALTED
        assert "nav_stale" in reasons(decision)

    @pytest.mark.parametrize("source", REQUIRED_SOURCES)
    def test_unhealthy(self, stage: MemoryStage, source: str):
        stage.venue.failing[source] = "HTTP 500"
        decision = stage.beat()

        assert not stage.nav.accepted
        assert decision.state is TradingState.HALTED
        told = " ".join(breach.message for breach in decision.breaches)
        assert source in told
        assert "HTTP 500" in told

        stage.venue.failing.clear()
        assert [stage.beat().state for _ in range(3)] == [
            TradingState.HALTED, TradingState.HALTED, TradingState.ACTIVE,
        ], "it recovers by itself, after three good cycles"  # fmt: skip


def test_reading_income_again_and_again_stores_each_row_once(stage: MemoryStage):
    for _ in range(3):
        stage.venue.move("FUNDING_FEE", 5)
        stage.beat()

    reads = stage.fund.store.rows(IncomeReading, "main")
    assert [read.rows_new for read in reads[-3:]] == [1, 1, 1]
    assert [read.rows_read for read in reads[-3:]] == [1, 2, 3]
    assert stage.nav.trading_nav == 100_015


def test_readings_that_were_never_made_have_no_sources():
    nothing = Readings(
        account=None, marks=None, income=None, pending_income=(), income_seq=0, reserves=None, previous=None,
        opening_units=None,
    )  # fmt: skip
    assert nothing.sources() == ()
    assert nothing.usd() == nothing.rates("USDT") == nothing.used_stamps("USDT") == {}
    assert nothing.treasury_quantities() is None
