"""Ranges of a list that comes by pages: every row once, whichever end a full page was cut at."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue.income import MILLISECOND
from hedge_pipeline.adapters.ccxt_venue.ranges import milliseconds, read_range, windows
from hedge_pipeline.domain.errors import SourceMalformed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = 5


@dataclass(frozen=True)
class Row:
    stamp: datetime
    number: int


def rows_at(stamps: list[int]) -> list[Row]:
    return [Row(EPOCH + at * MILLISECOND, number) for number, at in enumerate(sorted(stamps))]


def read(rows: list[Row], *, newest_first: bool, first: int = 0, last: int = 1000) -> list[Row]:
    def page(start: int, end: int) -> tuple[Row, ...]:
        inside = [row for row in rows if start <= milliseconds(row.stamp) <= end]
        return tuple(inside[-PAGE:] if newest_first else inside[:PAGE])

    return read_range(
        page,
        source="rows",
        stamp=lambda row: row.stamp,
        first_ms=first,
        last_ms=last,
        page_rows=PAGE,
        crowded=lambda found: tuple(row for row in rows if row.stamp == found[0].stamp),
    )


@given(st.lists(st.integers(0, 1000), max_size=60))
def test_every_row_is_read_once_whichever_end_a_page_is_cut_at(stamps: list[int]):
    rows = rows_at(stamps)

    for newest_first in (False, True):
        found = read(rows, newest_first=newest_first)
        assert sorted(row.number for row in found) == list(range(len(rows)))


def test_a_page_not_full_is_the_whole_range():
    rows = rows_at([0, 1, 1000, 1001])

    assert read(rows, newest_first=False) == rows[:3]


def test_a_row_that_was_not_asked_for_is_refused():
    with pytest.raises(SourceMalformed, match="was not asked for"):
        read_range(
            lambda _start, _end: (Row(EPOCH + 11 * MILLISECOND, 1),),
            source="rows",
            stamp=lambda row: row.stamp,
            first_ms=0,
            last_ms=10,
            page_rows=PAGE,
            crowded=lambda rows: rows,
        )


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 700))
def test_windows_lie_end_to_end_and_none_is_too_long(first: int, length: int, longest: int):
    found = windows(first, first + length, timedelta(milliseconds=longest))

    assert [at for start, end in found for at in range(start, end + 1)] == list(
        range(first, first + length + 1)
    )
    assert all(end - start < longest for start, end in found)


def test_an_instant_within_a_millisecond_counts_as_the_next():
    assert milliseconds(EPOCH + timedelta(microseconds=1)) == 1
    assert milliseconds(EPOCH + timedelta(milliseconds=7)) == 7
