"""The machine's clocks: the only place that reads them."""

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_ID = f"process-{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class SystemClock:
    """``Clock`` of ports on this machine. All instances are equal: they read the same clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)

    def boot_id(self) -> str:
        """The kernel's, where it has one.

        Elsewhere each process counts as a boot of its own: whether two of them share a monotonic clock cannot
        be proved there, and a reader that sees another boot falls back to the wall clock.
        """
        try:
            return _BOOT_ID.read_text(encoding="ascii").strip() or _PROCESS_ID
        except OSError:
            return _PROCESS_ID


__all__ = ["SystemClock"]
