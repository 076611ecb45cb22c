"""Peak state and the gate: how far the fund has fallen, and whether it may trade."""

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import passed, recent, schema_check
from hedge_pipeline.defs.nav import nav_snapshots
from hedge_pipeline.defs.presentation import instants, plot, present, table
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.verdicts import Breach, BreachKind, GateDecision, TradingState

PLOTTED = 240
RISK = {"owners": ["team:risk"], "kinds": {"python"}}


@dg.asset(
    **RISK,
    group_name="risk",
    deps=[nav_snapshots],
    description=(
        "High-water mark, drawdown and the day's loss, on account NAV per unit. Without a peak state the drawdown is "
        "unknown, not zero: `hedge inception` (first run) or `hedge rebuild-peak` (lost state) makes one."
    ),
)
def peak_states(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    state = cycle.advance_peak(fund)
    if state is None:
        return dg.MaterializeResult(metadata={"absorbed": "nothing: there is no accepted snapshot or no baseline"})
    return dg.MaterializeResult(
        metadata=present({
            "high_water_mark": state.high_water_mark,
            "nav_per_unit": state.nav_per_unit,
            "drawdown": state.drawdown,
            "daily_loss": state.daily_loss,
            "day": state.day.isoformat(),
            "realized_pnl_today": state.realized_pnl_today,
            "origin": state.origin,
            **instants(as_of=state.as_of, day_open_as_of=state.day_open_as_of),
        })
    )


def drawdown_plot(fund: Fund) -> dg.MarkdownMetadataValue:
    """Drawdown over the latest states, as a fraction."""
    return plot("Drawdown", [(state.as_of, state.drawdown) for state in reversed(fund.recent(PeakState, PLOTTED))])


@dg.asset_check(asset=peak_states, blocking=True)
def high_water_mark_never_decreases(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """A mark that falls hides a drawdown."""
    states = fund.recent(PeakState, 2)
    holds = bool(states) and (len(states) < 2 or states[0].high_water_mark >= states[1].high_water_mark)
    return passed(holds, high_water_marks=", ".join(str(state.high_water_mark) for state in states))


@dg.asset_check(asset=peak_states, blocking=True)
def peak_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Drawdown is compared with its limit only while it is known from recent data."""
    state = fund.latest(PeakState)
    return recent(state.as_of if state else None, fund.now(), fund.limits.freshness.peak)


peak_states_match_their_schema = schema_check(peak_states, PeakState)


@dg.asset(
    **RISK,
    group_name="risk",
    deps=[nav_snapshots, peak_states],
    description=(
        "The verdict: ACTIVE, REDUCING or HALTED, with every breach, its threshold, what was observed and what would "
        "clear it. It is written whatever failed upstream; then its checks fail the run. `hedge explain` says it in words."
    ),
)
def gate_decisions(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    decision = cycle.decide(fund)
    return dg.MaterializeResult(
        metadata=present({
            "state": decision.state,
            "breaches": table(decision.breaches),
            "limits_fingerprint": decision.limits_fingerprint,
            **instants(decided_at=decision.decided_at, valid_until=decision.valid_until),
        })
    )


def _breaches(fund: Fund, *kinds: BreachKind) -> list[Breach]:
    """Of the latest decision, those that keep something from trading."""
    decision = fund.latest(GateDecision)
    assert decision is not None, "there is no decision to check"
    return [b for b in decision.breaches if b.ceiling < TradingState.ACTIVE and b.kind in kinds]


@dg.asset_check(asset=gate_decisions, blocking=True)
def every_input_is_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Nothing the gate looks at is missing, stale, incomplete, unreconciled or from the future. Clears by itself after good cycles."""
    breaches = _breaches(fund, BreachKind.UNKNOWN)
    return passed(not breaches, description=_words(breaches), breaches=table(breaches))


@dg.asset_check(asset=gate_decisions, blocking=True)
def no_limit_is_breached(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No limit is crossed and nothing is latched. A latch stays until somebody re-arms: `hedge rearm`."""
    breaches = _breaches(fund, BreachKind.LIMIT, BreachKind.WARNING)
    return passed(not breaches, description=_words(breaches), breaches=table(breaches))


@dg.asset_check(asset=gate_decisions, blocking=True)
def the_verdict_still_holds(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Judged again now, the state is the same: a verdict is not quoted past `valid_until`."""
    decision, now = fund.latest(GateDecision), cycle.judge(fund)
    return passed(
        decision is not None and (decision.state is not TradingState.ACTIVE or now.state is TradingState.ACTIVE),
        decided=decision.state.name if decision else None,
        now=now.state.name,
    )


def _words(breaches: list[Breach]) -> str | None:
    return "; ".join(f"{b.reason}: {b.message}. To do: {b.remedy}" for b in breaches) or None


gate_decisions_match_their_schema = schema_check(gate_decisions, GateDecision)
