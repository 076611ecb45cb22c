"""Executions of the account's orders, as the venue remembers them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hedge_pipeline.paper.positions import PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    symbol: str
    trade_id: int
    """Grows within a symbol."""
    order_id: int
    side: Literal["BUY", "SELL"]
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    """Base units, unsigned."""
    realized_pnl: Decimal
    commission: Decimal
    """Paid: positive. A rebate is negative."""
    commission_asset: str
    maker: bool
    time_ms: int
