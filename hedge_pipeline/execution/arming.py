"""Settings of a symbol at the venue: the dead-man's switch and its leverage."""

from datetime import timedelta

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.execution.desk import Desk

ZERO = timedelta(0)


def arm(desk: Desk, symbol: str, countdown: timedelta) -> str | None:
    """Have the venue cancel the symbol's orders unless asked again in time. Why that failed, in one line; ``None``: it runs.

    Raises:
        InvalidState: a countdown of nothing would disarm.
    """
    if countdown <= ZERO:
        raise InvalidState(f"{symbol}: a countdown of {countdown} disarms: give it time, or disarm")
    return desk.venue.set_countdown(symbol, countdown)


def disarm(desk: Desk, symbol: str) -> str | None:
    """Why that failed, in one line; ``None``: it does not run."""
    return desk.venue.set_countdown(symbol, ZERO)


def set_leverage(desk: Desk, symbol: str, leverage: int) -> str | None:
    """Why that failed, in one line; ``None``: done."""
    return desk.venue.set_leverage(symbol, leverage)
