"""The propositions the gate holds true before anything may open: one function each, pure, told in words.

A function yields what it finds wrong. Which state that allows, whether it latches and what to do about it stand in
the table of ``risk_gate``. A rule that compares a number first makes sure that the number is known and recent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState, loss_fraction, rolled_to, start_of_day
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import Incident, Waiver

STABLECOINS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "DAI", "USDE", "BUSD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """Everything the gate looks at. ``None`` means unknown, and unknown halts."""

    account: AccountReading | None
    """The latest attempt."""
    instruments: InstrumentsReading | None
    """The latest that succeeded."""
    nav: NavSnapshot | None
    """The latest attempt, accepted or not."""
    recent_navs: tuple[NavSnapshot, ...] | None
    """Latest attempts, newest first: one more than the cycles recovery takes."""
    peak: PeakState | None
    recent_peaks: tuple[PeakState, ...] | None
    """Newest first, as many as the confirmation window."""
    incidents: tuple[Incident, ...] | None
    """Open ones."""
    waivers: tuple[Waiver, ...] | None
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule found wrong."""

    message: str
    threshold: str | None = None
    observation: str | None = None
    age: timedelta | None = None
    source: str | None = None
    holds_until: datetime | None = None


Findings = Iterator[Finding]


def inputs_are_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """The store could be read and something has been attempted."""
    if inputs.account is None:
        yield Finding(message="the account has never been read", source="balances")
    if inputs.incidents is None or inputs.waivers is None or inputs.recent_navs is None or inputs.recent_peaks is None:
        yield Finding(message="past rows of the store are unknown", source="store")


def no_latch_is_set(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    for incident in inputs.incidents or ():
        if incident.latched:
            yield Finding(
                message=f"{incident.key} has been latched since {incident.opened_at.isoformat()}: {incident.message}",
                source=incident.key,
                age=now - incident.opened_at,
            )


def no_loss_limit_holds(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """A day's loss keeps its effect until the next local midnight and its cooldown."""
    for incident in inputs.incidents or ():
        if not incident.latched and incident.holds_until is not None and now < incident.holds_until:
            yield Finding(
                message=f"{incident.key}: {incident.message}; holds until {incident.holds_until.isoformat()}",
                source=incident.key,
                age=now - incident.opened_at,
                holds_until=incident.holds_until,
            )


def clock_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is not None and inputs.account.clock is None:
        error = next((s.error for s in inputs.account.sources if s.source == "clock" and s.error), "never measured")
        yield Finding(message=f"the venue's clock is unknown: {error}", source="clock")


def clock_offset_is_tolerable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _offset(inputs, limits.freshness.clock_offset_halt)


def clock_offset_is_small(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _offset(inputs, limits.freshness.clock_offset_reduce)


def _offset(inputs: GateInputs, limit: timedelta) -> Findings:
    reading = inputs.account.clock if inputs.account else None
    if reading is not None and abs(reading.offset) > limit:
        yield Finding(
            message=f"our clock and the venue's differ by {abs(reading.offset).total_seconds():.3f} s",
            threshold=f"{limit.total_seconds()} s",
            observation=f"{reading.offset.total_seconds():+.3f} s",
            source="clock",
        )


def hedge_mode_is_on(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is not None and inputs.account.hedge_mode is False:
        yield Finding(message="the account nets its positions: hedge mode is off", source="modes")


def exposure_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.account is None or inputs.account.positions is None:
        sources = inputs.account.sources if inputs.account else ()
        error = next((s.error for s in sources if s.source == "positions" and s.error), "never read")
        yield Finding(message=f"positions are unknown: {error}", source="positions")


def instruments_are_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    reading = inputs.instruments
    if reading is None or reading.as_of is None or reading.instruments is None:
        yield Finding(message="instruments have never been read", source="instruments")
    elif now - reading.as_of >= limits.freshness.instruments:
        yield Finding(
            message="what the venue trades is known from too long ago",
            threshold=_seconds(limits.freshness.instruments),
            age=now - reading.as_of,
            source="instruments",
        )


def nav_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is None:
        yield Finding(message="no NAV has ever been taken", source="nav")
        return
    if inputs.nav.accepted:
        return
    age = None if inputs.nav.last_good_as_of is None else now - inputs.nav.last_good_as_of
    health = ", ".join(f"{source.source} {'ok' if source.ok else 'failed'}" for source in inputs.nav.sources)
    for problem in inputs.nav.problems or ():
        yield Finding(
            message=f"the latest NAV is not accepted: {problem.source} {problem.code}: {problem.message}",
            threshold=_seconds(limits.freshness.nav),
            observation=health,
            age=age,
            source=problem.source,
        )
    if not inputs.nav.problems:
        yield Finding(message="the latest NAV is not accepted", age=age, source="nav")


def nav_is_fresh(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is None:
        return
    if inputs.nav.last_good_as_of is None:
        yield Finding(message="no NAV has ever been accepted", threshold=_seconds(limits.freshness.nav), source="nav")
        return
    age = now - inputs.nav.last_good_as_of
    if age >= limits.freshness.nav:
        health = ", ".join(f"{source.source} {'ok' if source.ok else 'failed'}" for source in inputs.nav.sources)
        yield Finding(
            message="the last accepted NAV is too old",
            threshold=_seconds(limits.freshness.nav),
            observation=health,
            age=age,
            source="nav",
        )
    elif -age > limits.freshness.future_tolerance:
        yield Finding(message="the last accepted NAV is dated in the future", observation=_seconds(-age), source="nav")


def sources_have_recovered(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """After an unknown, some good cycles in a row: a source that flickers is not one to trade on."""
    recent = inputs.recent_navs or ()
    good = 0
    for newer, older in zip(recent, [*recent[1:], None], strict=True):
        if not newer.accepted or newer.as_of is None:
            break
        good += 1
        if older is None:
            return
        if older.as_of is not None and newer.as_of - older.as_of >= limits.freshness.nav:
            break
    if good and good < limits.recovery_cycles:
        yield Finding(
            message=f"{good} good cycle{'s' if good > 1 else ''} since something was unknown",
            threshold=f"{limits.recovery_cycles} good cycles",
            observation=str(good),
            source="nav",
        )


def balance_changes_are_explained(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    nav = inputs.nav
    if nav is not None and nav.unreconciled_since is not None:
        age = now - nav.unreconciled_since
        if age > limits.freshness.reconcile_grace and nav.residuals:
            detail = ", ".join(f"{entry.residual} {entry.asset}" for entry in nav.residuals)
            yield Finding(
                message=f"no income row explains {detail}",
                threshold=_seconds(limits.freshness.reconcile_grace),
                observation=detail,
                age=age,
                source="income",
            )


def outflows_are_announced(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    for flow in inputs.nav.unclassified if inputs.nav else ():
        yield Finding(
            message=f"{-flow.amount} {flow.asset} left the account and nobody announced it (flow {flow.flow_key})",
            observation=f"{flow.amount} {flow.asset}",
            age=now - flow.since,
            source="income",
        )


def nav_is_positive(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """A true zero, with every source healthy: liquidation or an emptied account, never a default."""
    nav = inputs.nav
    if nav is not None and nav.accepted and nav.trading_nav is not None and nav.trading_nav <= 0 and not _dormant(nav):
        yield Finding(message="NAV is not positive", threshold="> 0", observation=str(nav.trading_nav), source="nav")


def units_are_outstanding(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is not None and _dormant(inputs.nav):
        yield Finding(message="all units are redeemed: the account is dormant", source="nav")


def _dormant(nav: NavSnapshot) -> bool:
    return nav.account_units is not None and nav.account_units == 0


def peak_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.peak is None:
        yield Finding(message="there is no peak state: drawdown is unknown, not zero", source="peak")
    elif not inputs.peak.high_water_mark > 0:
        yield Finding(
            message="the high-water mark is not positive",
            threshold="> 0",
            observation=str(inputs.peak.high_water_mark),
            source="peak",
        )


def peak_is_fresh(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.peak is not None and not _fresh(inputs.peak, limits, now):
        yield Finding(
            message="the peak state is too old" if now > inputs.peak.as_of else "the peak state is from the future",
            threshold=_seconds(limits.freshness.peak),
            age=now - inputs.peak.as_of,
            source="peak",
        )


def peak_covers_the_nav(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    """Drawdown is that of the NAV now accepted, not of an earlier one."""
    nav, peak = inputs.nav, inputs.peak
    if nav is not None and peak is not None and nav.last_good_as_of is not None and not _dormant(nav):
        if peak.as_of < nav.last_good_as_of:
            yield Finding(
                message="the peak state has not absorbed the latest accepted NAV",
                threshold=nav.last_good_as_of.isoformat(),
                observation=peak.as_of.isoformat(),
                age=now - peak.as_of,
                source="peak",
            )


def realized_pnl_is_known(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    peak = inputs.peak
    if peak is not None and _fresh(peak, limits, now) and peak.origin == "snapshot":
        if rolled_to(peak, now, ZoneInfo(limits.reset_timezone)).realized_pnl_today is None:
            yield Finding(message="today's realized PnL is unavailable", source="income")


def _fresh(peak: PeakState, limits: RiskLimits, now: datetime) -> bool:
    return -limits.freshness.future_tolerance <= now - peak.as_of < limits.freshness.peak


def _confirmed(inputs: GateInputs, limits: RiskLimits, now: datetime, over: Decimal, field: str) -> Findings:
    """A limit trips on some of the latest snapshots, not on one; and only on a peak state that is known and fresh."""
    peak = inputs.peak
    if peak is None or not _fresh(peak, limits, now):
        return
    zone = ZoneInfo(limits.reset_timezone)
    recent = [rolled_to(state, now, zone) for state in (inputs.recent_peaks or ())[: limits.confirmations_window]]
    observed = [getattr(state, field) for state in recent]
    if sum(loss >= over for loss in observed) >= limits.confirmations_needed:
        yield Finding(
            message=f"{field.replace('_', ' ')} is {observed[0]:.4f}",
            threshold=str(over),
            observation=str(observed[0]),
            age=now - peak.as_of,
            source="peak",
        )


def drawdown_is_unremarkable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _confirmed(inputs, limits, now, limits.drawdown.warn, "drawdown")


def drawdown_is_moderate(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if active_waiver(inputs, now) is None:
        yield from _confirmed(inputs, limits, now, limits.drawdown.reduce, "drawdown")


def drawdown_is_within_its_limit(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    waiver = active_waiver(inputs, now)
    yield from _confirmed(inputs, limits, now, waiver.drawdown_limit if waiver else limits.drawdown.halt, "drawdown")


def drawdown_is_survivable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if limits.drawdown.flatten is not None and active_waiver(inputs, now) is None:
        yield from _confirmed(inputs, limits, now, limits.drawdown.flatten, "drawdown")


def waiver_is_not_tripped(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    waiver = active_waiver(inputs, now)
    if waiver is not None and inputs.peak is not None:
        fall = loss_fraction(inputs.peak.nav_per_unit, waiver.rearm_nav_per_unit)
        if fall >= waiver.tripwire:
            yield Finding(
                message="NAV per unit fell through the waiver's tripwire",
                threshold=str(waiver.tripwire),
                observation=str(fall),
                source="peak",
            )


def active_waiver(inputs: GateInputs, now: datetime) -> Waiver | None:
    """The newest waiver, unless it has expired."""
    newest = inputs.waivers[0] if inputs.waivers else None
    return newest if newest is not None and now < newest.expires_at else None


def daily_loss_is_unremarkable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _confirmed(inputs, limits, now, limits.daily_loss.warn, "daily_loss")


def daily_loss_is_within_its_limit(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    zone = ZoneInfo(limits.reset_timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    until = start_of_day(tomorrow, zone) + limits.cooldown
    for finding in _confirmed(inputs, limits, now, limits.daily_loss.reduce, "daily_loss"):
        yield Finding(
            message=finding.message,
            threshold=finding.threshold,
            observation=finding.observation,
            age=finding.age,
            source=finding.source,
            holds_until=until,
        )


def daily_loss_is_bearable(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    yield from _confirmed(inputs, limits, now, limits.daily_loss.halt, "daily_loss")


def stablecoins_hold_their_peg(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    nav = inputs.nav
    if nav is None or nav.numeraire_usd is None:
        return
    prices = {part.asset: part.rate * nav.numeraire_usd for part in nav.parts if part.rate is not None}
    prices[nav.numeraire] = nav.numeraire_usd
    for asset in sorted(STABLECOINS & set(prices)):
        if abs(prices[asset] - 1) > limits.depeg:
            yield Finding(
                message=f"{asset} is worth {prices[asset]:.4f} USD",
                threshold=f"1 ± {limits.depeg}",
                observation=str(prices[asset]),
                source="asset_rates",
            )


def reporting_nav_is_complete(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    nav = inputs.nav
    if nav is not None and nav.accepted and not nav.aum_complete:
        for message in nav.aum_problems:
            yield Finding(message=f"reporting NAV is a lower bound: {message}", source="reserves")


def inflows_are_announced(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    for label in inputs.nav.labels if inputs.nav else ():
        yield Finding(message=label.message, source=label.source)


def transfers_arrive_in_time(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    for transfer in inputs.nav.in_transit if inputs.nav else ():
        if now - transfer.since > limits.freshness.transit:
            yield Finding(
                message=f"{transfer.amount} {transfer.asset} has been between treasury and venue for too long",
                threshold=_seconds(limits.freshness.transit),
                age=now - transfer.since,
                source="income",
            )


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"
