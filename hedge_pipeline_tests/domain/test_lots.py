"""Which part of a position leaves where: lots explain it, the position decides."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.lots import UNEXPLAINED, Lot, LotFill, fit_lots, open_lots, sendable_lots
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT, instrument

ENTRY, TAKE_PROFIT, STOP_LOSS = OrderKind.ENTRY, OrderKind.TAKE_PROFIT, OrderKind.STOP_LOSS
REST = Lot(
    level=UNEXPLAINED,
    quantity=Decimal(1),
    take_profit_price=Decimal(101_500),
    stop_loss_price=Decimal(97_500),
)


def fill(kind: OrderKind, level: int, quantity: Any, center: int = 100_000) -> LotFill:
    return LotFill(
        kind=kind,
        level=level,
        quantity=Decimal(quantity),
        take_profit_price=Decimal(center + 1500 - 500 * level),
        stop_loss_price=Decimal(center - 2500 - 500 * level),
    )


def lot(level: int, quantity: Any, center: int = 100_000) -> Lot:
    return open_lots([fill(ENTRY, level, quantity, center)])[0]


def sizes(lots: Iterable[Lot]) -> list[tuple[int, Decimal]]:
    return [(each.level, each.quantity) for each in lots]


def test_parts_of_one_rung_are_one_lot():
    lots = open_lots([fill(ENTRY, 1, "0.001"), fill(ENTRY, 2, "0.002"), fill(ENTRY, 1, "0.003")])

    assert sizes(lots) == [(1, Decimal("0.004")), (2, Decimal("0.002"))]


def test_the_same_level_of_a_moved_grid_is_another_lot():
    lots = open_lots([fill(ENTRY, 1, "0.001"), fill(ENTRY, 1, "0.002", center=99_000)])

    assert sizes(lots) == [(1, Decimal("0.001")), (1, Decimal("0.002"))]
    assert sizes(
        open_lots([fill(ENTRY, 1, "0.001"), fill(ENTRY, 1, "0.002", 99_000), fill(STOP_LOSS, 1, "0.002")])
    ) == [(1, Decimal("0.001"))]


@pytest.mark.parametrize("kind", [TAKE_PROFIT, STOP_LOSS])
def test_an_exit_takes_from_its_own_level(kind: OrderKind):
    entries = [fill(ENTRY, 1, "0.004"), fill(ENTRY, 2, "0.002")]

    assert sizes(open_lots([*entries, fill(kind, 1, "0.001")])) == [
        (1, Decimal("0.003")),
        (2, Decimal("0.002")),
    ]
    assert sizes(open_lots([*entries, fill(kind, 1, "0.004")])) == [(2, Decimal("0.002"))]
    assert sizes(open_lots([*entries, fill(kind, 1, "0.009")])) == [(2, Decimal("0.002"))]


def test_what_no_fill_explains_leaves_where_it_is_told():
    fitted = fit_lots([lot(1, "0.001")], Decimal("0.003"), LONG, REST)

    assert sizes(fitted) == [(1, Decimal("0.001")), (UNEXPLAINED, Decimal("0.002"))]
    assert fitted[1].stop_loss_price == REST.stop_loss_price


@pytest.mark.parametrize(("side", "kept"), [(LONG, 1), (SHORT, 2)])
def test_a_smaller_position_keeps_its_closest_stops(side: PositionSide, kept: int):
    fitted = fit_lots([lot(2, "0.002"), lot(1, "0.002")], Decimal("0.002"), side, REST)

    assert sizes(fitted) == [(kept, Decimal("0.002"))]


LOTS = st.lists(
    st.builds(lot, st.integers(1, 12), st.integers(1, 900).map(lambda each: Decimal(each) / 10_000)),
    max_size=8,
)


@given(LOTS, st.integers(0, 5000), st.sampled_from(PositionSide))
def test_lots_add_up_to_the_position(lots: list[Lot], held: int, side: PositionSide):
    quantity = Decimal(held) / 10_000

    assert sum(each.quantity for each in fit_lots(lots, quantity, side, REST)) == quantity


def test_a_lot_below_the_minimum_joins_the_nearest():
    venue = instrument(minimum_notional_usd=Decimal(150))
    joined = sendable_lots((lot(1, "0.002"), lot(2, "0.001"), lot(5, "0.003")), LONG, venue)

    assert sizes(joined) == [(1, Decimal("0.003")), (5, Decimal("0.003"))]


@pytest.mark.parametrize("side", PositionSide)
def test_a_lot_is_worth_what_its_cheaper_exit_is_worth(side: PositionSide):
    """Level 3 leaves at 100,000 and at 96,000."""
    below, above = (instrument(minimum_notional_usd=Decimal(minimum)) for minimum in (192, 193))
    two = (lot(3, "0.002"), lot(5, "0.003"))

    assert len(sendable_lots(two, side, below)) == 2
    assert len(sendable_lots(two, side, above)) == 1


def test_of_two_as_near_it_joins_the_one_that_triggers_sooner():
    venue = instrument(minimum_notional_usd=Decimal(150))
    three = (lot(1, "0.002"), lot(2, "0.001"), lot(3, "0.002"))

    assert sizes(sendable_lots(three, LONG, venue)) == [(1, Decimal("0.003")), (3, Decimal("0.002"))]
    assert sizes(sendable_lots(three, SHORT, venue)) == [(3, Decimal("0.003")), (1, Decimal("0.002"))]


def test_the_last_lot_is_sent_however_little_it_is_worth():
    assert sizes(sendable_lots((lot(1, "0.001"),), LONG, instrument(minimum_notional_usd=Decimal(500)))) == [
        (1, Decimal("0.001"))
    ]


def test_what_the_venue_cannot_express_is_left_out():
    assert sendable_lots((lot(1, "0.0009"),), LONG, instrument()) == ()
    assert sizes(sendable_lots((lot(1, "0.0029"),), LONG, instrument())) == [(1, Decimal("0.002"))]


@given(LOTS, st.sampled_from(PositionSide), st.sampled_from([5, 50, 500]))
def test_joined_lots_cover_all_that_increments_can_express(lots: list[Lot], side: PositionSide, minimum: int):
    venue = instrument(minimum_notional_usd=Decimal(minimum))
    total = sum((each.quantity for each in lots), Decimal(0))
    sent = sendable_lots(tuple(lots), side, venue)

    assert sum((each.quantity for each in sent), Decimal(0)) == total - total % Decimal("0.001")
    assert all(each.quantity >= venue.minimum_quantity for each in sent)


@pytest.mark.parametrize(
    "changes",
    [
        {"level": 0},
        {"quantity": Decimal(0)},
        {"stop_loss_price": Decimal("NaN")},
        {"quantity": Decimal("NaN")},
    ],
)
def test_a_lot_that_is_none_is_refused(changes: dict[str, Any]):
    fields: dict[str, Any] = {
        "level": 1, "quantity": Decimal(1), "take_profit_price": Decimal(2), "stop_loss_price": Decimal(1),
    }  # fmt: skip
    with pytest.raises(InvalidState, match="lot"):
        Lot(**{**fields, **changes})
