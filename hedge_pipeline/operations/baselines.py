"""Baselines: the first high-water mark, or one put together again after it was lost.

A baseline is a person's decision, never derived silently. Inception is for an account without any history here; where
there is some, the peak is rebuilt from every source and stays HALTED until somebody re-arms.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from zoneinfo import ZoneInfo

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.drawdown import PeakState, loss_fraction, start_of_day
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.resumption import path_back
from hedge_pipeline.domain.units import quantized, ratio
from hedge_pipeline.domain.verdicts import Command, Incident, TradingState
from hedge_pipeline.operations.high_water_marks import (
    Candidate,
    Footing,
    Memories,
    candidates,
    nav_history,
    remember,
    scale,
)
from hedge_pipeline.operations.remembering import refuse_unspoken
from hedge_pipeline.operations.signing import by, signed

PEAK_REBUILT = "peak_rebuilt"
"""Key of the incident that keeps a rebuilt peak closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A high-water mark, and everything it was chosen from."""

    footing: Footing
    memories: Memories
    candidates: tuple[Candidate, ...]
    left_out: tuple[str, ...]
    """Doubtful sources that a person does not count."""
    source: str
    """The one that knows the highest."""
    high_water_mark: Decimal

    @property
    def unread(self) -> tuple[Candidate, ...]:
        return tuple(candidate for candidate in self.candidates if candidate.error is not None)

    @property
    def unspoken(self) -> tuple[str, ...]:
        """Keys of outflows of which nobody has said what they were; they are taken for losses."""
        resumption = self.memories.resumption
        return resumption.unspoken if resumption else ()


def propose_peak(
    fund: Fund, *, without: Collection[str] = (), spoken: Mapping[str, FlowPurpose] | None = None
) -> Proposal:
    """What every source says the high-water mark is; nothing is written.

    ``without`` names doubtful sources that are not to count; ``spoken`` says what outflows were that no store remembers.

    Raises:
        CommandRefused: the latest NAV is not accepted, not fresh or not positive, or a flow waits to be classified.
    """
    snapshot = _valued(fund)
    memories = remember(fund, snapshot, spoken=spoken or {})
    footing = _footing(snapshot, memories)
    found = candidates(fund, footing, memories)
    doubtful = {candidate.source for candidate in found if candidate.doubt}
    if not doubtful.issuperset(without):
        raise CommandRefused(
            f"only a doubtful source may be left out ({', '.join(sorted(doubtful)) or 'there is none'}), not "
            + ", ".join(sorted(set(without) - doubtful))
        )
    known = [(one.value, one.source) for one in found if one.value is not None and one.source not in without]
    mark, source = max(known, key=itemgetter(0))
    return Proposal(
        footing=footing,
        memories=memories,
        candidates=found,
        left_out=tuple(sorted(without)),
        source=source,
        high_water_mark=mark,
    )


def inception(
    fund: Fund,
    *,
    actor: str,
    reason: str,
    approver: str | None = None,
    accept_unread: bool = False,
    without: Collection[str] = (),
) -> PeakState:
    """Declare the account's first baseline: units at 1 of the numeraire, and its high-water mark.

    The mark is the highest any source knows of. ``accept_unread`` goes on without a source that cannot be read,
    ``without`` leaves out doubtful ones.

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
    proposal = propose_peak(fund, without=without)
    if proposal.memories.known:
        raise CommandRefused(
            "publications or history remember this account, so this is not its first run; use `hedge rebuild-peak`"
        )
    _refuse_what_is_unread(proposal, accept_unread=accept_unread)
    detail = _detail(proposal, command)
    state = _first_state(fund, proposal, origin="inception", detail=detail)
    fund.store.append(state, replace(command, detail=detail))
    return state


def rebuild_peak(
    fund: Fund,
    *,
    actor: str,
    reason: str,
    accept_unread: bool = False,
    without: Collection[str] = (),
    spoken: Mapping[str, FlowPurpose] | None = None,
) -> PeakState:
    """Put the peak state together again from every source; a latch keeps the gate closed until somebody re-arms.

    A lost ledger of units goes on from where it was last published, through every flow since.

    Raises:
        CommandRefused: the NAV cannot be a baseline, a source cannot be read, or what an outflow was is not known.
    """
    command = signed(fund, kind="rebuild_peak", actor=actor, reason=reason, detail="")
    proposal = propose_peak(fund, without=without, spoken=spoken)
    _refuse_what_is_unread(proposal, accept_unread=accept_unread)
    refuse_unspoken(proposal.memories.resumption)
    detail = f"rebuilt_from {_detail(proposal, command)}"
    state = _with_day(fund, proposal, _first_state(fund, proposal, origin="rebuild", detail=detail))
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


def _valued(fund: Fund) -> NavSnapshot:
    """The latest valuation, if a baseline may be put on it."""
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
    return snapshot


def _footing(snapshot: NavSnapshot, memories: Memories) -> Footing:
    """The units a baseline goes on with: the store's, else the published ones, else one for each one of the numeraire."""
    resumption, nav, as_of = memories.resumption, snapshot.trading_nav, snapshot.as_of
    assert nav is not None  # noqa: S101 as ``_valued`` has seen
    assert as_of is not None  # noqa: S101
    units = snapshot.account_units or (resumption.account_units if resumption else quantized(nav))
    fund_units = snapshot.fund_units
    if snapshot.account_units is None and resumption is not None:
        fund_units = resumption.fund_units or fund_units
    return Footing(
        snapshot=snapshot,
        as_of=as_of,
        nav=nav,
        units=units,
        fund_units=fund_units,
        nav_per_unit=ratio(nav, units),
    )


def _first_state(fund: Fund, proposal: Proposal, *, origin: str, detail: str) -> PeakState:
    footing = proposal.footing
    snapshot = replace(
        footing.snapshot,
        account_units=footing.units,
        nav_per_unit=footing.nav_per_unit,
        fund_units=footing.fund_units,
    )
    return cycle.baseline(
        fund, snapshot, high_water_mark=proposal.high_water_mark, origin=origin, detail=detail
    )


def _with_day(fund: Fund, proposal: Proposal, state: PeakState) -> PeakState:
    """The day's loss goes on counting from the day's own open, which a rebuild must not forgive."""
    zone = ZoneInfo(fund.limits.reset_timezone)
    opened, day_open = _day_open(fund, proposal, state, start_of_day(state.day, zone))
    return replace(
        state,
        day_open=day_open,
        day_open_as_of=opened,
        daily_loss=loss_fraction(state.nav_per_unit, day_open),
    )


def _day_open(
    fund: Fund, proposal: Proposal, state: PeakState, midnight: datetime
) -> tuple[datetime, Decimal]:
    """The last NAV per unit at or before midnight that is stored or remembered, else the day's first, else what income tells."""
    stored = [(as_of, per_unit) for as_of, per_unit in nav_history(fund) if per_unit > 0]
    remembered = _remembered_open(proposal, state)
    known = [*stored, *([remembered] if remembered else [])]
    before = [entry for entry in known if entry[0] <= midnight]
    if before:
        return max(before, key=itemgetter(0))
    if remembered or stored:
        return remembered or stored[0]
    income, footing = proposal.memories.income.answer, proposal.footing
    if income is None:
        return state.as_of, state.nav_per_unit
    today = [point for point in path_back(footing.nav, income.steps) if point.before > midnight]
    at_midnight = today[-1].nav_per_unit if today else Decimal(1)
    return midnight, quantized(at_midnight * footing.nav_per_unit)


def _remembered_open(proposal: Proposal, state: PeakState) -> tuple[datetime, Decimal] | None:
    """The day's open as remembered, or the last NAV per unit of an earlier day, in units of today."""
    resumption = proposal.memories.resumption
    if resumption is None:
        return None
    record, by = resumption.record, scale(proposal.footing, resumption)
    if record.day == state.day:
        return (record.opened[0], quantized(record.opened[1] * by)) if record.opened else None
    return record.as_of, quantized(record.nav_per_unit * by)


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
        + (" (left out)" if candidate.source in proposal.left_out else "")
        for candidate in proposal.candidates
    ]
    resumption, footing = proposal.memories.resumption, proposal.footing
    if resumption is not None and footing.snapshot.account_units is None:
        told.append(f"units {footing.units} go on from {resumption.record.as_of.isoformat()}")
    return f"{proposal.source}: {proposal.high_water_mark}, of {'; '.join(told)}; by {by(command)}: {command.reason}"
