"""What became of a lost order is asked, and "not found" is believed late."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.execution import settle, unknown_symbols
from hedge_pipeline.execution.desk import ARRIVAL
from hedge_pipeline_tests.execution.conftest import Stages
from hedge_pipeline_tests.execution.desks import DeskStage
from hedge_pipeline_tests.fakes_orders import Fault, no_fault

ARRIVAL_S = ARRIVAL.total_seconds()


def silent(_request: str, _client_order_id: str) -> Fault:
    return Fault.ANSWER_LOST


def lose(stage: DeskStage, fault: Fault, level: int = 1) -> Intent:
    planned = stage.entry(level)
    stage.venue.fault = lambda request, _: fault if request == "place" else None
    stage.open([planned])
    stage.venue.fault = no_fault
    intent = stage.desk.intent_of(planned.order.client_order_id)
    assert intent is not None
    return intent


def answers(stage: DeskStage, updates: list[OrderUpdate]) -> list[tuple[Answer, bool]]:
    return [(update.answer, update.settled) for update in updates]


def test_a_young_order_that_is_not_found_is_not_absent(stage: DeskStage):
    intent = lose(stage, Fault.REQUEST_LOST)

    updates = settle(stage.desk, [intent], 9)

    assert answers(stage, updates) == [(Answer.ABSENT, False)]
    assert "may still arrive" in updates[0].message
    assert stage.unsettled == [intent.client_order_id]


def test_an_old_one_is_absent_once_it_was_not_found_often_enough(stage: DeskStage):
    planned = stage.entry(1)
    intent = _left_behind(stage, planned)
    stage.clock.pass_by(60)

    first = settle(stage.desk, [intent], 1)
    (second,) = settle(stage.desk, [intent], 3)

    assert answers(stage, first) == [(Answer.ABSENT, True)]
    assert second.settled
    assert stage.unsettled == []


def test_asks_are_spread_over_time(stage: DeskStage):
    intent = _left_behind(stage, stage.entry(1))
    stage.clock.pass_by(60)
    before = stage.clock.now()

    settle(stage.desk, [intent], 3)

    asked = [update.as_of for update in stage.updates]
    assert len(asked) == 3
    assert asked[-1] - before >= timedelta(seconds=1)
    assert [update.settled for update in stage.updates] == [False, False, True]


def test_asks_of_earlier_calls_count(stage: DeskStage):
    intent = lose(stage, Fault.REQUEST_LOST)
    stage.clock.pass_by(ARRIVAL_S)
    stage.venue.requests.clear()

    (update,) = settle(stage.desk, [intent], 3)

    assert update.settled
    assert len(stage.venue.requests) == 1


def test_an_order_that_arrives_late_is_found(stage: DeskStage):
    intent = lose(stage, Fault.LATE)
    stage.clock.pass_by(3)

    (update,) = settle(stage.desk, [intent], 3)

    assert (update.answer, update.status) == (Answer.ACCEPTED, OrderStatus.NEW)


def test_an_order_that_the_venue_does_not_show_yet_is_found(stages: Stages):
    stage = stages(shown_after_s=0.7)
    stage.venue.fault = lambda request, _: Fault.ANSWER_LOST if request == "place" else None

    (update,) = stage.open([stage.entry(1)])

    assert (update.answer, update.status) == (Answer.ACCEPTED, OrderStatus.NEW)


def test_no_answer_leaves_it_unsettled_and_is_stored_once(stage: DeskStage):
    intent = lose(stage, Fault.REQUEST_LOST)
    before = len(stage.updates)
    stage.venue.fault = silent

    for _ in range(5):
        stage.clock.pass_by(3600)
        assert answers(stage, settle(stage.desk, [intent], 3)) == [(Answer.UNKNOWN, False)]

    assert stage.unsettled == [intent.client_order_id]
    assert len(stage.updates) == before + 1


def test_a_silent_venue_is_not_asked_for_everything(stage: DeskStage):
    intents = [_left_behind(stage, stage.entry(level)) for level in (1, 2, 3, 4, 5)]
    stage.venue.fault = silent

    assert len(settle(stage.desk, intents, 3)) == 3
    assert len(stage.venue.requests) == 3


def test_a_wall_clock_that_was_behind_when_it_was_sent_or_ahead_declares_nothing_absent_early(
    stage: DeskStage,
):
    """Ahead: the age counts from when it was first asked for."""
    planned = stage.entry(1)
    intent = _left_behind(stage, planned, recorded_at=stage.clock.now() + timedelta(hours=1))

    assert answers(stage, settle(stage.desk, [intent], 3)) == [(Answer.ABSENT, False)]
    stage.clock.pass_by(ARRIVAL_S)
    assert answers(stage, settle(stage.desk, [intent], 3)) == [(Answer.ABSENT, True)]


def test_what_was_withheld_under_the_same_id_says_nothing_about_when_it_was_sent(stage: DeskStage):
    planned, other = stage.entry(1), lose(stage, Fault.REQUEST_LOST, level=2)
    stage.open([planned])
    stage.clock.pass_by(60)
    settle(stage.desk, [other], 3)
    stage.venue.fault = lambda request, _: Fault.LATE if request == "place" else None

    (update,) = stage.open([planned])

    assert (update.answer, update.settled) == (Answer.ABSENT, False)


def test_symbols_are_unknown_while_an_intent_is_neither_settled_nor_listed(stage: DeskStage):
    intent = lose(stage, Fault.LATE)

    assert unknown_symbols(stage.store.unsettled(stage.account), stage.venue.working) == {"BTCUSDT"}
    stage.clock.pass_by(3)
    assert unknown_symbols([intent], stage.venue.working) == frozenset()
    assert unknown_symbols([intent]) == {"BTCUSDT"}


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.CANCELED])
def test_one_that_ended_is_settled(stage: DeskStage, status: OrderStatus):
    intent = lose(stage, Fault.ANSWER_LOST)
    if status is OrderStatus.FILLED:
        stage.venue.fill(intent.client_order_id)
    else:
        stage.venue.cancel(stage.venue.working)

    (update,) = settle(stage.desk, [intent], 3)

    assert (update.status, update.settled) == (status, True)


@given(
    fault=st.sampled_from([Fault.LATE, Fault.REQUEST_LOST, Fault.ANSWER_LOST]),
    late=st.floats(0, 25),
    ticks=st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=6),
    lookups=st.integers(1, 4),
)
def test_what_counts_as_absent_never_rests_afterwards(stages: Stages, fault, late, ticks, lookups):
    stage = stages(late_s=late)
    intent = lose(stage, fault)
    for seconds, answers_ in ticks:
        stage.clock.pass_by(seconds)
        stage.venue.fault = no_fault if answers_ else silent
        if intent.client_order_id in stage.unsettled:
            settle(stage.desk, [intent], lookups)
    absent = [update for update in stage.updates if update.answer is Answer.ABSENT and update.settled]
    stage.clock.pass_by(60)

    assert not (absent and stage.venue.working)


def _left_behind(stage: DeskStage, planned, **changes) -> Intent:
    """Stored by a process that died before it sent anything."""
    intent = Intent(
        **{
            "account": stage.account,
            "client_order_id": planned.order.client_order_id,
            "symbol": planned.order.symbol,
            "strategy": "grid",
            "recorded_at": stage.clock.now(),
            "cycle": stage.clock.now(),
            "decided_at": stage.clock.now(),
            "order": planned.order,
            "take_profit_price": None,
            "stop_loss_price": None,
            **changes,
        }
    )
    stage.store.append(intent)
    return intent
