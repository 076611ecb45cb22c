"""Held side: everything that decides the exits of one side of one symbol."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.domain.account import Position, PositionSide
from hedge_pipeline.domain.client_order_ids import Book
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.trading.fresh_inputs import Source
from hedge_pipeline.domain.trading.lots_from_fills import Explained

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of one symbol that is held, or has exits of ours."""

    book: Book
    position_side: PositionSide
    position: Position | None
    """``None``: the venue lists none."""
    explained: Explained
    instrument: Instrument | None
    """``None``: not known, or too long ago."""
    known: AbstractSet[Source]

    @property
    def symbol(self) -> str:
        return self.book.symbol

    @property
    def quantity(self) -> Decimal:
        return self.position.quantity if self.position else ZERO

    @property
    def covered_quantity(self) -> Decimal:
        """What our exits are to close."""
        if not self.explained.is_ours:
            return ZERO
        return self.quantity - min(self.explained.left_alone, self.quantity)
