"""A ladder as an operator sees it: small enough to be shown in place, its rungs where their prices are."""

import base64
import re
from decimal import Decimal

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.defs.ladder_plot import ladder_plot
from hedge_pipeline.defs.presentation import MARKDOWN_IN_PLACE
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.grid import Ladders, Rung

MID = Decimal(64000)


def ladders(step: Decimal, long: int, short: int) -> Ladders:
    def rung(side: PositionSide, level: int) -> Rung:
        price = MID - side.sign * level * step
        return Rung(
            position_side=side,
            level=level,
            limit_price=price,
            quantity=Decimal("0.013") * level,
            take_profit_price=price,
            stop_loss_price=price,
        )

    return Ladders(
        symbol="BTCUSDT",
        center=MID,
        long=tuple(rung(PositionSide.LONG, level) for level in range(1, long + 1)),
        short=tuple(rung(PositionSide.SHORT, level) for level in range(1, short + 1)),
    )


def heights(shown: dg.MarkdownMetadataValue | None) -> dict[str, list[int]]:
    assert shown is not None
    encoded = shown.value.partition("base64,")[2].rstrip(")")
    svg = base64.b64decode(encoded).decode()
    return {
        color: [int(y) for y in re.findall(r"M0 (\d+)h", line)]
        for line, color in re.findall(r'<path d="([^"]+)" stroke="([^"]+)"', svg)
    }


@given(st.decimals("0.01", "500", places=2), st.integers(0, 30), st.integers(0, 30))
def test_it_is_shown_in_place_with_longs_below_the_price_and_shorts_above(
    step: Decimal, long: int, short: int
) -> None:
    shown = ladder_plot(ladders(step, long, short), MID)
    if not long + short:
        assert shown is None
        return
    drawn = heights(shown)
    assert shown is not None
    assert len(shown.value) < MARKDOWN_IN_PLACE
    (price,) = drawn["#25e"]
    assert all(y >= price for y in drawn.get("#2a4", [])), "down is further down the page"
    assert all(y <= price for y in drawn.get("#d33", []))
    assert all(0 <= y <= 100 for rungs in drawn.values() for y in rungs)


def test_without_a_price_nothing_is_drawn() -> None:
    assert ladder_plot(ladders(Decimal(10), 1, 1), None) is None
    assert ladder_plot(None, MID) is None
