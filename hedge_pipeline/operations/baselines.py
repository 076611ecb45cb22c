"""Baselines: the first high-water mark, or one put together again after it was lost.

A baseline is a person's decision, never derived silently. Inception is for an account without any history here; where
there is some, the peak is rebuilt from every source and stays HALTED until somebody re-arms.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from zoneinfo import ZoneInfo

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.drawdown import PeakState, loss_fraction, start_of_day
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.units import quantized, ratio
from hedge_pipeline.domain.verdicts import Command, Incident, TradingState
from hedge_pipeline.operations.high_water_marks import Candidate, Footing, candidates, nav_history
from hedge_pipeline.operations.signing import by, signed

PEAK_REBUILT = "peak_rebuilt"
"""Key of the incident that keeps a rebuilt peak closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A high-water mark, and everything it was chosen from."""

    footing: Footing
    candidates: tuple[Candidate, ...]
    source: str
    """The one that knows the highest."""
    high_water_mark: Decimal

    @property
    def unread(self) -> tuple[Candidate, ...]:
        return tuple(candidate for candidate in self.candidates if candidate.error is not None)


def propose_peak(fund: Fund) -> Proposal:
    """What every source says the high-water mark is; nothing is written.

    Raises:
        CommandRefused: the latest NAV is not accepted, not fresh or not positive, or a flow waits to be classified.
    """
    footing = _footing(fund)
    found = candidates(fund, footing)
    known = [(one.value, one.source) for one in found if one.value is not None]
    mark, source = max(known, key=itemgetter(0))
    return Proposal(footing=footing, candidates=found, source=source, high_water_mark=mark)


def inception(
    fund: Fund, *, actor: str, reason: str, approver: str | None = None, accept_unread: bool = False
) -> PeakState:
    """Declare the account's first baseline: units at 1 of the numeraire, and its high-water mark.

    The mark is the highest any source knows of. ``accept_unread`` goes on without a source that cannot be read.

    Raises:
        CommandRefused: there is history, the NAV cannot be a baseline, or a source cannot be read.
    """
    command = signed(
        fund, kind="inception", actor=actor, reason=reason, approver=approver, detail="", two_people=True
    )
    if fund.latest(PeakState) is not None or nav_history(fund):
        raise CommandRefused(
            "this account has a history here, so this is not its first run; use `hedge rebuild-peak`"
        )
    proposal = propose_peak(fund)
    _refuse_what_is_unread(proposal, accept_unread=accept_unread)
    detail = _detail(proposal, command)
    state = _first_state(fund, proposal, origin="inception", detail=detail)
    fund.store.append(state, replace(command, detail=detail))
    return state


def rebuild_peak(fund: Fund, *, actor: str, reason: str, accept_unread: bool = False) -> PeakState:
    """Put the peak state together again from every source; a latch keeps the gate closed until somebody re-arms.

    Raises:
        CommandRefused: the NAV cannot be a baseline, or a source cannot be read.
    """
    command = signed(fund, kind="rebuild_peak", actor=actor, reason=reason, detail="")
    proposal = propose_peak(fund)
    _refuse_what_is_unread(proposal, accept_unread=accept_unread)
    detail = f"rebuilt_from {_detail(proposal, command)}"
    state = _with_day(fund, _first_state(fund, proposal, origin="rebuild", detail=detail))
    standing = any(incident.key == PEAK_REBUILT for incident in fund.store.open_incidents(fund.account))
    latch = Incident(
        account=fund.account,
        key=PEAK_REBUILT,
        opened_at=fund.now(),
        closed_at=None,
        latched=True,
        ceiling=TradingState.HALTED,
        reason=PEAK_REBUILT,
        message=f"the high-water mark was rebuilt as {proposal.high_water_mark} from {proposal.source}",
        remedy="review the sources it was rebuilt from (`hedge rebuild-peak --plan`), then `hedge rearm`",
        holds_until=None,
        closed_by=None,
    )
    fund.store.append(state, replace(command, detail=detail), *([] if standing else [latch]))
    return state


def _footing(fund: Fund) -> Footing:
    """The latest valuation, if a baseline may be put on it; before there are units, one for each one of the numeraire."""
    snapshot = fund.latest(NavSnapshot)
    remedy = "value the fund (`hedge run`, or keep `hedge dev` running) and order again at once"
    if snapshot is None or not snapshot.accepted or snapshot.as_of is None:
        told = (
            "; ".join(f"{problem.source} {problem.code}" for problem in snapshot.problems)
            if snapshot
            else "none"
        )
        raise CommandRefused(f"a baseline needs an accepted NAV, and the latest is not ({told}): {remedy}")
    age = fund.now() - snapshot.as_of
    if not -fund.limits.freshness.future_tolerance <= age < fund.limits.freshness.nav:
        raise CommandRefused(
            f"a baseline needs a fresh NAV, and the latest is {age.total_seconds():.0f} s old: {remedy}"
        )
    nav = snapshot.trading_nav
    if nav is None or nav <= 0:
        raise CommandRefused(f"NAV is {nav}: an account worth nothing has no baseline")
    if snapshot.unclassified:
        keys = ", ".join(flow.flow_key for flow in snapshot.unclassified)
        raise CommandRefused(
            f"flows wait to be classified, and units depend on them: `hedge flow classify` for {keys}"
        )
    units = snapshot.account_units or quantized(nav)
    return Footing(
        snapshot=snapshot, as_of=snapshot.as_of, nav=nav, units=units, nav_per_unit=ratio(nav, units)
    )


def _first_state(fund: Fund, proposal: Proposal, *, origin: str, detail: str) -> PeakState:
    footing = proposal.footing
    snapshot = replace(footing.snapshot, account_units=footing.units, nav_per_unit=footing.nav_per_unit)
    return cycle.baseline(
        fund, snapshot, high_water_mark=proposal.high_water_mark, origin=origin, detail=detail
    )


def _with_day(fund: Fund, state: PeakState) -> PeakState:
    """The day's loss goes on counting from the day's own open, which a rebuild must not forgive."""
    zone = ZoneInfo(fund.limits.reset_timezone)
    opened, day_open = _day_open(nav_history(fund), start_of_day(state.day, zone), state)
    return replace(
        state,
        day_open=day_open,
        day_open_as_of=opened,
        daily_loss=loss_fraction(state.nav_per_unit, day_open),
    )


def _day_open(
    history: list[tuple[datetime, Decimal]], midnight: datetime, state: PeakState
) -> tuple[datetime, Decimal]:
    """Last stored NAV per unit at or before midnight, else the day's first, else the state's own."""
    worth = [(as_of, per_unit) for as_of, per_unit in history if per_unit > 0]
    before = [entry for entry in worth if entry[0] <= midnight]
    if before:
        return before[-1]
    return worth[0] if worth else (state.as_of, state.nav_per_unit)


def _refuse_what_is_unread(proposal: Proposal, *, accept_unread: bool) -> None:
    if proposal.unread and not accept_unread:
        told = "; ".join(f"{candidate.source}: {candidate.error}" for candidate in proposal.unread)
        raise CommandRefused(
            f"a source that may know a higher mark could not be read ({told}): mend it, "
            "or go on without it by --accept-unread"
        )


def _detail(proposal: Proposal, command: Command) -> str:
    told = [
        f"{candidate.source} {candidate.error or candidate.value or 'knows of none'}"
        + (f" as of {candidate.as_of.isoformat()}" if candidate.as_of else "")
        for candidate in proposal.candidates
    ]
    return f"{proposal.source}: {proposal.high_water_mark}, of {'; '.join(told)}; by {by(command)}: {command.reason}"
