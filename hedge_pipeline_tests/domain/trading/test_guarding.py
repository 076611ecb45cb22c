"""What breaks a proposition about what rests is named, and only that."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.trading.exit_cover import ExitCover, SideCover
from hedge_pipeline.domain.trading.guarding import unprotected
from hedge_pipeline_tests.domain.order_examples import NOW

COVERED = SideCover(
    symbol="BTCUSDT",
    position_side=PositionSide.LONG,
    position_quantity=Decimal("0.8"),
    stop_quantity=Decimal("0.8"),
    take_profit_quantity=Decimal(0),
    has_backstop=True,
    placed=(),
    canceled=(),
    problem=None,
)


def cover(*sides: SideCover) -> ExitCover:
    return ExitCover(
        account="main",
        recorded_at=NOW,
        as_of=NOW,
        sides=sides,
        canceled_entries=(),
        armed=(),
        problem=None,
    )


def test_a_covered_position_and_one_that_is_closed_lack_nothing() -> None:
    closed = replace(COVERED, position_quantity=Decimal(0), stop_quantity=Decimal(0), has_backstop=False)
    assert list(unprotected(cover(COVERED, closed))) == []


@pytest.mark.parametrize(
    ("side", "told"),
    [
        (replace(COVERED, stop_quantity=Decimal("0.3")), "BTCUSDT LONG: 0.5 of 0.8 without a stop"),
        (replace(COVERED, has_backstop=False), "BTCUSDT LONG: no closing stop"),
        (
            replace(COVERED, stop_quantity=Decimal(0), has_backstop=False, problem="the venue is down"),
            "BTCUSDT LONG: 0.8 of 0.8 without a stop, no closing stop (the venue is down)",
        ),
    ],
)
def test_what_a_position_lacks_is_named_with_the_reason(side: SideCover, told: str) -> None:
    assert list(unprotected(cover(COVERED, side))) == [told]


@given(st.decimals("0.001", "100", places=3), st.decimals("0", "100", places=3), st.booleans())
def test_a_position_passes_exactly_if_its_stops_reach_it_and_one_closes_the_rest(
    held: Decimal,
    stopped: Decimal,
    backstop: bool,  # noqa: FBT001 - hypothesis passes by name
) -> None:
    side = replace(COVERED, position_quantity=held, stop_quantity=stopped, has_backstop=backstop)
    assert (list(unprotected(cover(side))) == []) is (stopped >= held and backstop)
