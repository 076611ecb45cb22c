"""What the rules remember: each event once, for as long as a rule asks for it, and the breaker that failures trip."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.trading_limits import BreakerLimit, TradingLimits
from hedge_pipeline.domain.trading_risk_state import (
    TradingEvent,
    TradingEventKind,
    TradingRiskState,
    breaker_is_open,
    fresh_state,
    last,
    record,
    submissions,
)
from hedge_pipeline_tests.domain.order_examples import NOW, SECOND
from hedge_pipeline_tests.domain.trading_limit_examples import LIMITS, limits

KIND = TradingEventKind
RATE = LIMITS.symbol_rate


def event(kind: TradingEventKind, number: int, second: float = 0, symbol: str = "BTCUSDT") -> TradingEvent:
    return TradingEvent(
        kind=kind, client_order_id=f"hp-{number}", symbol=symbol, occurred_at=NOW + second * SECOND
    )


def told(*events: TradingEvent, by: TradingLimits = LIMITS) -> TradingRiskState:
    state = fresh_state("main")
    for each in events:
        state = record(state, each, by)
    return state


def at(second: float) -> datetime:
    return NOW + second * SECOND


@pytest.mark.finding("X-8")
def test_a_submission_counts_once_however_often_it_is_told():
    state = told(event(KIND.SUBMITTED, 1), event(KIND.SUBMITTED, 1, 5), event(KIND.SUBMITTED, 2, 6))

    assert submissions(state, RATE, at(6)) == 2


def test_submissions_are_counted_by_symbol_and_for_all():
    state = told(event(KIND.SUBMITTED, 1), event(KIND.SUBMITTED, 2, symbol="ETHUSDT"))

    assert submissions(state, RATE, at(0), "BTCUSDT") == 1
    assert submissions(state, RATE, at(0)) == 2


def test_a_window_slides_and_ends_sharply():
    state = told(event(KIND.SUBMITTED, 1))

    assert submissions(state, RATE, at(3599)) == 1
    assert submissions(state, RATE, at(3600)) == 0


def test_an_event_ahead_of_us_counts():
    assert submissions(told(event(KIND.SUBMITTED, 1, 30)), RATE, at(0)) == 1


def test_each_part_of_a_fill_is_an_event_of_its_own():
    state = told(event(KIND.ENTRY_FILLED, 1), event(KIND.ENTRY_FILLED, 1, 9), event(KIND.ENTRY_FILLED, 1, 9))

    assert len(state.events) == 2
    assert last(state, KIND.ENTRY_FILLED, "BTCUSDT") == at(9)
    assert last(state, KIND.ENTRY_FILLED, "ETHUSDT") is None
    assert last(state, KIND.STOP_FILLED) is None


@pytest.mark.parametrize("kinds", [[KIND.REJECTED] * 3, [KIND.DENIED] * 3, [KIND.REJECTED, KIND.DENIED] * 2])
def test_rejects_and_denials_trip_the_breaker_together(kinds: list[TradingEventKind]):
    events = [event(kind, number, number) for number, kind in enumerate(kinds[:3])]

    assert not breaker_is_open(told(*events[:2]), at(2))
    assert breaker_is_open(told(*events), at(2))
    assert breaker_is_open(told(*events), at(2 + 299))
    assert not breaker_is_open(told(*events), at(2 + 300))


def test_failures_too_far_apart_trip_nothing():
    assert not breaker_is_open(told(*(event(KIND.REJECTED, n, 30 * n) for n in range(9))), at(270))


def test_the_window_and_the_cooldown_are_what_the_limits_say():
    slow = limits(
        breaker=BreakerLimit(failures=3, window=timedelta(seconds=600), cooldown=timedelta(seconds=60))
    )
    state = told(*(event(KIND.REJECTED, n, 100 * n) for n in range(3)), by=slow)

    assert breaker_is_open(state, at(259))
    assert not breaker_is_open(state, at(260))


def test_after_the_cooldown_failures_are_counted_anew():
    slow = limits(
        breaker=BreakerLimit(failures=3, window=timedelta(seconds=600), cooldown=timedelta(seconds=60))
    )
    tripped = told(*(event(KIND.REJECTED, n, n) for n in range(3)), by=slow)
    one = record(tripped, event(KIND.REJECTED, 9, 70), slow)
    three = record(record(one, event(KIND.REJECTED, 10, 71), slow), event(KIND.REJECTED, 11, 72), slow)

    assert not breaker_is_open(one, at(70))
    assert breaker_is_open(three, at(72))


def test_failures_while_it_is_open_do_not_keep_it_open():
    state = told(*(event(KIND.REJECTED, n, n) for n in range(12)))

    assert state.breaker_open_until == at(2 + 300)


def test_submissions_and_fills_trip_nothing():
    kinds = [KIND.SUBMITTED, KIND.ENTRY_FILLED, KIND.STOP_FILLED]

    assert told(*(event(kind, n) for n, kind in enumerate(kinds * 5))).breaker_open_until is None


EVENTS = st.lists(
    st.builds(event, st.sampled_from(KIND), st.integers(0, 30), st.integers(0, 8000)), max_size=40
)


@given(EVENTS, EVENTS)
def test_a_process_that_starts_with_the_state_goes_on_as_the_one_before(
    before: list[TradingEvent], after: list[TradingEvent]
):
    handed_over = told(*before)
    copy = replace(handed_over, events=tuple(replace(each) for each in handed_over.events))
    for each in after:
        copy = record(copy, each, LIMITS)

    assert copy == told(*before, *after)


@given(st.lists(st.tuples(st.sampled_from(KIND), st.integers(0, 600)), max_size=60))
def test_what_the_state_forgets_no_rule_asks_for(gaps: list[tuple[Any, int]]):
    second, events = 0, []
    for number, (kind, gap) in enumerate(gaps):
        second += gap
        events.append(event(kind, number, second))
    state = told(*events)

    for name, rate in (("burst", LIMITS.burst), ("symbol", LIMITS.symbol_rate)):
        since = at(second) - rate.window
        counted = [each for each in events if each.kind is KIND.SUBMITTED and each.occurred_at > since]
        assert submissions(state, rate, at(second)) == len(counted), name
    assert all(each.occurred_at > at(second) - LIMITS.longest_window for each in state.events)
