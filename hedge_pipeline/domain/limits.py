"""The limits the pure domain is judged by: ages, ladders and ceilings, all of them values.

They say nothing about where they came from; their fingerprint ties each verdict to the figures it was reached with.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old, how far apart and how far ahead a fact may be before it counts as unknown."""

    nav: timedelta
    peak: timedelta
    marks: timedelta
    source_spread: timedelta
    """Between the oldest and the newest source of one NAV."""
    future_tolerance: timedelta
    """A fact further ahead of the venue's time than this is not fresh."""
    round_trip: timedelta
    """A time probe slower than this measures no offset."""
    clock_offset_reduce: timedelta
    clock_offset_halt: timedelta
    instruments: timedelta
    income_final: timedelta
    """An income row younger than this may still change."""
    income_overlap: timedelta
    """How far back the income list is read again."""
    reconcile_grace: timedelta
    """How long an unexplained balance change halts without latching."""
    transit: timedelta
    """How long a transfer may stay between its two legs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Non-negative fractions lost, each naming its action, strictly increasing."""

    warn: Decimal
    reduce: Decimal
    halt: Decimal
    flatten: Decimal | None = None
    """``None``: this loss never flattens by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Everything the risk gate compares with."""

    freshness: Freshness
    drawdown: Ladder
    daily_loss: Ladder
    hard_ceiling: Decimal
    """Drawdown fraction that no waiver may exceed."""
    depeg: Decimal
    """Distance of a stablecoin from 1 USD, a fraction."""
    tripwire: Decimal
    """Further fall from the re-arm NAV per unit under a waiver, a fraction."""
    jump_factor: Decimal
    """A new high above this multiple of the last waits for one confirmation."""
    jump_step: Decimal
    """So does a rise by more than this fraction in one step."""
    mark_tolerance: Decimal
    """Difference between our valuation and the venue's, as a fraction of gross notional."""
    confirmations_needed: int = 2
    """Accepted snapshots over a limit, out of ``confirmations_window`` consecutive ones, that trip it."""
    confirmations_window: int = 3
    recovery_cycles: int = 3
    """Good cycles after which an unknown clears by itself."""
    cooldown: timedelta
    """After a day's loss limit, counted from the local midnight that ends it."""
    reserves_halt_trading: bool
    reset_timezone: str
    """IANA name; its midnight begins the day."""

    def fingerprint(self) -> str:
        """First 12 hex digits of a SHA-256 over every limit: equal limits, equal fingerprint, in every process."""
        content = "\n".join(f"{name}={value}" for name, value in _canonical("", self))
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def _canonical(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    """Name and text of each leaf; 0.1 and 0.10 are one number."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _canonical(
                f"{prefix}.{field.name}" if prefix else field.name, getattr(value, field.name)
            )
    elif isinstance(value, Decimal):
        yield prefix, format(value.normalize(), "f")
    elif isinstance(value, timedelta):
        yield prefix, f"{value // timedelta(microseconds=1)}us"
    else:
        yield prefix, str(value)
