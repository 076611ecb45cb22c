"""What normalization found wrong, fault by fault with counts and examples, and whether that is too much."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.errors import SourceMalformed


class Effect(StrEnum):
    """What became of the rows counted."""

    REFUSED = "refused"
    DROPPED = "dropped"
    REPORTED = "reported"
    """They are in the clean frame, or were never in the input."""


class Fault(StrEnum):
    """One way in which input departs from what was promised. A row is refused for the first that applies."""

    UNREADABLE_TIME = "unreadable_time"
    """No whole number of the declared unit, or no datetime."""
    NAIVE_TIME = "naive_time"
    """A datetime without a zone, where nobody said that it is UTC."""
    UNIT_MIX = "unit_mix"
    """Outside 2010–2035 in the declared unit and inside in another."""
    OUT_OF_RANGE = "out_of_range"
    """Outside 2010–2035 in any unit."""
    NOT_A_NUMBER = "not_a_number"
    """Missing, not finite, or no decimal number."""
    TOO_LONG = "too_long"
    """More than 18 decimal places or 20 digits before them: cannot be kept exactly."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """A number that this column cannot hold: a price of zero, a negative volume, a rate beyond ±1."""
    INCONSISTENT_OHLC = "inconsistent_ohlc"
    """The high is not the highest of the four, or the low not the lowest."""
    UNKNOWN_VALUE = "unknown_value"
    """An empty name, or a word that is none of the column's."""
    CONTRADICTION = "contradiction"
    """Rows of one key that differ: nobody can say which is true, so none is kept."""
    DUPLICATE = "duplicate"
    """Identical to a row kept."""
    UNSORTED = "unsorted"
    """Stamped before the row above it."""
    ROUNDED = "rounded"
    """Stamps that were rounded: of settlements to the second, of others to the microsecond."""
    OFF_GRID = "off_grid"
    """Stamps that are no whole step, of settlements no whole hour."""
    GAP = "gap"
    """Rows expected and not there."""
    ZERO_VOLUME = "zero_volume"
    INTERVAL_SWITCH = "interval_switch"
    """Settlements whose interval is not that of the one before."""
    EMPTY = "empty"
    """Nothing is left, where there must be something."""

    @property
    def effect(self) -> Effect:
        if self is Fault.DUPLICATE:
            return Effect.DROPPED
        return Effect.REFUSED if self in REFUSING else Effect.REPORTED


REFUSING = (
    Fault.UNREADABLE_TIME,
    Fault.NAIVE_TIME,
    Fault.UNIT_MIX,
    Fault.OUT_OF_RANGE,
    Fault.NOT_A_NUMBER,
    Fault.TOO_LONG,
    Fault.OUT_OF_BOUNDS,
    Fault.INCONSISTENT_OHLC,
    Fault.UNKNOWN_VALUE,
    Fault.CONTRADICTION,
)
"""In the order in which they are looked for."""

TOLERANCE: Mapping[Fault, Decimal] = {
    Fault.DUPLICATE: Decimal("0.001"),
    Fault.ZERO_VOLUME: Decimal("0.01"),
    Fault.ROUNDED: Decimal(1),
    Fault.INTERVAL_SWITCH: Decimal(1),
}
"""The share of rows a fault may have before the data fails; a fault that is not named here may have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One place where a fault was seen."""

    row: int | None
    """Of the input, from 0; ``None`` where there is no row: in a gap."""
    at: datetime | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault and all it hit."""

    fault: Fault
    count: int
    """Rows; of a gap, the rows missing."""
    runs: int
    """Stretches of rows one after another."""
    longest: int
    """Rows of the longest stretch."""
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found in one input. Rows in = rows out + refused + dropped."""

    kind: str
    rows_in: int
    rows_out: int
    first_at: datetime | None
    last_at: datetime | None
    step: timedelta | None
    """``None``: gaps in candles and trades, and stamps off the grid, were not looked for."""
    ignored_columns: tuple[str, ...]
    findings: tuple[Finding, ...]
    """Those that hit something, in the order of `Fault`."""

    def finding(self, fault: Fault) -> Finding | None:
        return next((found for found in self.findings if found.fault is fault), None)

    def count(self, fault: Fault) -> int:
        found = self.finding(fault)
        return found.count if found else 0

    def _total(self, effect: Effect) -> int:
        return sum(found.count for found in self.findings if found.fault.effect is effect)

    @property
    def refused(self) -> int:
        return self._total(Effect.REFUSED)

    @property
    def dropped(self) -> int:
        return self._total(Effect.DROPPED)

    def share(self, fault: Fault) -> Decimal:
        """Of the rows read; of a gap, of the rows expected."""
        count = self.count(fault)
        expected = self.rows_out + count if fault is Fault.GAP else self.rows_in
        return Decimal(count) / max(expected, 1) if count else Decimal(0)

    def excess(self, tolerance: Mapping[Fault, Decimal] = TOLERANCE) -> tuple[Finding, ...]:
        """What is found more often than tolerated; nothing: the data passes."""
        return tuple(
            found
            for found in self.findings
            if self.share(found.fault) > tolerance.get(found.fault, Decimal(0))
        )


def require(report: Report, source: str, tolerance: Mapping[Fault, Decimal] = TOLERANCE) -> None:
    """Let data pass, or not.

    Raises:
        SourceMalformed: some fault is found more often than tolerated.
    """
    excess = report.excess(tolerance)
    if excess:
        told = "; ".join(f"{found.fault} {found.count} of {report.rows_in} rows" for found in excess)
        raise SourceMalformed(source, f"{report.kind} over threshold: {told}")
