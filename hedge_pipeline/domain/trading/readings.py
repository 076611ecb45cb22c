"""What trading reads of the venue, attempt by attempt: orders, fills, terms of symbols, candles, funding intervals."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.market_data import Candle, Fill
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.sources import SourceHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersReading:
    """One attempt to list what rests, ordinary and conditional, of every symbol: a row of ``open_orders``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """The venue's time when the first of the lists was asked for; ``None`` if any part failed."""
    orders: tuple[KnownOrder, ...] | None
    """Anybody's, of every symbol; ``None`` if any part failed: half a list says nothing."""
    sources: tuple[SourceHealth, ...]
    """``orders``, ``conditionals``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillsReading:
    """One attempt to read new fills: a row of ``fill_reads``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """The venue's time when the first symbol was asked for; ``None`` if any symbol failed."""
    rows_read: int
    rows_new: int
    sources: tuple[SourceHealth, ...]


class FillOrigin(StrEnum):
    """Whose order was executed."""

    OURS = "ours"
    OTHER_STORE = "other store"
    """Of a second deployment of this project."""
    FOREIGN = "foreign"
    """A person's or another program's."""
    LIQUIDATION = "liquidation"
    DELEVERAGING = "deleveraging"
    SETTLEMENT = "settlement"
    UNKNOWN = "unknown"
    """Its order could not be looked up yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFill(Fill):
    """One execution on the account, with whose it was: a row of ``fills``. Key: account, symbol, fill_id."""

    client_order_id: str | None
    """As the order carries it; ``None``: not known yet."""
    origin: FillOrigin


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolConfig:
    """How a symbol is set at the venue."""

    symbol: str
    leverage: Decimal
    cross_margin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolTerms:
    """What the venue wants to be left of a position, and how often funding settles."""

    symbol: str
    brackets: tuple[Bracket, ...]
    funding_interval: timedelta | None
    """The current one; ``None``: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsReading:
    """One attempt to read how symbols are set and what they cost: a row of ``symbol_terms``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    configs: tuple[SymbolConfig, ...] | None
    terms: tuple[SymbolTerms, ...] | None
    sources: tuple[SourceHealth, ...]
    """``symbol_configs``, ``brackets``, ``funding_intervals``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandlesReading:
    """One attempt to read the finished candles of one symbol: a row of ``candles``."""

    account: str
    symbol: str
    interval: timedelta
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """When the newest candle closed."""
    candles: tuple[Candle, ...] | None
    """Oldest first, all of them finished; ``None``: not read."""
    sources: tuple[SourceHealth, ...]
