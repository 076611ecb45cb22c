"""What is left if a trend takes every rung of one side, and when that is too little to place it."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.stress import StressEntry, StressInputs, StressResult, StressRule, stress
from hedge_pipeline_tests.domain.order_examples import position, totals
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, SHORT, golden_ladders

RULE = StressRule(
    atr_multiple=Decimal(3),
    least_move=Decimal("0.10"),
    max_margin_ratio=Decimal("0.5"),
    max_drawdown=Decimal("0.20"),
)
BRACKETS = (
    Bracket(notional_cap_usd=Decimal(50_000), maintenance_rate=Decimal("0.004"), cumulative_usd=Decimal(0)),
    Bracket(notional_cap_usd=Decimal(10**7), maintenance_rate=Decimal("0.05"), cumulative_usd=Decimal(2300)),
)


def entries(held: PositionSide = LONG, times: Any = 1, levels: int = 6) -> tuple[StressEntry, ...]:
    """The documented ladder of one side, so many times as large."""
    return tuple(
        StressEntry(
            limit_price=rung.limit_price,
            quantity=rung.quantity * times,
            stop_loss_price=rung.stop_loss_price,
        )
        for rung in golden_ladders().of(held)[:levels]
    )


def inputs(held: PositionSide = LONG, **changes: Any) -> StressInputs:
    known: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "position_side": held,
        "entries": entries(held),
        "positions": (),
        "stop_prices": (),
        "mark_price": CENTER,
        "atr": Decimal(500),
        "totals": totals(10_000),
        "drawdown": Decimal(0),
        "brackets": BRACKETS,
        "price_increment": Decimal("0.1"),
    }
    return StressInputs(**{**known, **changes})


def rules(result: StressResult) -> list[str]:
    return [veto.rule for veto in result.vetoes]


def test_the_documented_ladder_is_survivable():
    result = stress(inputs(), RULE)
    lost = sum(entry.quantity * (entry.limit_price - 87_300) for entry in entries())

    assert result.vetoes == ()
    assert result.stressed_price == Decimal(97_000) * Decimal("0.9")
    assert result.drawdown == pytest.approx(lost / 10_000)
    assert result.margin_ratio == pytest.approx(
        Decimal("0.01361") * 87_300 * Decimal("0.004") / (10_000 - lost)
    )


def test_the_other_side_is_stressed_upward():
    result = stress(inputs(SHORT), RULE)

    assert result.vetoes == ()
    assert result.stressed_price == Decimal(103_000) * Decimal("1.1")


def test_a_wild_market_is_stressed_further():
    assert stress(inputs(atr=Decimal(5000)), RULE).stressed_price == 97_000 - 15_000
    assert stress(inputs(atr=Decimal(50_000)), RULE).stressed_price == 0


@pytest.mark.parametrize("unknown", [field.name for field in fields(StressInputs)][2:])
def test_what_is_not_known_is_a_veto(unknown: str):
    missing: dict[str, Any] = {unknown: None}

    assert rules(stress(replace(inputs(), **missing), RULE)) == ["stress_inputs_are_known"]


@pytest.mark.parametrize(
    "changes",
    [
        {"mark_price": Decimal("NaN")},
        {"mark_price": Decimal(0)},
        {"atr": Decimal(0)},
        {"drawdown": Decimal(-1)},
        {"totals": totals(0)},
        {"totals": totals("NaN")},
        {"totals": totals(1000, "NaN")},
        {"brackets": ()},
        {"positions": (position("NaN"),)},
        {"entries": (replace(entries()[0], quantity=Decimal("NaN")),)},
        {"entries": (replace(entries()[0], limit_price=Decimal(0)),)},
    ],
)
def test_what_is_no_figure_is_a_veto(changes: dict[str, Any]):
    assert rules(stress(inputs(**changes), RULE)) == ["stress_inputs_are_known"]


def test_a_loss_beyond_the_limit_is_vetoed_with_the_number():
    result = stress(inputs(entries=entries(times=2), totals=totals(1000)), RULE)
    (veto,) = result.vetoes

    assert (veto.rule, veto.reason) == ("stressed_drawdown_is_within_its_limit", "nav_drawdown_limit")
    assert veto.threshold == "0.20"
    assert veto.observation == f"{result.drawdown:.6f} at 87300.00"


def test_the_drawdown_there_is_counts():
    small = totals(1000)
    fine = stress(inputs(totals=small), RULE)
    worse = stress(inputs(totals=small, drawdown=Decimal("0.10")), RULE)

    assert fine.drawdown is not None
    assert worse.drawdown == pytest.approx(1 - (1 - fine.drawdown) * Decimal("0.9"))
    assert rules(worse) == ["stressed_drawdown_is_within_its_limit"]


def test_a_margin_ratio_beyond_the_limit_is_vetoed_with_the_number():
    loose = replace(RULE, max_drawdown=Decimal("0.99"), max_margin_ratio=Decimal("0.05"))
    result = stress(inputs(entries=entries(times=5), totals=totals(1000)), loose)
    (veto,) = result.vetoes

    assert (veto.rule, veto.reason) == ("stressed_margin_ratio_is_within_its_limit", "margin_ratio")
    assert veto.observation == f"{result.margin_ratio:.6f} at 87300.00"


def test_a_larger_position_is_in_a_higher_tier():
    large = inputs(entries=entries(times=50), totals=totals(20_000))
    one_tier = stress(replace(large, brackets=BRACKETS[:1]), RULE).margin_ratio
    re_tiered = stress(large, RULE).margin_ratio

    assert one_tier is not None
    assert re_tiered is not None
    assert re_tiered > 2 * one_tier


def test_the_maintenance_margin_of_other_symbols_stays():
    without, held = stress(inputs(), RULE), stress(inputs(totals=totals(10_000, 100)), RULE)

    assert without.margin_ratio is not None
    assert held.margin_ratio is not None
    assert held.margin_ratio > without.margin_ratio


def test_the_other_sides_position_stays_as_its_take_profits_do_not_fill():
    alone = stress(inputs(), RULE)
    hedged = stress(inputs(positions=(position("0.005", SHORT),)), RULE)

    assert alone.drawdown is not None
    assert hedged.drawdown == pytest.approx(alone.drawdown - Decimal("0.005") * (100_000 - 87_300) / 10_000)


def test_a_position_already_held_counts_from_mark():
    alone = stress(inputs(), RULE)
    result = stress(inputs(positions=(position("0.005"),), stop_prices=(Decimal(96_000),)), RULE)

    assert alone.drawdown is not None
    assert result.drawdown == pytest.approx(alone.drawdown + Decimal("0.005") * (100_000 - 87_300) / 10_000)


@pytest.mark.parametrize(("held", "early", "last"), [(LONG, 97_001, 97_000), (SHORT, 102_999, 103_000)])
def test_a_stop_that_triggers_before_the_last_rung_is_vetoed(held: PositionSide, early: int, last: int):
    at_the_rung = stress(inputs(held, stop_prices=(Decimal(last),)), RULE)
    before_it = stress(inputs(held, stop_prices=(Decimal(early),)), RULE)

    assert at_the_rung.vetoes == ()
    assert rules(before_it) == ["stops_lie_beyond_the_last_rung"]


def test_a_stop_behind_liquidation_is_vetoed():
    """0.5 BTC on 3,000 USD is gone at about 94,000; its stop is at 90,000."""
    loose = replace(RULE, max_drawdown=Decimal("0.99"), max_margin_ratio=Decimal("0.99"))
    one = (
        StressEntry(limit_price=Decimal(99_500), quantity=Decimal("0.5"), stop_loss_price=Decimal(90_000)),
    )
    found = stress(inputs(entries=one, totals=totals(3000), brackets=BRACKETS[:1]), loose)
    near = (replace(one[0], stop_loss_price=Decimal(95_000)),)
    fine = stress(inputs(entries=near, totals=totals(3000), brackets=BRACKETS[:1]), loose)

    assert "stops_lie_before_liquidation" in rules(found)
    assert "stops_lie_before_liquidation" not in rules(fine)


@pytest.mark.parametrize("proposed", [(), entries()])
def test_a_position_without_a_stop_of_its_own_is_vetoed(proposed: tuple[StressEntry, ...]):
    found = stress(inputs(entries=proposed, positions=(position(),)), RULE)

    assert rules(found) == ["position_has_a_stop"]


@pytest.mark.parametrize("price", ["NaN", "0", "-1"])
def test_a_stop_that_is_no_price_is_vetoed(price: str):
    assert "stops_are_prices" in rules(stress(inputs(stop_prices=(Decimal(price),)), RULE))


def test_nothing_to_fill_and_nothing_held_is_no_risk():
    assert stress(inputs(entries=()), RULE) == StressResult(
        stressed_price=None, margin_ratio=None, drawdown=None, vetoes=()
    )


@given(
    st.sampled_from(PositionSide),
    st.integers(0, 5),
    st.integers(1, 50),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(1000, 100_000),
    st.integers(0, 500),
)
def test_a_larger_quantity_never_looks_safer(
    held: PositionSide, rung: int, more: int, position_held: int, opposite: int, balance: int, atr: int
):
    other = SHORT if held is LONG else LONG
    there = (
        position(Decimal(position_held) / 1000, held),
        position(Decimal(opposite) / 1000, other),
    )
    less = inputs(held, positions=there, totals=totals(balance), atr=Decimal(atr + 1))
    ladder = list(entries(held))
    ladder[rung] = replace(ladder[rung], quantity=ladder[rung].quantity * (1 + more))
    before, after = stress(less, RULE), stress(replace(less, entries=tuple(ladder)), RULE)

    assert before.drawdown is not None
    assert before.margin_ratio is not None
    assert after.drawdown is not None
    assert after.margin_ratio is not None
    assert after.drawdown >= before.drawdown
    assert after.margin_ratio >= before.margin_ratio
    assert set(rules(before)) <= set(rules(after))


@given(st.sampled_from(PositionSide), st.integers(0, 4))
def test_a_rung_more_never_looks_safer(held: PositionSide, levels: int):
    few = stress(inputs(held, entries=entries(held, levels=levels + 1)), RULE)
    more = stress(inputs(held, entries=entries(held, levels=levels + 2)), RULE)

    assert few.drawdown is not None
    assert more.drawdown is not None
    assert more.drawdown >= few.drawdown


@pytest.mark.parametrize("name", ["atr_multiple", "least_move", "max_margin_ratio", "max_drawdown"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_a_rule_that_stresses_nothing_is_refused(name: str, value: str):
    with pytest.raises(InvalidState, match=name):
        replace(RULE, **{name: Decimal(value)})


@pytest.mark.parametrize("name", ["least_move", "max_margin_ratio", "max_drawdown"])
def test_a_fraction_of_the_rule_is_below_one(name: str):
    with pytest.raises(InvalidState, match=f"{name} is 1"):
        replace(RULE, **{name: Decimal(1)})
