"""Rungs around a center: where they are, how large, where they are left, and when the center moves."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, needs_recenter, plan_ladders, scaled
from hedge_pipeline_tests.domain.trading_examples import (
    CENTER,
    LONG,
    QUANTITIES,
    SHORT,
    golden_ladders,
    instrument,
    ladders,
    levels,
    quantities,
    shape,
)

GOLDEN = {
    LONG: [
        ("99500", "101000", "97000"),
        ("99000", "100500", "96500"),
        ("98500", "100000", "96000"),
        ("98000", "99500", "95500"),
        ("97500", "99000", "95000"),
        ("97000", "98500", "94500"),
    ],
    SHORT: [
        ("100500", "99000", "103000"),
        ("101000", "99500", "103500"),
        ("101500", "100000", "104000"),
        ("102000", "100500", "104500"),
        ("102500", "101000", "105000"),
        ("103000", "101500", "105500"),
    ],
}


@pytest.mark.finding("S3-GRID-R")
@pytest.mark.parametrize("position_side", [LONG, SHORT])
def test_the_documented_grid_is_where_it_always_was(position_side: Any):
    rungs = ladders().of(position_side)

    assert [(rung.limit_price, rung.take_profit_price, rung.stop_loss_price) for rung in rungs] == [
        tuple(map(Decimal, prices)) for prices in GOLDEN[position_side]
    ]
    assert levels(rungs) == [1, 2, 3, 4, 5, 6]


@pytest.mark.finding("S3-GRID-R")
@pytest.mark.finding("X-17")
def test_quantities_grow_exactly_and_are_not_rounded_before_they_are_sent():
    planned = quantities(ladders().long)

    assert planned == [Decimal("0.002") * Decimal("1.05") ** n for n in range(6)]
    for exact, rounded in zip(planned, QUANTITIES, strict=True):
        assert abs(exact - Decimal(rounded)) <= Decimal("0.000005"), "half of what the predecessor rounded to"
    assert sum(quantities(golden_ladders().long)) == Decimal("0.01361")


@pytest.mark.finding("S3-GRID-R")
@pytest.mark.parametrize(
    ("mid", "moves"),
    [("102000.00", False), ("102000.01", True), ("98000.00", False), ("97999.99", True), ("100000", False)],
)
def test_the_center_moves_beyond_the_trigger_not_at_it(mid: str, moves):
    assert needs_recenter(CENTER, Decimal(mid), shape()) is moves


def test_a_grid_without_a_center_is_centered():
    assert needs_recenter(None, CENTER, shape())


shapes = st.builds(
    shape,
    step_bps=st.integers(5, 100).map(Decimal),
    levels_long=st.integers(1, 12),
    levels_short=st.integers(1, 12),
    base_quantity=st.integers(1, 5000).map(lambda n: Decimal(n) / 1000),
    quantity_scale=st.integers(1, 300).map(lambda n: Decimal(n) / 100),
    take_profit_steps=st.integers(1, 15),
    stop_loss_steps=st.integers(1, 15),
    max_inventory=st.just(Decimal("1e30")),
)
centers = st.integers(10**4, 10**8).map(lambda n: Decimal(n) / 100)
increments = st.sampled_from([Decimal(text) for text in ("0.01", "0.1", "0.03")])


@pytest.mark.finding("S3-GRID-R")
@given(shapes, centers, increments)
def test_prices_are_monotone_and_long_is_below_the_center_and_short_above(
    form: Any, center: Decimal, increment: Decimal
):
    assume(center * form.step_bps / 10_000 >= increment)
    try:
        planned = plan_ladders(center, form, instrument(price_increment=increment))
    except InvalidState:
        lowest = max(form.levels_long + form.stop_loss_steps, form.take_profit_steps - 1)
        assert center * (1 - lowest * form.step_bps / 10_000) < increment, "only for a price at or below zero"
        return

    down = [center, *(rung.limit_price for rung in planned.long)]
    up = [center, *(rung.limit_price for rung in planned.short)]
    assert all(near > far > 0 for near, far in pairwise(down))
    assert all(near < far for near, far in pairwise(up))
    for rung in planned.rungs:
        for price in (rung.limit_price, rung.take_profit_price, rung.stop_loss_price):
            assert Fraction(price) % Fraction(increment) == 0
        sign = rung.position_side.sign
        assert rung.stop_loss_price * sign < rung.limit_price * sign < rung.take_profit_price * sign


@pytest.mark.finding("S3-GRID-R")
@given(shapes)
def test_each_quantity_is_the_one_before_times_the_scale(form: Any):
    planned = plan_ladders(Decimal(1_000_000), form, instrument(price_increment=Decimal("0.01")))

    for side in (planned.long, planned.short):
        assert side[0].quantity == form.base_quantity
        for near, far in pairwise(quantities(side)):
            assert abs(far / near - form.quantity_scale) < Decimal("1e-20")


@pytest.mark.finding("S3-QUAL-3")
@given(st.integers(1, 60), st.integers(1, 60))
def test_exits_are_mirrored_and_nothing_pulls_them_closer(take_profit_steps: int, stop_loss_steps: int):
    """The predecessor held LONG exits within 5 % of the rung, whatever the setting said, and SHORT stops nowhere."""
    planned = ladders(take_profit_steps=take_profit_steps, stop_loss_steps=stop_loss_steps)
    step = Decimal(500)

    for rung in planned.rungs:
        sign = rung.position_side.sign
        assert (rung.take_profit_price - rung.limit_price) * sign == take_profit_steps * step
        assert (rung.limit_price - rung.stop_loss_price) * sign == stop_loss_steps * step


@pytest.mark.finding("X-17")
def test_each_price_is_rounded_by_the_order_it_becomes():
    odd = plan_ladders(Decimal("100000.05"), shape(), instrument())
    long, short = odd.long[0], odd.short[0]

    assert (long.limit_price, short.limit_price) == (Decimal("99500.0"), Decimal("100500.1"))
    assert (long.take_profit_price, long.stop_loss_price) == (Decimal("101000.1"), Decimal("97000.1"))
    assert (short.take_profit_price, short.stop_loss_price) == (Decimal("99000.0"), Decimal("103000.0"))


def test_a_ladder_worth_more_than_its_cap_is_refused():
    worth = sum(quantities(ladders().long)) * CENTER

    assert len(ladders(max_inventory=worth).rungs) == 12
    with pytest.raises(InvalidState, match=r"the LONG ladder is worth 1360.* lower base_qty"):
        ladders(max_inventory=worth - Decimal("0.01"))
    with pytest.raises(InvalidState, match="the SHORT ladder"):
        ladders(levels_long=1, max_inventory=worth - 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"step_bps": Decimal(1000), "levels_long": 10}, "the stop of LONG level 5 is at 0"),
        ({"step_bps": Decimal(1000), "stop_loss_steps": 9}, "the stop of LONG level 1 is at 0"),
        (
            {"step_bps": Decimal(1000), "take_profit_steps": 11, "levels_long": 0},
            "the take-profit of SHORT level 1",
        ),
    ],
)
def test_a_grid_that_reaches_zero_is_refused_and_says_where(changes: dict[str, Any], told: str):
    with pytest.raises(InvalidState, match=told):
        ladders(max_inventory=Decimal("1e9"), **changes)


@pytest.mark.parametrize("center", ["0", "-1", "NaN", "Infinity"])
def test_there_is_no_grid_around_what_is_no_price(center: str):
    with pytest.raises(InvalidState, match="not a price"):
        plan_ladders(Decimal(center), shape(), instrument())


def test_a_step_below_the_price_increment_would_put_two_rungs_on_one_price():
    with pytest.raises(InvalidState, match="raise grid_step_bps"):
        plan_ladders(CENTER, shape(step_bps=Decimal(5)), instrument(price_increment=Decimal("50.1")))


@pytest.mark.parametrize(
    "changes",
    [
        {"step_bps": Decimal(0)},
        {"base_quantity": Decimal("NaN")},
        {"quantity_scale": Decimal(-1)},
        {"max_inventory": Decimal("Infinity")},
        {"recenter_trigger_bps": Decimal(0)},
        {"take_profit_steps": 0},
        {"stop_loss_steps": 0},
        {"levels_short": -1},
    ],
)
def test_a_shape_that_makes_no_grid_is_refused_by_name(changes: dict[str, Any]):
    with pytest.raises(
        InvalidState, match=next(iter(changes)).replace("levels_short", "levels_long and levels_short")
    ):
        shape(**changes)


def test_ladders_out_of_order_cannot_exist():
    planned = ladders()
    for wrong in (planned.long[::-1], planned.short, (planned.long[0], planned.long[0])):
        with pytest.raises(InvalidState, match="does not follow level"):
            Ladders(symbol="BTCUSDT", center=CENTER, long=wrong, short=())


@given(st.decimals(min_value=0, max_value=1, places=3))
def test_scaling_changes_quantities_alone(fraction: Decimal):
    rungs = ladders().long
    smaller = scaled(rungs, fraction)

    assert quantities(smaller) == (
        [quantity * fraction for quantity in quantities(rungs)] if fraction else []
    )
    assert levels(smaller) == (levels(rungs) if fraction else [])
