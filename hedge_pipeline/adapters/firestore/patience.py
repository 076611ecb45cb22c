"""How long a publication tries: attempts, pauses and one budget for everything asked in a call."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from hedge_pipeline.adapters.firestore.storage import SOURCE, Overtaken, Transient
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.ports import Clock

Result = TypeVar("Result")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_OVERTAKEN_PAUSE_S, _LONGEST_OVERTAKEN_PAUSE_S = 0.01, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingLimits:
    """How much one call may cost."""

    rpc: timedelta = timedelta(seconds=5)
    """For one request."""
    budget: timedelta = timedelta(seconds=15)
    """For everything asked in one call, pauses included."""
    attempts: int = 5
    """Of one document, on transient errors."""
    overtaken: int = 40
    """How often a document may be somebody else's first, until it is given up."""
    at_once: int = 8
    """Documents under way at the same time."""


class OutOfTime(SourceUnavailable):
    """The call's budget is spent."""


@dataclass(slots=True, kw_only=True)
class Patience:
    """What is left of one call's budget; shared by its documents and their threads."""

    limits: PublishingLimits
    clock: Clock
    sleep: Callable[[float], None]
    _deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self._deadline = self.clock.monotonic() + self.limits.budget.total_seconds()

    def timeout(self) -> float:
        """Seconds the next request may take.

        Raises:
            OutOfTime: none.
        """
        left = self._left()
        if left <= 0:
            raise OutOfTime(SOURCE, f"no time left of {self.limits.budget.total_seconds():g} s")
        return min(left, self.limits.rpc.total_seconds())

    def persist(self, attempt: Callable[[], Result]) -> Result:
        """What ``attempt`` returns, tried until it neither fails for a while nor is overtaken.

        Each try must look at what is stored first: an earlier one may have been applied without a reply.
        """
        failed = overtaken = 0
        last: SourceUnavailable | None = None
        while True:
            try:
                self.timeout()
                return attempt()
            except OutOfTime as error:
                raise (
                    error if last is None else OutOfTime(SOURCE, f"{error.reason}; last: {last.reason}")
                ) from last
            except Overtaken as error:
                last, overtaken = error, overtaken + 1
                if overtaken >= self.limits.overtaken:
                    raise
                self._pause(_doubled(_OVERTAKEN_PAUSE_S, overtaken, _LONGEST_OVERTAKEN_PAUSE_S) * _jitter())
            except Transient as error:
                last, failed = error, failed + 1
                if failed >= self.limits.attempts:
                    raise
                self._pause(_doubled(_FIRST_PAUSE_S, failed, _LONGEST_PAUSE_S) * _jitter())

    def _left(self) -> float:
        return self._deadline - self.clock.monotonic()

    def _pause(self, seconds: float) -> None:
        self.sleep(max(0.0, min(seconds, self._left())))


def _doubled(first: float, times: int, longest: float) -> float:
    """The pause after so many failures."""
    return float(min(longest, first * 2 ** min(times - 1, 10)))


def _jitter() -> float:
    """Between a half and one, so that writers who collided do not meet again."""
    return 0.5 + random.random() / 2  # noqa: S311  # no secret
