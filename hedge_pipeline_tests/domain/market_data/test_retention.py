"""Days that are not stored are told before the venue forgets them, and told as lost once it has."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.market_data import RetentionGap, retention_gap

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEPT, MARGIN = timedelta(days=90), timedelta(days=7)


def gap(last: date | None, *, now: datetime = NOW, first: date = date(2026, 1, 1), zone: str = "UTC"):
    return retention_gap(last, now, KEPT, MARGIN, first_day=first, zone=ZoneInfo(zone))


def test_nothing_is_told_while_everything_old_is_stored():
    assert gap(date(2026, 11, 19)) is None
    assert gap(date(2026, 8, 29)) is None, "its next day began 82.5 days ago"


def test_days_that_will_leave_within_the_margin_are_told():
    found = gap(date(2026, 8, 26))

    assert found == RetentionGap(lost=(), leaving=tuple(date(2026, 8, day) for day in (27, 28, 29)))
    assert (
        found.message
        == "2026-08-27 to 2026-08-29 (3 days) will leave the venue's history soon and is not stored"
    )
    assert found.remedy == "backfill 2026-08-27 to 2026-08-29 now"


def test_a_day_that_has_begun_to_leave_is_lost():
    found = gap(date(2026, 8, 21))

    assert found is not None
    assert found.lost == (date(2026, 8, 22),)
    assert found.leaving[0] == date(2026, 8, 23)
    assert "2026-08-22 left the venue's history before being stored" in found.message


def test_an_empty_history_begins_with_the_accounts_first_day():
    assert gap(None, first=date(2026, 11, 1)) is None
    found = gap(None, first=date(2026, 8, 20))
    assert found is not None
    assert found.lost == (date(2026, 8, 20), date(2026, 8, 21), date(2026, 8, 22))


def test_the_day_is_the_reset_time_zones():
    now = datetime(2026, 8, 22, 16, tzinfo=UTC) + KEPT
    here, there = (gap(date(2026, 8, 21), now=now, zone=zone) for zone in ("UTC", "Asia/Tokyo"))

    assert here is not None
    assert here.lost == (date(2026, 8, 22),)
    assert there is not None
    assert there.lost == (date(2026, 8, 22), date(2026, 8, 23)), "the second began at 15:00 UTC of the first"


@given(st.integers(0, 200), st.integers(0, 24 * 30))
def test_a_day_told_as_leaving_is_never_lost_without_having_been_told(stored_ago: int, hours: int):
    last = NOW.date() - timedelta(days=stored_ago)
    before, after = gap(last), gap(last, now=NOW + timedelta(hours=hours))
    known = set() if before is None else {*before.lost, *before.leaving}
    lost = set() if after is None else set(after.lost)

    assert lost <= known or timedelta(hours=hours) > MARGIN
