"""What one address may still ask of one venue: used weight of the running minute, and bans.

The venue counts per address, so one budget serves every client of a base URL in this process.
"""

import threading
from collections.abc import Mapping

_DEFAULT_BAN_S = {418: 120.0, 429: 60.0}
_LONGEST_BAN_S = 3 * 86_400.0


class RateBudget:
    """Instants are the monotonic clock's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used = 0
        self._minute_ends_s = float("-inf")
        self._closed_until_s = float("-inf")
        self._closed_by = ""

    def refusal(self, weight: int, ceiling: float, *, now_s: float) -> str | None:
        """Why a request of this weight must not be sent now."""
        with self._lock:
            if now_s < self._closed_until_s:
                return f"closed for another {self._closed_until_s - now_s:.0f} s: the venue answered {self._closed_by}"
            used = self._used if now_s < self._minute_ends_s else 0
            if used + weight > ceiling:
                return f"{used} of {ceiling:.0f} request weight is used this minute and {weight} more would exceed it"
            return None

    def room_in_s(self, weight: int, ceiling: float, *, now_s: float) -> float:
        """Seconds until a request of this weight may be sent; 0: now."""
        with self._lock:
            if now_s < self._closed_until_s:
                return self._closed_until_s - now_s
            full = now_s < self._minute_ends_s and self._used + weight > ceiling
            return self._minute_ends_s - now_s if full else 0.0

    def spend(self, weight: int, headers: Mapping[str, str], *, now_s: float, minute_ends_s: float) -> None:
        """Take the venue's own count if it sent one, else add to ours."""
        with self._lock:
            used = self._used if now_s < self._minute_ends_s else 0
            counted = headers.get("X-MBX-USED-WEIGHT-1M", "")
            self._used = int(counted) if counted.isascii() and counted.isdigit() else used + weight
            self._minute_ends_s = minute_ends_s

    def close(self, status: int, headers: Mapping[str, str], *, now_s: float) -> None:
        """Ask nothing until the venue's Retry-After is over; a later end is never brought forward."""
        seconds = retry_after(headers) or _DEFAULT_BAN_S.get(status, 60.0)
        with self._lock:
            until = now_s + min(seconds, _LONGEST_BAN_S)
            if until > self._closed_until_s:
                self._closed_until_s, self._closed_by = until, str(status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, if the venue named them as a number."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
