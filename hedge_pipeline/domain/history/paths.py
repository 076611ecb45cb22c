"""Paths of drawdown: exactly, as the live peak state walks them, and at the speed of arrays for whole histories."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from hedge_pipeline.domain.drawdown import loss_fraction, next_mark

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

BLOCK = 16_384
"""Values at once: three buffers of it stay in a core's own cache."""


class DrawdownPoint(NamedTuple):
    """One minute of the path: a row of ``drawdown_history``. Values are account NAV per unit, in the numeraire."""

    account: str
    minute: datetime
    day: date
    nav_per_unit: Decimal
    """At the minute's close."""
    high_water_mark: Decimal
    drawdown: Decimal
    """Fall from the mark, a non-negative fraction of it, 12 places."""
    pending_high: Decimal | None
    """A suspicious new high waiting for one confirmation."""
    nav_ordinal: int


class Mark(NamedTuple):
    """Where the path stands: what the next value is judged by."""

    nav_per_unit: Decimal
    high_water_mark: Decimal
    pending_high: Decimal | None


def drawdown_points(
    account: str,
    day: date,
    before: Mark | None,
    walked: Iterable[tuple[int, datetime, Decimal]],
    baselines: dict[int, Decimal],
    *,
    jump_factor: Decimal,
    jump_step: Decimal,
) -> list[DrawdownPoint]:
    """The day's path, one point per minute, by the rule of the live peak state and from NAV alone.

    ``walked`` are ordinal, instant and NAV per unit of the accepted snapshots. ``baselines`` are the marks that
    people or the paper profile declared, by ordinal: the path begins again there, and not before the first.
    """
    mark, points, newest = before, dict[datetime, DrawdownPoint](), None
    for ordinal, as_of, value in sorted(walked):
        if newest is not None and as_of <= newest:
            continue  # as the live state does: a later attempt with an older value moves nothing
        newest = as_of
        if ordinal in baselines:
            mark = Mark(value, baselines[ordinal], None)
        elif mark is not None:
            high, pending = next_mark(
                mark.high_water_mark,
                mark.pending_high,
                mark.nav_per_unit,
                value,
                jump_factor=jump_factor,
                jump_step=jump_step,
            )
            mark = Mark(value, high, pending)
        if mark is not None:
            minute = as_of.replace(second=0, microsecond=0)
            points[minute] = DrawdownPoint(
                account,
                minute,
                day,
                value,
                mark.high_water_mark,
                loss_fraction(value, mark.high_water_mark),
                mark.pending_high,
                ordinal,
            )
    return list(points.values())


def drawdown_path(values: "NDArray[float64]") -> "NDArray[float64]":
    """Fall of each value from the highest up to it, as a fraction of that; for looking, not for deciding.

    Values are positive. In blocks, because running through memory three times costs more than the arithmetic.
    """
    import numpy as np  # a tenth of a second that loading definitions need not pay

    path = np.empty_like(values)
    highest = -np.inf
    marks = np.empty(min(BLOCK, len(values)), dtype=values.dtype)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        running = marks[: len(block)]
        np.maximum.accumulate(block, out=running)
        if running[0] < highest:
            np.maximum(running, highest, out=running)
        highest = running[-1]
        part = path[start : start + BLOCK]
        np.divide(block, running, out=part)
        np.subtract(1.0, part, out=part)
    return path
