"""Closing a day: what is kept of it in history, from the rows that are still in the state store or were archived.

Each function keeps one table's day and may be repeated: the same rows change nothing. Days are local days of the reset
time zone, and only those that are over.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState, start_of_day
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.flows import Flow
from hedge_pipeline.domain.history.days import Closing, Day, closing, day_of
from hedge_pipeline.domain.history.minutes import Minute, Valued, minutes_of_day
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.history.paths import DrawdownPoint, Mark, drawdown_points
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import Incident

ONE_DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
LATE = timedelta(days=1)
"""How long after its stamp an income row may still arrive: far more than the overlap it is read again with."""


def zone_of(fund: Fund) -> ZoneInfo:
    return ZoneInfo(fund.limits.reset_timezone)


def span_of(fund: Fund, day: date) -> tuple[datetime, datetime]:
    """Both midnights, in UTC."""
    zone = zone_of(fund)
    return start_of_day(day, zone), start_of_day(day + ONE_DAY, zone)


def is_over(fund: Fund, day: date) -> bool:
    """Whether the day has ended, by the venue's time and by ours: neither may still put a row into it."""
    _, end = span_of(fund, day)
    return fund.now() >= end and fund.clock.now() >= end


def first_day(fund: Fund) -> date | None:
    """The local day of the first valuation there ever was; ``None``: there is none."""
    stored = fund.history.first(Minute)
    rows = fund.store.columns(NavSnapshot, fund.account, "as_of", "recorded_at", limit=1)
    days = [(as_of or recorded_at).astimezone(zone_of(fund)).date() for as_of, recorded_at in rows]
    return min([*([stored] if stored else []), *days], default=None)


def days_due(fund: Fund) -> tuple[date, date] | None:
    """First and last of the days that are over and not kept yet; ``None``: there is none."""
    zone, first = zone_of(fund), first_day(fund)
    last = min(fund.now(), fund.clock.now()).astimezone(zone).date() - ONE_DAY
    if first is None:
        return None
    kept = min((fund.history.days(kind) or [first - ONE_DAY])[-1] for kind in (Minute, Day, DrawdownPoint))
    due = max(first, kept + ONE_DAY)
    return (due, last) if due <= last else None


def keep_minutes(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's minutes.

    Raises:
        InvalidState: the day is not over, or other minutes are stored and there is no reason.
    """
    _check_over(fund, day)
    with _collector_at_rest():
        failed = _rows(fund, NavSnapshot, day, ("recorded_at",), on="recorded_at", accepted=False)
        standings = _rows(fund, PeakState, day, ("nav_ordinal", "high_water_mark", "drawdown"), on="as_of")
        minutes = minutes_of_day(
            fund.account,
            day,
            _valued(fund, day),
            [recorded_at for _, recorded_at in failed],
            {ordinal: (mark, drawdown) for _, ordinal, mark, drawdown in standings},
        )
        return fund.history.write_day(Minute, day, minutes, at=fund.clock.now(), reason=reason)


def keep_day(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's roll-up, made of its stored minutes, its flows and its income.

    Raises:
        InvalidState: its minutes or the day before it are not stored yet, or another roll-up is and there is no reason.
    """
    minutes = _minutes(fund, day)
    last = next((minute.nav_ordinal for minute in reversed(minutes) if minute.accepted), None)
    close, earlier = _closing(fund, last), _earlier(fund, day)
    start, end = span_of(fund, day)
    kept = day_of(
        fund.account,
        day,
        zone_of(fund),
        minutes,
        earlier=earlier,
        close=close,
        income=_income_between(fund, earlier, close),
        flows=fund.store.rows(Flow, fund.account),
        incidents=len(
            fund.store.columns_between(Incident, fund.account, "key", on="opened_at", start=start, end=end)
        ),
    )
    return fund.history.write_day(Day, day, [kept], at=fund.clock.now(), reason=reason)


def keep_drawdown(fund: Fund, day: date, *, reason: str | None = None) -> Written:
    """Keep the day's path of the drawdown, walked from NAV alone by the rule of the live peak state.

    Raises:
        InvalidState: the day is not over, the day before it is not stored yet, or another path is and there is no reason.
    """
    _check_over(fund, day)
    before = _day_before(fund, day, DrawdownPoint)
    point = fund.history.last(DrawdownPoint, before) if before else None
    walked = [
        (row.ordinal, row.as_of, row.nav_per_unit)
        for row in _valued(fund, day)
        if row.nav_per_unit is not None
    ]
    states = _rows(fund, PeakState, day, ("nav_ordinal", "high_water_mark", "origin"), on="as_of")
    points = drawdown_points(
        fund.account,
        day,
        Mark(point.nav_per_unit, point.high_water_mark, point.pending_high) if point else None,
        walked,
        {ordinal: mark for _, ordinal, mark, origin in states if origin != "snapshot"},
        jump_factor=fund.limits.jump_factor,
        jump_step=fund.limits.jump_step,
    )
    return fund.history.write_day(DrawdownPoint, day, points, at=fund.clock.now(), reason=reason)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Looking for cycles among a day's rows, which have none, takes a quarter of the time of a backfill."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_over(fund: Fund, day: date) -> None:
    if not is_over(fund, day):
        raise InvalidState(f"{day} is not over in {fund.limits.reset_timezone}: only closed days are history")


def _valued(fund: Fund, day: date) -> list[Valued]:
    rows = _rows(fund, NavSnapshot, day, Valued._fields[1:], on="as_of", accepted=True)
    return [Valued._make(row) for row in rows]


def _rows(
    fund: Fund, table: type[Any], day: date, names: Sequence[str], *, on: str, **equal: Any
) -> list[tuple[Any, ...]]:
    """Ordinal and these fields of the chained rows dated within the day: from the store, and what has left it from the archive."""
    start, end = span_of(fund, day)
    asked = ("ordinal", *names)
    found = fund.store.columns_between(table, fund.account, *asked, on=on, start=start, end=end, **equal)
    left = [row for kept in (day, day + ONE_DAY) for row in fund.history.archived(table, kept) or ()]
    places = {field.name: place for place, field in enumerate(fields(table), 1)}
    here = {row[0] for row in found}
    found += [
        tuple(row[places[name]] for name in asked)
        for row in left
        if row[places["account"]] == fund.account
        and row[places["ordinal"]] not in here
        and row[places[on]] is not None
        and start <= row[places[on]] < end
        and all(row[places[name]] == value for name, value in equal.items())
    ]
    return sorted(found)


def _minutes(fund: Fund, day: date) -> list[Minute]:
    minutes = fund.history.rows(Minute, day)
    if minutes is None:
        raise InvalidState(f"nav_minutes of {day} are not stored: materialize them first")
    return minutes


def _day_before(fund: Fund, day: date, kind: type[Any]) -> date | None:
    """The last stored day before one that has any row; ``None``: the day is the first.

    Raises:
        InvalidState: a day between them is not stored.
    """
    first = first_day(fund)
    before = day - ONE_DAY
    while first is not None and before >= first:
        if not fund.history.holds(kind, before):
            raise InvalidState(
                f"{before} is not stored, and {day} continues it: materialize the days from {before} on, in one run"
            )
        if fund.history.last(kind, before) is not None:
            return before
        before -= ONE_DAY
    return None


def _earlier(fund: Fund, day: date) -> Closing | None:
    """The snapshot from which the day's change is measured."""
    before: date | None = day
    while before is not None and (before := _day_before(fund, before, Day)) is not None:
        rolled = fund.history.last(Day, before)
        if rolled is not None and rolled.nav_ordinal is not None:
            return _closing(fund, rolled.nav_ordinal)
    valued = _valued(fund, day)
    return _closing(fund, valued[0].ordinal if valued else None)


def _closing(fund: Fund, ordinal: int | None) -> Closing | None:
    if ordinal is None:
        return None
    snapshot = fund.store.latest(NavSnapshot, fund.account, ordinal=ordinal)
    if snapshot is None:
        raise InvalidState(
            f"NAV snapshot {ordinal} closes a stored day and is gone from the state store: restore a backup"
        )
    return closing(snapshot)


def _income_between(
    fund: Fund, earlier: Closing | None, close: Closing | None
) -> list[tuple[int, IncomeRow]]:
    if earlier is None or close is None or earlier.baseline is None or close.baseline is None:
        return []
    start = earlier.baseline.through_at - LATE
    return fund.store.income_within(fund.account, start=start, end=close.baseline.through_at + MICROSECOND)
