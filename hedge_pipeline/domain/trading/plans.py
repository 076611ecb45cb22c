"""What one symbol's bar led to: its regime, the ladders wanted, and the orders planned, withheld and vetoed."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.placement import LeftOut
from hedge_pipeline.domain.regime import RegimeReading
from hedge_pipeline.domain.vetoes import Veto


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeRow:
    """A row of ``regimes``."""

    account: str
    symbol: str
    recorded_at: datetime
    cycle: datetime
    """When the newest candle closed that should be there."""
    reading: RegimeReading


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRow:
    """What the grid wants of one symbol after every shaping: a row of ``ladders``."""

    account: str
    symbol: str
    recorded_at: datetime
    as_of: datetime | None
    """Oldest stamp of what it was made of."""
    cycle: datetime
    center: Decimal | None
    """Of the grid; it stays until the price is too far from it."""
    mid_price: Decimal | None
    ladders: Ladders | None
    """What may rest; ``None``: something is not known, ``withheld`` says what."""
    left_out: tuple[LeftOut, ...]
    funding: str
    """State of the funding guard."""
    funding_detail: str
    withheld: str | None
    """Why nothing is wanted, in one line; ``None``: ``ladders`` are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """An opening order to be sent, with where what it enters is to be left."""

    order: NewOrder
    rung: Rung
    replaces: str | None
    """Client order id of the resting order to be canceled first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoedEntry:
    """An opening order that is not sent, and every reason."""

    entry: PlannedEntry
    vetoes: tuple[Veto, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """What is to be done with one symbol's orders: a row of ``order_plans``."""

    account: str
    symbol: str
    recorded_at: datetime
    as_of: datetime | None
    """Oldest stamp of what it was made of."""
    cycle: datetime
    decided_at: datetime | None
    """Of the gate's decision it was made under."""
    keep: tuple[str, ...]
    """Client order ids that stay."""
    cancel: tuple[str, ...]
    waiting: tuple[str, ...]
    """Sent and not acknowledged."""
    entries: tuple[PlannedEntry, ...]
    """To be sent, those that replace last."""
    vetoed: tuple[VetoedEntry, ...]
    withheld: str | None
    """Why nothing is planned at all, in one line."""
