"""The cycle of a turn follows from the clock alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.trading.bars import cycle_at

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("after_noon", "bar", "cycle"),
    [(0, 1, 0), (59.999999, 1, 0), (60, 1, 60), (899, 5, 600), (3599, 15, 2700), (7199, 60, 3600)],
)
def test_a_cycle_is_the_close_of_the_newest_bar(after_noon: float, bar: int, cycle: int):
    assert cycle_at(NOON + timedelta(seconds=after_noon), bar * MINUTE) == NOON + timedelta(seconds=cycle)


@given(
    st.timedeltas(timedelta(days=-3000), timedelta(days=3000)).map(lambda span: NOON + span),
    st.sampled_from([1, 3, 5, 15, 30, 60]),
)
def test_a_turn_repeated_within_its_bar_has_the_same_cycle(now: datetime, minutes: int):
    bar = minutes * MINUTE
    cycle = cycle_at(now, bar)

    assert cycle <= now < cycle + bar
    assert cycle_at(cycle, bar) == cycle
    assert cycle.microsecond == 0
