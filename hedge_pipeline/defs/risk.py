"""Peak state and the gate: how far the fund has fallen, and whether it may trade."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import judged, recent, schema_check
from hedge_pipeline.defs.nav import PLOTTED, nav_snapshots
from hedge_pipeline.defs.presentation import (
    LONGEST_CELL,
    MARKDOWN_IN_PLACE,
    instants,
    listed,
    markdown,
    page,
    plot,
    present,
    words,
)
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.verdicts import Breach, BreachKind, GateDecision, TradingState


@dg.asset(
    group_name="risk",
    owners=["team:risk"],
    kinds={"python"},
    deps=[nav_snapshots],
    description=(
        "High-water mark, drawdown and the day's loss, on account NAV per unit. Without a peak state the drawdown is "
        "unknown, not zero: `hedge inception` (first run) or `hedge rebuild-peak` (lost state) makes one."
    ),
)
def peak_states(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    state, now = cycle.advance_peak(fund), fund.now()
    if state is None:
        latest = fund.latest(PeakState)
        told = "there is no baseline" if latest is None else "no accepted snapshot since the last state"
        return dg.MaterializeResult(
            metadata=present(
                {"absorbed": f"nothing: {told}", **instants(now, as_of=latest.as_of if latest else None)}
            )
        )
    return dg.MaterializeResult(
        metadata=present(
            {
                "drawdown": state.drawdown,
                "drawdown_plot": _drawdown_plot(fund),
                "daily_loss": state.daily_loss,
                "nav_per_unit": state.nav_per_unit,
                "high_water_mark": state.high_water_mark,
                "pending_high": state.pending_high,
                "day": state.day.isoformat(),
                "day_open": state.day_open,
                "realized_pnl_today": state.realized_pnl_today,
                "origin": " ".join(filter(None, (state.origin, state.origin_detail))),
                **instants(now, as_of=state.as_of, day_open_as_of=state.day_open_as_of),
            }
        )
    )


def _drawdown_plot(fund: Fund) -> dg.MarkdownMetadataValue | None:
    rows = fund.store.columns(PeakState, fund.account, "as_of", "drawdown", limit=PLOTTED, newest_first=True)
    return plot("drawdown", [(as_of, drawdown) for as_of, drawdown in reversed(rows)])


@dg.asset_check(asset=peak_states, blocking=True)
def high_water_mark_never_decreases(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """A mark that falls hides a drawdown. A failure means an edited or restored store: `hedge rebuild-peak` proposes the mark from every source left."""
    states = fund.recent(PeakState, 2)
    if not states:
        return judged(
            holds=False, description="there is no peak state: `hedge inception`, or `hedge rebuild-peak`"
        )
    marks = [state.high_water_mark for state in reversed(states)]
    holds = marks == sorted(marks)
    return judged(holds=holds, description=None if holds else f"it fell from {marks[0]} to {marks[1]}")


@dg.asset_check(asset=peak_states, blocking=True)
def peak_is_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Drawdown is compared with its limit only while it is known from recent data. An accepted valuation renews it."""
    state = fund.latest(PeakState)
    return recent(state.as_of if state else None, fund.now(), fund.limits.freshness.peak)


peak_states_match_their_schema = schema_check(peak_states, PeakState)


@dg.asset(
    group_name="risk",
    owners=["team:risk"],
    kinds={"python"},
    deps=[nav_snapshots, peak_states],
    description=(
        "The verdict: ACTIVE, REDUCING or HALTED, with every breach, its threshold, what was observed and what would "
        "clear it. It is written whatever failed upstream; then its checks fail the run. `hedge explain` says it in words."
    ),
)
def gate_decisions(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata=verdict(cycle.decide(fund)))


def verdict(decision: GateDecision) -> dict[str, Any]:
    """A decision as metadata."""
    return present(
        {
            "state": decision.state,
            "breaches": markdown(_briefly(decision.breaches)),
            "limits_fingerprint": decision.limits_fingerprint,
            **instants(decision.decided_at, decided_at=decision.decided_at, valid_until=decision.valid_until),
        }
    )


@dg.asset_check(asset=gate_decisions, blocking=True)
def every_input_is_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Nothing the gate looks at is missing, stale, incomplete, unreconciled or from the future. Clears by itself after good cycles."""
    return _free_of(fund, BreachKind.UNKNOWN)


@dg.asset_check(asset=gate_decisions, blocking=True)
def no_limit_is_breached(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No limit is crossed and nothing is latched. A latch stays until somebody re-arms: `hedge rearm`."""
    return _free_of(fund, BreachKind.LIMIT, BreachKind.WARNING)


def _free_of(fund: Fund, *kinds: BreachKind) -> dg.AssetCheckResult:
    """Whether no breach of these kinds keeps anything from trading, by the latest decision."""
    decision = fund.latest(GateDecision)
    if decision is None:
        return judged(holds=False, description="the gate has never decided")
    breaches = [b for b in decision.breaches if b.ceiling < TradingState.ACTIVE and b.kind in kinds]
    return judged(holds=not breaches, description=_told(breaches))


@dg.asset_check(asset=gate_decisions, blocking=True)
def the_verdict_still_holds(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Judged again now, the state is the same: a verdict is not quoted past `valid_until`. A failure means that nothing has valued since: is the daemon running?"""
    decision, now = fund.latest(GateDecision), cycle.judge(fund)
    holds = decision is not None and (decision.state <= now.state)
    return judged(
        holds=holds,
        description=None if holds else _told([b for b in now.breaches if b.ceiling < TradingState.ACTIVE]),
        decided=decision.state if decision else None,
        now=now.state,
    )


def _told(breaches: Sequence[Breach], *, longest: int = LONGEST_CELL) -> str | None:
    """Every breach: what it allows, what was seen, what to do, where to look."""
    return listed(
        f"**{b.ceiling.name} {b.reason}**: {words(b.message, longest)}{_figures(b)}. To do: {b.remedy}.{page(b.source)}"
        for b in breaches
    )


def _briefly(breaches: Sequence[Breach]) -> str | None:
    """The same, with messages as short as they must be to be shown in place."""
    tried = (_told(breaches, longest=longest) or "" for longest in (LONGEST_CELL, 80, 40, 20))
    return next((text for text in tried if len(text) < MARKDOWN_IN_PLACE), _told(breaches)) or None


def _figures(breach: Breach) -> str:
    age = None if breach.age is None else f"{breach.age.total_seconds():.0f} s"
    seen = {"limit": breach.threshold, "seen": breach.observation, "age": age}
    told = [f"{name} {words(value, longest=60)}" for name, value in seen.items() if value is not None]
    return f" ({', '.join(told)})" if told else ""


gate_decisions_match_their_schema = schema_check(gate_decisions, GateDecision)
