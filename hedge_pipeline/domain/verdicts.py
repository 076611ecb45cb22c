"""What the gate says and what people order: states, breaches, decisions, incidents, commands, waivers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

RESTORED_COPY = "restored_copy"
"""Key of the latch that every copy of a state store carries until somebody takes it over."""


class TradingState(IntEnum):
    """What may leave for the venue, strictest first."""

    HALTED = 0
    """Nothing; stops are kept, operator commands work."""
    REDUCING = 1
    """Nothing that opens."""
    ACTIVE = 2
    """Whatever a permit allows."""


class BreachKind(StrEnum):
    """How a breach goes away."""

    UNKNOWN = "unknown"
    """Something is not known; clears by itself after good cycles."""
    LIMIT = "limit"
    """A limit is crossed; see ``latches``."""
    WARNING = "warning"
    """Told, not acted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One reason, complete enough for a person to act on."""

    rule: str
    """The proposition that does not hold, e.g. ``nav_is_fresh``."""
    reason: str
    """Canonical code, e.g. ``nav_stale``."""
    kind: BreachKind
    ceiling: TradingState
    """The most this breach allows."""
    latches: bool
    """Stays until a person re-arms."""
    message: str
    threshold: str | None
    observation: str | None
    age: timedelta | None
    source: str | None
    remedy: str
    holds_until: datetime | None = None
    """A breach that ends by the clock alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """The verdict: a row of ``gate_decisions``. Nothing quotes it past ``valid_until``."""

    account: str
    decided_at: datetime
    """The venue's time when it was decided."""
    recorded_at: datetime
    state: TradingState
    dormant: bool
    """No units are outstanding: nothing to trade with."""
    valid_until: datetime
    """First instant at which some input is too old; the decision itself when it is not ACTIVE."""
    limits_fingerprint: str
    breaches: tuple[Breach, ...]
    nav_ordinal: int | None
    peak_ordinal: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that went wrong, from first seen to over: a row of ``incidents``."""

    account: str
    key: str
    """Rule or check; at most one open incident per key."""
    opened_at: datetime
    closed_at: datetime | None
    latched: bool
    """Only a person's re-arming closes it."""
    ceiling: TradingState | None
    """What it allows while open; ``None``: it does not touch the gate."""
    reason: str
    message: str
    remedy: str
    holds_until: datetime | None
    closed_by: str | None
    """``recovered``, ``expired`` or the actor who re-armed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChanges:
    """What a row does to the incidents: at most one open per key."""

    opened: tuple[Incident, ...]
    closed: tuple[tuple[Incident, str], ...]
    """Incident and ``recovered`` or ``expired``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a person ordered: a row of ``commands``."""

    account: str
    kind: str
    """``halt``, ``rearm``, ``inception``, ``rebuild_peak``, ``flow_register``, ``flow_classify``, ``import``, ``take_over``."""
    actor: str
    approver: str | None
    reason: str
    recorded_at: datetime
    detail: str
    """What it did, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A temporary drawdown limit under which a breached account may trade: a row of ``waivers``."""

    account: str
    recorded_at: datetime
    expires_at: datetime
    drawdown_limit: Decimal
    """Above the drawdown at re-arming, below the hard ceiling."""
    rearm_nav_per_unit: Decimal
    tripwire: Decimal
    """A further fall by this fraction of ``rearm_nav_per_unit`` halts again."""
    actor: str
    approver: str | None
    reason: str
