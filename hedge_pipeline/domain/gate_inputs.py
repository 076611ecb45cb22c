"""What the gate looks at, and the form of what its rules find."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import Incident, Waiver


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


def is_fresh(peak: PeakState, limits: RiskLimits, now: datetime) -> bool:
    """Young enough to compare with a limit, and not from the future."""
    return -limits.freshness.future_tolerance <= now - peak.as_of < limits.freshness.peak


def is_dormant(nav: NavSnapshot) -> bool:
    """Whether every unit is redeemed."""
    return nav.account_units is not None and nav.account_units == 0


def seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g} s"
