"""Re-arming: a person takes the latches off, once what latched them is gone or a waiver stands in for it.

It never touches the high-water mark. While the drawdown is over its limit only an expiring waiver re-arms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund, retried
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.gate_inputs import GateInputs
from hedge_pipeline.domain.gate_limits import active_waiver
from hedge_pipeline.domain.verdicts import Breach, Command, GateDecision, Incident, TradingState, Waiver
from hedge_pipeline.operations.signing import signed
from hedge_pipeline.operations.taking_over import refuse_a_copy

LONGEST_WAIVER = timedelta(hours=24)
"""A loss beyond the limit is looked at again at least daily."""

TOLERATED = frozenset({"sources_have_recovered", "units_are_outstanding"})
"""Rules that may be broken while one re-arms: they go on closing the gate by themselves, latch or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRequest:
    """A temporary drawdown limit, as somebody asks for it."""

    drawdown_limit: Decimal
    """A fraction above the drawdown now and below the hard ceiling."""
    expires_at: datetime
    """The venue's time; aware."""


def rearm(
    fund: Fund, *, actor: str, reason: str, approver: str | None = None, waiver: WaiverRequest | None = None
) -> GateDecision:
    """Close every latched incident; the verdict afterwards, which other rules may still keep closed.

    Raises:
        CommandRefused: nothing is latched, something that halts persists, or the waiver may not be given.
    """
    return retried(lambda: _rearm(fund, actor=actor, reason=reason, approver=approver, request=waiver))


def _rearm(
    fund: Fund, *, actor: str, reason: str, approver: str | None, request: WaiverRequest | None
) -> GateDecision:
    command = signed(
        fund,
        kind="rearm",
        actor=actor,
        reason=reason,
        approver=approver,
        detail="",
        two_people=request is not None,
    )
    refuse_a_copy(fund, "never re-arms")
    inputs = cycle.gate_inputs(fund)
    latched = [incident for incident in inputs.incidents or () if incident.latched]
    if not latched:
        raise CommandRefused(
            "nothing is latched, so there is nothing to re-arm; `hedge explain` says what closes the gate"
        )
    waivers = [_waiver(fund, inputs, request, command)] if request else []
    unlatched = replace(inputs, incidents=(), waivers=(*waivers, *(inputs.waivers or ())))
    _refuse_while_over_the_limit(fund, unlatched)
    standing = [
        breach
        for breach in cycle.judge(fund, unlatched).breaches
        if breach.ceiling is TradingState.HALTED and breach.rule not in TOLERATED
    ]
    if standing:
        raise CommandRefused(_words(standing))
    now = fund.now()
    fund.store.append(
        replace(command, detail=_detail(latched, waivers)),
        *waivers,
        closing=[replace(incident, closed_at=now, closed_by=command.actor) for incident in latched],
    )
    return cycle.judge(fund)


def _refuse_while_over_the_limit(fund: Fund, inputs: GateInputs) -> None:
    """One snapshot over the limit keeps a person from re-arming, though two trip it."""
    limit, ceiling = fund.limits.drawdown.halt, fund.limits.hard_ceiling
    peak = inputs.peak
    if peak is None or peak.drawdown < limit or active_waiver(inputs, fund.now()) is not None:
        return
    if peak.drawdown >= ceiling:
        raise CommandRefused(
            f"the drawdown is {peak.drawdown}, at or over the hard ceiling of {ceiling} that no waiver may exceed: "
            "unwind the book; it re-arms again below the limit"
        )
    raise CommandRefused(
        f"the drawdown is {peak.drawdown}, at or over its limit of {limit}: only an expiring waiver re-arms, with a "
        f"temporary limit above {peak.drawdown} and below {ceiling}: --waiver-limit FRACTION --waiver-for DURATION "
        f"(at most {_hours(LONGEST_WAIVER)}), and outside paper --approver NAME"
    )


def _waiver(fund: Fund, inputs: GateInputs, request: WaiverRequest, command: Command) -> Waiver:
    limits, now, peak = fund.limits, fund.now(), inputs.peak
    if peak is None:
        raise CommandRefused(
            "waiver: there is no peak state, so the drawdown is unknown; `hedge rebuild-peak` makes one"
        )
    if peak.drawdown < limits.drawdown.halt:
        raise CommandRefused(
            f"waiver: the drawdown is {peak.drawdown}, below its limit of {limits.drawdown.halt}; re-arm without one"
        )
    limit = request.drawdown_limit
    if not (limit.is_finite() and peak.drawdown < limit < limits.hard_ceiling):
        raise CommandRefused(
            f"waiver: {limit} does not lie above the drawdown, {peak.drawdown}, and below the hard ceiling, "
            f"{limits.hard_ceiling}"
        )
    if request.expires_at.utcoffset() is None:
        raise CommandRefused("waiver: its end has no time zone")
    if not now < request.expires_at <= now + LONGEST_WAIVER:
        raise CommandRefused(f"waiver: it must end within {_hours(LONGEST_WAIVER)} from now")
    return Waiver(
        account=fund.account,
        recorded_at=command.recorded_at,
        expires_at=request.expires_at,
        drawdown_limit=limit,
        rearm_nav_per_unit=peak.nav_per_unit,
        tripwire=limits.tripwire,
        actor=command.actor,
        approver=command.approver,
        reason=command.reason,
    )


def _words(standing: Sequence[Breach]) -> str:
    told = [f"{breach.reason}: {breach.message} (to do: {breach.remedy})" for breach in standing]
    return "re-arming waits for what still halts: " + "; ".join(told)


def _detail(latched: Sequence[Incident], waivers: Sequence[Waiver]) -> str:
    closed = "closed " + ", ".join(incident.key for incident in latched)
    granted = [
        f"waiver to {waiver.drawdown_limit} until {waiver.expires_at.isoformat()}" for waiver in waivers
    ]
    return "; ".join([closed, *granted])


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):g} h"
