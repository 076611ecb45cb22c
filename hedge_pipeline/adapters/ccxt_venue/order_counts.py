"""How many orders an account may still place: the venue counts them apart from the weight, in ten seconds and in a minute.

Cancels and reads are not counted, so they go on where this is used up.
"""

import threading
from collections.abc import Mapping

_LENGTHS_S = {"10S": 10.0, "1M": 60.0}
_DEFAULT_PAUSE_S = 10.0


class OrderCounts:
    """Instants are the monotonic clock's."""

    def __init__(self, per_10_seconds: int, per_minute: int) -> None:
        self._lock = threading.Lock()
        self._limits = {"10S": per_10_seconds, "1M": per_minute}
        self._used = dict.fromkeys(_LENGTHS_S, 0)
        self._ends_s = dict.fromkeys(_LENGTHS_S, float("-inf"))
        self._closed_until_s = float("-inf")

    def refusal(self, orders: int, share: float, *, now_s: float) -> str | None:
        """Why so many orders must not be sent now. ``share``: the part of the limits open to them."""
        if not orders:
            return None
        with self._lock:
            if now_s < self._closed_until_s:
                left_s = self._closed_until_s - now_s
                return f"no order may be placed for another {left_s:.0f} s: the venue counted too many"
            for name, limit in self._limits.items():
                used = self._used[name] if now_s < self._ends_s[name] else 0
                if used + orders > limit * share:
                    return f"{used} of {limit * share:.0f} orders are used ({name}) and {orders} more would exceed it"
            return None

    def spend(self, orders: int, headers: Mapping[str, str], *, now_s: float, minute_ends_s: float) -> None:
        """Take the venue's own counts if it sent them, else add to ours. ``minute_ends_s``: of the venue's minute."""
        with self._lock:
            for name, length_s in _LENGTHS_S.items():
                used = self._used[name] if now_s < self._ends_s[name] else 0
                counted = headers.get(f"X-MBX-ORDER-COUNT-{name}", "")
                self._used[name] = int(counted) if counted.isascii() and counted.isdigit() else used + orders
                left_s = (minute_ends_s - now_s) % length_s
                self._ends_s[name] = now_s + (left_s or length_s)

    def close(self, seconds: float | None, *, now_s: float) -> None:
        """Place nothing until then; a later end is never brought forward."""
        with self._lock:
            self._closed_until_s = max(self._closed_until_s, now_s + (seconds or _DEFAULT_PAUSE_S))
