"""The fund as the stored rows tell it at one instant: what it is worth, whether it may trade, what was published.

Every figure stands beside its own instant; the verdict is evaluated at ``evaluated_at``. ``None`` means unknown, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.account import Position
from hedge_pipeline.domain.drawdown import PeakState, rolled_to
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.publication.publications import PublishedDocument
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.explaining import SymbolAccount
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
    """One account and the fund around it, now."""

    account: str
    evaluated_at: datetime
    """The venue's time, carried forward."""
    limits: RiskLimits
    decision: GateDecision
    """Evaluated now; not the stored one."""
    decided_at: datetime | None = None
    """Of the stored verdict."""
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
    open_orders: tuple[KnownOrder, ...] | None = None
    """Everything that rested when the venue last told all of it, anybody's."""
    open_orders_as_of: datetime | None = None
    exits: ExitCover | None = None
    """The latest protection cycle that knew the positions."""
    silence: timedelta = timedelta(0)
    """How old what protection knew may be."""
    trading_enabled: bool = False
    trading: tuple[SymbolAccount, ...] = ()
    """What each strategy's symbol wanted, sent and withheld at its last bar."""
    incidents: tuple[Incident, ...] = ()
    """Open ones, oldest first."""
    waiver: Waiver | None = None
    """The one in force."""
    waiting: tuple[WaitingFlow, ...] = ()
    """Flows that somebody has to classify."""
    seqs: Mapping[type[Any], int] = field(default_factory=dict)
    """Row id of the newest row of each table, by row class; a table without rows is missing."""
    published: tuple[PublishedDocument, ...] = ()
    """What became of each document of the latest publication."""
    published_at: datetime | None = None
    """When that was."""

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
    def open_orders_stale(self) -> bool:
        return self._outdated(self.open_orders_as_of, self.silence)

    @property
    def exits_as_of(self) -> datetime | None:
        return self.exits.as_of if self.exits else None

    @property
    def exits_stale(self) -> bool:
        return self._outdated(self.exits_as_of, self.silence)

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
