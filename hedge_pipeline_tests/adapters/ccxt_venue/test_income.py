"""Paging the income list: every row once, whatever the page boundaries, or a reason why not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue.income import MILLISECOND, read_all
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable

START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 5


def row(at_ms: int, tran_id: int, income_type: str = "FUNDING_FEE", amount: str = "1") -> IncomeRow:
    return IncomeRow(
        account="main",
        income_type=income_type,
        tran_id=str(tran_id),
        trade_id="",
        asset="USDT",
        symbol="",
        occurred_at=START + at_ms * MILLISECOND,
        amount=Decimal(amount),
        info="",
        recorded_at=START,
    )


class Venue:
    """Answers as documented: rows of the window, oldest first, at most a page."""

    def __init__(self, rows: list[IncomeRow]) -> None:
        self.rows = sorted(rows, key=lambda r: r.occurred_at)
        self.asked = 0

    def page(self, start: datetime, end: datetime, income_type: str | None) -> tuple[IncomeRow, ...]:
        self.asked += 1
        wanted = [
            r for r in self.rows if start <= r.occurred_at <= end and income_type in {None, r.income_type}
        ]
        return tuple(wanted[:PAGE])


def read(venue: Venue, until_ms: int = 10_000) -> tuple[IncomeRow, ...]:
    return read_all(venue.page, since=START, until=START + until_ms * MILLISECOND, page_rows=PAGE)


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from(["FUNDING_FEE", "COMMISSION", "BRAND_NEW"])),
        max_size=40,
    )
)
def test_every_row_is_read_once_or_the_list_is_refused(kinds: list[tuple[int, str]]) -> None:
    rows = [row(at_ms, number, income_type) for number, (at_ms, income_type) in enumerate(kinds)]
    try:
        found = read(Venue(rows))
    except SourceUnavailable:
        assert any(kinds.count(kind) >= PAGE for kind in kinds)
        return
    assert [r.occurred_at for r in found] == sorted(r.occurred_at for r in found)
    missing = {r.tran_id for r in rows} - {r.tran_id for r in found}
    assert len(found) == len({r.tran_id for r in found})
    # A type nobody knows is found in a crowded millisecond only if the page showed one of it.
    assert {rows[int(tran_id)].income_type for tran_id in missing} <= {"BRAND_NEW"}


def test_a_full_page_is_followed_from_its_last_stamp() -> None:
    rows = [row(n // 2, n) for n in range(23)]
    assert [int(r.tran_id) for r in read(Venue(rows))] == list(range(23))


def test_exactly_one_page_is_asked_twice_and_nothing_is_counted_twice() -> None:
    venue = Venue([row(n, n) for n in range(PAGE)])
    assert len(read(venue)) == PAGE
    assert venue.asked == 2


def test_a_crowded_millisecond_is_split_by_type_and_reading_goes_on_after_it() -> None:
    rows = [
        row(7, n, income_type) for n, income_type in enumerate(["COMMISSION", "REALIZED_PNL", "TRANSFER"] * 4)
    ]
    rows += [row(8, 90), row(9, 91)]
    assert {r.tran_id for r in read(Venue(rows))} == {r.tran_id for r in rows}


def test_a_millisecond_with_more_than_a_page_of_one_type_cannot_be_read() -> None:
    with pytest.raises(SourceUnavailable, match="FUNDING_FEE"):
        read(Venue([row(7, n) for n in range(PAGE + 1)]))


def test_rows_of_the_first_and_the_last_millisecond_belong_to_it() -> None:
    assert len(read(Venue([row(0, 1), row(50, 2), row(51, 3)]), until_ms=50)) == 2


def test_two_amounts_under_one_key_are_a_contradiction() -> None:
    with pytest.raises(SourceMalformed, match="two amounts"):
        read(Venue([row(1, 1, amount="1"), row(1, 1, amount="2")]))


def test_a_start_the_venue_has_not_reached_is_refused() -> None:
    venue = Venue([])
    with pytest.raises(SourceUnavailable, match="not reached"):
        read_all(venue.page, since=START + timedelta(seconds=1), until=START, page_rows=PAGE)
    assert venue.asked == 0
