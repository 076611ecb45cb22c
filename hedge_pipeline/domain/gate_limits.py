"""Is every limit kept? One proposition per function; what it finds wrong, it tells in words.

A rule that compares a number first makes sure that the number is known and recent: whether it is not, is another
rule's to say. Which state a breach allows and whether it latches stand in the table of ``risk_gate``.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.drawdown import loss_fraction, rolled_to, start_of_day
from hedge_pipeline.domain.gate_inputs import Finding, Findings, GateInputs, is_dormant, is_fresh, seconds
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.verdicts import Waiver

STABLECOINS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "DAI", "USDE", "BUSD"})


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


def balance_changes_are_explained(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    nav = inputs.nav
    if nav is not None and nav.unreconciled_since is not None:
        age = now - nav.unreconciled_since
        if age > limits.freshness.reconcile_grace and nav.residuals:
            detail = ", ".join(f"{entry.residual} {entry.asset}" for entry in nav.residuals)
            yield Finding(
                message=f"no income row explains {detail}",
                threshold=seconds(limits.freshness.reconcile_grace),
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
    if (
        nav is not None
        and nav.accepted
        and nav.trading_nav is not None
        and nav.trading_nav <= 0
        and not is_dormant(nav)
    ):
        yield Finding(
            message="NAV is not positive", threshold="> 0", observation=str(nav.trading_nav), source="nav"
        )


def units_are_outstanding(inputs: GateInputs, limits: RiskLimits, now: datetime) -> Findings:
    if inputs.nav is not None and is_dormant(inputs.nav):
        yield Finding(message="all units are redeemed: the account is dormant", source="nav")


def _confirmed(inputs: GateInputs, limits: RiskLimits, now: datetime, over: Decimal, field: str) -> Findings:
    """A limit trips on some of the latest snapshots, not on one; and only on a peak state that is known and fresh."""
    peak = inputs.peak
    if peak is None or not is_fresh(peak, limits, now):
        return
    zone = ZoneInfo(limits.reset_timezone)
    recent = [
        rolled_to(state, now, zone) for state in (inputs.recent_peaks or ())[: limits.confirmations_window]
    ]
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
    yield from _confirmed(
        inputs, limits, now, waiver.drawdown_limit if waiver else limits.drawdown.halt, "drawdown"
    )


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
                threshold=seconds(limits.freshness.transit),
                age=now - transfer.since,
                source="income",
            )
