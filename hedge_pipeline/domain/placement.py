"""Placement: which rungs of the grid are wanted in a regime, and which of those may be sent now.

In a trend one side, the counter side, would collect a losing position: SHORT while prices rise, LONG while they fall.
``throttled-counter`` thins that side alone. ``core-and-scalp`` draws both sides close and thins the counter side, so that
it always works on both. Sideways neither changes anything.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, Rung, scaled
from hedge_pipeline.domain.increments import refusal, sendable_quantity
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.regime import Regime

TRADING = "TRADING"
_COUNTER_SIDES = {Regime.UP: PositionSide.SHORT, Regime.DOWN: PositionSide.LONG}


class PlacementMode(StrEnum):
    """How ladders answer a trend; the words are those of the settings."""

    CORE_AND_SCALP = "core-and-scalp"
    THROTTLED_COUNTER = "throttled-counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRule:
    """What is left of the ladders in a trend."""

    mode: PlacementMode
    counter_levels: int
    """Closest rungs kept: of the counter side, in ``core-and-scalp`` of both."""
    counter_quantity_scale: Decimal
    """Fraction of its quantity that a rung of the counter side keeps."""

    def __post_init__(self) -> None:
        if not isinstance(self.mode, PlacementMode):
            raise InvalidState(f"policy.strategy is {self.mode!r}: write one of {', '.join(PlacementMode)}")
        if self.counter_levels < 0:
            raise InvalidState(f"counter_levels is {self.counter_levels}: write 0 or more")
        if not (self.counter_quantity_scale.is_finite() and 0 <= self.counter_quantity_scale <= 1):
            raise InvalidState(f"counter_qty_scale is {self.counter_quantity_scale}: write a fraction")
        if self.mode is PlacementMode.CORE_AND_SCALP and not (
            self.counter_levels and self.counter_quantity_scale
        ):
            raise InvalidState(
                f"{self.mode} keeps at least one rung on both sides: write at least 1 counter level and a scale above 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A rung that is wanted and not placed now."""

    rung: Rung
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeable:
    """Ladders whose every rung may be sent as it is, and what is not among them."""

    ladders: Ladders
    left_out: tuple[LeftOut, ...]


def place(ladders: Ladders, regime: Regime, rule: PlacementRule) -> Ladders:
    """Shape the ladders for the regime; levels and prices stay as they are."""
    counter = _COUNTER_SIDES.get(regime)
    if counter is None:
        return ladders
    kept = ladders.of(counter)[: rule.counter_levels]
    shaped = ladders.with_side(counter, scaled(kept, rule.counter_quantity_scale))
    if rule.mode is PlacementMode.THROTTLED_COUNTER:
        return shaped
    trend = PositionSide.LONG if counter is PositionSide.SHORT else PositionSide.SHORT
    return shaped.with_side(trend, ladders.of(trend)[: rule.counter_levels])


def filter_placeable(ladders: Ladders, mid_price: Decimal, instrument: Instrument) -> Placeable:
    """Round quantities down to what the venue takes; leave out what would trade at once and what the venue would refuse.

    A rung at the price itself is left out: it would take, not make. The others keep their levels.

    Raises:
        InvalidState: the price is none, or the instrument is another one or has no increments.
    """
    if not (mid_price.is_finite() and mid_price > 0):
        raise InvalidState(f"{ladders.symbol}: the price to place around is {mid_price}, not a price")
    if ladders.symbol != instrument.symbol:
        raise InvalidState(
            f"ladders of {ladders.symbol} cannot be placed by the increments of {instrument.symbol}"
        )
    kept: dict[PositionSide, list[Rung]] = {side: [] for side in PositionSide}
    left_out = []
    for wanted in ladders.rungs:
        rung = replace(wanted, quantity=sendable_quantity(wanted.quantity, instrument))
        reason = _not_placeable(rung, mid_price, instrument)
        if reason is None:
            kept[rung.position_side].append(rung)
        else:
            left_out.append(LeftOut(rung=wanted, reason=reason))
    return Placeable(
        ladders=replace(ladders, long=tuple(kept[PositionSide.LONG]), short=tuple(kept[PositionSide.SHORT])),
        left_out=tuple(left_out),
    )


def _not_placeable(rung: Rung, mid_price: Decimal, instrument: Instrument) -> str | None:
    if instrument.status != TRADING:
        return f"the venue says {instrument.status}, not {TRADING}"
    if (mid_price - rung.limit_price) * rung.position_side.sign <= 0:
        return f"it would trade at once: the price is {mid_price}"
    return refusal(rung.limit_price, rung.quantity, instrument)
