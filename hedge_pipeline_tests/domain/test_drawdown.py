"""How far the account has fallen, from which height and since when."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hedge_pipeline.domain.drawdown import (
    PeakState,
    advance,
    first_state,
    loss_fraction,
    path_from_income,
    rolled_to,
    start_of_day,
)
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline_tests.domain.test_units import half_even
from hedge_pipeline_tests.examples import NOON, SECOND, limits, nav_snapshot, peak_state

HALF_MINUTE = timedelta(seconds=30)
# Santiago, Beirut and Asuncion change at midnight; Havana and the Azores have one o'clock twice or midnight twice.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/Santiago",
    "Asia/Beirut",
    "America/Havana",
    "Atlantic/Azores",
    "Asia/Kolkata",
)
NO_JUMPS: dict[str, Any] = {"jump_factor": Decimal(10**9), "jump_step": Decimal(10**9)}


def snapshot(ordinal: int, nav: Decimal | str, as_of: datetime, **changes: Any) -> NavSnapshot:
    return nav_snapshot(
        ordinal=ordinal, nav_per_unit=Decimal(nav), as_of=as_of, last_good_as_of=as_of, **changes
    )


def absorbed(
    samples: Sequence[tuple[datetime, Decimal]], *, zone: str = "UTC", **changes: Any
) -> Iterator[PeakState]:
    """The states of an account that has seen these samples."""
    rules = limits(reset_timezone=zone, **changes)
    as_of, nav = samples[0]
    state = first_state(
        snapshot(1, nav, as_of), high_water_mark=nav, origin="inception", detail="", zone=ZoneInfo(zone),
        recorded_at=as_of, ordinal=1,
    )  # fmt: skip
    yield state
    for ordinal, (as_of, nav) in enumerate(samples[1:], start=2):
        state = advance(
            state,
            snapshot(ordinal, nav, as_of),
            realized_pnl_today=Decimal(0),
            limits=rules,
            recorded_at=as_of,
        )
        yield state


def every_half_minute(navs: Sequence[Decimal | str]) -> list[tuple[datetime, Decimal]]:
    return [(NOON + i * HALF_MINUTE, Decimal(nav)) for i, nav in enumerate(navs)]


def first_instant_of(day: date, zone: ZoneInfo) -> datetime:
    """By bisection over instants, since a local day is never earlier than the one before: no wall-clock arithmetic."""
    early = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    late = early + timedelta(days=4)
    while late - early > timedelta(microseconds=1):
        middle = early + (late - early) / 2
        early, late = (early, middle) if middle.astimezone(zone).date() >= day else (middle, late)
    return late


navs = st.lists(st.decimals(min_value="0.000001", max_value="1000000", places=12), min_size=1, max_size=30)
small_steps = st.lists(st.decimals(min_value="0.5", max_value="1.19", places=4), max_size=30).map(
    lambda steps: [
        half_even(Fraction(nav)) for nav in accumulate(steps, lambda a, b: a * b, initial=Decimal(1))
    ]
)


@given(small_steps)
def test_the_high_water_mark_is_the_running_maximum(history: list[Decimal]):
    for i, state in enumerate(absorbed(every_half_minute(history))):
        assert state.high_water_mark == max(history[: i + 1])
        assert state.pending_high is None


@given(navs)
@example([Decimal(1), Decimal(10), Decimal(50), Decimal(1)])
@example([Decimal(1), Decimal("1.5"), Decimal("1.45")])
def test_a_mark_never_falls_and_stands_no_lower_than_what_was_seen_twice_in_a_row(history: list[Decimal]):
    states = list(absorbed(every_half_minute(history)))
    for before, after in pairwise(states):
        assert after.high_water_mark >= before.high_water_mark
    for i, state in enumerate(states):
        seen = history[: i + 1]
        twice = max((min(pair) for pair in pairwise(seen)), default=seen[0])
        assert max(seen[0], twice) <= state.high_water_mark <= max(seen)


@given(navs)
def test_the_stored_drawdown_is_that_of_plain_arithmetic_to_the_last_digit(history: list[Decimal]):
    for state in absorbed(every_half_minute(history)):
        high, nav = Fraction(state.high_water_mark), Fraction(state.nav_per_unit)
        assert state.drawdown == half_even(max(Fraction(0), (high - nav) / high))
        opened = Fraction(state.day_open)
        assert state.daily_loss == half_even(max(Fraction(0), (opened - nav) / opened))


@pytest.mark.parametrize(
    ("history", "marks"),
    [
        pytest.param(["1", "1.2", "1.2"], ["1", "1.2", "1.2"], id="a rise of a fifth is ordinary"),
        pytest.param(["1", "1.21", "1.21"], ["1", "1", "1.21"], id="more waits for one confirmation"),
        pytest.param(["1", "1.5", "1", "1.1"], ["1", "1", "1", "1.1"], id="a lone spike leaves no trace"),
        pytest.param(["1", "1.5", "1", "1.5"], ["1", "1", "1", "1"], id="two spikes confirm nothing"),
        pytest.param(["1", "1.5", "1.4"], ["1", "1", "1.4"], id="as much as the second sample reaches"),
        pytest.param(["1", "1.5", "1.6"], ["1", "1", "1.6"], id="an ordinary rise from there"),
        pytest.param(["1", "10", "50", "50"], ["1", "1", "10", "50"], id="a second jump waits for itself"),
        pytest.param(["1", "10", "3", "10"], ["1", "1", "3", "3"], id="half a spike confirms half"),
    ],
)
def test_a_jump_waits_for_one_confirmation(history: list[str], marks: list[str]):
    states = absorbed(every_half_minute(history))

    assert [state.high_water_mark for state in states] == [Decimal(mark) for mark in marks]


def test_more_than_three_times_the_mark_is_a_jump_however_small_the_step():
    state = peak_state(high_water_mark=Decimal(1), nav_per_unit=Decimal("3.0"))
    after = advance(
        state, snapshot(2, "3.01", NOON + SECOND), realized_pnl_today=None, limits=limits(), recorded_at=NOON
    )

    assert after.high_water_mark == 1
    assert after.pending_high == Decimal("3.01")


def test_published_drawdowns_are_reproduced(recorded_data: Path):
    cases = json.loads((recorded_data / "drawdown" / "empyrical_cases.json").read_text())["cases"]
    for case in cases:
        history = [Decimal(1)]
        for gain in case["returns"]:
            if gain is not None:
                history.append(half_even(Fraction(history[-1]) * (1 + Fraction(str(gain)))))
        deepest = max(state.drawdown for state in absorbed(every_half_minute(history), **NO_JUMPS))
        assert abs(deepest + Decimal(str(case["max_drawdown"]))) < Decimal("1e-8"), case["name"]


def test_published_peaks_and_valleys_are_reproduced(recorded_data: Path):
    cases = json.loads((recorded_data / "drawdown" / "pyfolio_cases.json").read_text())["cases"]
    seen = 0
    for case in cases:
        samples = [
            (datetime.fromisoformat(day).replace(tzinfo=UTC), Decimal(str(nav)))
            for day, nav in zip(case["dates"], case["nav"], strict=True)
        ]
        by_day = {state.as_of.date().isoformat(): state for state in absorbed(samples, **NO_JUMPS)}
        for top in case.get("top", [case]):
            if "valley" in top:
                assert by_day[top["peak"]].drawdown == 0
                assert by_day[top["valley"]].high_water_mark == by_day[top["peak"]].nav_per_unit
                seen += 1
            if "net_drawdown_pct" in top:
                depths = [state.drawdown for state in by_day.values()]
                assert any(abs(depth * 100 - top["net_drawdown_pct"]) < Decimal("1e-9") for depth in depths)
                seen += 1
    assert seen >= 6


instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_its_first_instant_however_long_it_is(zone: str):
    place, lengths = ZoneInfo(zone), set()
    for i in range(4 * 365):
        day = date(2024, 1, 1) + timedelta(days=i)
        assert start_of_day(day, place) == first_instant_of(day, place)
        lengths.add(
            (start_of_day(day + timedelta(days=1), place) - start_of_day(day, place)) // timedelta(hours=1)
        )
    assert lengths == ({24} if zone in {"UTC", "Asia/Kolkata"} else {23, 24, 25})


@given(st.sampled_from(ZONES), instants, st.lists(st.integers(1, 5000), min_size=1, max_size=25), st.data())
def test_the_day_opens_at_the_last_value_at_or_before_midnight(
    zone: str, begin: datetime, gaps: list[int], data: st.DataObject
):
    """Across changes of the clock, after gaps of days, and with samples on midnight itself."""
    place, times = ZoneInfo(zone), [begin]
    for gap in gaps:
        following = times[-1] + gap * timedelta(minutes=1)
        midnight = first_instant_of(following.astimezone(place).date(), place)
        if midnight > times[-1] and data.draw(st.booleans()):
            following = midnight
        times.append(following)
    samples = [(at, Decimal(100 + i)) for i, at in enumerate(times)]
    for i, state in enumerate(absorbed(samples, zone=zone, **NO_JUMPS)):
        at = times[i]
        midnight = first_instant_of(at.astimezone(place).date(), place)
        opening = max((s for s in samples[: i + 1] if s[0] <= midnight), default=samples[0])
        assert state.day == at.astimezone(place).date()
        assert (state.day_open_as_of, state.day_open) == opening


def test_a_sample_on_a_midnight_that_comes_twice_opens_the_day():
    """In Havana the clock goes from 01:00 back to 00:00; the day began at the first of the two."""
    midnight = datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert midnight.astimezone(ZoneInfo("America/Havana")).isoformat() == "2026-11-01T00:00:00-04:00"
    samples = [
        (midnight - HALF_MINUTE, Decimal(1)),
        (midnight, Decimal("0.9")),
        (midnight + HALF_MINUTE, Decimal("0.8")),
    ]
    *_, last = absorbed(samples, zone="America/Havana")

    assert last.day_open == Decimal("0.9")
    assert last.daily_loss == half_even(Fraction(1, 9))


def test_a_loss_in_a_gap_belongs_to_today():
    *_, state = absorbed([(NOON, Decimal(1)), (NOON + timedelta(days=5), Decimal("0.8"))])

    assert state.day_open == 1
    assert state.day_open_as_of == NOON
    assert state.daily_loss == Decimal("0.2")


@pytest.mark.finding("X-3")
def test_the_day_and_the_peak_are_two_baselines():
    """A thousand falls by a tenth; the next day regains half of it: five percent below the peak, and no loss today."""
    first, falls, next_day = absorbed(
        [(NOON, Decimal(1000)), (NOON + HALF_MINUTE, Decimal(900)), (NOON + timedelta(days=1), Decimal(950))]
    )

    assert (falls.drawdown, falls.daily_loss) == (Decimal("0.1"), Decimal("0.1"))
    assert first.high_water_mark == falls.high_water_mark == next_day.high_water_mark == 1000
    assert next_day.drawdown == Decimal("0.05")
    assert next_day.day_open == 900
    assert next_day.daily_loss == 0


@given(st.sampled_from(ZONES), instants, st.integers(0, 3 * 86_400))
def test_what_was_yesterdays_is_not_told_as_todays(zone: str, as_of: datetime, later: int):
    place = ZoneInfo(zone)
    state = peak_state(
        as_of=as_of, day=as_of.astimezone(place).date(), nav_per_unit=Decimal("0.9"), daily_loss=Decimal("0.1"),
        drawdown=Decimal("0.1"), realized_pnl_today=Decimal(-40),
    )  # fmt: skip
    told = rolled_to(state, as_of + later * SECOND, place)

    assert told.drawdown == state.drawdown
    if told.day == state.day:
        assert told == state
    else:
        assert told.day == (as_of + later * SECOND).astimezone(place).date()
        assert (told.day_open, told.day_open_as_of) == (state.nav_per_unit, as_of)
        assert told.daily_loss == 0
        assert told.realized_pnl_today != state.realized_pnl_today


def test_a_day_that_opens_with_nothing_has_lost_everything():
    state = peak_state(nav_per_unit=Decimal(0), drawdown=Decimal(1))
    later = NOON + timedelta(days=1)

    assert rolled_to(state, later, ZoneInfo("UTC")).daily_loss == 1
    after = advance(
        state, snapshot(2, "0.1", later), realized_pnl_today=Decimal(0), limits=limits(), recorded_at=NOON
    )
    assert after.daily_loss == 1
    assert after.drawdown == Decimal("0.9")


def test_below_zero_more_than_everything_is_lost():
    assert loss_fraction(Decimal("-0.5"), Decimal(1)) == Decimal("1.5")


class TestWhatMayMoveAPeak:
    """An unknown is an error: neither nothing nor the value before it."""

    def move(self, **changes: Any) -> PeakState:
        later = {"ordinal": 2, "as_of": NOON + SECOND} | changes
        return advance(
            peak_state(), nav_snapshot(**later), realized_pnl_today=None, limits=limits(), recorded_at=NOON
        )

    @pytest.mark.finding("S1-DD-6")
    @pytest.mark.parametrize(
        "changes",
        [
            {"nav_per_unit": None},
            {"nav_per_unit": Decimal("NaN")},
            {"nav_per_unit": Decimal("sNaN")},
            {"nav_per_unit": Decimal("Infinity")},
            {"accepted": False},
            {"as_of": None},
            {"account_units": None},
        ],
    )
    def test_not_what_is_unknown(self, changes: dict[str, Any]):
        with pytest.raises(InvalidState, match="snapshot 2 may not move the peak state"):
            self.move(**changes)

    @pytest.mark.finding("S1-DD-6")
    def test_a_true_zero_does(self):
        """It is neither an error nor the value before it: everything is lost."""
        state = self.move(nav_per_unit=Decimal(0), trading_nav=Decimal(0), nav_usd=Decimal(0))

        assert state.nav_per_unit == 0
        assert state.drawdown == state.daily_loss == 1
        assert state.high_water_mark == 1

    @pytest.mark.parametrize("changes", [{"ordinal": 1}, {"as_of": NOON}, {"as_of": NOON - SECOND}])
    def test_not_what_is_absorbed_already(self, changes: dict[str, Any]):
        with pytest.raises(InvalidState, match="is not later than 1"):
            self.move(**changes)

    def begin(self, mark: str = "1", **changes: Any) -> PeakState:
        return first_state(
            nav_snapshot(**changes), high_water_mark=Decimal(mark), origin="inception", detail="by ana",
            zone=ZoneInfo("UTC"), recorded_at=NOON, ordinal=1,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("mark", "changes"),
        [
            ("0.999999999999", {}),
            ("NaN", {}),
            ("Infinity", {}),
            ("1", {"accepted": False}),
            ("1", {"nav_per_unit": None}),
            ("1", {"nav_per_unit": Decimal(0)}),
            ("1", {"nav_per_unit": Decimal("NaN")}),
        ],
    )
    def test_a_baseline_needs_a_known_positive_nav_no_higher_than_its_mark(
        self, mark: str, changes: dict[str, Any]
    ):
        with pytest.raises(InvalidState):
            self.begin(mark, **changes)

    def test_a_baseline_may_lie_below_an_older_mark(self):
        state = self.begin("1.25")

        assert state.drawdown == Decimal("0.2")
        assert state.realized_pnl_today is None


class TestThePathOfAnIncomeHistory:
    def test_an_account_that_only_gained_is_at_its_best(self):
        assert path_from_income(Decimal(110), [(Decimal(10), False)]) == 1

    def test_a_loss_was_a_higher_place(self):
        assert path_from_income(Decimal(90), [(Decimal(-10), False)]) == half_even(Fraction(100, 90))

    def test_a_flow_was_none(self):
        assert path_from_income(Decimal(50), [(Decimal(-50), True), (Decimal(-25), False)]) == Decimal("1.25")

    def test_it_ends_where_the_account_began(self):
        assert path_from_income(Decimal(50), [(Decimal(50), True), (Decimal(-1000), False)]) == 1

    @given(st.lists(st.decimals(min_value="0.5", max_value="1.5", places=3), max_size=10))
    def test_it_is_the_highest_place_along_the_way(self, steps: list[Decimal]):
        path = list(accumulate(steps, lambda nav, step: nav * step, initial=Decimal(1000)))
        undone = [(after - before, False) for before, after in pairwise(path)][::-1]
        highest = path_from_income(path[-1], undone)

        assert abs(Fraction(highest) - Fraction(max(path)) / Fraction(path[-1])) <= Fraction(
            highest
        ) * Fraction(1, 10**9)


def test_absorbing_leaves_its_state_as_it_was():
    state = peak_state()
    before = replace(state)
    advance(
        state, snapshot(2, "0.5", NOON + SECOND), realized_pnl_today=None, limits=limits(), recorded_at=NOON
    )

    assert state == before
