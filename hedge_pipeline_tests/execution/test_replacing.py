"""An order goes only for a successor that may follow, and no successor follows one that filled."""

from decimal import Decimal

import pytest

from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline_tests.domain.order_examples import incident
from hedge_pipeline_tests.execution.desks import DeskStage
from hedge_pipeline_tests.fakes_orders import Fault


@pytest.fixture
def resting(stage: DeskStage) -> str:
    """Client order id of the order at level 1, 500 below the rung."""
    entry = stage.entry(1, attempt=7, price=Decimal(99_000))
    stage.open([entry])
    stage.venue.requests.clear()
    return entry.order.client_order_id


def working(stage: DeskStage) -> list[str]:
    return [order.client_order_id for order in stage.venue.working]


def requests(stage: DeskStage) -> list[str]:
    """What was asked about orders; the countdown is another test's."""
    return [request for request, _ in stage.venue.requests if request != "set_countdown"]


def test_it_is_canceled_first_and_then_its_successor_is_placed(stage: DeskStage, resting: str):
    successor = stage.entry(1, replaces=resting)

    canceled, placed = stage.open([successor])

    assert requests(stage) == ["cancel", "place"]
    assert (canceled.client_order_id, canceled.answer) == (resting, Answer.CANCELED)
    assert placed.answer is Answer.ACCEPTED
    assert working(stage) == [successor.order.client_order_id]


def test_entries_that_replace_go_last(stage: DeskStage, resting: str):
    stage.open([stage.entry(1, replaces=resting), stage.entry(2)])

    assert requests(stage) == ["place", "cancel", "place"]


@pytest.mark.parametrize("part", [None, Decimal("0.001")])
def test_no_successor_follows_one_that_filled_meanwhile(stage: DeskStage, resting: str, part):
    stage.venue.fill(resting, part)

    *_, denied = stage.open([stage.entry(1, replaces=resting)])

    assert denied.answer is Answer.DENIED
    assert "not confirmed as gone without a fill" in denied.message
    assert stage.venue.accepted == [resting]
    last = stage.desk.last_update(resting)
    assert last is not None
    assert last.status is (OrderStatus.FILLED if part is None else OrderStatus.CANCELED)
    assert last.settled


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.ANSWER_LOST])
@pytest.mark.parametrize("is_found", [True, False])
def test_a_successor_follows_a_lost_cancellation_only_if_a_look_up_confirms_it(
    stage: DeskStage, resting: str, fault: Fault, is_found
):
    stage.venue.fault = lambda request, _: fault if request == "cancel" or not is_found else None

    stage.open([stage.entry(1, replaces=resting)])

    successors = stage.venue.accepted[1:]
    assert bool(successors) is (is_found and fault is Fault.ANSWER_LOST)
    assert len(working(stage)) <= 1


def test_a_halt_keeps_the_order_that_would_have_been_replaced(stage: DeskStage, resting: str):
    permit = stage.permit()
    stage.journal.append(incident(account=stage.account))

    (denied,) = stage.open([stage.entry(1, replaces=resting)], permit)

    assert denied.answer is Answer.DENIED
    assert requests(stage) == []
    assert working(stage) == [resting]


def test_what_is_not_ours_is_not_replaced(stage: DeskStage):
    (denied,) = stage.open([stage.entry(1, replaces="somebody's")])

    assert denied.answer is Answer.DENIED
    assert "no intent is stored" in denied.message
    assert requests(stage) == []


def test_an_unconfirmed_cancellation_closes_the_symbol_for_the_rest_of_the_call(
    stage: DeskStage, resting: str
):
    other = stage.entry(2, attempt=7, price=Decimal(98_000))
    stage.open([other])
    stage.venue.fault = lambda request, id_: Fault.REQUEST_LOST if id_ == resting else None
    replacing = [
        stage.entry(1, replaces=resting),
        stage.entry(2, replaces=other.order.client_order_id),
    ]

    updates = stage.open(replacing)

    assert [update.answer for update in updates if update.answer is Answer.DENIED] == [Answer.DENIED] * 2
    assert working(stage) == [resting]


def test_a_retry_cancels_nothing_again(stage: DeskStage, resting: str):
    stage.venue.marks["BTCUSDT"] = Decimal("99499.8")

    stage.open([stage.entry(1, replaces=resting)])

    assert requests(stage) == ["cancel", "place", "place"]
