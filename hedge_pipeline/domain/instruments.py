"""What the venue trades and in which steps."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.sources import SourceHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One perpetual contract."""

    symbol: str
    status: str
    """The venue's word; only ``TRADING`` takes orders, positions are valued in any."""
    base_asset: str
    quote_asset: str
    margin_asset: str
    price_increment: Decimal
    size_increment: Decimal
    minimum_quantity: Decimal
    maximum_quantity: Decimal
    minimum_notional_usd: Decimal
    delivery_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentsReading:
    """One attempt to read the instruments: a row of ``instruments``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    instruments: tuple[Instrument, ...] | None
    """Of the symbols held or configured, sorted by symbol."""
    sources: tuple[SourceHealth, ...]
