"""Bars: which candle everything of one turn of the strategy is about, told by the clock alone.

The close of that candle is the *cycle* of what the turn makes. It names the orders, so a turn that is repeated names them alike.
"""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cycle_at(now: datetime, bar: timedelta) -> datetime:
    """When the newest candle closed that should be there; the venue counts its candles from 1970."""
    return now - (now - _EPOCH) % bar
