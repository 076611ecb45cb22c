"""A position of one side of one contract, and what it is worth at a mark price."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hedge_pipeline.paper.instruments import Bracket, Instrument
from hedge_pipeline.paper.ledger import quantized

PositionSide = Literal["LONG", "SHORT"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    symbol: str
    position_side: PositionSide
    quantity: Decimal
    """Base units, unsigned; a side that was closed stays listed with 0 while its orders rest."""
    entry_price: Decimal
    updated_ms: int

    def __post_init__(self) -> None:
        if self.quantity < 0 or self.entry_price < 0:
            raise ValueError(f"{self.symbol} {self.position_side}: quantity and entry price are unsigned")

    @property
    def signed_quantity(self) -> Decimal:
        return self.quantity if self.position_side == "LONG" else -self.quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedPosition:
    """A position at one mark price, in its margin asset, each figure rounded as it is written."""

    position: Position
    instrument: Instrument
    mark_price: Decimal
    unrealized_pnl: Decimal
    notional: Decimal
    """Signed."""
    initial_margin: Decimal
    maintenance_margin: Decimal
    bracket: Bracket
    open_order_margin: Decimal = Decimal(0)
    """Initial margin reserved by resting orders that would enlarge it."""


def value(
    position: Position,
    instrument: Instrument,
    mark_price: Decimal,
    *,
    resting_notional: Decimal = Decimal(0),
) -> ValuedPosition:
    """At a mark price; `resting_notional` is that of the resting orders that would enlarge it, at their limits."""
    notional = quantized(position.signed_quantity * mark_price)
    bracket = instrument.bracket(abs(notional))
    leverage = min(instrument.leverage, bracket.max_leverage)
    return ValuedPosition(
        position=position,
        instrument=instrument,
        mark_price=mark_price,
        unrealized_pnl=quantized(position.signed_quantity * (mark_price - position.entry_price)),
        notional=notional,
        initial_margin=quantized(abs(notional) / leverage),
        maintenance_margin=quantized(abs(notional) * bracket.maintenance_rate - bracket.cumulative)
        if notional
        else notional,
        bracket=bracket,
        open_order_margin=quantized(resting_notional / instrument.leverage),
    )
