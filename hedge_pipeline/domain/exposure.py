"""Exposure: what an account holds and may come to hold, per symbol and position side.

Positions, orders that rest and orders that are proposed count together and nothing is netted: LONG and SHORT of a symbol both
count in full. An order that was sent and not acknowledged counts as resting; other people's orders count like ours. What is
worth more at its limit than at mark counts at its limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.domain.account import Position, PositionSide
from hedge_pipeline.domain.orders import KnownOrder, NewOrder

ZERO = Decimal(0)
Key = tuple[str, PositionSide]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideExposure:
    """One position side of one symbol, as large as it can become."""

    quantity: Decimal
    """Base units."""
    notional_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """All position sides of an account that are held or about to be."""

    sides: Mapping[Key, SideExposure]

    def of(self, symbol: str, position_side: PositionSide) -> SideExposure:
        return self.sides.get((symbol, position_side), SideExposure(quantity=ZERO, notional_usd=ZERO))

    def of_symbols(self, symbols: Iterable[str]) -> Decimal:
        """USD, both sides of each added up."""
        wanted = set(symbols)
        return sum((side.notional_usd for (symbol, _), side in self.sides.items() if symbol in wanted), ZERO)

    @property
    def notional_usd(self) -> Decimal:
        return sum((side.notional_usd for side in self.sides.values()), ZERO)

    @property
    def open_sides(self) -> int:
        return sum(1 for side in self.sides.values() if side.quantity > 0)


def exposure(
    positions: Sequence[Position] | None,
    resting: Sequence[KnownOrder] | None,
    proposed: Sequence[NewOrder],
    mark_prices: Mapping[str, Decimal] | None,
) -> Exposure | None:
    """``None`` if any part of it is unknown: a position, an order, a quantity, or the mark price of one of their symbols."""
    if positions is None or resting is None or mark_prices is None:
        return None
    parts: list[tuple[Key, Decimal | None, Decimal | None]] = [
        ((each.symbol, each.position_side), each.quantity, None) for each in positions
    ]
    parts += [
        ((each.symbol, each.position_side), each.remaining_quantity, each.limit_price or each.stop_price)
        for each in resting
        if not each.reduces_position
    ]
    parts += [
        ((each.symbol, each.position_side), each.quantity, each.limit_price or each.stop_price)
        for each in proposed
        if not each.reduces_position
    ]
    sides: dict[Key, SideExposure] = {}
    for key, quantity, price in parts:
        mark = mark_prices.get(key[0])
        if quantity is None or not (quantity.is_finite() and quantity >= 0):
            return None
        if quantity == 0:
            continue
        if mark is None or not (mark.is_finite() and mark > 0) or not (price is None or price.is_finite()):
            return None
        before = sides.get(key, SideExposure(quantity=ZERO, notional_usd=ZERO))
        sides[key] = SideExposure(
            quantity=before.quantity + quantity,
            notional_usd=before.notional_usd + quantity * max(mark, price or mark),
        )
    return Exposure(sides=sides)
