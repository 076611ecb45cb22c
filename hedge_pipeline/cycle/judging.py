"""Peak state and verdict: how far the account has fallen, and whether it may trade."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hedge_pipeline.cycle.fund import Fund, append_with_incidents, retried
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState, advance, start_of_day
from hedge_pipeline.domain.gate_inputs import GateInputs
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.risk_gate import evaluate, incident_changes
from hedge_pipeline.domain.verdicts import GateDecision, Waiver

EVERY_ROW = 2**62
"""A row id beyond any: selects by stamp alone."""


def advance_peak(fund: Fund) -> PeakState | None:
    """Let the peak state absorb every accepted snapshot since its last; ``None`` when there is nothing to absorb."""
    return retried(lambda: _append_peaks(fund))


def _append_peaks(fund: Fund) -> PeakState | None:
    state = fund.latest(PeakState)
    states = _absorbed(fund, state) if state else []
    if not states:
        return None
    fund.store.append(*states)
    return states[-1]


def _absorbed(fund: Fund, state: PeakState) -> list[PeakState]:
    """What follows ``state``: one for each accepted snapshot that it has not absorbed, oldest first."""
    states = [state]
    for snapshot in _not_absorbed(fund, state):
        advanced = advance(
            states[-1],
            snapshot,
            realized_pnl_today=_realized_today(fund, snapshot),
            limits=fund.limits,
            recorded_at=fund.clock.now(),
        )
        states.append(advanced)
    return states[1:]


def _not_absorbed(fund: Fund, state: PeakState) -> list[NavSnapshot]:
    """Accepted snapshots later than the state, oldest first: more than one where a step was missed."""
    rows: list[NavSnapshot] = []
    for limit in (2, 30, 3000):
        rows = fund.store.rows(NavSnapshot, fund.account, limit=limit, newest_first=True, accepted=True)
        if len(rows) < limit or rows[-1].ordinal <= state.nav_ordinal:
            break
    later, newest = [], state.as_of
    for row in reversed(rows):
        if (
            row.ordinal > state.nav_ordinal
            and row.nav_per_unit is not None
            and row.as_of
            and row.as_of > newest
        ):
            later.append(row)
            newest = row.as_of
    return later


def _realized_today(fund: Fund, snapshot: NavSnapshot) -> Decimal | None:
    """REALIZED_PNL of the snapshot's local day, in the numeraire; ``None`` if some asset has no rate."""
    if snapshot.as_of is None:
        return None
    zone = ZoneInfo(fund.limits.reset_timezone)
    midnight = start_of_day(snapshot.as_of.astimezone(zone).date(), zone)
    rows = fund.store.income_outside(
        fund.account, through_at=midnight - timedelta(microseconds=1), through_seq=EVERY_ROW
    )
    rates = {part.asset: part.rate for part in snapshot.parts} | {fund.numeraire: Decimal(1)}
    total = Decimal(0)
    for _, row in rows:
        if row.income_type == "REALIZED_PNL" and row.occurred_at <= snapshot.as_of:
            rate = rates.get(row.asset)
            if rate is None:
                return None
            total += row.amount * rate
    return total


def gate_inputs(fund: Fund) -> GateInputs:
    """Everything the gate looks at, as the store has it now."""
    navs = tuple(fund.recent(NavSnapshot, fund.limits.recovery_cycles + 1))
    peaks = tuple(fund.recent(PeakState, fund.limits.confirmations_window))
    return GateInputs(
        account=fund.latest(AccountReading),
        instruments=fund.last_known(InstrumentsReading, "instruments"),
        nav=navs[0] if navs else None,
        recent_navs=navs,
        peak=peaks[0] if peaks else None,
        recent_peaks=peaks,
        incidents=tuple(fund.store.open_incidents(fund.account)),
        waivers=tuple(fund.recent(Waiver, 1)),
    )


def inputs_in_advance(fund: Fund) -> GateInputs:
    """The same with the peak state that ``advance_peak`` is about to write.

    For whoever judges beside a valuation that has written its NAV and not its peak state yet: nothing is unknown then.
    """
    inputs = gate_inputs(fund)
    if inputs.peak is None:
        return inputs
    following = _absorbed(fund, inputs.peak)
    peaks = (*following[::-1], *(inputs.recent_peaks or ()))[: fund.limits.confirmations_window]
    return replace(inputs, peak=peaks[0], recent_peaks=peaks)


def judge(fund: Fund, inputs: GateInputs | None = None, *, at: datetime | None = None) -> GateDecision:
    """The verdict now (or ``at`` an instant of the venue's time), from stored rows alone; nothing is written."""
    return evaluate(
        inputs or gate_inputs(fund),
        fund.limits,
        account=fund.account,
        now=at or fund.now(),
        recorded_at=fund.clock.now(),
    )


def decide(fund: Fund) -> GateDecision:
    """Judge, append the verdict, open and close incidents. It writes a row whatever failed upstream."""
    return retried(lambda: _append_decision(fund))


def _append_decision(fund: Fund) -> GateDecision:
    decision = judge(fund)
    changes = incident_changes(decision, fund.store.open_incidents(fund.account))
    append_with_incidents(fund, decision, changes, at=decision.decided_at)
    return decision
