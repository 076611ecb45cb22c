"""Canceling needs nothing, and learns whether the order had filled instead."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline.execution import cancel
from hedge_pipeline_tests.domain.order_examples import incident
from hedge_pipeline_tests.execution.desks import DeskStage
from hedge_pipeline_tests.fakes_orders import Fault


@pytest.fixture
def resting(stage: DeskStage) -> list[KnownOrder]:
    stage.open([stage.entry(level) for level in (1, 2, 3)])
    return stage.venue.working


def test_it_works_under_a_halt_with_nothing_readable(stage: DeskStage, resting: list[KnownOrder]):
    stage.journal.append(incident(account=stage.account))
    stage.is_readable = False

    updates = cancel(stage.desk, resting)

    assert [(update.answer, update.settled) for update in updates] == [(Answer.CANCELED, True)] * 3
    assert stage.venue.working == []
    assert stage.unsettled == []


def test_one_that_filled_first_is_told_as_filled(stage: DeskStage, resting: list[KnownOrder]):
    stage.venue.fill(resting[1].client_order_id)

    updates = cancel(stage.desk, resting)

    filled = updates[1]
    assert (filled.answer, filled.status, filled.settled) == (Answer.ACCEPTED, OrderStatus.FILLED, True)
    assert filled.filled_quantity == resting[1].quantity
    assert [update.answer for update in updates] == [Answer.CANCELED, Answer.ACCEPTED, Answer.CANCELED]


def test_one_that_filled_in_part_says_how_much(stage: DeskStage, resting: list[KnownOrder]):
    stage.venue.fill(resting[0].client_order_id, Decimal("0.001"))

    (update, *_) = cancel(stage.desk, resting)

    assert (update.answer, update.filled_quantity) == (Answer.CANCELED, Decimal("0.001"))


def test_a_lost_answer_is_looked_up(stage: DeskStage, resting: list[KnownOrder]):
    lost = {resting[0].client_order_id: Fault.ANSWER_LOST, resting[1].client_order_id: Fault.REQUEST_LOST}
    stage.venue.fault = lambda request, id_: lost.get(id_) if request == "cancel" else None

    done, working, _ = cancel(stage.desk, resting)

    assert (done.answer, done.settled) == (Answer.CANCELED, True)
    assert (working.answer, working.status, working.settled) == (Answer.ACCEPTED, OrderStatus.NEW, False)


def test_nobody_is_asked_for_long_when_the_venue_is_silent(stage: DeskStage):
    stage.open([stage.entry(level) for level in (1, 2, 3, 4, 5, 6)])
    orders = stage.venue.working
    stage.venue.requests.clear()
    stage.venue.fault = lambda request, id_: Fault.REQUEST_LOST

    updates = cancel(stage.desk, orders)

    assert [update.answer for update in updates] == [Answer.UNKNOWN] * 6
    assert [request for request, _ in stage.venue.requests] == ["cancel", *["look_up"] * 3]
    assert len(stage.unsettled) == 6


def test_other_peoples_orders_are_canceled_and_leave_no_row(stage: DeskStage, resting: list[KnownOrder]):
    foreign = stage.entry(5).order
    stage.venue.place([foreign])
    before = len(stage.updates)

    (update,) = cancel(stage.desk, stage.venue.working[-1:])

    assert update.answer is Answer.CANCELED
    assert len(stage.updates) == before


def test_a_store_that_cannot_be_written_keeps_nothing_from_being_canceled(
    stage: DeskStage, resting: list[KnownOrder]
):
    class Silent:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable("no space left")

    silent: Any = Silent()
    updates = cancel(replace(stage.desk, store=silent), resting)

    assert [update.answer for update in updates] == [Answer.CANCELED] * 3
    assert stage.venue.working == []
    stage.settle_what_is_unknown()
    assert stage.unsettled == []


def test_one_that_is_not_found_at_all_is_not_settled(stage: DeskStage):
    planned = stage.entry(1)
    stage.venue.fault = lambda request, _: Fault.LATE if request == "place" else None
    stage.open([planned])

    (update,) = cancel(stage.desk, [stage.rests(planned.order.client_order_id)])

    assert (update.answer, update.settled) == (Answer.ABSENT, False)
    assert stage.unsettled == [planned.order.client_order_id]
    stage.clock.pass_by(10)
    assert [order.client_order_id for order in stage.venue.working] == stage.unsettled, "it arrived after all"


def test_a_stop_is_looked_up_among_conditional_orders(stage: DeskStage):
    stop = stage.exit(OrderKind.STOP_LOSS, "0.01", 97_000)
    stage.venue.place([stop])
    (known,) = stage.venue.working
    stage.venue.orders["1"] = replace(known, status=OrderStatus.CANCELED)

    (update,) = cancel(stage.desk, [known])

    assert update.answer is Answer.CANCELED
