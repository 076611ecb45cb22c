"""One side with everything that rests and is planned: what may not be filled is not sent, and not left to rest either."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.stress import stress
from hedge_pipeline.domain.trading import stressing
from hedge_pipeline.domain.trading.stressing import Stressed, StressFacts, stressed
from hedge_pipeline_tests.domain.order_examples import entry, position, rests, stop, totals
from hedge_pipeline_tests.domain.trading.bar_examples import (
    BRACKETS,
    POLICY,
    grid,
    intent,
    order_of,
    plan,
    resting,
)
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT

ENTRIES = tuple(each for each in plan().entries if each.rung.position_side is LONG)


def facts(**changes: Any) -> StressFacts:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "positions": (),
        "resting": (),
        "intents": {},
        "mark_price": CENTER,
        "atr": Decimal(500),
        "totals": totals(100_000),
        "drawdown": Decimal(0),
        "brackets": BRACKETS,
        "price_increment": Decimal("0.1"),
        "rest_stop_distance": Decimal("0.05"),
    }
    return StressFacts(**{**fields, **changes})


def told(result: Stressed) -> tuple[set[str], set[str]]:
    return {veto.reason for veto in result.entries}, {veto.reason for veto in result.resting}


def inputs_of(monkeypatch: pytest.MonkeyPatch, found: StressFacts) -> Any:
    """What the stress test is asked about."""
    asked: list[Any] = []

    def noted(inputs: Any, rule: Any) -> Any:
        asked.append(inputs)
        return stress(inputs, rule)

    monkeypatch.setattr(stressing, "stress", noted)
    stressed(found, LONG, ENTRIES, POLICY.stress)
    return asked[0]


def test_the_documented_side_may_fill():
    assert told(stressed(facts(), LONG, ENTRIES, POLICY.stress)) == (set(), set())
    assert stressed(facts(), LONG, (), POLICY.stress) == Stressed(entries=(), resting=())


def test_what_rests_counts_with_what_is_planned():
    there = resting(grid().long)
    small = facts(resting=there, totals=totals(12_000))

    assert told(stressed(small, LONG, (), POLICY.stress)) == (set(), set())
    against, alone = told(stressed(small, LONG, ENTRIES, POLICY.stress))
    assert "nav_drawdown_limit" in against
    assert alone == set()


def test_what_rests_and_could_not_be_survived_is_told_apart():
    there = resting(grid().long)
    against, alone = told(stressed(facts(resting=there, totals=totals(3_000)), LONG, ENTRIES, POLICY.stress))

    assert "nav_drawdown_limit" in against & alone
    assert told(stressed(facts(resting=there, totals=totals(3_000)), LONG, (), POLICY.stress))[1] == alone


@pytest.mark.parametrize(
    "unknown", ["positions", "mark_price", "atr", "totals", "drawdown", "brackets", "price_increment"]
)
def test_the_unknown_opens_nothing_and_says_nothing_against_what_rests(unknown: str):
    known: dict[str, Any] = {unknown: None}
    found = facts(resting=resting(grid().long[:1]), **known)

    assert told(stressed(found, LONG, ENTRIES, POLICY.stress)) == ({"stress_unavailable"}, set())


def test_an_order_counts_with_what_may_still_fill_and_with_its_own_stop(monkeypatch: pytest.MonkeyPatch):
    ours = order_of(grid().long[0])
    partly = rests(ours, status=OrderStatus.PARTIALLY_FILLED, filled_quantity=Decimal("0.015"))
    persons = rests(entry("0.3", "98000", LONG, client_order_id="web_1"))
    others = rests(order_of(grid().short[0]))
    named = {ours.client_order_id: intent(ours, stop_loss_price=Decimal(96_000))}
    asked = inputs_of(monkeypatch, facts(resting=(partly, persons, others), intents=named))

    assert [(each.quantity, each.stop_loss_price) for each in asked.entries[:2]] == [
        (Decimal("0.005"), Decimal(96_000)),
        (Decimal("0.3"), Decimal(98_000) * Decimal("0.95")),
    ]
    assert len(asked.entries) == 2 + len(ENTRIES)


def test_the_stop_that_closes_everything_counts_where_no_other_rests(monkeypatch: pytest.MonkeyPatch):
    held = position("0.01", LONG)
    backstop = replace(rests(stop(None, "95000")), client_order_id="backstop")
    own = replace(rests(stop("0.01", "96500")), client_order_id="stop")
    shorts = replace(rests(stop("0.01", "104000", SHORT)), client_order_id="short")

    asked = inputs_of(monkeypatch, facts(positions=(held,), resting=(backstop, own, shorts)))
    assert asked.stop_prices == (Decimal(96_500),)
    asked = inputs_of(monkeypatch, facts(positions=(held,), resting=(backstop, shorts)))
    assert asked.stop_prices == (Decimal(95_000),)
    bare = stressed(facts(positions=(held,)), LONG, ENTRIES, POLICY.stress)
    assert "stop_missing" in told(bare)[0]


def test_a_rung_and_a_stop_of_one_price_may_be_rounded_apart():
    """The first rung's stop and the last rung lie on one price: rounded as what they are, one increment apart."""
    rounded = tuple(
        replace(each, rung=replace(each.rung, stop_loss_price=Decimal("97000.1"))) for each in ENTRIES
    )
    nearer = tuple(
        replace(each, rung=replace(each.rung, stop_loss_price=Decimal("97000.2"))) for each in ENTRIES
    )

    assert told(stressed(facts(), LONG, rounded, POLICY.stress)) == (set(), set())
    assert told(stressed(facts(), LONG, nearer, POLICY.stress))[0] == {"stop_before_last_rung"}
