"""How one request ended: in an answer, or in a failure that tells whether it left and whether the venue refused it.

A failed read is simply not known. A failed change is one of three: never left, refused for certain, or of unknown outcome, which
is what everything is that does not prove one of the other two. Source: Binance USD-M documentation, "General Info" and "Error
Codes".
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hedge_pipeline.adapters.ccxt_venue.budget import retry_after
from hedge_pipeline.adapters.ccxt_venue.exchange import LastAnswer

OVERLOADED = -1008
"""Refused before anything was done, whatever the HTTP status."""
TOO_MANY_REQUESTS, TOO_MANY_ORDERS = -1003, -1015
_EXECUTION_UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
"""Internal error, disconnected, unexpected response and timeout behind the gateway: it may have been executed."""
_THROTTLED = frozenset({418, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, and when, by the monotonic clock."""

    payload: Any
    started_s: float
    ended_s: float
    started_at: datetime
    """Our wall clock at ``started_s``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No answer that can be used."""

    reason: str
    """In one line, without secrets."""
    left: bool = True
    """Whether it may have reached the venue. ``False``: certainly not."""
    refused: bool = False
    """The venue refused it and did nothing, for certain."""
    code: int | None = None
    """The venue's error code."""
    status: int | None = None
    transient: bool = False
    malformed: bool = False
    pause_s: float | None = None
    """What the venue asked to wait for."""


def failure_of(error: Exception, answered: LastAnswer, silent: str, clean: Callable[[str], str]) -> Failure:
    """``silent`` is the reason to give for an answer that did not come in time; ``clean`` takes secrets out."""
    import ccxt

    status, code = answered.status, answered.code
    text = clean(f"{type(error).__name__}: {error}")
    if status is None:
        timed_out = isinstance(error, ccxt.RequestTimeout)
        return Failure(
            reason=silent if timed_out else text,
            left=answered.sent and not _never_connected(error),
            transient=isinstance(error, ccxt.NetworkError),
        )
    return Failure(
        reason=f"HTTP {status}: {text}",
        refused=is_refusal(status, code),
        code=code,
        status=status,
        transient=status >= 500,
        malformed=not isinstance(error, ccxt.BaseError),
        pause_s=retry_after(answered.headers),
    )


def is_refusal(status: int, code: int | None) -> bool:
    """Whether an HTTP status and a code say that nothing was done.

    A 4xx without a code comes from what stands in front of the venue, which may have passed the request on.
    """
    if code == OVERLOADED or status in _THROTTLED:
        return True
    return 400 <= status < 500 and code is not None and code < 0 and code not in _EXECUTION_UNKNOWN


def _never_connected(error: Exception) -> bool:
    """Whether there was no connection to send it over."""
    from requests import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    cause = error.__cause__
    if isinstance(cause, ConnectTimeout):
        return True
    inner = cause.args[0] if cause is not None and cause.args else None
    return isinstance(getattr(inner, "reason", None), NewConnectionError)
