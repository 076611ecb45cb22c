"""Minutes: what the valuations of one minute said, as rows of ``nav_minutes``.

A value belongs to the minute of its ``as_of``, the venue's clock, as the peak state's day does; an attempt without a value
to the minute in which it was recorded, by ours. A minute in which nothing was attempted has no row.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from hedge_pipeline.domain.units import quantized


class Minute(NamedTuple):
    """One minute of one account. A tuple, because a year has half a million."""

    account: str
    minute: datetime
    """Its start, UTC."""
    day: date
    """Local day in the reset time zone."""
    open: Decimal | None
    """First NAV per unit; this and the next three are ``None`` when no accepted valuation had units."""
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    account_units: Decimal | None
    """Of the close, as are all values below but the counts."""
    trading_nav: Decimal | None
    """In the numeraire, 12 places; ``None``: no accepted valuation."""
    nav_usd: Decimal | None
    aum_usd: Decimal | None
    """A lower bound unless ``aum_complete``."""
    aum_complete: bool | None
    high_water_mark: Decimal | None
    """Of the peak state that absorbed the close; ``None``: none did."""
    drawdown: Decimal | None
    nav_ordinal: int | None
    """The snapshot that closes the minute."""
    closed_at: datetime | None
    """Its ``as_of``."""
    attempts: int
    accepted: int


class Valued(NamedTuple):
    """What a minute takes of an accepted snapshot."""

    ordinal: int
    as_of: datetime
    nav_per_unit: Decimal | None
    account_units: Decimal | None
    trading_nav: Decimal | None
    nav_usd: Decimal | None
    aum_usd: Decimal | None
    aum_complete: bool


Standing = tuple[Decimal, Decimal]
"""High-water mark and drawdown of the peak state that absorbed a snapshot."""


def minutes_of_day(
    account: str,
    day: date,
    valued: Iterable[Valued],
    failed: Iterable[datetime],
    standings: Mapping[int, Standing],
) -> list[Minute]:
    """The day's minutes in order.

    ``valued`` are its accepted snapshots, ``failed`` when its other attempts were recorded, ``standings``
    the peak states by the ordinal of the snapshot they absorbed.
    """
    of_minute: dict[datetime, list[Valued]] = {}
    for snapshot in sorted(valued, key=itemgetter(1, 0)):
        of_minute.setdefault(snapshot.as_of.replace(second=0, microsecond=0), []).append(snapshot)
    failures: dict[datetime, int] = {}
    for recorded_at in failed:
        minute = recorded_at.replace(second=0, microsecond=0)
        failures[minute] = failures.get(minute, 0) + 1
    return [
        _minute(account, minute, day, of_minute.get(minute, []), failures.get(minute, 0), standings)
        for minute in sorted(of_minute.keys() | failures.keys())
    ]


_UNVALUED = (None,) * 13


def _minute(
    account: str,
    minute: datetime,
    day: date,
    valued: list[Valued],
    failures: int,
    standings: Mapping[int, Standing],
) -> Minute:
    if not valued:
        return Minute(account, minute, day, *_UNVALUED, attempts=failures, accepted=0)
    last = valued[-1]
    priced = [snapshot.nav_per_unit for snapshot in valued if snapshot.nav_per_unit is not None]
    open_, high, low, close = _prices(priced)
    high_water_mark, drawdown = standings.get(last.ordinal, (None, None))
    return Minute(
        account,
        minute,
        day,
        open_,
        high,
        low,
        close,
        last.account_units,
        _rounded(last.trading_nav),
        _rounded(last.nav_usd),
        _rounded(last.aum_usd),
        last.aum_complete,
        high_water_mark,
        drawdown,
        last.ordinal,
        last.as_of,
        failures + len(valued),
        len(valued),
    )


def _prices(priced: list[Decimal]) -> tuple[Decimal, ...] | tuple[None, ...]:
    """Open, high, low, close."""
    if len(priced) > 1:
        return priced[0], max(priced), min(priced), priced[-1]
    return tuple(priced) * 4 or (None,) * 4


def _rounded(value: Decimal | None) -> Decimal | None:
    """Sums of products carry as many digits as they may; a minute keeps twelve places of them."""
    return None if value is None else quantized(value)
