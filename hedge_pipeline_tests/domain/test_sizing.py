"""How large an order may be, and who may make everything smaller."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.sizing import (
    LEVERAGE,
    MINIMUM_NOTIONAL,
    VOLATILITY,
    Sizing,
    SizingRule,
    size_order,
    throttled,
)
from hedge_pipeline_tests.domain.trading_examples import instrument, ladders, levels, quantities

RULE = SizingRule(volatility_target_bps=Decimal(25), minimum_signal=Decimal("0.25"), leverage_cap=Decimal(3))


def size(rule: SizingRule = RULE, **changes: Any) -> Sizing:
    facts: dict[str, Any] = {
        "nav_usd": Decimal(10_000),
        "atr": Decimal(500),
        "mark_price": Decimal(100_000),
        "signal": Decimal(1),
        "headrooms": {},
    }
    return size_order(
        **{**facts, **changes}, rule=rule, instrument=instrument(minimum_notional_usd=Decimal(100))
    )


@pytest.mark.finding("X-15")
def test_one_average_move_costs_the_set_share_of_nav():
    sizing = size()

    assert sizing == Sizing(notional_usd=Decimal(5000), bound_by=VOLATILITY, veto=None)
    assert sizing.notional_usd is not None
    assert sizing.notional_usd * 500 / 100_000 == 10_000 * Decimal(25) / 10_000


@pytest.mark.finding("X-15")
@pytest.mark.parametrize(
    ("signal", "notional"), [("0.5", 2500), ("0.25", 1250), ("0.1", 1250), ("1.5", 7500)]
)
def test_a_weaker_signal_asks_for_less_down_to_its_minimum(signal: str, notional: int):
    assert size(signal=Decimal(signal)).notional_usd == notional


@pytest.mark.finding("X-15")
@pytest.mark.parametrize(
    ("headrooms", "notional", "bound_by"),
    [
        ({"symbol": Decimal(3000), "trade": Decimal(4000)}, 3000, "symbol"),
        ({"portfolio": Decimal(100)}, 100, "portfolio"),
        ({"portfolio": Decimal(9000)}, 5000, VOLATILITY),
    ],
)
def test_the_tightest_cap_decides_and_is_named(headrooms: dict[str, Decimal], notional: int, bound_by: str):
    assert size(headrooms=headrooms) == Sizing(notional_usd=Decimal(notional), bound_by=bound_by, veto=None)


def test_leverage_caps_what_calm_prices_would_allow():
    assert size(atr=Decimal(1)) == Sizing(notional_usd=Decimal(30_000), bound_by=LEVERAGE, veto=None)


def test_a_size_below_the_minimum_is_raised_to_it_but_never_through_a_cap():
    wild = Decimal(50_000)

    assert size(atr=wild) == Sizing(notional_usd=Decimal(100), bound_by=MINIMUM_NOTIONAL, veto=None)
    vetoed = size(atr=wild, headrooms={"symbol": Decimal("99.9")})
    assert vetoed.notional_usd is None
    assert vetoed.veto == "symbol leaves 99.9 USD, below the minimum notional of 100"
    assert size(headrooms={"symbol": Decimal(-5)}).notional_usd is None


@pytest.mark.finding("X-5")
@pytest.mark.parametrize("fact", ["nav_usd", "atr", "mark_price", "signal"])
@pytest.mark.parametrize("value", [None, Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_not_known_is_a_veto_and_never_a_size(fact: str, value: Decimal | None):
    wrong: dict[str, Any] = {fact: value}
    sizing = size(**wrong)

    assert (sizing.notional_usd, sizing.bound_by) == (None, None)
    assert sizing.veto is not None


@pytest.mark.finding("X-5")
@pytest.mark.parametrize("room", [None, Decimal("NaN"), Decimal("Infinity")])
def test_a_cap_whose_use_is_not_known_is_a_veto(room: Decimal | None):
    assert size(headrooms={"symbol": room}).veto is not None


@pytest.mark.finding("X-15")
@given(
    st.integers(1, 10**6),
    st.integers(1, 10**5),
    st.integers(1, 200),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
def test_no_size_exceeds_a_cap_or_falls_below_the_minimum(
    nav: int, atr: int, signal: int, one: int, two: int
):
    sizing = size(
        nav_usd=Decimal(nav),
        atr=Decimal(atr),
        signal=Decimal(signal) / 100,
        headrooms={"one": Decimal(one), "two": Decimal(two)},
    )

    if sizing.notional_usd is None:
        assert min(one, two, 3 * nav) < 100
    else:
        assert 100 <= sizing.notional_usd <= min(one, two, 3 * nav)


@pytest.mark.parametrize("name", ["volatility_target_bps", "minimum_signal", "leverage_cap"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN"])
def test_a_rule_that_sizes_nothing_is_refused_by_name(name: str, value: str):
    with pytest.raises(InvalidState, match=name):
        replace(RULE, **{name: Decimal(value)})


@given(st.decimals(min_value=0, max_value=1, places=3))
def test_the_throttle_shrinks_both_sides_alike(throttle: Decimal):
    before, after = ladders(), throttled(ladders(), throttle)

    for rungs, smaller in ((before.long, after.long), (before.short, after.short)):
        expected = [quantity * throttle for quantity in quantities(rungs)] if throttle else []
        assert quantities(smaller) == expected
        assert levels(smaller) == (levels(rungs) if throttle else [])


@pytest.mark.parametrize("throttle", ["-0.1", "1.1", "NaN"])
def test_a_throttle_that_is_no_fraction_is_refused(throttle: str):
    with pytest.raises(InvalidState, match="between 0 and 1"):
        throttled(ladders(), Decimal(throttle))
