"""The gate, rule by rule: what a cycle of the staged fund left behind, with one thing changed at a time."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline import cycle
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import residual_key
from hedge_pipeline.domain.gate_inputs import GateInputs
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot, OpenFlow, Problem, WalletResidual
from hedge_pipeline.domain.risk_gate import RULES, evaluate, incident_changes
from hedge_pipeline.domain.verdicts import BreachKind, GateDecision, Incident, TradingState, Waiver
from hedge_pipeline_tests.stage import staged

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Bench:
    """Inputs of a healthy fund, its limits, and the venue's time they were judged at."""

    inputs: GateInputs
    limits: RiskLimits
    now: datetime

    def judge(self, inputs: GateInputs | None = None, *, now: datetime | None = None) -> GateDecision:
        at = now or self.now
        return evaluate(inputs or self.inputs, self.limits, account="main", now=at, recorded_at=at)

    @property
    def nav(self) -> NavSnapshot:
        assert self.inputs.nav is not None
        return self.inputs.nav

    @property
    def peak(self) -> PeakState:
        assert self.inputs.peak is not None
        return self.inputs.peak

    @property
    def account(self) -> AccountReading:
        assert self.inputs.account is not None
        return self.inputs.account

    def with_nav(self, **changes: Any) -> GateInputs:
        nav = replace(self.nav, **changes)
        return replace(self.inputs, nav=nav, recent_navs=(nav, *(self.inputs.recent_navs or ())[1:]))

    def with_losses(self, field: str, *losses: str) -> GateInputs:
        """Recent peak states with these losses, newest first."""
        changes: list[dict[str, Any]] = [
            {"ordinal": self.peak.ordinal - i, field: Decimal(loss)} for i, loss in enumerate(losses)
        ]
        recent = tuple(replace(self.peak, **change) for change in changes)
        return replace(self.inputs, peak=recent[0], recent_peaks=recent)

    def with_incident(self, **changes: Any) -> GateInputs:
        incident = Incident(
            account="main", key="operator_halt", opened_at=self.now - 10 * SECOND, closed_at=None, latched=True,
            ceiling=TradingState.HALTED, reason="halt", message="told to", remedy="rearm", holds_until=None,
            closed_by=None,
        )  # fmt: skip
        return replace(self.inputs, incidents=(replace(incident, **changes),))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as stage:
        stage.beat(5)
        yield Bench(inputs=cycle.gate_inputs(stage.fund), limits=stage.fund.limits, now=stage.fund.now())


def reasons(decision: GateDecision) -> set[str]:
    return {breach.reason for breach in decision.breaches}


def test_a_healthy_fund_may_trade(bench: Bench) -> None:
    decision = bench.judge()
    assert decision.breaches == ()
    assert decision.state is TradingState.ACTIVE


@pytest.mark.finding("S2-RISK-2", "X-5")
@pytest.mark.parametrize("unknown", [field.name for field in fields(GateInputs)])
def test_any_unknown_input_halts(bench: Bench, unknown: str) -> None:
    decision = bench.judge(replace(bench.inputs, **{unknown: None}))
    assert decision.state is TradingState.HALTED
    assert any(breach.kind is BreachKind.UNKNOWN for breach in decision.breaches)


def test_nothing_at_all_halts(bench: Bench) -> None:
    nothing = GateInputs(**{field.name: None for field in fields(GateInputs)})
    decision = bench.judge(nothing)
    assert decision.state is TradingState.HALTED
    assert decision.valid_until == bench.now


def test_a_verdict_ends_when_its_first_input_is_too_old(bench: Bench) -> None:
    until = bench.judge().valid_until
    assert bench.judge(now=until - SECOND).state is TradingState.ACTIVE
    assert bench.judge(now=until).state is TradingState.HALTED


@pytest.mark.finding("S2-RISK-1", "S2-RISK-4")
def test_a_stale_nav_names_threshold_age_and_every_source(bench: Bench) -> None:
    failed = replace(bench.nav.sources[2], ok=False, as_of=None, error="HTTP 500")
    sources = (*bench.nav.sources[:2], failed, *bench.nav.sources[3:])
    problem = Problem(code="source_failed", source=failed.source, message="HTTP 500")
    inputs = bench.with_nav(accepted=False, complete=False, sources=sources, problems=(problem,))
    decision = bench.judge(inputs, now=bench.now + timedelta(seconds=95))
    breach = next(b for b in decision.breaches if b.rule == "nav_is_fresh")
    assert breach.reason == "nav_stale"
    assert breach.threshold == "90 s"
    assert breach.age is not None
    assert breach.age >= timedelta(seconds=90)
    for source in sources:
        assert f"{source.source} {'ok' if source.ok else 'failed'}" in (breach.observation or "")
    assert any("HTTP 500" in b.message for b in decision.breaches)


@pytest.mark.finding("S2-NAV-2")
def test_a_true_zero_with_healthy_sources_latches(bench: Bench) -> None:
    decision = bench.judge(bench.with_nav(trading_nav=Decimal(0), nav_usd=Decimal(0)))
    breach = next(b for b in decision.breaches if b.reason == "nav_unavailable")
    assert decision.state is TradingState.HALTED
    assert breach.latches


@pytest.mark.finding("S1-DD-2")
@pytest.mark.parametrize("mark", ["0", "-1"])
def test_a_missing_or_worthless_peak_is_unknown_not_zero(bench: Bench, mark: str) -> None:
    gone = bench.judge(replace(bench.inputs, peak=None, recent_peaks=()))
    corrupt = bench.judge(replace(bench.inputs, peak=replace(bench.peak, high_water_mark=Decimal(mark))))
    for decision in (gone, corrupt):
        assert decision.state is TradingState.HALTED
        assert "drawdown_unavailable" in reasons(decision)


@pytest.mark.finding("S1-DD-1", "S1-DD-5")
def test_a_stale_peak_is_refused_before_any_threshold_is_compared(bench: Bench) -> None:
    losing = bench.with_losses("drawdown", "0.90", "0.90", "0.90")
    later = bench.now + bench.limits.freshness.peak
    decision = bench.judge(losing, now=later)
    assert "peak_state_stale" in reasons(decision)
    assert not any(reason.startswith("nav_drawdown") for reason in reasons(decision))


@pytest.mark.finding("S1-DD-1")
def test_an_incident_is_opened_once_and_closed_when_it_is_over(bench: Bench) -> None:
    later = bench.now + bench.limits.freshness.peak
    decision = bench.judge(now=later)
    opened = incident_changes(decision, ()).opened
    assert [incident.key for incident in opened if incident.reason == "peak_state_stale"] == ["peak_is_fresh"]
    assert incident_changes(decision, opened).opened == ()
    assert {
        incident.key for incident, why in incident_changes(bench.judge(), opened).closed if why == "recovered"
    } == {incident.key for incident in opened}


def test_unavailable_realized_pnl_is_unknown(bench: Bench) -> None:
    assert "drawdown_unavailable" in reasons(
        bench.judge(replace(bench.inputs, peak=replace(bench.peak, realized_pnl_today=None)))
    )


@pytest.mark.finding("X-1")
@pytest.mark.parametrize(
    ("drawdown", "state", "rules"),
    [
        ("0.001", TradingState.ACTIVE, set()),
        ("0.0999", TradingState.ACTIVE, set()),
        ("0.10", TradingState.ACTIVE, {"drawdown_warning"}),
        ("0.15", TradingState.REDUCING, {"drawdown_warning", "nav_drawdown_limit"}),
        ("0.20", TradingState.HALTED, {"drawdown_warning", "nav_drawdown_limit"}),
        ("0.25", TradingState.HALTED, {"drawdown_warning", "nav_drawdown_limit", "nav_drawdown_flatten"}),
    ],
)
def test_each_rung_of_the_drawdown_ladder_has_its_effect(
    bench: Bench, drawdown: str, state: TradingState, rules: set[str]
) -> None:
    decision = bench.judge(bench.with_losses("drawdown", drawdown, drawdown, drawdown))
    assert decision.state is state
    assert reasons(decision) == rules


@pytest.mark.parametrize(
    ("losses", "trips"),
    [
        (("0.3", "0", "0"), False),
        (("0.3", "0.3", "0"), True),
        (("0.3", "0", "0.3"), True),
        (("0", "0.3", "0.3"), True),
        (("0", "0", "0.3"), False),
    ],
)
def test_a_limit_trips_on_two_of_three(bench: Bench, losses: tuple[str, ...], *, trips: bool) -> None:
    decision = bench.judge(bench.with_losses("drawdown", *losses))
    assert (decision.state is TradingState.HALTED) is trips


@pytest.mark.finding("X-3")
def test_drawdown_and_the_days_loss_are_two_quantities(bench: Bench) -> None:
    lost_today = bench.judge(bench.with_losses("daily_loss", "0.10", "0.10", "0.10"))
    lost_long_ago = bench.judge(bench.with_losses("drawdown", "0.15", "0.15", "0.15"))
    assert reasons(lost_today) == {"daily_loss_warning", "daily_loss_limit"}
    assert reasons(lost_long_ago) == {"drawdown_warning", "nav_drawdown_limit"}


def test_a_days_loss_reduces_until_midnight_and_its_cooldown(bench: Bench) -> None:
    decision = bench.judge(bench.with_losses("daily_loss", "0.10", "0.10", "0.10"))
    (incident,) = [i for i in incident_changes(decision, ()).opened if i.reason == "daily_loss_limit"]
    assert incident.holds_until == datetime(2026, 11, 21, tzinfo=UTC) + bench.limits.cooldown
    held = replace(bench.inputs, incidents=(incident,))
    recovered = bench.judge(held)
    assert recovered.state is TradingState.REDUCING
    assert incident_changes(recovered, (incident,)).closed == ()
    over = replace(decision, decided_at=incident.holds_until, breaches=())
    assert incident_changes(over, (incident,)).closed == ((incident, "expired"),)


def test_yesterdays_loss_is_not_todays(bench: Bench) -> None:
    losing = bench.with_losses("daily_loss", "0.10", "0.10", "0.10")
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    shift = midnight - SECOND - bench.peak.as_of
    just_before = replace(
        losing, peak=replace(bench.peak, as_of=bench.peak.as_of + shift, daily_loss=Decimal("0.10")),
        recent_peaks=tuple(replace(p, as_of=p.as_of + shift) for p in losing.recent_peaks or ()),
    )  # fmt: skip
    before, after = (
        bench.judge(just_before, now=midnight - SECOND),
        bench.judge(just_before, now=midnight + SECOND),
    )
    assert "daily_loss_limit" in reasons(before)
    assert "daily_loss_limit" not in reasons(after)


def test_a_latch_halts_until_somebody_rearms(bench: Bench) -> None:
    decision = bench.judge(bench.with_incident())
    assert decision.state is TradingState.HALTED
    assert incident_changes(decision, bench.with_incident().incidents or ()).closed == ()


@pytest.mark.parametrize(
    ("limit", "expires", "nav", "state"),
    [
        ("0.25", 60, "0.78", TradingState.ACTIVE),
        ("0.21", 60, "0.78", TradingState.HALTED),
        ("0.25", -1, "0.78", TradingState.HALTED),
        ("0.25", 60, "0.74", TradingState.HALTED),
    ],
)
def test_a_waiver_lifts_one_limit_until_it_expires_or_trips(
    bench: Bench, limit: str, expires: int, nav: str, state: TradingState
) -> None:
    inputs = bench.with_losses("drawdown", "0.22", "0.22", "0.22")
    assert inputs.peak is not None
    waiver = Waiver(
        account="main", recorded_at=bench.now, expires_at=bench.now + expires * SECOND, drawdown_limit=Decimal(limit),
        rearm_nav_per_unit=Decimal("0.78"), tripwire=Decimal("0.05"), actor="a", approver="b", reason="reviewed",
    )  # fmt: skip
    inputs = replace(inputs, waivers=(waiver,), peak=replace(inputs.peak, nav_per_unit=Decimal(nav)))
    assert bench.judge(inputs).state is state


def test_recovery_takes_good_cycles_in_a_row(bench: Bench) -> None:
    bad = replace(bench.nav, accepted=False)
    good = bench.nav
    states = [
        bench.judge(replace(bench.inputs, recent_navs=recent)).state
        for recent in ((good, bad, good, good), (good, good, bad, good), (good, good, good, bad))
    ]
    assert states == [TradingState.HALTED, TradingState.HALTED, TradingState.ACTIVE]


def test_a_gap_between_snapshots_counts_as_unknown(bench: Bench) -> None:
    assert bench.nav.as_of is not None
    earlier = replace(bench.nav, as_of=bench.nav.as_of - bench.limits.freshness.nav)
    assert bench.judge(replace(bench.inputs, recent_navs=(bench.nav, earlier))).state is TradingState.HALTED


def test_unexplained_balance_changes_latch_after_their_grace(bench: Bench) -> None:
    residual = WalletResidual(asset="USDT", change=Decimal(-5), income=Decimal(0), residual=Decimal(-5))
    problem = Problem(code="unreconciled", source="income", message="changed")

    def after(span: timedelta) -> GateDecision:
        return bench.judge(
            bench.with_nav(
                accepted=False, reconciled=False, problems=(problem,), residuals=(residual,),
                unreconciled_since=bench.now - span,
            )
        )  # fmt: skip

    within, beyond = after(timedelta(minutes=3)), after(timedelta(minutes=3, seconds=1))
    assert within.state is beyond.state is TradingState.HALTED
    assert not any(breach.latches for breach in within.breaches)
    assert {b.reason for b in beyond.breaches if b.latches} == {"unexplained_balance_change"}
    assert residual_key("USDT", bench.now, Decimal(-5)).startswith("residual:USDT:")


def test_an_unannounced_outflow_latches_and_names_the_flow(bench: Bench) -> None:
    flow = OpenFlow(
        flow_key="TRANSFER:1", asset="USDT", amount=Decimal(-5), value=Decimal(-5), price_per_unit=Decimal(1),
        nav_before=Decimal(10), nav_ordinal=1, since=bench.now,
    )  # fmt: skip
    decision = bench.judge(bench.with_nav(unclassified=(flow,)))
    (breach,) = [b for b in decision.breaches if b.reason == "unregistered_outflow"]
    assert breach.latches
    assert "TRANSFER:1" in breach.message


@pytest.mark.parametrize(("usd", "state"), [("1.0101", TradingState.REDUCING), ("0.99", TradingState.ACTIVE)])
def test_a_depeg_beyond_one_percent_reduces(bench: Bench, usd: str, state: TradingState) -> None:
    parts = tuple(part for part in bench.nav.parts if part.asset == "USDT")
    assert bench.judge(bench.with_nav(numeraire_usd=Decimal(usd), parts=parts)).state is state


@pytest.mark.parametrize(
    ("offset", "state"),
    [
        (1.0, TradingState.ACTIVE),
        (1.1, TradingState.REDUCING),
        (-1.1, TradingState.REDUCING),
        (2.6, TradingState.HALTED),
    ],
)
def test_a_clock_that_is_off_reduces_and_then_halts(bench: Bench, offset: float, state: TradingState) -> None:
    clock = bench.account.clock
    assert clock is not None
    skewed = replace(clock, local_at=clock.venue_at - timedelta(seconds=offset))
    assert bench.judge(replace(bench.inputs, account=replace(bench.account, clock=skewed))).state is state


def test_netting_halts(bench: Bench) -> None:
    decision = bench.judge(replace(bench.inputs, account=replace(bench.account, hedge_mode=False)))
    assert reasons(decision) == {"hedge_mode_off"}
    assert decision.state is TradingState.HALTED


@pytest.mark.finding("X-5")
def test_unknown_exposure_is_a_veto(bench: Bench) -> None:
    decision = bench.judge(replace(bench.inputs, account=replace(bench.account, positions=None)))
    assert "exposure_unavailable" in reasons(decision)


def test_incomplete_reporting_is_told_and_trading_goes_on_unless_the_fund_chose_otherwise(
    bench: Bench,
) -> None:
    inputs = bench.with_nav(aum_complete=False, aum_problems=("reserves XAUT is unpriced",))
    assert bench.judge(inputs).state is TradingState.ACTIVE
    assert reasons(bench.judge(inputs)) == {"reserves_incomplete"}
    strict = replace(bench, limits=replace(bench.limits, reserves_halt_trading=True))
    assert strict.judge(inputs).state is TradingState.HALTED


def test_every_rule_has_a_name_of_its_own_and_a_remedy() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.remedy for rule in RULES)
    assert not any(rule.latches and rule.kind is BreachKind.UNKNOWN for rule in RULES)


WORSE: dict[str, Callable[[Bench, GateInputs], GateInputs]] = {
    "no peak": lambda bench, inputs: replace(inputs, peak=None),
    "no account": lambda bench, inputs: replace(inputs, account=None),
    "latched": lambda bench, inputs: replace(inputs, incidents=bench.with_incident().incidents),
    "loss": lambda bench, inputs: replace(
        inputs, recent_peaks=bench.with_losses("drawdown", "0.16", "0.16", "0.16").recent_peaks
    ),
    "nav refused": lambda bench, inputs: replace(inputs, nav=replace(bench.nav, accepted=False)),
    "no instruments": lambda bench, inputs: replace(inputs, instruments=None),
}


@given(chosen=st.lists(st.sampled_from(sorted(WORSE)), unique=True), one_more=st.sampled_from(sorted(WORSE)))
def test_worse_inputs_never_yield_a_laxer_state(bench: Bench, chosen: list[str], one_more: str) -> None:
    inputs = bench.inputs
    for name in chosen:
        inputs = WORSE[name](bench, inputs)
    before = bench.judge(inputs).state
    assert bench.judge(WORSE[one_more](bench, inputs)).state <= before
