"""The grid: rungs at equal steps on both sides of a center, LONG below it and SHORT above, closest first.

Its geometry knows no regime: that shapes the ladders later (``placement``). A rung keeps its ``level`` for life, so whatever
is left out in between, an order that rests at level 3 still belongs to level 3. Prices are rounded here, once; quantities
stay exact while they are scaled, and ``placement.filter_placeable`` rounds them, once, when nothing scales them any more.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import directed_price
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import closing_side, opening_side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridShape:
    """How the grid is laid out: the settings' section of the same names, without their defaults."""

    step_bps: Decimal
    """Distance of neighbors, of the center's price."""
    levels_long: int
    levels_short: int
    base_quantity: Decimal
    """Base units of level 1."""
    quantity_scale: Decimal
    """Each level is this many times the one before."""
    take_profit_steps: int
    stop_loss_steps: int
    max_inventory: Decimal
    """Notional of one side's ladder at the center, in the quote asset."""
    recenter_trigger_bps: Decimal

    def __post_init__(self) -> None:
        for name in ("step_bps", "base_quantity", "quantity_scale", "max_inventory", "recenter_trigger_bps"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise InvalidState(f"grid: {name} is {value}: write a number above 0")
        for name in ("take_profit_steps", "stop_loss_steps"):
            if getattr(self, name) < 1:
                raise InvalidState(f"grid: {name} is {getattr(self, name)}: write at least 1")
        if min(self.levels_long, self.levels_short) < 0:
            raise InvalidState("grid: levels_long and levels_short count rungs: write 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One price at which a position is entered, and where it is left."""

    position_side: PositionSide
    level: int
    """1 is the closest to the center. It never changes."""
    limit_price: Decimal
    quantity: Decimal
    """Base units."""
    take_profit_price: Decimal
    stop_loss_price: Decimal
    """Trigger. As far from the rung on both sides, and never pulled closer: a stop is where its setting says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladders:
    """What the grid wants of one symbol: both sides, closest first."""

    symbol: str
    center: Decimal
    long: tuple[Rung, ...]
    short: tuple[Rung, ...]

    def __post_init__(self) -> None:
        for position_side, rungs in ((PositionSide.LONG, self.long), (PositionSide.SHORT, self.short)):
            price, level = self.center, 0
            for rung in rungs:
                away = (price - rung.limit_price) * position_side.sign
                if rung.position_side is not position_side or rung.level <= level or away <= 0:
                    raise InvalidState(
                        f"ladders of {self.symbol}: {rung.position_side} level {rung.level} at {rung.limit_price} does not "
                        f"follow level {level} at {price} on the {position_side} side of {self.center}"
                    )
                price, level = rung.limit_price, rung.level

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return self.long + self.short

    def of(self, position_side: PositionSide) -> tuple[Rung, ...]:
        return self.long if position_side is PositionSide.LONG else self.short

    def with_side(self, position_side: PositionSide, rungs: tuple[Rung, ...]) -> "Ladders":
        return replace(self, long=rungs) if position_side is PositionSide.LONG else replace(self, short=rungs)


def needs_recenter(center: Decimal | None, mid_price: Decimal, shape: GridShape) -> bool:
    """Whether the grid moves: there is no center yet, or the price is further from it than the trigger, not at it."""
    return center is None or abs(mid_price - center) * 10_000 > shape.recenter_trigger_bps * center


def plan_ladders(center: Decimal, shape: GridShape, instrument: Instrument) -> Ladders:
    """Lay the grid out around ``center``.

    Raises:
        InvalidState: the center is no price, rungs fall on one price or below zero, or a ladder is worth more than
            ``max_inventory``.
    """
    if not (center.is_finite() and center > 0):
        raise InvalidState(f"{instrument.symbol}: the center of the grid is {center}, not a price")
    step = center * shape.step_bps / 10_000
    if step < instrument.price_increment:
        raise InvalidState(
            f"{instrument.symbol}: a grid step of {step:f} is below the price increment of "
            f"{instrument.price_increment}: raise grid_step_bps"
        )
    long, short = (
        tuple(_rung(position_side, level, center, step, shape, instrument) for level in range(1, levels + 1))
        for position_side, levels in (
            (PositionSide.LONG, shape.levels_long),
            (PositionSide.SHORT, shape.levels_short),
        )
    )
    for rungs in (long, short):
        _within_inventory(rungs, center, shape)
    return Ladders(symbol=instrument.symbol, center=center, long=long, short=short)


def scaled(rungs: tuple[Rung, ...], fraction: Decimal) -> tuple[Rung, ...]:
    """The same rungs with this fraction of their quantity; none at all if that is nothing."""
    if fraction == 1:
        return rungs
    return tuple(replace(rung, quantity=rung.quantity * fraction) for rung in rungs) if fraction > 0 else ()


def _rung(
    position_side: PositionSide,
    level: int,
    center: Decimal,
    step: Decimal,
    shape: GridShape,
    instrument: Instrument,
) -> Rung:
    """Entry, take-profit and stop are counted in steps from the center and rounded once, each by the order it becomes."""
    entering, leaving = opening_side(position_side), closing_side(position_side)

    def price(steps: int, side: Side, what: str) -> Decimal:
        rounded = directed_price(center - position_side.sign * steps * step, side, instrument)
        if rounded <= 0:
            raise InvalidState(
                f"{instrument.symbol}: the {what} of {position_side} level {level} is at {rounded:f}: lower grid_step_bps, "
                "the number of levels, tp_steps or sl_steps"
            )
        return rounded

    return Rung(
        position_side=position_side,
        level=level,
        limit_price=price(level, entering, "price"),
        quantity=shape.base_quantity * shape.quantity_scale ** (level - 1),
        take_profit_price=price(level - shape.take_profit_steps, leaving, "take-profit"),
        stop_loss_price=price(level + shape.stop_loss_steps, leaving, "stop"),
    )


def _within_inventory(rungs: tuple[Rung, ...], center: Decimal, shape: GridShape) -> None:
    if (notional := sum((rung.quantity for rung in rungs), ZERO) * center) > shape.max_inventory:
        raise InvalidState(
            f"the {rungs[0].position_side} ladder is worth {notional:f} at {center}, more than max_inventory_quote, "
            f"{shape.max_inventory}: lower base_qty, qty_scale or the number of levels"
        )
