"""How each outside source fared in one attempt, and what time it was there."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """How one outside source fared in one attempt."""

    source: str
    """``clock``, ``balances``, ``positions``, ``modes``, ``marks``, ``asset_rates``, ``income``, ``instruments`` or a provider."""
    ok: bool
    as_of: datetime | None
    """When what it said was true, by its own clock; ``None`` if it did not answer."""
    error: str | None = None
    """Why not, in one line, without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The venue's clock beside ours, at one instant of one boot.

    The monotonic stamp lets any later process of the same boot tell the venue's time without asking
    and without believing the wall clock.
    """

    venue_at: datetime
    """The venue's time, at the middle of the round trip."""
    local_at: datetime
    """Our wall clock at the same instant."""
    monotonic_s: float
    """Seconds since boot (suspend included) at the same instant."""
    boot_id: str
    """Which boot ``monotonic_s`` counts from."""
    round_trip: timedelta

    @property
    def offset(self) -> timedelta:
        """Venue minus local: positive when our clock is behind."""
        return self.venue_at - self.local_at


def venue_now(reading: ClockReading | None, *, wall: datetime, monotonic_s: float, boot_id: str) -> datetime:
    """The venue's time, carried forward by the monotonic clock; our wall clock when that cannot be known.

    A wall clock that jumps changes nothing within one boot. After a reboot, or before any reading, the
    wall clock is all there is: the next reading measures its offset, and the gate limits it.
    """
    if reading is None or reading.boot_id != boot_id or monotonic_s < reading.monotonic_s:
        return wall
    return reading.venue_at + timedelta(seconds=monotonic_s - reading.monotonic_s)
