"""Closing days of a fund that lived: real rows, real files."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.cycle import closing
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.agreement import disagreements, left_over
from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.history.paths import DrawdownPoint
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline_tests.stage import Stage, staged

FIRST, SECOND, THIRD = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
STEPS = (closing.keep_minutes, closing.keep_drawdown, closing.keep_day)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Two days of life with a transfer, commission, profit, a failure and a gap, and the morning after."""
    with staged(tmp_path / "home") as built:
        built.beat(3)
        built.control.deposit("USDT", "5000")
        built.control.charge_commission("BTCUSDT", "BNB", "0.02")
        built.beat(4)
        built.control.set_fault("/fapi/v3/account", "drop")
        built.beat(1)
        built.control.clear_faults()
        built.beat(2)
        built.clock.pass_by(timedelta(hours=12))
        built.control.realize("BTCUSDT", "-250")
        built.beat(6)
        built.clock.pass_by(timedelta(days=1))
        built.beat(1)
        yield built


def kept(stage: Stage, *days: date) -> list[Written]:
    return [step(stage.fund, day) for step in STEPS for day in days]


def day_row(stage: Stage, day: date) -> Day:
    row = stage.fund.history.last(Day, day)
    assert isinstance(row, Day)
    return row


def test_a_day_is_kept_once(stage: Stage):
    assert set(kept(stage, FIRST, SECOND)) == {Written.WRITTEN}
    assert set(kept(stage, FIRST, SECOND)) == {Written.UNCHANGED}


def test_the_causes_of_a_day_are_what_happened_in_it(stage: Stage):
    kept(stage, FIRST, SECOND)
    first, second = day_row(stage, FIRST), day_row(stage, SECOND)

    assert first.flows == Decimal(5000)
    assert first.commission is not None
    assert first.commission < 0
    assert second.realized_pnl == Decimal(-250)
    assert left_over(first) == left_over(second) == 0
    assert (second.from_ordinal, second.from_at) == (first.nav_ordinal, first.closed_at)
    assert first.failures >= 1


@pytest.mark.finding("S1-DD-4")
def test_the_path_agrees_with_the_live_peak_state(stage: Stage):
    kept(stage, FIRST, SECOND)
    for day in (FIRST, SECOND):
        minutes, points = stage.fund.history.rows(Minute, day), stage.fund.history.rows(DrawdownPoint, day)
        assert minutes
        assert points
        assert list(disagreements(minutes, points)) == []
    last = stage.fund.store.rows(PeakState, "main", limit=2, newest_first=True)[1]
    point = stage.fund.history.last(DrawdownPoint, SECOND)
    assert (point.high_water_mark, point.drawdown) == (last.high_water_mark, last.drawdown)


def test_every_attempt_lies_in_some_minute(stage: Stage):
    kept(stage, FIRST, SECOND)
    minutes = [row for day in (FIRST, SECOND) for row in stage.fund.history.rows(Minute, day) or ()]
    attempts = len(stage.fund.store.rows(NavSnapshot, "main")) - 1  # the morning after is not closed

    assert sum(minute.attempts for minute in minutes) == attempts


def test_only_closed_days_are_history(stage: Stage):
    for step in (closing.keep_minutes, closing.keep_drawdown):
        with pytest.raises(InvalidState, match="2026-11-22 is not over in UTC: only closed days are history"):
            step(stage.fund, THIRD)


def test_a_day_continues_the_one_before(stage: Stage):
    closing.keep_minutes(stage.fund, SECOND)

    for step in (closing.keep_drawdown, closing.keep_day):
        with pytest.raises(InvalidState, match="2026-11-20 is not stored, and 2026-11-21 continues it"):
            step(stage.fund, SECOND)


def test_a_roll_up_needs_its_minutes(stage: Stage):
    with pytest.raises(InvalidState, match="nav_minutes of 2026-11-20 are not stored"):
        closing.keep_day(stage.fund, FIRST)


def test_what_arrives_late_restates_a_day_with_a_reason_only(stage: Stage):
    kept(stage, FIRST, SECOND)
    (latch,) = stage.fund.store.rows(NavSnapshot, "main", limit=1, newest_first=True)
    late = latch.__class__(**{  # an attempt of the first day, recorded late
        **{name: getattr(latch, name) for name in latch.__slots__},
        "ordinal": latch.ordinal + 1, "accepted": False, "recorded_at": datetime(2026, 11, 20, 23, tzinfo=UTC),
    })  # fmt: skip
    stage.fund.store.append(late)

    with pytest.raises(InvalidState, match=r"nav_minutes of 2026-11-20: .* restated only with a reason"):
        closing.keep_minutes(stage.fund, FIRST)
    assert closing.keep_minutes(stage.fund, FIRST, reason="an attempt was found") is Written.RESTATED
    (told,) = stage.fund.history.restatements(Minute)
    assert (told.day, told.version, told.reason) == (FIRST, 2, "an attempt was found")


def test_days_due_are_those_that_are_over_and_not_kept(stage: Stage):
    assert closing.days_due(stage.fund) == (FIRST, SECOND)
    kept(stage, FIRST)
    assert closing.days_due(stage.fund) == (SECOND, SECOND)
    kept(stage, SECOND)
    assert closing.days_due(stage.fund) is None


def test_a_fund_without_a_past_has_no_days(tmp_path: Path):
    with staged(tmp_path / "home") as new:
        assert closing.first_day(new.fund) is None
        assert closing.days_due(new.fund) is None


def test_the_highest_nav_per_unit_is_known_from_history(stage: Stage):
    assert stage.fund.history.highest_nav_per_unit("main") is None
    kept(stage, FIRST, SECOND)
    marks = [row.high_water_mark for row in stage.fund.store.rows(PeakState, "main")][:-1]

    found = stage.fund.history.highest_nav_per_unit("main")

    assert found is not None
    assert found[0] == marks[-1]
    assert stage.fund.history.highest_nav_per_unit("other") is None
