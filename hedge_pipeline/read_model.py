"""The read model: what the fund is worth and whether it may trade, as the stored rows tell it at one instant.

Status, explanation and publications all show this one view, so that they cannot differ. Nothing in it is written, asked
of a source or carried past its age: every figure stands beside its own instant, and the verdict is evaluated now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import AccountReading, Position
from hedge_pipeline.domain.drawdown import PeakState, rolled_to
from hedge_pipeline.domain.flows import FlowClassification, residual_key
from hedge_pipeline.domain.gate_limits import active_waiver
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import Breach, BreachKind, GateDecision, Incident, TradingState, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFlow:
    """A change of the wallet that somebody has to classify."""

    flow_key: str
    asset: str
    amount: Decimal
    """Native units, into the account positive."""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FundView:
    """One account and the fund around it, now. ``None`` means unknown, never zero."""

    account: str
    evaluated_at: datetime
    """The venue's time, carried forward."""
    limits: RiskLimits
    decision: GateDecision
    """Evaluated now; not the stored one."""
    otherwise: GateDecision | None = None
    """The last stored verdict of another state."""
    attempt: NavSnapshot | None = None
    """The latest valuation, accepted or not."""
    nav: NavSnapshot | None = None
    """The latest valuation that was accepted: every figure shown is its."""
    peak: PeakState | None = None
    positions: tuple[Position, ...] | None = None
    """As last known."""
    positions_as_of: datetime | None = None
    incidents: tuple[Incident, ...] = ()
    """Open ones, oldest first."""
    waiver: Waiver | None = None
    """The one in force."""
    waiting: tuple[WaitingFlow, ...] = ()
    """Flows that somebody has to classify."""

    @property
    def state(self) -> TradingState:
        return self.decision.state

    def age(self, instant: datetime | None) -> timedelta | None:
        return None if instant is None else self.evaluated_at - instant

    @property
    def as_of(self) -> datetime | None:
        return self.nav.as_of if self.nav else None

    @property
    def stale(self) -> bool:
        """Whether the figures may not be used as those of now: too old, or the latest attempt gave none."""
        current = self.attempt is not None and self.attempt.accepted
        return not current or self._outdated(self.as_of, self.limits.freshness.nav)

    @property
    def complete(self) -> bool:
        """Whether the latest attempt could value everything: the account and all that is kept off it."""
        return self.attempt is not None and self.attempt.complete and self.attempt.aum_complete

    @property
    def peak_stale(self) -> bool:
        return self._outdated(self.peak.as_of if self.peak else None, self.limits.freshness.peak)

    @property
    def positions_stale(self) -> bool:
        return self._outdated(self.positions_as_of, self.limits.freshness.nav)

    @property
    def daily_loss(self) -> Decimal | None:
        """Fall since the day's open; unknown when the last state is of another day and too old to say."""
        today = self._today()
        return today.daily_loss if today else None

    @property
    def realized_pnl_today(self) -> Decimal | None:
        today = self._today()
        return today.realized_pnl_today if today else None

    def _today(self) -> PeakState | None:
        if self.peak is None:
            return None
        rolled = rolled_to(self.peak, self.evaluated_at, ZoneInfo(self.limits.reset_timezone))
        return None if rolled.day != self.peak.day and self.peak_stale else rolled

    def _outdated(self, instant: datetime | None, limit: timedelta) -> bool:
        age = self.age(instant)
        return age is None or not -self.limits.freshness.future_tolerance <= age < limit

    @property
    def opened_at(self) -> Mapping[str, datetime]:
        """When each broken rule was first seen broken, by rule; a rule without an incident is missing."""
        return MappingProxyType({incident.key: incident.opened_at for incident in self.incidents})


def read_fund(fund: Fund) -> FundView:
    """The view now, from the store alone.

    Raises:
        StoreUnavailable: the store cannot be read.
        InvalidState: it holds a row that cannot be understood.
    """
    inputs = cycle.gate_inputs(fund)
    decision = cycle.judge(fund, inputs)
    attempt = inputs.nav
    nav = attempt if attempt is None or attempt.accepted else _last_accepted(fund)
    reading = fund.last_known(AccountReading, "positions")
    return FundView(
        account=fund.account,
        evaluated_at=decision.decided_at,
        limits=fund.limits,
        decision=decision,
        otherwise=_otherwise(fund, decision.state),
        attempt=attempt,
        nav=nav,
        peak=inputs.peak,
        positions=reading.positions if reading else None,
        positions_as_of=_positions_as_of(reading),
        incidents=inputs.incidents or (),
        waiver=active_waiver(inputs, decision.decided_at),
        waiting=waiting_flows(fund, attempt),
    )


def closed_view(account: str, limits: RiskLimits, *, now: datetime, reason: str, remedy: str) -> FundView:
    """What is to be said when the store cannot be read: nothing is known, so nothing may trade."""
    breach = Breach(
        rule="store_is_readable",
        reason="store_unavailable",
        kind=BreachKind.UNKNOWN,
        ceiling=TradingState.HALTED,
        latches=False,
        message=reason,
        threshold=None,
        observation=None,
        age=None,
        source="store",
        remedy=remedy,
    )
    decision = GateDecision(
        account=account,
        decided_at=now,
        recorded_at=now,
        state=TradingState.HALTED,
        dormant=False,
        valid_until=now,
        limits_fingerprint=limits.fingerprint(),
        breaches=(breach,),
        nav_ordinal=None,
        peak_ordinal=None,
    )
    return FundView(account=account, evaluated_at=now, limits=limits, decision=decision)


def waiting_flows(fund: Fund, attempt: NavSnapshot | None) -> tuple[WaitingFlow, ...]:
    """What the latest valuation cannot go on without: unannounced outflows and unexplained balance changes."""
    if attempt is None:
        return ()
    classified = {row.flow_key for row in fund.store.rows(FlowClassification, fund.account)}
    waiting = [
        WaitingFlow(flow_key=flow.flow_key, asset=flow.asset, amount=flow.amount, since=flow.since)
        for flow in attempt.unclassified
    ]
    since = attempt.unreconciled_since
    if since is not None:
        waiting += [
            WaitingFlow(
                flow_key=residual_key(entry.asset, since, entry.residual),
                asset=entry.asset,
                amount=entry.residual,
                since=since,
            )
            for entry in attempt.residuals
            if entry.residual
        ]
    return tuple(flow for flow in waiting if flow.flow_key not in classified)


def _last_accepted(fund: Fund) -> NavSnapshot | None:
    return fund.store.latest(NavSnapshot, fund.account, accepted=True)


def _otherwise(fund: Fund, state: TradingState) -> GateDecision | None:
    others = [
        fund.store.latest(GateDecision, fund.account, state=other)
        for other in TradingState
        if other is not state
    ]
    return max((found for found in others if found), key=lambda found: found.decided_at, default=None)


def _positions_as_of(reading: AccountReading | None) -> datetime | None:
    sources = reading.sources if reading else ()
    return next((source.as_of for source in sources if source.source == "positions"), None)
