"""What is left of the grid in a trend, and what of that may be sent."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.placement import PlacementMode, PlacementRule, filter_placeable, place
from hedge_pipeline.domain.regime import Regime
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
)

FULL = [Decimal(quantity) for quantity in QUANTITIES]
HALF = [quantity / 2 for quantity in FULL]
THROTTLED = PlacementRule(
    mode=PlacementMode.THROTTLED_COUNTER, counter_levels=4, counter_quantity_scale=Decimal("0.5")
)
BOTH = replace(THROTTLED, mode=PlacementMode.CORE_AND_SCALP)


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize(
    ("rule", "regime", "long", "short"),
    [
        (THROTTLED, Regime.UP, FULL, HALF[:4]),
        (THROTTLED, Regime.DOWN, HALF[:4], FULL),
        (THROTTLED, Regime.SIDEWAYS, FULL, FULL),
        (BOTH, Regime.UP, FULL[:4], HALF[:4]),
        (BOTH, Regime.DOWN, HALF[:4], FULL[:4]),
        (BOTH, Regime.SIDEWAYS, FULL, FULL),
    ],
)
def test_the_two_modes_shape_the_ladders_as_documented(
    rule: PlacementRule, regime: Regime, long: list[Decimal], short: list[Decimal]
):
    shaped = place(golden_ladders(), regime, rule)

    assert (quantities(shaped.long), quantities(shaped.short)) == (long, short)


def test_the_documented_counter_quantities_are_these():
    assert HALF[:4] == [Decimal(text) for text in ("0.001", "0.00105", "0.001105", "0.00116")]


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize("regime", [Regime.UP, Regime.DOWN])
def test_the_modes_truly_differ_in_a_trend(regime: Regime):
    assert place(ladders(), regime, THROTTLED) != place(ladders(), regime, BOTH)


@pytest.mark.finding("S3-POL-1")
@given(
    st.sampled_from(Regime),
    st.integers(1, 20),
    st.decimals(min_value="0.01", max_value=1, places=2),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_core_and_scalp_always_works_on_both_sides(
    regime: Regime, counter_levels: int, scale: Decimal, longs: int, shorts: int
):
    rule = PlacementRule(
        mode=PlacementMode.CORE_AND_SCALP, counter_levels=counter_levels, counter_quantity_scale=scale
    )
    shaped = place(ladders(levels_long=longs, levels_short=shorts), regime, rule)

    assert shaped.long
    assert shaped.short
    assert levels(shaped.long) == list(range(1, len(shaped.long) + 1))


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize("changes", [{"counter_levels": 0}, {"counter_quantity_scale": Decimal(0)}])
def test_core_and_scalp_cannot_be_told_to_give_up_a_side(changes: dict[str, Any]):
    with pytest.raises(InvalidState, match="keeps at least one rung on both sides"):
        replace(BOTH, **changes)


@pytest.mark.parametrize("changes", [{"counter_levels": 0}, {"counter_quantity_scale": Decimal(0)}])
def test_throttled_counter_may_leave_the_counter_side_empty(changes: dict[str, Any]):
    shaped = place(ladders(), Regime.UP, replace(THROTTLED, **changes))

    assert (len(shaped.long), shaped.short) == (6, ())


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize("mode", ["core_and_scalp", "", "throttled-counter", None])
def test_an_unknown_mode_is_refused_and_the_known_ones_named(mode: Any):
    """A plain text is unknown too: it is looked up where settings are read, not compared along the way."""
    with pytest.raises(InvalidState, match="write one of core-and-scalp, throttled-counter"):
        replace(THROTTLED, mode=mode)


@pytest.mark.parametrize(
    "changes",
    [
        {"counter_levels": -1},
        {"counter_quantity_scale": Decimal("1.01")},
        {"counter_quantity_scale": Decimal("-0.01")},
        {"counter_quantity_scale": Decimal("NaN")},
    ],
)
def test_a_rule_out_of_range_is_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidState, match="counter_"):
        replace(THROTTLED, **changes)


@pytest.mark.finding("X-18")
def test_what_would_trade_at_once_is_left_out_and_the_others_keep_their_levels():
    placed = filter_placeable(ladders(), Decimal(99_200), instrument())

    assert levels(placed.ladders.long) == [2, 3, 4, 5, 6]
    assert levels(placed.ladders.short) == [1, 2, 3, 4, 5, 6]
    assert [(left.rung.position_side, left.rung.level, left.reason) for left in placed.left_out] == [
        (LONG, 1, "it would trade at once: the price is 99200")
    ]


@pytest.mark.parametrize(("mid", "longs", "shorts"), [("99500", 5, 6), ("100500", 6, 5), ("99500.1", 6, 6)])
def test_a_rung_at_the_price_itself_is_left_out(mid: str, longs: int, shorts: int):
    placed = filter_placeable(ladders(), Decimal(mid), instrument()).ladders

    assert (len(placed.long), len(placed.short)) == (longs, shorts)


@pytest.mark.finding("X-17")
def test_what_is_scaled_is_rounded_once_at_the_end():
    """0.0022 × 0.95 is 0.00209, which is 0.002; rounded before it was scaled it would be 0.0019, hence 0.001."""
    rule = replace(BOTH, counter_quantity_scale=Decimal("0.95"))
    shaped = place(ladders(base_quantity=Decimal("0.0022")), Regime.UP, rule)
    placed = filter_placeable(shaped, CENTER, instrument()).ladders

    assert placed.short[0].quantity == Decimal("0.002")


@given(
    st.decimals(min_value="90000", max_value="110000", places=1),
    st.sampled_from(["0.001", "0.0001", "0.0007"]),
)
def test_everything_placeable_is_what_the_venue_takes(mid: Decimal, size_increment: str):
    venue = instrument(size_increment=Decimal(size_increment), minimum_notional_usd=Decimal(200))
    wanted = ladders()
    placed = filter_placeable(wanted, mid, venue)

    assert len(placed.ladders.rungs) + len(placed.left_out) == len(wanted.rungs)
    assert all(left.reason for left in placed.left_out)
    for rung in placed.ladders.rungs:
        meant = wanted.of(rung.position_side)[rung.level - 1]
        assert (mid - rung.limit_price) * rung.position_side.sign > 0
        assert venue.minimum_quantity <= rung.quantity <= meant.quantity
        assert Fraction(rung.quantity - venue.minimum_quantity) % Fraction(venue.size_increment) == 0
        assert rung.quantity * rung.limit_price >= venue.minimum_notional_usd
        assert replace(rung, quantity=meant.quantity) == meant


@pytest.mark.parametrize(
    ("venue", "reason"),
    [
        ({"status": "SETTLING"}, "the venue says SETTLING, not TRADING"),
        ({"minimum_quantity": Decimal("0.01")}, "quantity below the minimum of 0.01 BTC"),
        ({"minimum_notional_usd": Decimal(1000)}, "below the minimum of 1000"),
    ],
)
def test_what_the_venue_would_refuse_is_left_out_with_its_reason(venue: dict[str, Any], reason: str):
    placed = filter_placeable(ladders(), CENTER, instrument(**venue))

    assert placed.ladders.rungs == ()
    assert all(reason in left.reason for left in placed.left_out)


@pytest.mark.parametrize("mid", ["0", "-1", "NaN", "Infinity"])
def test_nothing_is_placed_around_what_is_no_price(mid: str):
    with pytest.raises(InvalidState, match="not a price"):
        filter_placeable(ladders(), Decimal(mid), instrument())


def test_nothing_is_placed_by_another_symbols_increments():
    with pytest.raises(InvalidState, match="by the increments of ETHUSDT"):
        filter_placeable(ladders(), CENTER, instrument(symbol="ETHUSDT"))


def test_short_is_the_counter_side_of_rising_prices():
    assert len(place(ladders(), Regime.UP, THROTTLED).of(SHORT)) == 4
    assert len(place(ladders(), Regime.DOWN, THROTTLED).of(LONG)) == 4
