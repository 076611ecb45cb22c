"""A permit: from an ACTIVE decision alone, and never good for more or longer than it was issued."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hedge_pipeline
from hedge_pipeline.domain.permits import (
    LIFETIME,
    Refusal,
    RefusalReason,
    TradingPermit,
    issue_permit,
    spend,
)
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline_tests.domain.order_examples import (
    NOW,
    SECOND,
    breach,
    decision,
    entry,
    incident,
    stop,
    take_profit,
)
from hedge_pipeline_tests.domain.trading_examples import CENTER, SHORT


def issue(**changes: Any) -> TradingPermit | Refusal:
    asked: dict[str, Any] = {
        "decision": decision(),
        "symbols": frozenset({"BTCUSDT"}),
        "notional_usd": Decimal(3000),
        "orders": 3,
        "incidents": (),
        "now": NOW,
    }
    asked |= changes
    return issue_permit(asked.pop("decision"), **asked)


def issued(**changes: Any) -> TradingPermit:
    permit = issue(**changes)
    assert isinstance(permit, TradingPermit)
    return permit


def spent(permit: TradingPermit, order: Any = None, **changes: Any) -> TradingPermit | Refusal:
    facts: dict[str, Any] = {"account": "main", "mark_price": CENTER, "incidents": (), "now": NOW}
    return spend(permit, order or entry(), **{**facts, **changes})


def why(refused: TradingPermit | Refusal) -> RefusalReason:
    assert isinstance(refused, Refusal)
    assert refused.message
    return refused.reason


def test_an_active_decision_gives_a_permit_for_ten_seconds():
    permit = issued()

    assert (permit.account, permit.remaining_orders) == ("main", 3)
    assert permit.remaining_notional_usd == 3000
    assert permit.expires_at - permit.issued_at == LIFETIME == timedelta(seconds=10)


def test_a_permit_does_not_outlive_its_decision():
    until = NOW + 4 * SECOND

    assert issued(decision=decision(valid_until=until)).expires_at == until


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
def test_no_other_state_gives_one(state: TradingState):
    refused = issue(decision=decision(state=state, breaches=(breach("nav_drawdown_limit"),)))

    assert why(refused) is RefusalReason.NOT_ACTIVE
    assert isinstance(refused, Refusal)
    assert "nav_drawdown_limit" in refused.message


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"decision": None}, RefusalReason.NO_DECISION),
        ({"decision": decision(dormant=True)}, RefusalReason.NOT_ACTIVE),
        ({"decision": decision(valid_until=NOW)}, RefusalReason.DECISION_EXPIRED),
        ({"decision": decision(decided_at=NOW + SECOND)}, RefusalReason.DECISION_AHEAD),
        ({"incidents": (incident(),)}, RefusalReason.INCIDENT_OPEN),
        ({"incidents": None}, RefusalReason.INCIDENTS_UNKNOWN),
        ({"symbols": frozenset()}, RefusalReason.NOTHING_TO_ISSUE),
        ({"orders": 0}, RefusalReason.NOTHING_TO_ISSUE),
        ({"notional_usd": None}, RefusalReason.NOTHING_TO_ISSUE),
        ({"notional_usd": Decimal(0)}, RefusalReason.NOTHING_TO_ISSUE),
        ({"notional_usd": Decimal("NaN")}, RefusalReason.NOTHING_TO_ISSUE),
        ({"notional_usd": Decimal("Infinity")}, RefusalReason.NOTHING_TO_ISSUE),
    ],
)
def test_a_permit_not_issued_names_its_reason(changes: dict[str, Any], reason: RefusalReason):
    assert why(issue(**changes)) is reason


@pytest.mark.parametrize(
    ("order", "changes", "reason"),
    [
        (take_profit(), {}, RefusalReason.NOT_OPENING),
        (stop(), {}, RefusalReason.NOT_OPENING),
        (entry(), {"account": "other"}, RefusalReason.OTHER_ACCOUNT),
        (entry(symbol="ETHUSDT"), {}, RefusalReason.OTHER_SYMBOL),
        (entry(), {"now": NOW - SECOND}, RefusalReason.PERMIT_AHEAD),
        (entry(), {"now": NOW + LIFETIME}, RefusalReason.PERMIT_EXPIRED),
        (entry(), {"incidents": (incident(),)}, RefusalReason.INCIDENT_OPEN),
        (entry(), {"incidents": None}, RefusalReason.INCIDENTS_UNKNOWN),
        (entry(), {"mark_price": None}, RefusalReason.NOTIONAL_UNKNOWN),
        (entry(), {"mark_price": Decimal("NaN")}, RefusalReason.NOTIONAL_UNKNOWN),
        (entry("0.031"), {}, RefusalReason.NOTIONAL_SPENT),
    ],
)
def test_an_order_not_covered_names_its_reason(order: Any, changes: dict[str, Any], reason: RefusalReason):
    assert why(spent(issued(), order, **changes)) is reason


def test_an_order_costs_its_limit_or_mark_whichever_is_higher():
    below = spent(issued(), entry("0.01", 99_000))
    above = spent(issued(), entry("0.01", 101_000, SHORT))

    assert isinstance(below, TradingPermit)
    assert isinstance(above, TradingPermit)
    assert below.remaining_notional_usd == 3000 - 1000
    assert above.remaining_notional_usd == 3000 - 1010


def test_the_last_order_is_the_last():
    permit: TradingPermit | Refusal = issued(orders=1)
    assert isinstance(permit, TradingPermit)
    permit = spent(permit, entry("0.001"))
    assert isinstance(permit, TradingPermit)

    assert why(spent(permit, entry("0.001"))) is RefusalReason.ORDERS_SPENT


@pytest.mark.parametrize(
    "harmless",
    [
        incident(ceiling=None),
        incident(ceiling=TradingState.ACTIVE),
        incident(closed_at=NOW),
        incident(account="other"),
    ],
)
def test_an_incident_that_stops_nothing_here_costs_nothing(harmless: Any):
    assert isinstance(spent(issued(incidents=(harmless,)), incidents=(harmless,)), TradingPermit)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 15), st.booleans()), max_size=30),
    st.integers(1, 5000),
    st.integers(1, 10),
    st.integers(1, 20),
)
def test_a_permit_is_never_good_for_more_or_longer_than_issued(
    tries: list[tuple[int, int, bool]], notional: int, orders: int, valid_s: int
):
    until = NOW + valid_s * SECOND
    permit = issued(notional_usd=Decimal(notional), orders=orders, decision=decision(valid_until=until))
    sent = []
    for thousandths, second, short in tries:
        at = NOW + second * SECOND
        order = entry(
            Decimal(thousandths) / 1000,
            100_500 if short else 99_500,
            SHORT if short else entry().position_side,
        )
        left = spent(permit, order, now=at)
        if isinstance(left, TradingPermit):
            permit = left
            assert order.quantity is not None
            assert order.limit_price is not None
            sent.append(order.quantity * max(order.limit_price, CENTER))
            assert at < until
            assert at - NOW < LIFETIME
    assert sum(sent) <= notional
    assert len(sent) <= orders
    assert permit.remaining_notional_usd >= 0
    assert permit.remaining_orders >= 0


@given(
    state=st.sampled_from(TradingState),
    dormant=st.booleans(),
    decided=st.integers(-20, 20),
    until=st.integers(-20, 20),
)
def test_there_is_a_permit_only_while_an_active_decision_holds(
    state: TradingState, decided: int, until: int, *, dormant: bool
):
    given_by = decision(
        state=state, dormant=dormant, decided_at=NOW + decided * SECOND, valid_until=NOW + until * SECOND
    )

    holds = state is TradingState.ACTIVE and not dormant and decided <= 0 < until
    assert isinstance(issue(decision=given_by), TradingPermit) is holds


def test_permits_are_made_in_one_place():
    package = Path(hedge_pipeline.__file__).parent
    makers = [path for path in package.rglob("*.py") if "TradingPermit(" in path.read_text(encoding="utf-8")]

    assert [path.name for path in makers] == ["permits.py"]
