"""What is missing or out of step in sorted stamps: gaps, stamps off the grid, changes of the funding interval."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from hedge_pipeline.domain.market_data.report import Example

Micros = npt.NDArray[np.int64]

HOUR = 3_600_000_000
LONGEST_FUNDING_HOURS = 8
"""The longest interval the venue charges funding at."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From … up to …, the end not included, in microseconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Stretches where rows should be: where each begins, and how many rows it lacks."""

    since: Micros
    rows: Micros

    def examples(self, most: int, noun: str) -> tuple[Example, ...]:
        """The longest first."""
        order = np.argsort(-self.rows, kind="stable")[:most]
        return tuple(
            Example(row=None, at=instant(self.since[i]), detail=f"{self.rows[i]} {noun} missing from here on")
            for i in order
        )


def instant(micros: int | np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros))


def missing_steps(stamps: Micros, step: int, covering: Span | None) -> Missing:
    """Steps in which no row is stamped. ``covering`` says where the first and the last are expected."""
    slots = stamps // step
    if covering is not None:
        before, after = -(-covering.start // step) - 1, -(-covering.end // step)
        slots = np.concatenate([[before], np.clip(slots, before, after), [after]])
    lacking = np.diff(slots) - 1
    holes = np.flatnonzero(lacking > 0)
    return Missing((slots[holes] + 1) * step, lacking[holes])


def silences(stamps: Micros, step: int, covering: Span | None) -> Missing:
    """Stretches longer than a step without any row, counted in whole steps."""
    edges = stamps if covering is None else np.concatenate([[covering.start], stamps, [covering.end]])
    apart = np.diff(edges)
    holes = np.flatnonzero(apart > step)
    return Missing(edges[holes], apart[holes] // step)


def funding_hours(stamps: Micros) -> npt.NDArray[np.float64]:
    """Hours since the settlement before; NaN for the first, and after a gap."""
    hours = np.full(len(stamps), np.nan)
    hours[1:] = np.diff(stamps) / HOUR
    hours[_gaps(hours)] = np.nan
    return hours


def missing_settlements(stamps: Micros, covering: Span | None) -> Missing:
    """Settlements that were skipped, at the interval in force beside the gap.

    A distance is a gap if it is longer than any interval, or if it alone is a multiple of the same interval before and
    after it: a venue that changes its interval does not change it back at the next settlement.
    """
    hours = np.full(len(stamps), np.nan)
    hours[1:] = np.diff(stamps) / HOUR
    holes = np.flatnonzero(_gaps(hours))
    since, rows = [], []
    for i in holes:
        beside = hours[i - 1] if i > 1 else hours[i + 1] if i + 1 < len(hours) else np.nan
        beside = beside if np.isfinite(beside) and beside <= LONGEST_FUNDING_HOURS else LONGEST_FUNDING_HOURS
        since.append(stamps[i - 1] + int(beside * HOUR))
        rows.append(max(1, round(hours[i] / beside) - 1))
    if covering is not None:
        ends = _uncovered(stamps, hours, covering)
        since, rows = [*since, *(start for start, _ in ends)], [*rows, *(count for _, count in ends)]
    return Missing(np.array(since, dtype=np.int64), np.array(rows, dtype=np.int64))


def _gaps(hours: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    gap = hours > LONGEST_FUNDING_HOURS
    before, here, after = hours[1:-2], hours[2:-1], hours[3:]
    with np.errstate(invalid="ignore"):
        gap[2:-1] |= (before == after) & (here > before) & (here % before == 0)
    return gap


def _uncovered(stamps: Micros, hours: npt.NDArray[np.float64], covering: Span) -> list[tuple[int, int]]:
    """Settlements expected between the ends of what was asked for and the first and last row."""
    if not len(stamps):
        return [(covering.start, max(1, (covering.end - covering.start) // (LONGEST_FUNDING_HOURS * HOUR)))]
    known = hours[np.isfinite(hours) & (hours <= LONGEST_FUNDING_HOURS)]
    first, last = (known[0], known[-1]) if len(known) else (float(LONGEST_FUNDING_HOURS),) * 2
    leading = (int(stamps[0]) - covering.start) // int(first * HOUR)
    trailing = -(-(covering.end - int(stamps[-1])) // int(last * HOUR)) - 1
    found = [(covering.start, leading), (int(stamps[-1]) + int(last * HOUR), trailing)]
    return [(start, int(rows)) for start, rows in found if rows > 0]
