"""Letting go: rows of old closed days leave the state store, once history holds every one of them, digit by digit.

What was kept is read back and compared with the rows before any is deleted. A day that was cut short is taken up again:
what has left is in the archive already, what has not is compared and leaves now.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from hedge_pipeline.cycle.closing import ONE_DAY, first_day, span_of, zone_of
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.hot import HOT
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.paths import DrawdownPoint
from hedge_pipeline.domain.nav import NavSnapshot

AT_ONCE = 31
"""Days in one go: a backlog takes several."""
LATER = "rows recorded for this day after it was archived"

Plain = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What became of one day."""

    day: date
    archived: int
    """Rows of all tables that history holds now."""
    left: int
    """Rows that left the state store; the newest and each day's closing snapshot stay."""


def let_go(fund: Fund) -> Iterator[Departure]:
    """Archive and delete the rows of the closed days that are older than ``hot_days``, oldest first.

    Raises:
        InvalidState: a stored row is not the archived one; nothing of that table and day has left.
        StoreUnavailable: the store is locked or read-only.
    """
    for day in _days(fund):
        unkept = [kind for kind in (Minute, Day, DrawdownPoint) if not fund.history.holds(kind, day)]
        if unkept:
            return  # history comes first; nothing behind a gap leaves
        staying = _closing_ordinals(fund, day)
        counts = [_let_go(fund, table, day, staying) for table in HOT]
        yield Departure(
            day=day, archived=sum(kept for kept, _ in counts), left=sum(left for _, left in counts)
        )


def _days(fund: Fund) -> list[date]:
    """From the last day that was archived in part or whole, to the last one that need not be at hand."""
    archived = [fund.history.last_archived(table) for table in HOT]
    first = first_day(fund)
    if first is None:
        return []
    start = min((day or first for day in archived), default=first)
    today = min(fund.now(), fund.clock.now()).astimezone(zone_of(fund)).date()
    number = (today - timedelta(days=fund.hot_days) - start).days
    return [start + count * ONE_DAY for count in range(min(number, AT_ONCE))]


def _closing_ordinals(fund: Fund, day: date) -> set[int]:
    """Snapshots between which changes are measured: the days' rows can be made again as long as they are there."""
    rolled = fund.history.last(Day, day)
    return {ordinal for ordinal in (rolled.nav_ordinal, rolled.from_ordinal) if ordinal is not None}


def _let_go(fund: Fund, table: type[Any], day: date, staying: set[int]) -> tuple[int, int]:
    """How many rows history holds, and how many left."""
    start, end = span_of(fund, day)
    names = tuple(field.name for field in fields(table))
    here = fund.store.plain_between(table, fund.account, *names, start=start, end=end)
    leaving = [
        row for row in here if table is not NavSnapshot or row[names.index("ordinal") + 1] not in staying
    ]
    if not leaving and (fund.history.last_archived(table) or day - ONE_DAY) >= day:
        return 0, 0  # it has gone before
    kept = _archived(fund, table, day, here)
    return kept, fund.store.forget(table, fund.account, [row[0] for row in leaving])


def _archived(fund: Fund, table: type[Any], day: date, here: list[Plain]) -> int:
    """Every row that is here is in the archive when this returns."""
    before = {row[0]: row for row in fund.history.archived(table, day) or ()}
    new = [row for row in here if row[0] not in before]
    reason = LATER if before and new else None
    wanted = sorted([*before.values(), *new])
    fund.history.archive_day(table, day, wanted, at=fund.clock.now(), reason=reason)
    kept = {row[0]: row for row in fund.history.archived(table, day) or ()}
    for row in here:
        if kept.get(row[0]) != row:
            raise InvalidState(
                f"row {row[0]} of {HOT[table]} on {day} is not the archived one: nothing of it leaves the state store"
            )
    return len(kept)
