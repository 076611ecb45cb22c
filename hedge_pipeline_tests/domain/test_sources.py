"""The venue's time, told without asking and without believing the wall clock."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.sources import venue_now
from hedge_pipeline_tests.examples import NOON, SECOND, clock_reading


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)), st.integers(0, 10**6))
def test_a_jump_of_the_wall_clock_changes_nothing(jump: timedelta, elapsed: int):
    reading = clock_reading(NOON + 3 * SECOND, local_at=NOON, monotonic_s=1000.0)
    told = venue_now(
        reading, wall=NOON + elapsed * SECOND + jump, monotonic_s=1000.0 + elapsed, boot_id="boot"
    )

    assert told == NOON + (3 + elapsed) * SECOND


@pytest.mark.parametrize(("boot_id", "monotonic_s"), [("another", 2000.0), ("boot", 999.9)])
def test_after_a_reboot_the_wall_clock_is_all_there_is(boot_id: str, monotonic_s: float):
    wall = NOON + timedelta(hours=5)

    assert venue_now(clock_reading(), wall=wall, monotonic_s=monotonic_s, boot_id=boot_id) == wall
    assert venue_now(None, wall=wall, monotonic_s=monotonic_s, boot_id=boot_id) == wall


def test_the_offset_is_positive_when_our_clock_is_behind():
    assert clock_reading(NOON, local_at=NOON - SECOND).offset == SECOND
