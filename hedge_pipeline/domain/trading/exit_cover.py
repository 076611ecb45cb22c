"""Exit cover: how much of each position the resting exits close, after one protection cycle."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCover:
    """One side of one symbol."""

    symbol: str
    position_side: PositionSide
    position_quantity: Decimal
    """Base units, as the venue states it."""
    stop_quantity: Decimal
    """Of our own stops that rest, the closing one left out."""
    take_profit_quantity: Decimal
    has_backstop: bool
    """Whether the stop that closes whatever is left rests."""
    placed: tuple[str, ...]
    """Client order ids of the exits placed in this cycle."""
    canceled: tuple[str, ...]
    problem: str | None
    """What kept an exit from being placed or canceled, in one line."""

    @property
    def unprotected_quantity(self) -> Decimal:
        """What no stop of a quantity covers; the backstop is counted apart."""
        return max(self.position_quantity - self.stop_quantity, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitCover:
    """One protection cycle: a row of ``exits``."""

    account: str
    recorded_at: datetime
    as_of: datetime | None
    """The venue's time of the positions it covers; ``None``: they are not known."""
    sides: tuple[SideCover, ...]
    canceled_entries: tuple[str, ...]
    """Opening orders canceled because the gate is closed or nobody wants them."""
    armed: tuple[str, ...]
    """Symbols whose countdown runs."""
    problem: str | None
    """What could not be known or done, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a person decided about a position that no fill of ours explains: a row of ``adoptions``."""

    account: str
    symbol: str
    recorded_at: datetime
    adopted: bool
    """Whether it gets exits of ours; else it is counted and left alone."""
    long_quantity: Decimal
    """Base units, as found."""
    short_quantity: Decimal
    fills_before: datetime
    """Fills up to here are part of what was found."""
    actor: str
    reason: str
