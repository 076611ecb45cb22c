"""Fresh inputs: which sources each action needs, published as one table.

What protects needs little and what adds risk needs everything, so a source that fails takes away the riskiest actions first.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from enum import StrEnum

INSTRUMENTS_MAX_AGE = timedelta(hours=24)
"""Increments and minimums change rarely, and a stop that the venue refuses is told."""


class Source(StrEnum):
    """What must be known, and known recently."""

    POSITIONS = "positions"
    ORDERS = "open orders"
    """Ordinary and conditional."""
    INSTRUMENTS = "instruments"
    MARKS = "marks"
    BALANCES = "balances"
    INCOME = "income"
    PRICES = "prices"
    NAV = "nav"
    PEAK = "peak"
    GATE = "an active gate"


class Action(StrEnum):
    """What may be done at the venue."""

    CANCEL_ENTRY = "cancel an opening order"
    PLACE_STOP = "place a stop"
    REPRICE_TAKE_PROFIT = "place a take-profit"
    FLATTEN = "flatten"
    """By an operator; with what was last known where even positions fail."""
    OPEN = "open"


NEEDS: Mapping[Action, frozenset[Source]] = {
    Action.CANCEL_ENTRY: frozenset(),
    Action.PLACE_STOP: frozenset({Source.POSITIONS, Source.ORDERS, Source.INSTRUMENTS}),
    Action.REPRICE_TAKE_PROFIT: frozenset(
        {Source.POSITIONS, Source.ORDERS, Source.INSTRUMENTS, Source.MARKS}
    ),
    Action.FLATTEN: frozenset({Source.POSITIONS}),
    Action.OPEN: frozenset(Source),
}


def missing(action: Action, known: AbstractSet[Source]) -> tuple[Source, ...]:
    """What keeps the action from being taken, in the table's order; nothing: it may be."""
    return tuple(source for source in Source if source in NEEDS[action] - known)
