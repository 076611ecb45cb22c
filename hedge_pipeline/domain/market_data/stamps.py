"""Stamps of any declared unit as UTC microseconds, every one of them looked at."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data.kinds import Unit
from hedge_pipeline.domain.market_data.report import Fault

Mask = npt.NDArray[np.bool_]
Micros = npt.NDArray[np.int64]

_FIRST_S, _END_S = 1_262_304_000, 2_051_222_400
"""2010 and 2035: the four units' numbers of this span do not overlap."""
_PER_SECOND = {
    Unit.SECONDS: 1,
    Unit.MILLISECONDS: 10**3,
    Unit.MICROSECONDS: 10**6,
    Unit.NANOSECONDS: 10**9,
}
_MICROS = 10**6
_UNREADABLE = np.iinfo(np.int64).min
_NAIVE = _UNREADABLE + 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def read_stamps(column: pd.Series, unit: Unit) -> tuple[Micros, dict[Fault, Mask]]:
    """UTC microseconds, and which rows have none. What a refused row holds is not to be used.

    Raises:
        SourceMalformed: the whole column is of another type than the unit declared.
    """
    if unit in _PER_SECOND:
        return _counted(column, _PER_SECOND[unit])
    return _dated(column, unit)


def _counted(column: pd.Series, per_second: int) -> tuple[Micros, dict[Fault, Mask]]:
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype):
        raise SourceMalformed(
            str(column.name), "holds datetimes, not numbers; declare the unit aware or utc instead"
        )
    numbers, mixed = _whole_numbers(column)
    unreadable = numbers == _UNREADABLE
    inside = _within(numbers, per_second)
    elsewhere = np.zeros(len(numbers), dtype=np.bool_)
    for other in _PER_SECOND.values():
        if other != per_second:
            elsewhere |= _within(numbers, other)
    faults = {
        Fault.UNIT_MIX: mixed | (~inside & elsewhere),
        Fault.UNREADABLE_TIME: unreadable & ~mixed,
        Fault.OUT_OF_RANGE: ~inside & ~elsewhere & ~unreadable,
    }
    numbers = np.where(inside, numbers, 0)
    if per_second <= _MICROS:
        return numbers * (_MICROS // per_second), faults
    finer = per_second // _MICROS
    faults[Fault.ROUNDED] = numbers % finer != 0
    return numbers // finer, faults


def _within(numbers: Micros, per_second: int) -> Mask:
    return (numbers >= _FIRST_S * per_second) & (numbers < _END_S * per_second)


def _whole_numbers(column: pd.Series) -> tuple[Micros, Mask]:
    """Whole numbers, and rows that hold a datetime instead."""
    none = np.zeros(len(column), dtype=np.bool_)
    if column.dtype.kind == "i" and isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(np.int64), none
    if column.dtype.kind == "f" and isinstance(column.dtype, np.dtype):
        floats = column.to_numpy().astype(np.float64)
        whole = np.isfinite(floats) & (np.abs(floats) < 2.0**62) & (floats == np.trunc(floats))
        return np.where(whole, np.where(whole, floats, 0.0).astype(np.int64), _UNREADABLE), none
    values = column.tolist()
    numbers = np.fromiter((_whole_number(value) for value in values), dtype=np.int64, count=len(values))
    odd = np.flatnonzero(numbers == _UNREADABLE)
    for row in odd:
        none[row] = _micros(values[row], assume_utc=True) > _NAIVE
    return numbers, none


def _whole_number(value: Any) -> int:
    if isinstance(value, str):
        if not _WHOLE.fullmatch(value):
            return _UNREADABLE
    elif isinstance(value, float | np.floating):
        if not (np.isfinite(value) and value == int(value)):
            return _UNREADABLE
    elif isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        return _UNREADABLE
    number = int(value)
    return number if abs(number) < 2**62 else 2**62


def _dated(column: pd.Series, unit: Unit) -> tuple[Micros, dict[Fault, Mask]]:
    if column.dtype.kind in "iufb" and len(column):
        raise SourceMalformed(
            str(column.name), f"holds numbers, not datetimes; declare which unit, not {unit}: s, ms, us or ns"
        )
    assume_utc = unit is Unit.UTC
    rounded = np.zeros(len(column), dtype=np.bool_)
    values = column.tolist()
    if isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M":
        stamped, rounded = _typed(column, assume_utc=assume_utc)
    else:
        stamped = np.fromiter(
            (_micros(value, assume_utc=assume_utc) for value in values), dtype=np.int64, count=len(values)
        )
    unreadable, naive = stamped == _UNREADABLE, stamped == _NAIVE
    mixed = np.zeros(len(column), dtype=np.bool_)
    for row in np.flatnonzero(unreadable):
        number = np.array([_whole_number(values[row])], dtype=np.int64)
        mixed[row] = any(_within(number, per_second)[0] for per_second in _PER_SECOND.values())
    inside = _within(stamped, _MICROS)
    return np.where(inside, stamped, 0), {
        Fault.UNREADABLE_TIME: unreadable & ~mixed,
        Fault.NAIVE_TIME: naive,
        Fault.UNIT_MIX: mixed,
        Fault.OUT_OF_RANGE: ~inside & ~unreadable & ~naive,
        Fault.ROUNDED: rounded,
    }


def _typed(column: pd.Series, *, assume_utc: bool) -> tuple[Micros, Mask]:
    """A column that pandas already holds as datetimes."""
    missing = column.isna().to_numpy()
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        if not assume_utc:
            return np.where(missing, _UNREADABLE, _NAIVE), np.zeros(len(column), dtype=np.bool_)
        column = column.dt.tz_localize("UTC")
    instants = column.dt.tz_convert("UTC").dt.tz_localize(None)
    exact = instants.to_numpy()
    micros = exact.astype("datetime64[us]")
    return np.where(missing, _UNREADABLE, micros.astype(np.int64)), (micros != exact) & ~missing


def _micros(value: Any, *, assume_utc: bool) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return _UNREADABLE
    if not isinstance(value, datetime) or value is pd.NaT:
        return _UNREADABLE
    if value.tzinfo is None:
        if not assume_utc:
            return _NAIVE
        value = value.replace(tzinfo=UTC)
    since: timedelta = value - _EPOCH
    return since // _MICROSECOND
