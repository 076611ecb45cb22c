"""One order before all rules: what is unknown or over a limit is a veto, and closing is never held up."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.orders import NewOrder, OrderStatus
from hedge_pipeline.domain.pretrade import RULES, judge, screen
from hedge_pipeline.domain.pretrade_inputs import PretradeInputs
from hedge_pipeline.domain.trading_limits import RateLimit, TradingLimits
from hedge_pipeline.domain.trading_risk_state import (
    TradingEvent,
    TradingEventKind,
    TradingRiskState,
    fresh_state,
    record,
)
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.domain.vetoes import Veto
from hedge_pipeline_tests.domain.order_examples import (
    NOW,
    SECOND,
    breach,
    decision,
    entry,
    position,
    rests,
    stop,
    take_profit,
    totals,
)
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT, instrument
from hedge_pipeline_tests.domain.trading_limit_examples import LIMITS, limits, symbol_limits

CANONICAL = frozenset(
    [
        "kill_switch",
        "min_notional",
        "per_trade_cap",
        "leverage_cap",
        "open_notional_cap",
        "position_limit",
        "invalid_notional",
        "cooldown",
        "daily_loss",
        "max_trade_nav",
        "symbol_cap",
        "portfolio_cap",
        "trade_rate_limit",
        "whitelist",
        "circuit_breaker",
        "burst_limit",
        "side_blocked",
        "max_concurrent",
        "tier_cap",
        "nav_stale",
        "nav_drawdown_limit",
        "nav_unavailable",
        "exposure_unavailable",
    ]
)
"""Documented codes that an order can meet."""
OURS = frozenset(
    [
        "position_exceeded",
        "risk_state_unavailable",
        "instruments_unknown",
        "leverage_unavailable",
        "margin_unavailable",
        "not_trading",
        "delivery_near",
        "margin_ratio",
    ]
)


def inputs(**changes: Any) -> PretradeInputs:
    known: dict[str, Any] = {
        "decision": decision(),
        "nav_usd": Decimal(100_000),
        "positions": (),
        "resting": (),
        "mark_prices": {"BTCUSDT": CENTER, "ETHUSDT": Decimal(4000)},
        "instruments": (instrument(),),
        "leverages": {"BTCUSDT": Decimal(3)},
        "totals": totals(100_000),
        "state": fresh_state("main"),
    }
    return PretradeInputs(**{**known, **changes})


def vetoes(
    order: NewOrder | None = None,
    by: TradingLimits = LIMITS,
    earlier: tuple[NewOrder, ...] = (),
    **changes: Any,
) -> tuple[Veto, ...]:
    return judge(order or entry(), inputs(**changes), by, now=NOW, earlier=earlier)


def reasons(found: Iterable[Veto]) -> list[str]:
    return [veto.reason for veto in found]


def state_after(kind: TradingEventKind, count: int, seconds_ago: int = 1) -> TradingRiskState:
    state = fresh_state("main")
    for number in range(count):
        happened = TradingEvent(
            kind=kind,
            client_order_id=f"hp-{number}",
            symbol="BTCUSDT",
            occurred_at=NOW - seconds_ago * SECOND,
        )
        state = record(state, happened, LIMITS)
    return state


def test_a_modest_order_of_a_healthy_account_may_be_sent():
    assert vetoes() == ()


@pytest.mark.finding("X-5")
@pytest.mark.parametrize("unknown", [field.name for field in fields(PretradeInputs)])
def test_any_unknown_input_vetoes_an_opening_order(unknown: str):
    assert judge(entry(), replace(inputs(), **{unknown: None}), LIMITS, now=NOW)


@pytest.mark.finding("X-5")
def test_nothing_known_at_all_is_vetoed_and_not_an_error():
    nothing = PretradeInputs(**{field.name: None for field in fields(PretradeInputs)})

    assert {"nav_unavailable", "exposure_unavailable", "instruments_unknown", "leverage_unavailable"} <= set(
        reasons(judge(entry(), nothing, LIMITS, now=NOW))
    )


@pytest.mark.finding("X-5")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nav_usd": Decimal(0)}, "nav_unavailable"),
        ({"nav_usd": Decimal(-1)}, "nav_unavailable"),
        ({"nav_usd": Decimal("NaN")}, "nav_unavailable"),
        ({"nav_usd": Decimal("Infinity")}, "nav_unavailable"),
        ({"mark_prices": {}}, "exposure_unavailable"),
        ({"positions": (position(symbol="SOLUSDT"),)}, "exposure_unavailable"),
        ({"mark_prices": {"BTCUSDT": Decimal("NaN")}}, "invalid_notional"),
        ({"instruments": ()}, "instruments_unknown"),
        ({"instruments": (instrument(size_increment=Decimal(0)),)}, "invalid_notional"),
        ({"leverages": {}}, "leverage_unavailable"),
        ({"leverages": {"BTCUSDT": Decimal("NaN")}}, "leverage_unavailable"),
        ({"leverages": {"BTCUSDT": Decimal(0)}}, "leverage_unavailable"),
        ({"totals": totals("NaN")}, "margin_unavailable"),
        ({"state": fresh_state("other")}, "risk_state_unavailable"),
    ],
)
def test_what_is_no_figure_is_unknown(changes: dict[str, Any], reason: str):
    assert reason in reasons(vetoes(**changes))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (decision(valid_until=NOW), "nav_stale"),
        (decision(decided_at=NOW + SECOND), "nav_stale"),
        (decision(state=TradingState.HALTED, breaches=(breach("peak_state_stale"),)), "peak_state_stale"),
        (
            decision(state=TradingState.HALTED, breaches=(breach("drawdown_unavailable"),)),
            "drawdown_unavailable",
        ),
        (
            decision(state=TradingState.REDUCING, breaches=(breach("daily_loss_limit"),)),
            "daily_loss",
        ),
        (decision(state=TradingState.HALTED, breaches=()), "nav_stale"),
        (decision(dormant=True), "nav_stale"),
    ],
)
def test_what_keeps_the_gate_from_active_is_told_by_its_reason(found: Any, reason: str):
    assert reasons(vetoes(decision=found)) == [reason]


def test_a_warning_of_the_gate_vetoes_nothing():
    warned = decision(breaches=(breach("drawdown_warning", TradingState.ACTIVE),))

    assert vetoes(decision=warned) == ()


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ({"order": entry("10", 100_000), "nav_usd": Decimal(10**8)}, "symbol_cap"),
        ({"leverages": {"BTCUSDT": Decimal(50)}}, "leverage_cap"),
        ({"order": entry("0.001", 1000)}, "min_notional"),
        ({"nav_usd": Decimal(0), "order": entry("50")}, "nav_unavailable"),
    ],
)
def test_the_documented_orders_that_passed_are_vetoed(case: dict[str, Any], reason: str):
    """1,000,000 USD against a cap of 80,000; 50x against 4x; 1 USD against 5; 5,000,000 USD of a NAV of 0."""
    assert reason in reasons(vetoes(**case))


@pytest.mark.finding("X-8")
def test_six_orders_an_hour_are_six_submitted_orders():
    """Judged twice before each submission, denied ones between: neither is an attempt."""
    six = limits(symbol_rate=RateLimit(count=6, window=timedelta(hours=1)))
    state, sent = fresh_state("main"), 0
    for number in range(8):
        judge(entry("50"), inputs(state=state), six, now=NOW)
        judge(entry(), inputs(state=state), six, now=NOW)
        found = judge(entry(), inputs(state=state), six, now=NOW)
        if found:
            assert reasons(found) == ["trade_rate_limit"]
            continue
        sent += 1
        submitted = TradingEvent(
            kind=TradingEventKind.SUBMITTED,
            client_order_id=f"hp-{number}",
            symbol="BTCUSDT",
            occurred_at=NOW - SECOND,
        )
        state = record(record(state, submitted, six), submitted, six)
    assert sent == 6


@pytest.mark.parametrize(
    ("case", "rule", "reason"),
    [
        ({"order": entry(symbol="DOGEUSDT")}, "symbol_is_listed", "whitelist"),
        (
            {"instruments": (instrument(status="SETTLING"),)},
            "instrument_is_trading",
            "not_trading",
        ),
        (
            {"instruments": (instrument(delivery_at=NOW + timedelta(hours=72)),)},
            "delivery_is_far",
            "delivery_near",
        ),
        ({"order": entry("0.0105")}, "order_fits_the_increments", "invalid_notional"),
        ({"order": entry(price="99500.05")}, "order_fits_the_increments", "invalid_notional"),
        ({"order": entry("0.001", 4900)}, "notional_is_above_the_minimum", "min_notional"),
        (
            {"by": limits(minimum_notional_usd=Decimal(996))},
            "notional_is_above_the_minimum",
            "min_notional",
        ),
        (
            {"by": symbol_limits(max_order_notional_usd=Decimal("999.9"))},
            "order_is_within_the_symbols_cap",
            "symbol_cap",
        ),
        (
            {"by": symbol_limits(max_side_quantity=Decimal("0.009"))},
            "side_quantity_is_within_its_cap",
            "symbol_cap",
        ),
        (
            {"by": symbol_limits(max_side_exposure=Decimal("0.0099"))},
            "side_exposure_is_within_its_cap",
            "symbol_cap",
        ),
        (
            {"by": symbol_limits(max_exposure=Decimal("0.0199")), "positions": (position("0.01", SHORT),)},
            "symbol_exposure_is_within_its_cap",
            "symbol_cap",
        ),
        (
            {"by": symbol_limits(blocked_sides=frozenset({LONG}))},
            "side_is_not_blocked",
            "side_blocked",
        ),
        ({"leverages": {"BTCUSDT": Decimal("4.1")}}, "leverage_is_within_its_cap", "leverage_cap"),
        (
            {
                "by": limits(fill_cooldown=timedelta(seconds=2)),
                "state": state_after(TradingEventKind.ENTRY_FILLED, 1),
            },
            "last_entry_is_long_ago",
            "cooldown",
        ),
        (
            {"state": state_after(TradingEventKind.STOP_FILLED, 1, 3599)},
            "last_stop_is_long_ago",
            "cooldown",
        ),
        (
            {"state": state_after(TradingEventKind.REJECTED, 3)},
            "circuit_breaker_is_closed",
            "circuit_breaker",
        ),
        (
            {
                "by": limits(burst=RateLimit(count=3, window=timedelta(seconds=60))),
                "state": state_after(TradingEventKind.SUBMITTED, 3),
            },
            "burst_is_within_its_limit",
            "burst_limit",
        ),
        (
            {"by": limits(max_order_exposure=Decimal("0.0099"))},
            "order_is_within_its_share_of_nav",
            "max_trade_nav",
        ),
        (
            {
                "by": limits(max_account_exposure=Decimal("0.0499")),
                "positions": (position("1", symbol="ETHUSDT"),),
            },
            "account_exposure_is_within_its_cap",
            "portfolio_cap",
        ),
        (
            {"by": limits(max_open_sides=1), "positions": (position("0.01", SHORT),)},
            "open_sides_are_few",
            "max_concurrent",
        ),
        (
            {
                "by": limits(buckets=(replace(LIMITS.buckets[0], max_exposure=Decimal("0.0499")),)),
                "positions": (position("1", symbol="ETHUSDT"),),
            },
            "bucket_exposure_is_within_its_cap",
            "tier_cap",
        ),
        ({"totals": totals(1000, 501)}, "margin_ratio_is_within_its_limit", "margin_ratio"),
        ({"totals": totals(-5, 0)}, "margin_ratio_is_within_its_limit", "margin_ratio"),
    ],
)
def test_each_limit_vetoes_what_is_just_over_it(case: dict[str, Any], rule: str, reason: str):
    found = [veto for veto in vetoes(**case) if veto.rule == rule]

    assert reasons(found) == [reason]
    assert found[0].threshold
    assert found[0].observation
    assert (found[0].symbol, found[0].position_side) == (
        case.get("order", entry()).symbol,
        LONG,
    )


@pytest.mark.parametrize(
    "case",
    [
        {"by": symbol_limits(max_order_notional_usd=Decimal(1000))},
        {"by": symbol_limits(max_side_quantity=Decimal("0.01"))},
        {"by": symbol_limits(max_side_exposure=Decimal("0.01"))},
        {"by": symbol_limits(max_exposure=Decimal("0.01"))},
        {"by": symbol_limits(blocked_sides=frozenset({SHORT}))},
        {"by": limits(max_order_exposure=Decimal("0.01"))},
        {"by": limits(max_account_exposure=Decimal("0.01"))},
        {"by": limits(max_open_sides=1)},
        {"by": limits(minimum_notional_usd=Decimal(995))},
        {"leverages": {"BTCUSDT": Decimal(4)}},
        {"totals": totals(1000, 500)},
        {"state": state_after(TradingEventKind.STOP_FILLED, 1, 3600)},
        {"state": state_after(TradingEventKind.REJECTED, 2)},
        {"instruments": (instrument(delivery_at=NOW + timedelta(hours=72, seconds=1)),)},
    ],
)
def test_a_limit_itself_is_allowed(case: dict[str, Any]):
    assert vetoes(**case) == ()


def test_a_veto_states_limit_and_figure_in_one_unit():
    (veto,) = vetoes(by=symbol_limits(max_order_notional_usd=Decimal(800)))

    assert veto == Veto(
        rule="order_is_within_the_symbols_cap",
        reason="symbol_cap",
        symbol="BTCUSDT",
        position_side=LONG,
        threshold="800 USD",
        observation="1000.00 USD",
    )


def test_every_rule_that_does_not_hold_is_told():
    found = vetoes(entry("0.5"), by=limits(max_open_sides=0), leverages={"BTCUSDT": Decimal(50)})

    assert reasons(found) == ["leverage_cap", "max_trade_nav", "max_concurrent"]


def test_reasons_are_of_one_taxonomy_and_rules_have_one_name_each():
    assert {rule.reason for rule in RULES} <= CANONICAL | OURS
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.finding("S3-RISK-1")
@pytest.mark.parametrize("where", ["proposed", "resting", "pending", "filled"])
@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (symbol_limits(max_side_quantity=Decimal("0.05")), "symbol_cap"),
        (symbol_limits(max_side_exposure=Decimal("0.05")), "symbol_cap"),
        (symbol_limits(max_exposure=Decimal("0.05")), "symbol_cap"),
        (limits(max_account_exposure=Decimal("0.05")), "portfolio_cap"),
    ],
)
def test_ten_orders_each_below_the_cap_are_cut_off_at_the_cap(by: TradingLimits, reason: str, where: str):
    """Wherever the first ones are by now: in the same plan, on the books, not acknowledged, or filled."""
    sent: list[NewOrder] = []
    for number in range(10):
        order = entry("0.01", client_order_id=f"hp-{number}")
        status = OrderStatus.PENDING if where == "pending" else OrderStatus.NEW
        found = vetoes(
            order,
            by,
            earlier=tuple(sent) if where == "proposed" else (),
            resting=tuple(rests(each, status=status) for each in sent)
            if where in {"resting", "pending"}
            else (),
            positions=(position(Decimal("0.01") * len(sent)),) if where == "filled" else (),
        )
        if found:
            assert reasons(found) == [reason]
        else:
            sent.append(order)
    assert len(sent) == 5


ORDERS = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(PositionSide)), min_size=1, max_size=15)


@pytest.mark.finding("S3-RISK-1")
@given(ORDERS, st.integers(0, 40), st.integers(1, 60))
def test_what_passes_together_stays_within_every_cap(
    wanted: list[tuple[int, PositionSide]], held: int, cap: int
):
    by = symbol_limits(max_side_quantity=Decimal(cap) / 1000, max_exposure=Decimal("0.06"))
    there = (position(Decimal(held) / 1000),)
    plan = [
        entry(Decimal(quantity) / 1000, 99_000 if side is LONG else 101_000, side, client_order_id=f"hp-{i}")
        for i, (quantity, side) in enumerate(wanted)
    ]
    screened = screen(plan, inputs(positions=there), by, now=NOW)

    assert len(screened.passed) + len(screened.vetoed) == len(plan)
    for side in PositionSide:
        opened = [order.quantity for order in screened.passed if order.position_side is side]
        if opened:
            held_here = Decimal(held) / 1000 if side is LONG else Decimal(0)
            assert held_here + sum(each for each in opened if each) <= Decimal(cap) / 1000
    total = Decimal(held) * 100 + sum(
        (order.quantity or Decimal(0)) * max(order.limit_price or CENTER, CENTER) for order in screened.passed
    )
    assert not screened.passed or total <= 6000


def test_orders_of_one_plan_count_as_attempts_for_those_behind_them():
    three = limits(burst=RateLimit(count=3, window=timedelta(seconds=60)))
    plan = [entry("0.001", client_order_id=f"hp-{n}") for n in range(5)]
    screened = screen(plan, inputs(state=state_after(TradingEventKind.SUBMITTED, 1)), three, now=NOW)

    assert (len(screened.passed), [reasons(found) for _, found in screened.vetoed]) == (
        2,
        [["burst_limit"]] * 3,
    )


@pytest.mark.finding("X-9", "S3-RISK-2")
@pytest.mark.parametrize("order", [take_profit(), stop(), stop(None)])
def test_no_state_limit_or_missing_figure_holds_up_a_reducing_order(order: NewOrder):
    strict = limits(
        symbols=(),
        max_open_sides=0,
        max_order_exposure=Decimal("0.000001"),
        burst=RateLimit(count=1, window=timedelta(seconds=60)),
    )
    halted = decision(state=TradingState.HALTED, breaches=(breach("kill_switch"),))
    found = vetoes(
        order,
        strict,
        decision=halted,
        nav_usd=None,
        mark_prices=None,
        instruments=None,
        leverages=None,
        totals=None,
        state=state_after(TradingEventKind.REJECTED, 9),
        positions=(position("0.01"),),
    )

    assert found == ()


@pytest.mark.finding("S3-RISK-2")
@pytest.mark.parametrize(
    ("order", "resting"),
    [
        (take_profit("0.011"), ()),
        (take_profit("0.006"), (rests(take_profit("0.005")),)),
        (stop("0.006"), (rests(stop("0.005")),)),
        (take_profit("0.001", held=SHORT), ()),
        (take_profit("0.006"), (rests(take_profit("0.005"), client_order_id="web_1"),)),
    ],
)
def test_exits_together_close_no_more_than_the_position(order: NewOrder, resting: Any):
    (veto,) = vetoes(order, positions=(position("0.01"),), resting=resting)

    assert (veto.rule, veto.reason) == ("reduction_is_within_the_position", "position_exceeded")


def test_a_stop_and_a_take_profit_may_both_be_as_large_as_the_position():
    held = (position("0.01"),)

    assert vetoes(stop("0.01"), positions=held, resting=(rests(take_profit("0.01")),)) == ()
    assert vetoes(take_profit("0.01"), positions=held, resting=(rests(stop("0.01")),)) == ()
    assert vetoes(take_profit("0.01"), positions=held, earlier=(stop("0.01"),)) == ()


def test_exits_of_one_plan_count_for_those_behind_them():
    screened = screen(
        [take_profit("0.006"), take_profit("0.005")], inputs(positions=(position(),)), LIMITS, now=NOW
    )

    assert [order.quantity for order in screened.passed] == [Decimal("0.006")]


@pytest.mark.parametrize("unknown", ["positions", "resting"])
def test_a_reduction_of_what_is_not_known_is_vetoed_unless_it_closes_whatever_is_left(unknown: str):
    blind = replace(inputs(), **{unknown: None})

    assert reasons(judge(take_profit(), blind, LIMITS, now=NOW)) == ["exposure_unavailable"]
    assert judge(stop(None), blind, LIMITS, now=NOW) == ()
    assert reasons(vetoes(take_profit(), positions=(position("NaN"),))) == ["position_exceeded"]
