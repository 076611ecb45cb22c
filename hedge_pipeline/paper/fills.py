"""What one execution does: the position, the trade, and the rows of the income list, in one step.

Positions are kept at average cost per side. Source of the rounding: recorded trades of USD-M futures, whose realized profits
and commissions are those of the exact average entry price, cut off (never rounded up) after eight decimal places.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.ledger import EIGHT_PLACES
from hedge_pipeline.paper.orders import Order, Side, opens
from hedge_pipeline.paper.positions import Position, PositionSide
from hedge_pipeline.paper.trades import Trade

_ZERO = Decimal(0)
_ENTRY_PLACES = Decimal("1e-11")
"""How finely an average is kept: to more places the recorded profits come out the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRates:
    """Fractions of the traded notional."""

    maker: Decimal
    taker: Decimal


REGULAR_FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0005"))
"""Source: fee schedule of USD-M futures, regular user, paid in USDT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    symbol: str
    order_id: int
    side: Side
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    maker: bool


def cut_off(amount: Decimal) -> Decimal:
    return amount.quantize(EIGHT_PLACES, rounding=ROUND_DOWN)


def moved(position: Position, execution: Execution, *, time_ms: int) -> tuple[Position, Decimal]:
    """The position after an execution, and the profit it realized.

    Raises:
        ValueError: it would close more than there is.
    """
    price, quantity = execution.price, execution.quantity
    if opens(execution.side, execution.position_side):
        held = position.quantity + quantity
        entry = (position.entry_price * position.quantity + price * quantity) / held
        if (cut := entry.quantize(_ENTRY_PLACES)) != entry:
            entry = cut
        return replace(position, quantity=held, entry_price=entry, updated_ms=time_ms), _ZERO
    if quantity > position.quantity:
        raise ValueError(
            f"{position.symbol} {position.position_side}: closes {quantity} of {position.quantity}"
        )
    left = position.quantity - quantity
    direction = 1 if position.position_side == "LONG" else -1
    realized = cut_off((price - position.entry_price) * quantity * direction)
    entry = position.entry_price if left else _ZERO
    return replace(position, quantity=left, entry_price=entry, updated_ms=time_ms), realized


def execute(core: Core, execution: Execution, *, now_ms: int, fees: FeeRates = REGULAR_FEES) -> Trade:
    """Book one execution.

    Raises:
        ValueError: it would close more than there is; nothing was booked.
    """
    symbol, side = execution.symbol, execution.position_side
    asset = core.instrument(symbol).margin_asset
    position, realized = moved(position_of(core, symbol, side), execution, time_ms=now_ms)
    rate = fees.maker if execution.maker else fees.taker
    trade = Trade(
        symbol=symbol,
        trade_id=core.order_book.new_trade_id(),
        order_id=execution.order_id,
        side=execution.side,
        position_side=side,
        price=execution.price,
        quantity=execution.quantity,
        realized_pnl=realized,
        commission=cut_off(execution.price * execution.quantity * rate),
        commission_asset=asset,
        maker=execution.maker,
        time_ms=now_ms,
    )
    core.positions[symbol, side] = position
    core.trades.append(trade)
    for income_type, amount in (("REALIZED_PNL", realized), ("COMMISSION", -trade.commission)):
        if amount:
            core.ledger.book(
                income_type, asset, amount, time_ms=now_ms, symbol=symbol, trade_id=str(trade.trade_id)
            )
    core.revision += 1
    return trade


def fill(core: Core, order: Order, *, price: Decimal, quantity: Decimal, maker: bool, now_ms: int) -> Order:
    """Execute a part of an order, or the rest of it."""
    execution = Execution(
        symbol=order.symbol,
        order_id=order.order_id,
        side=order.side,
        position_side=order.position_side,
        price=price,
        quantity=quantity,
        maker=maker,
    )
    execute(core, execution, now_ms=now_ms)
    filled = order.filled_quantity + quantity
    order = replace(
        order,
        filled_quantity=filled,
        filled_quote=order.filled_quote + price * quantity,
        fills=order.fills + 1,
        status="FILLED" if filled == order.quantity else "PARTIALLY_FILLED",
        updated_ms=now_ms,
    )
    core.order_book.keep(order)
    return order


def position_of(core: Core, symbol: str, position_side: PositionSide) -> Position:
    """The position of a side; an empty one where there is none."""
    held = core.positions.get((symbol, position_side))
    return held or Position(
        symbol=symbol, position_side=position_side, quantity=_ZERO, entry_price=_ZERO, updated_ms=0
    )
