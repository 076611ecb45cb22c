"""Candles, funding rates and fills: one fact of the past each, as the venue states it, in our words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.account import PositionSide


class Side(StrEnum):
    """Direction of an order; of a trade in public, its taker's."""

    BUY = "BUY"
    SELL = "SELL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """What was traded of one symbol in one finished interval. Key: symbol, interval, open_at."""

    symbol: str
    interval: timedelta
    open_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """Base units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What longs paid shorts at one settlement, as a fraction of the notional. Key: symbol, funded_at."""

    symbol: str
    funded_at: datetime
    """The whole second the settlement stands for: the venue's stamps jitter by some 50 ms."""
    rate: Decimal
    """Positive: longs paid."""
    interval: timedelta | None
    """Since the settlement before it; ``None`` where that is not known. It changes with time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCandle(Candle):
    """A candle that came in a file. Kept apart from the venue's own, which is complete for its day."""

    file: str
    """Its name, without its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFundingRate(FundingRate):
    """A settlement that came in a file."""

    file: str
    """Its name, without its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of an order of the account. Key: account, symbol, fill_id."""

    account: str
    symbol: str
    fill_id: str
    """Unique within its symbol, and growing."""
    venue_order_id: str
    side: Side
    position_side: PositionSide | None
    """``None``: filled while the account was in one-way mode."""
    price: Decimal
    quantity: Decimal
    """Base units, unsigned."""
    realized_pnl: Decimal
    """Before commission, in the symbol's margin asset."""
    commission: Decimal
    """In ``commission_asset``, with the venue's sign: positive is paid, negative is a rebate."""
    commission_asset: str
    maker: bool
    filled_at: datetime
    """The venue's stamp."""
    recorded_at: datetime
