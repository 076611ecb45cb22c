"""A range of a list that the venue returns at most a page of: every row once, whatever lies where.

A full page may have been cut at either end. So a range that fills one is asked for again in two halves, down to a
single millisecond; what fills a page alone is the caller's to read in another way.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hedge_pipeline.adapters.ccxt_venue.income import MILLISECOND
from hedge_pipeline.domain.errors import SourceMalformed

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Page = Callable[[int, int], tuple[T, ...]]
"""Rows stamped from … to …, both included, in milliseconds."""


def milliseconds(instant: datetime) -> int:
    """Rounded up: the first whole millisecond not before it."""
    return -((_EPOCH - instant) // MILLISECOND)


def read_range(
    page: Page[T],
    *,
    source: str,
    stamp: Callable[[T], datetime],
    first_ms: int,
    last_ms: int,
    page_rows: int,
    crowded: Callable[[tuple[T, ...]], tuple[T, ...]],
) -> list[T]:
    """Every row stamped from ``first_ms`` to ``last_ms``, both included; halves in order, rows as the venue has them.

    ``crowded`` reads the millisecond whose rows alone fill a page, given that page.

    Raises:
        SourceMalformed: a row outside what was asked.
    """
    rows = page(first_ms, last_ms)
    for number, row in enumerate(rows):
        if not first_ms <= milliseconds(stamp(row)) <= last_ms:
            raise SourceMalformed(source, f"{number}: {stamp(row).isoformat()} was not asked for")
    if len(rows) < page_rows:
        return list(rows)
    if first_ms == last_ms:
        return list(crowded(rows))
    middle = (first_ms + last_ms) // 2
    halves = ((first_ms, middle), (middle + 1, last_ms))
    return [
        row
        for first, last in halves
        for row in read_range(
            page,
            source=source,
            stamp=stamp,
            first_ms=first,
            last_ms=last,
            page_rows=page_rows,
            crowded=crowded,
        )
    ]


def windows(first_ms: int, last_ms: int, longest: timedelta) -> list[tuple[int, int]]:
    """A range in stretches the venue answers for, none longer than ``longest``."""
    length = longest // MILLISECOND
    return [(start, min(start + length - 1, last_ms)) for start in range(first_ms, last_ms + 1, length)]
