"""What is wanted of a symbol at a bar: every stage in its order, and nothing wherever something is not known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.funding import FundingState
from hedge_pipeline.domain.increments import directed_price, refusal, sendable_quantity
from hedge_pipeline.domain.orders import opening_side
from hedge_pipeline.domain.placement import PlacementMode, PlacementRule
from hedge_pipeline.domain.regime import Regime
from hedge_pipeline.domain.trading import laddering
from hedge_pipeline.domain.trading.plans import LadderRow
from hedge_pipeline_tests.domain.order_examples import NOW
from hedge_pipeline_tests.domain.trading.bar_examples import CYCLE, STRATEGY, ladder, mark, regime_row
from hedge_pipeline_tests.domain.trading_examples import (
    CENTER,
    LONG,
    MINUTE,
    SHORT,
    instrument,
    levels,
    quantities,
    shape,
)

GOLDEN = replace(STRATEGY, shape=shape())
FINE = instrument(size_increment=Decimal("0.00001"), minimum_quantity=Decimal("0.00001"))


def wanted(row: LadderRow) -> dict[Any, list[int]]:
    assert row.ladders is not None, row.withheld
    return {side: levels(row.ladders.of(side)) for side in (LONG, SHORT)}


def test_a_quiet_bar_wants_the_documented_grid():
    row = ladder(GOLDEN, instrument=FINE)

    assert (row.withheld, row.left_out, row.center, row.mid_price) == (None, (), CENTER, CENTER)
    assert row.ladders is not None
    assert [rung.limit_price for rung in row.ladders.long] == [99500, 99000, 98500, 98000, 97500, 97000]
    assert [rung.limit_price for rung in row.ladders.short] == [
        100_500, 101_000, 101_500, 102_000, 102_500, 103_000,
    ]  # fmt: skip
    assert quantities(row.ladders.long) == [
        Decimal(each) for each in ("0.002", "0.0021", "0.0022", "0.00231", "0.00243", "0.00255")
    ]
    assert row.as_of == NOW
    assert row.funding == FundingState.AFFORDABLE


@pytest.mark.finding("S3-LIFE-1")
def test_every_stage_comes_in_its_documented_order(monkeypatch: pytest.MonkeyPatch):
    """Recenter, build, policy, funding, throttle, placeable: each is called through, and notes that it was."""
    order: list[str] = []

    def noting(name: str) -> None:
        stage = getattr(laddering, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            order.append(name)
            return stage(*args, **kwargs)

        monkeypatch.setattr(laddering, name, noted)

    stages = ["needs_recenter", "plan_ladders", "place", "guard_funding", "throttled", "filter_placeable"]
    for stage in stages:
        noting(stage)

    ladder()
    assert order == stages
    order.clear()
    ladder(regime=regime_row(candles=20))
    assert order == [], "a cold symbol goes no further than its warm-up"
    ladder(mark=None)
    assert order == stages[:4]


@pytest.mark.finding("S3-LIFE-1")
def test_the_order_of_the_stages_shows_in_what_is_wanted():
    """Thinned by the regime, shrunk by funding, throttled, and rounded once: 0.02 × 0.5 × 0.5 × 0.7 is 0.0035."""
    row = ladder(
        regime=regime_row("1.001"),
        center=None,
        mark=mark("-0.0020"),
        throttle=Decimal("0.7"),
    )
    assert row.ladders is not None
    assert row.center == CENTER
    assert (row.funding, levels(row.ladders.short)) == (FundingState.SHRUNK, [1, 2, 3, 4])
    assert row.ladders.short[0].quantity == Decimal("0.003")
    assert row.ladders.long[0].quantity == Decimal("0.014")


@pytest.mark.finding("S3-REG-1")
@pytest.mark.finding("S3-EXCH-3")
@pytest.mark.parametrize("candles", [1, 10, 29])
def test_a_cold_symbol_wants_nothing_and_says_how_far_it_is(candles: int):
    row = ladder(regime=regime_row(candles=candles))

    assert row.ladders is None
    assert row.withheld == (
        f"cold: {candles} candles, and the indicators have their values after {STRATEGY.regime.warmup}"
    )
    assert ladder(regime=regime_row(candles=30)).withheld is None


@pytest.mark.finding("S3-EXCH-3")
def test_a_bar_older_than_its_limit_wants_nothing_and_recovers():
    row = ladder(regime=regime_row(now=NOW + STRATEGY.candle_max_age + timedelta(microseconds=1)))

    assert row.ladders is None
    assert row.withheld is not None
    assert row.withheld.startswith("candles stale: ")
    assert "300" in row.withheld
    assert ladder(regime=regime_row(), center=row.center).withheld is None


@pytest.mark.parametrize(
    ("unknown", "told"),
    [
        ({"regime": None}, "no regime was told at 2026-11-20T12:00:00+00:00"),
        ({"regime": regime_row(cycle=CYCLE - MINUTE)}, "no regime was told at 2026-11-20T12:00:00+00:00"),
        ({"instrument": None}, "the instrument BTCUSDT is not known"),
        ({"mark": None}, "funding is not known: BTCUSDT: its mark and funding rate could not be read"),
        ({"funding_interval": None}, "funding is not known: BTCUSDT: its funding interval is not known"),
        ({"mark": mark(as_of=NOW - timedelta(seconds=61))}, "the funding rate is 61 s old"),
        ({"mark": mark(as_of=NOW + timedelta(seconds=2))}, "stamped 2 s ahead of us"),
        ({"instrument": instrument(price_increment=Decimal(0))}, "increment 0"),
        ({"throttle": Decimal("NaN")}, "throttle is NaN"),
    ],
)
def test_whatever_is_not_known_wants_nothing_and_is_named(unknown: dict[str, Any], told: str):
    row = ladder(**unknown)

    assert row.ladders is None
    assert row.withheld is not None
    assert told in row.withheld


def test_a_ladder_over_its_inventory_is_withheld_with_the_figure():
    row = ladder(replace(STRATEGY, shape=shape(base_quantity=Decimal("0.1"))))

    assert row.ladders is None
    assert row.withheld is not None
    assert "max_inventory_quote" in row.withheld


@pytest.mark.parametrize(
    ("center", "moves"), [("102000", False), ("102041", True), ("98000", True), ("98040", False)]
)
def test_the_center_stays_until_the_price_is_too_far_from_it(center: str, moves: bool):  # noqa: FBT001
    row = ladder(center=Decimal(center))

    assert row.center == (CENTER if moves else Decimal(center))
    assert row.ladders is not None
    assert row.ladders.center == row.center


def test_a_center_survives_a_bar_of_which_nothing_is_known():
    assert ladder(regime=None, center=Decimal(99_000)).center == 99_000
    assert ladder(mark=None, center=Decimal(99_000)).center == 99_000


@pytest.mark.finding("S3-POL-1")
@pytest.mark.parametrize(
    ("mode", "growth", "long", "short"),
    [
        (PlacementMode.THROTTLED_COUNTER, "1.001", 6, 4),
        (PlacementMode.THROTTLED_COUNTER, "0.999", 4, 6),
        (PlacementMode.CORE_AND_SCALP, "1.001", 4, 4),
        (PlacementMode.CORE_AND_SCALP, "0.999", 4, 4),
        (PlacementMode.THROTTLED_COUNTER, "1", 6, 6),
        (PlacementMode.CORE_AND_SCALP, "1", 6, 6),
    ],
)
def test_the_regime_shapes_what_is_wanted(mode: PlacementMode, growth: str, long: int, short: int):
    rule = PlacementRule(mode=mode, counter_levels=4, counter_quantity_scale=Decimal("0.5"))
    regime = regime_row(growth)
    row = ladder(replace(STRATEGY, placement=rule), regime=regime)

    assert {side: len(found) for side, found in wanted(row).items()} == {LONG: long, SHORT: short}
    assert regime.reading.regime is {"1.001": Regime.UP, "0.999": Regime.DOWN, "1": Regime.SIDEWAYS}[growth]


@pytest.mark.finding("S3-FUND-1")
def test_the_paying_side_alone_shrinks_before_an_expensive_settlement():
    calm, costly = ladder(), ladder(mark=mark("0.0020"))

    assert calm.ladders is not None
    assert costly.ladders is not None
    assert costly.ladders.short == calm.ladders.short
    assert costly.ladders.long[0].quantity == calm.ladders.long[0].quantity / 2
    assert costly.funding == FundingState.SHRUNK
    assert "LONG pays 20 bps" in costly.funding_detail


@pytest.mark.finding("X-18")
def test_a_rung_that_would_trade_at_once_is_left_out_and_the_others_keep_their_levels():
    row = ladder(center=Decimal(100_800))

    assert wanted(row) == {LONG: [2, 3, 4, 5, 6], SHORT: [1, 2, 3, 4, 5, 6]}
    assert [(each.rung.position_side, each.rung.level) for each in row.left_out] == [(LONG, 1)]


def test_a_throttle_of_nothing_wants_nothing_and_withholds_nothing():
    row = ladder(throttle=Decimal(0))

    assert (wanted(row), row.withheld) == ({LONG: [], SHORT: []}, None)


@pytest.mark.finding("X-17")
@given(
    center=st.decimals(98_100, 101_900, places=2),
    increments=st.sampled_from([("0.1", "0.001"), ("0.01", "0.00001"), ("5", "0.01"), ("0.25", "0.003")]),
    rate=st.decimals("-0.003", "0.003", places=5),
    throttle=st.decimals(0, 1, places=3),
    growth=st.sampled_from(["1", "1.001", "0.999"]),
)
def test_whatever_is_wanted_is_what_the_venue_takes(
    center: Decimal, increments: tuple[str, str], rate: Decimal, throttle: Decimal, growth: str
):
    price_increment, size_increment = map(Decimal, increments)
    venue = instrument(
        price_increment=price_increment, size_increment=size_increment, minimum_quantity=size_increment
    )
    row = ladder(
        center=center, instrument=venue, mark=mark(str(rate)), throttle=throttle, regime=regime_row(growth)
    )

    assert row.ladders is not None, row.withheld
    for rung in row.ladders.rungs:
        assert sendable_quantity(rung.quantity, venue) == rung.quantity
        assert directed_price(rung.limit_price, opening_side(rung.position_side), venue) == rung.limit_price
        assert refusal(rung.limit_price, rung.quantity, venue) is None
        assert (CENTER - rung.limit_price) * rung.position_side.sign > 0
