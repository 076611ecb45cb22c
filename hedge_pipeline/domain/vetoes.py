"""Vetoes: why one order is not sent, in one form whoever says so."""

from dataclasses import dataclass

from hedge_pipeline.domain.account import PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Veto:
    """One rule that one order breaks."""

    rule: str
    """The proposition that does not hold."""
    reason: str
    """Canonical code: one per kind of limit, whichever rule found it."""
    symbol: str
    position_side: PositionSide
    threshold: str
    """The limit, with its unit."""
    observation: str
    """What it was compared with, in the same unit."""
