"""Paths of the drawdown: the exact one beside the live peak state, the fast one beside the plain expression."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hedge_pipeline.domain.drawdown import PeakState, advance, first_state
from hedge_pipeline.domain.history import paths
from hedge_pipeline.domain.history.paths import DrawdownPoint, Mark, drawdown_path, drawdown_points
from hedge_pipeline_tests import examples

DAY = date(2026, 11, 20)
LIMITS = examples.limits()
NOON = examples.NOON
MINUTE = timedelta(minutes=1)
walks = st.lists(
    st.decimals("0.05", "20", places=12, allow_nan=False, allow_infinity=False), min_size=1, max_size=60
)


def live(walk: list[Decimal], mark: Decimal) -> list[PeakState]:
    """The peak states that live snapshots of this walk make, a minute apart."""
    snapshots = [
        examples.nav_snapshot(ordinal=n, as_of=NOON + n * MINUTE, nav_per_unit=value)
        for n, value in enumerate(walk, 1)
    ]
    states = [
        first_state(
            snapshots[0],
            high_water_mark=mark,
            origin="inception",
            detail="",
            zone=ZoneInfo("UTC"),
            recorded_at=NOON,
            ordinal=1,
        )
    ]
    for snapshot in snapshots[1:]:
        states.append(advance(states[-1], snapshot, realized_pnl_today=None, limits=LIMITS, recorded_at=NOON))
    return states


def walked(states: list[PeakState], before: Mark | None = None) -> list[DrawdownPoint]:
    return drawdown_points(
        "main",
        DAY,
        before,
        [(state.nav_ordinal, state.as_of, state.nav_per_unit) for state in states],
        {state.nav_ordinal: state.high_water_mark for state in states if state.origin != "snapshot"},
        jump_factor=LIMITS.jump_factor,
        jump_step=LIMITS.jump_step,
    )


@given(walks, st.decimals("0", "5", places=12))
@example(
    [Decimal(1), Decimal(4), Decimal(4), Decimal(2)], Decimal(0)
)  # a jump that waits for its confirmation
@pytest.mark.finding("S1-DD-4")
def test_the_path_is_the_live_peak_state_to_the_last_digit(walk: list[Decimal], above: Decimal):
    states = live(walk, walk[0] + above)

    assert [(p.nav_ordinal, p.high_water_mark, p.drawdown, p.pending_high) for p in walked(states)] == [
        (s.nav_ordinal, s.high_water_mark, s.drawdown, s.pending_high) for s in states
    ]


@given(walks, st.data())
@pytest.mark.finding("S1-DD-4")
def test_a_path_cut_into_days_is_the_same_path(walk: list[Decimal], data: st.DataObject):
    states = live(walk, walk[0])
    cut = data.draw(st.integers(1, len(states)))
    first = walked(states[:cut])
    last = first[-1]

    rest = walked(states[cut:], Mark(last.nav_per_unit, last.high_water_mark, last.pending_high))

    assert first + rest == walked(states)


@given(walks)
@pytest.mark.finding("S1-DD-4")
def test_the_mark_never_falls(walk: list[Decimal]):
    marks = [point.high_water_mark for point in walked(live(walk, walk[0]))]
    assert marks == sorted(marks)


def test_there_is_no_path_before_the_first_baseline():
    states = live([Decimal(1), Decimal(2)], Decimal(1))
    without = [replace(state, origin="snapshot") for state in states]

    assert walked(without) == []


def test_a_declared_mark_begins_the_path_again():
    states = live([Decimal(1), Decimal("1.1")], Decimal(1))
    rebuilt = [*states, replace(states[-1], nav_ordinal=3, as_of=states[-1].as_of + MINUTE, origin="rebuild",
                                high_water_mark=Decimal(2))]  # fmt: skip

    assert walked(rebuilt)[-1].high_water_mark == 2


def test_a_later_attempt_with_an_older_value_moves_nothing():
    points = drawdown_points(
        "main", DAY, Mark(Decimal(1), Decimal(1), None),
        [(1, datetime(2026, 11, 20, 10, 1, tzinfo=UTC), Decimal(1)), (2, datetime(2026, 11, 20, 10, 0, tzinfo=UTC), Decimal(9))],
        {}, jump_factor=LIMITS.jump_factor, jump_step=LIMITS.jump_step,
    )  # fmt: skip

    assert [point.nav_ordinal for point in points] == [1]


@given(st.lists(st.floats(0.01, 1000), max_size=50), st.integers(1, 7))
def test_the_fast_path_is_the_plain_expression(values: list[float], block: int):
    array = np.array(values, dtype=np.float64)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(paths, "BLOCK", block)
        path = drawdown_path(array)

    assert np.array_equal(path, 1.0 - array / np.maximum.accumulate(array))
    assert np.array_equal(array, np.array(values)), "its input is left alone"
