"""Five hundred bars in which every fifth answer is lost after the venue did what it was asked to."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from hedge_pipeline.domain.client_order_ids import recognize
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline.execution import cancel
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.execution.conftest import Stages
from hedge_pipeline_tests.fakes_orders import Fault, no_fault

CYCLES = 500
RUNGS = [(side, level) for side in (LONG, SHORT) for level in (1, 2)]


@pytest.mark.long
@pytest.mark.finding("X-18")
def test_no_order_is_ever_there_twice(stages: Stages):
    """Each bar some orders fill, some are canceled, and every free rung is asked for again."""
    stage, chance = stages(), Random(20_261_120)
    lost = 0

    def loses(request: str, _id: str) -> Fault | None:
        nonlocal lost
        if request == "look_up" or chance.random() >= 0.2:
            return no_fault(request, _id)
        lost += request == "place"
        return chance.choice([Fault.ANSWER_LOST, Fault.ANSWER_LOST, Fault.LATE])

    stage.venue.fault = loses
    for number in range(CYCLES):
        cycle = NOON + number * timedelta(minutes=5)
        stage.clock.at = cycle + timedelta(seconds=2)
        stage.settle_what_is_unknown()
        taken = {
            (name.position_side, name.level)
            for id_ in {*stage.unsettled, *(order.client_order_id for order in stage.venue.working)}
            if (name := recognize(id_, stage.book()).name)
        }
        stage.open(
            [stage.entry(level, side, cycle=cycle) for side, level in RUNGS if (side, level) not in taken]
        )
        stage.clock.pass_by(20)
        for order in stage.venue.working:
            if chance.random() < 0.3:
                stage.venue.fill(order.client_order_id)
        cancel(stage.desk, [order for order in stage.venue.working if chance.random() < 0.3])
        by_rung = [
            (name.position_side, name.level)
            for order in stage.venue.working
            if (name := recognize(order.client_order_id, stage.book()).name)
        ]
        assert len(set(by_rung)) == len(by_rung) == len(stage.venue.working)

    sent = [order.client_order_id for order in stage.venue.submitted]
    assert lost > 100
    assert len(set(sent)) == len(sent) > CYCLES
    assert len(set(stage.venue.accepted)) == len(stage.venue.accepted)
    stage.venue.fault = no_fault
    stage.clock.pass_by(60)
    stage.settle_what_is_unknown()
    assert set(stage.unsettled) == {order.client_order_id for order in stage.venue.working}
    assert {update.answer for update in stage.updates} >= {Answer.UNKNOWN, Answer.ACCEPTED, Answer.CANCELED}
    assert Decimal(0) not in {order.quantity for order in stage.venue.working}
