"""Lots: which part of a position was entered at which rung, and so where it is to be left.

A lot is what fills of one rung added and fills of its exits have not taken away. Lots explain a position, they do not
decide its size: the venue does (``fit_lots``). A lot too small for an order joins a neighbor (``sendable_lots``), so that
nothing of a position goes uncovered.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import MOST_LEVEL
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.increments import sendable_quantity
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.orders import OrderKind

ZERO = Decimal(0)
UNEXPLAINED = MOST_LEVEL
"""Level of what no fill of ours accounts for: a person's trade, or history that was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A part of one position side that leaves at one take-profit and one stop."""

    level: int
    """Of its rung, from 1."""
    quantity: Decimal
    """Base units."""
    take_profit_price: Decimal
    stop_loss_price: Decimal

    def __post_init__(self) -> None:
        if self.level < 1:
            raise InvalidState(f"lot: level {self.level} is no rung's: level 0 is the whole position")
        for name in ("quantity", "take_profit_price", "stop_loss_price"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise InvalidState(f"lot of level {self.level}: {name} is {value}, not above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LotFill:
    """One fill, whole or partial, of an entry or of an exit of ours."""

    kind: OrderKind
    level: int
    quantity: Decimal
    take_profit_price: Decimal
    """Of the rung; an exit's fill is told apart by its level alone."""
    stop_loss_price: Decimal


def open_lots(fills: Iterable[LotFill]) -> tuple[Lot, ...]:
    """What is left of each rung's fills, in the order told: oldest first. Exits take the oldest lot of their level first.

    An exit that takes more than its level holds takes the rest from nobody: the position says what there is.
    """
    lots: list[Lot] = []
    for fill in fills:
        if fill.kind is OrderKind.ENTRY:
            _add(lots, fill)
        else:
            lots = _taken(lots, fill.level, fill.quantity)
    return tuple(lots)


def fit_lots(
    lots: Iterable[Lot], position_quantity: Decimal, position_side: PositionSide, rest: Lot
) -> tuple[Lot, ...]:
    """The same lots with exactly the position's quantity together.

    Too little is made up by ``rest``, whose prices it takes. Too much is taken from the lots whose stop is furthest from the price:
    what remains keeps the closest stops.
    """
    nearest_first = sorted(
        lots, key=lambda lot: (-lot.stop_loss_price * position_side.sign, lot.level, lot.take_profit_price)
    )
    fitted = []
    left = position_quantity
    for lot in nearest_first:
        quantity = min(lot.quantity, left)
        if quantity > 0:
            fitted.append(replace(lot, quantity=quantity))
            left -= quantity
    if left > 0:
        fitted.append(replace(rest, quantity=left))
    return tuple(fitted)


def sendable_lots(
    lots: tuple[Lot, ...], position_side: PositionSide, instrument: Instrument
) -> tuple[Lot, ...]:
    """Lots that may each become an order; together the position, as far as the venue's increments can express it.

    What is below the minimum, in quantity or in value at either exit, joins the lot whose stop is nearest, of two the one that
    triggers sooner. What the increments cut off a lot joins the next one. Only what all of them together cannot express,
    or exceeds the venue's maximum, is left to the stop that closes the whole position.
    """
    ordered = sorted(lots, key=lambda lot: (-lot.stop_loss_price * position_side.sign, lot.level))
    while len(ordered) > 1:
        small = next((i for i, lot in enumerate(ordered) if _is_small(lot, instrument)), None)
        if small is None:
            break
        _join(ordered, small)
    whole: list[Lot] = []
    carried = ZERO
    for lot in ordered:
        exact = lot.quantity + carried
        quantity = sendable_quantity(exact, instrument)
        carried = exact - quantity
        if quantity > 0:
            whole.append(replace(lot, quantity=quantity))
    return tuple(whole)


def _add(lots: list[Lot], fill: LotFill) -> None:
    for i, lot in enumerate(lots):
        same = (lot.level, lot.take_profit_price, lot.stop_loss_price)
        if same == (fill.level, fill.take_profit_price, fill.stop_loss_price):
            lots[i] = replace(lot, quantity=lot.quantity + fill.quantity)
            return
    lots.append(
        Lot(
            level=fill.level,
            quantity=fill.quantity,
            take_profit_price=fill.take_profit_price,
            stop_loss_price=fill.stop_loss_price,
        )
    )


def _taken(lots: list[Lot], level: int, quantity: Decimal) -> list[Lot]:
    remaining = []
    for lot in lots:
        taken = min(lot.quantity, quantity) if lot.level == level else ZERO
        quantity -= taken
        if taken < lot.quantity:
            remaining.append(replace(lot, quantity=lot.quantity - taken))
    return remaining


def _is_small(lot: Lot, instrument: Instrument) -> bool:
    quantity = sendable_quantity(lot.quantity, instrument)
    cheapest = min(lot.stop_loss_price, lot.take_profit_price)
    return quantity <= 0 or quantity * cheapest < instrument.minimum_notional_usd


def _join(ordered: list[Lot], small: int) -> None:
    """Into the neighbor with the nearest stop; the one before triggers sooner."""
    lot = ordered[small]
    neighbors = [i for i in (small - 1, small + 1) if 0 <= i < len(ordered)]
    nearest = min(neighbors, key=lambda i: abs(ordered[i].stop_loss_price - lot.stop_loss_price))
    ordered[nearest] = replace(ordered[nearest], quantity=ordered[nearest].quantity + lot.quantity)
    del ordered[small]
