"""Lots from fills: what the ledger says a position was entered by, and which part of it is not ours to close.

Fills are walked oldest first from a flat position, or from what a person decided about a position that was found. Whoever
executed, the parts add up to what the fills add up to, and a position that was flat once owes nothing to what was before. The
lots explain a position and do not decide its size: the venue does (``fit_lots``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, recognize
from hedge_pipeline.domain.lots import UNEXPLAINED, Lot, LotFill, open_lots
from hedge_pipeline.domain.orders import OrderKind, opening_side
from hedge_pipeline.domain.trading.exit_cover import Adoption
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One side of one symbol, by its fills."""

    lots: tuple[Lot, ...]
    """Entered by orders of ours, oldest first."""
    quantity: Decimal
    """What the fills add up to, base units; the venue may state another."""
    left_alone: Decimal
    """Of it, what was found and a person did not want to be closed by us."""
    is_ours: bool
    """Whether exits of ours belong here: orders of ours moved it since it was flat, or a person adopted it."""

    def with_unread_fills(self, position_quantity: Decimal) -> "Explained":
        """While fills cannot be read: what the venue states beyond them may be ours, and is not left uncovered."""
        if self.is_ours or position_quantity <= self.quantity:
            return self
        return replace(self, is_ours=True, left_alone=self.quantity)


def explained(
    fills: Iterable[LedgerFill],
    *,
    position_side: PositionSide,
    book: Book,
    intent_of: Callable[[str], Intent | None],
    adoption: Adoption | None,
    sent_here: bool,
) -> Explained:
    """Walk the fills of one symbol, oldest first; those of the other side are not looked at.

    Args:
        intent_of: by client order id; a fill whose intent is lost is covered like any other that we cannot explain.
        adoption: of the symbol; where it found nothing on this side it says nothing about it.
        sent_here: whether entries of ours were ever sent on this side; then a fill of unknown origin may be ours.
    """
    found = found_quantity(adoption, position_side)
    walk = _Walk()
    if adoption is not None and found > 0:
        walk.finds(found, adopted=adoption.adopted)
    for fill in fills:
        if fill.position_side is not position_side:
            continue
        if adoption is not None and found > 0 and fill.filled_at <= adoption.fills_before:
            continue
        name = recognize(fill.client_order_id, book).name if fill.client_order_id else None
        is_ours = fill.origin is FillOrigin.OURS or (sent_here and fill.origin is FillOrigin.UNKNOWN)
        if fill.side is opening_side(position_side):
            intent = intent_of(fill.client_order_id) if name and fill.client_order_id else None
            walk.enters(fill.quantity, name, intent, is_ours=is_ours)
        else:
            walk.leaves(fill.quantity, name, position_side, is_ours=is_ours)
    return Explained(
        lots=open_lots(walk.fills), quantity=walk.quantity, left_alone=walk.found, is_ours=walk.is_ours
    )


def since_flat(
    newest_first: Sequence[LedgerFill], position_side: PositionSide, position_quantity: Decimal
) -> Sequence[LedgerFill] | None:
    """Those behind the last instant at which the position was flat, oldest first; ``None``: it is not among them."""
    held = position_quantity
    for place, fill in enumerate(newest_first):
        if held == 0:
            return newest_first[:place][::-1]
        if fill.position_side is position_side:
            held -= fill.quantity if fill.side is opening_side(position_side) else -fill.quantity
    return newest_first[::-1] if held == 0 else None


def found_quantity(adoption: Adoption | None, position_side: PositionSide) -> Decimal:
    if adoption is None:
        return ZERO
    return adoption.long_quantity if position_side is PositionSide.LONG else adoption.short_quantity


@dataclass
class _Walk:
    """What is held after the fills so far, by what explains it."""

    fills: list[LotFill] = field(default_factory=list)
    """Of lots that are open, in order."""
    in_lots: Decimal = ZERO
    found: Decimal = ZERO
    """Not adopted."""
    others: Decimal = ZERO
    """Adopted, a person's or of lost history: no rung says where to leave it."""
    is_ours: bool = False

    @property
    def quantity(self) -> Decimal:
        return self.in_lots + self.found + self.others

    def finds(self, quantity: Decimal, *, adopted: bool) -> None:
        if adopted:
            self.others, self.is_ours = quantity, True
        else:
            self.found = quantity

    def enters(
        self, quantity: Decimal, name: OrderName | None, intent: Intent | None, *, is_ours: bool
    ) -> None:
        self.is_ours = self.is_ours or is_ours
        if (
            name is None
            or name.kind is not OrderKind.ENTRY
            or not 0 < name.level < UNEXPLAINED
            or intent is None
            or intent.take_profit_price is None
            or intent.stop_loss_price is None
        ):
            self.others += quantity
            return
        self.fills.append(
            LotFill(
                kind=OrderKind.ENTRY,
                level=name.level,
                quantity=quantity,
                take_profit_price=intent.take_profit_price,
                stop_loss_price=intent.stop_loss_price,
            )
        )
        self.in_lots += quantity

    def leaves(
        self, quantity: Decimal, name: OrderName | None, position_side: PositionSide, *, is_ours: bool
    ) -> None:
        """An exit of ours takes its own lot first, anybody else what is not ours first; the rest the lots with the furthest stops.

        What is more than there is, is taken from nobody: then fills are missing, and the position says what there is.
        """
        self.is_ours = self.is_ours or is_ours
        if is_ours:
            level = name.level if name else UNEXPLAINED
            quantity -= self._from_lots(
                quantity, [lot for lot in open_lots(self.fills) if lot.level == level]
            )
        else:
            taken = min(quantity, self.found)
            self.found -= taken
            quantity -= taken
        taken = min(quantity, self.others)
        self.others -= taken
        quantity -= taken
        if quantity > 0:
            furthest_first = sorted(
                open_lots(self.fills), key=lambda lot: lot.stop_loss_price * position_side.sign
            )
            quantity -= self._from_lots(quantity, furthest_first)
        self.found -= min(quantity, self.found)
        if self.quantity == 0:
            self.fills.clear()
            self.is_ours = False

    def _from_lots(self, quantity: Decimal, lots: Iterable[Lot]) -> Decimal:
        """Take up to ``quantity`` from these lots; how much that was."""
        left = quantity
        for lot in lots:
            taken = min(left, lot.quantity)
            if taken > 0:
                self.fills.append(
                    LotFill(
                        kind=OrderKind.STOP_LOSS,
                        level=lot.level,
                        quantity=taken,
                        take_profit_price=lot.take_profit_price,
                        stop_loss_price=lot.stop_loss_price,
                    )
                )
                left -= taken
        self.in_lots -= quantity - left
        return quantity - left
