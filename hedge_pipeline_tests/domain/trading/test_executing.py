"""Whether a plan may still be carried out, how much its permit covers, and what is counted of the answers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.trading.executing import (
    Execution,
    permit_size,
    plan_refusal,
    symbol_execution,
)
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.domain.trading.plans import PlanRow
from hedge_pipeline_tests.domain.order_examples import NOW, SECOND, decision
from hedge_pipeline_tests.domain.trading.bar_examples import CYCLE, grid, plan, resting, symbol_facts
from hedge_pipeline_tests.domain.trading_examples import CENTER, MINUTE, instrument

PLAN = plan()


def refusal(row: PlanRow | None = PLAN, **changes: Any) -> str | None:
    fields: dict[str, Any] = {"cycle": CYCLE, "bar": MINUTE, "instrument": instrument(), "recorded_now": NOW}
    return plan_refusal(row, **{**fields, **changes})


def update(answer: Answer, number: int = 0, **changes: Any) -> OrderUpdate:
    fields: dict[str, Any] = {
        "account": "main",
        "client_order_id": f"hp-{number}",
        "symbol": "BTCUSDT",
        "recorded_at": NOW,
        "as_of": NOW,
        "answer": answer,
        "status": OrderStatus.NEW,
        "venue_order_id": "1",
        "filled_quantity": Decimal(0),
        "settled": False,
        "code": None,
        "message": "",
    }
    return OrderUpdate(**{**fields, **changes})


@pytest.mark.parametrize("seconds", [0, 59, 60])
def test_the_plan_of_this_bar_may_be_carried_out(seconds: int):
    assert refusal(recorded_now=NOW + seconds * SECOND) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"row": None}, "there is no plan"),
        ({"cycle": CYCLE + MINUTE}, "and that of 2026-11-20T12:01:00+00:00 is over: plan again"),
        ({"recorded_now": NOW + timedelta(seconds=61)}, "the plan is 61 s old, allowed are 60: plan again"),
        ({"recorded_now": NOW - SECOND}, "the plan is -1 s old"),
        ({"instrument": None}, "the increments of BTCUSDT changed since it was planned: plan again"),
        ({"instrument": instrument(price_increment=Decimal(3))}, "plan again"),
        ({"instrument": instrument(size_increment=Decimal("0.003"))}, "plan again"),
        ({"instrument": instrument(maximum_quantity=Decimal("0.001"))}, "plan again"),
        ({"instrument": instrument(price_increment=Decimal(0))}, "plan again"),
        ({"row": plan(symbol_facts(obstacle="it is not warm"))}, "it is not warm"),
        ({"row": plan(resting=resting(grid().rungs))}, "no entry is missing"),
        ({"row": plan(decision=decision(dormant=True))}, "12 entries vetoed: nav_stale"),
        ({"row": plan(totals=None)}, "12 entries vetoed: margin_unavailable"),
    ],
)
def test_no_other_plan_may_and_it_says_why(changes: dict[str, Any], told: str):
    found = refusal(**changes)

    assert found is not None
    assert told in found


def test_finer_increments_than_it_was_planned_with_fit():
    assert (
        refusal(instrument=instrument(price_increment=Decimal("0.01"), size_increment=Decimal("0.0005")))
        is None
    )


def test_a_permit_covers_the_plan_at_the_worse_price_and_each_retry():
    below, above = PLAN.entries[0], PLAN.entries[1]
    marks = {"BTCUSDT": CENTER}
    worth = Decimal("0.02") * CENTER + Decimal("0.02") * 100_500

    assert permit_size([below, above], marks, 0) == (worth, 2)
    assert permit_size([below, above], marks, 3) == (4 * worth, 8)
    assert permit_size(PLAN.entries, {}, 0) == (None, 0)


def test_answers_are_counted_once_each():
    opened = [
        *(update(Answer.ACCEPTED, each) for each in range(3)),
        update(Answer.REJECTED, 3),
        update(Answer.DENIED, 4),
        update(Answer.UNKNOWN, 5),
        update(Answer.ABSENT, 6),
        update(Answer.CANCELED, 7),
    ]
    told = symbol_execution("BTCUSDT", opened, [update(Answer.CANCELED, 8), update(Answer.UNKNOWN, 9)], None)

    assert (told.sent, told.accepted, told.rejected, told.denied) == (6, 3, 1, 1)
    assert (told.unknown, told.canceled, told.why) == (2, 2, None)
    assert str(told) == "BTCUSDT: 6 sent, 3 accepted, 1 rejected, 1 denied, 2 unknown, 2 canceled"


def test_what_was_not_done_is_said_in_words():
    idle = symbol_execution("BTCUSDT", [], [], "no entry is missing")

    assert str(Execution(refused="somebody else", symbols=())) == "nothing is sent: somebody else"
    assert str(Execution(refused=None, symbols=())) == "there is nothing to trade"
    assert str(Execution(refused=None, symbols=(idle, replace(idle, why=None)))).splitlines() == [
        "BTCUSDT: 0 sent, 0 accepted, 0 rejected, 0 denied, 0 unknown, 0 canceled; no entry is missing",
        "BTCUSDT: 0 sent, 0 accepted, 0 rejected, 0 denied, 0 unknown, 0 canceled",
    ]
