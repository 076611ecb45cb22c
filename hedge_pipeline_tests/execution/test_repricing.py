"""A post-only order that would have traded moves away from mark, under a name of its own, a few times, and not far."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.client_order_ids import recognize
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline.execution.repricing import repriced
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT, instrument
from hedge_pipeline_tests.execution.conftest import Stages
from hedge_pipeline_tests.execution.desks import RULE, DeskStage
from hedge_pipeline_tests.fakes_orders import WOULD_TAKE, Fault


def attempts(stage: DeskStage) -> list[int]:
    names = [recognize(order.client_order_id, stage.book()).name for order in stage.venue.submitted]
    return [name.attempt for name in names if name]


def test_a_buyer_goes_down_until_it_rests(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal("99499.2")

    updates = stage.open([stage.entry(1)])

    assert [order.limit_price for order in stage.venue.submitted] == [
        Decimal("99500.0"), Decimal("99499.5"), Decimal("99499.0"),
    ]  # fmt: skip
    assert [(update.answer, update.code) for update in updates] == [
        (Answer.REJECTED, WOULD_TAKE), (Answer.REJECTED, WOULD_TAKE), (Answer.ACCEPTED, None),
    ]  # fmt: skip
    assert attempts(stage) == [0, 1, 2]


def test_a_seller_goes_up(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal("100500.2")

    stage.open([stage.entry(1, SHORT)])

    assert [order.limit_price for order in stage.venue.submitted] == [
        Decimal("100500.0"),
        Decimal("100500.5"),
    ]


def test_every_retry_is_an_intent_of_its_own_and_spends_the_permit(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal(90_000)

    updates = stage.open([stage.entry(1)], stage.permit(orders=3))

    assert [intent.order.limit_price for intent in stage.intents] == [
        Decimal(99_500) - retry * Decimal("0.5") for retry in range(4)
    ]
    assert [update.answer for update in updates] == [*[Answer.REJECTED] * 3, Answer.DENIED]
    assert "orders_spent" in updates[-1].message
    assert len(stage.venue.submitted) == 3


def test_there_are_only_so_many_retries(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal(90_000)

    stage.open([stage.entry(1)])

    assert attempts(stage) == [0, 1, 2, 3]


def test_no_retry_goes_further_from_the_rung_than_the_rule_allows(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal(90_000)
    rule = replace(RULE, retry_attempts=10, retry_steps=1000, retry_max_deviation_bps=Decimal(25))

    stage.open([stage.entry(1)], rule=rule)

    assert [order.limit_price for order in stage.venue.submitted] == [99_500, 99_400, 99_300]


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.HELD_BACK, Fault.REQUEST_LOST, Fault.LATE])
def test_nothing_else_is_tried_again(stage: DeskStage, fault: Fault):
    stage.venue.fault = lambda request, _: fault if request == "place" else None

    stage.open([stage.entry(1)])

    assert len(stage.intents) == 1


def test_retries_of_one_batch_go_out_together(stage: DeskStage):
    stage.venue.marks["BTCUSDT"] = Decimal("99499.8")

    stage.open([stage.entry(level, side) for side in (LONG, SHORT) for level in (1, 2)])

    assert [len(sent) for request, sent in stage.venue.requests if request == "place"] == [4, 1]
    assert len(stage.venue.accepted) == 4


@given(
    held=st.sampled_from([LONG, SHORT]),
    level=st.integers(1, 6),
    retry=st.integers(1, 12),
    steps=st.integers(1, 500),
    bps=st.integers(0, 300),
    attempts=st.integers(0, 10),
    attempt=st.integers(0, 99),
)
def test_a_retry_is_always_further_from_mark_and_near_its_rung(
    stages: Stages, held, level, retry, steps, bps, attempts, attempt
):
    stage = stages()
    planned = stage.entry(level, held, attempt=attempt)
    rule = replace(RULE, retry_attempts=attempts, retry_steps=steps, retry_max_deviation_bps=Decimal(bps))
    told: dict[str, Any] = {"book": stage.book(), "instrument": instrument(), "rule": rule}

    order = repriced(planned, retry, **told)

    if order is None:
        away = retry * steps * instrument().price_increment
        too_far = away * 10_000 > bps * planned.rung.limit_price
        assert too_far or retry > attempts or attempt + retry > 99
        return
    assert order.limit_price is not None
    assert (order.limit_price - planned.rung.limit_price) * held.sign < 0
    assert abs(order.limit_price - planned.rung.limit_price) * 10_000 <= bps * planned.rung.limit_price
    assert order.limit_price % instrument().price_increment == 0
    name = recognize(order.client_order_id, stage.book()).name
    assert name is not None
    assert (name.level, name.position_side, name.attempt) == (level, held, attempt + retry)
