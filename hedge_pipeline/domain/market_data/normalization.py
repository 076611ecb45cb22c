"""One normalization for every history: each row validated, none filled, none refused without being counted.

A clean frame is sorted by its key, holds each key once and only values its kind allows; normalizing it again changes
nothing. Columns are those of the kind: stamps as ``datetime64[us, UTC]``, amounts as exact decimal text.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data.exact_amounts import Amounts, read_amounts
from hedge_pipeline.domain.market_data.gaps import Span
from hedge_pipeline.domain.market_data.kinds import FUNDING_RATES, Kind, Unit
from hedge_pipeline.domain.market_data.order import clean_order, descents, repeated
from hedge_pipeline.domain.market_data.report import REFUSING, Example, Fault, Finding, Report
from hedge_pipeline.domain.market_data.series import series_findings, with_derived
from hedge_pipeline.domain.market_data.stamps import Micros, read_stamps

Mask = npt.NDArray[np.bool_]

_DAY = timedelta(days=1)
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def frame_of(kind: Kind, rows: Iterable[Any]) -> pd.DataFrame:
    """Row values as a frame to normalize, declared `Unit.AWARE`."""
    kept = list(rows)
    return pd.DataFrame(
        {
            name: pd.Series([_written(getattr(row, name)) for row in kept], dtype=object)
            for name in kind.columns
        }
    )


def _written(value: Any) -> Any:
    return "BOTH" if value is None else value


def normalized(
    frame: pd.DataFrame,
    kind: Kind,
    *,
    unit: Unit,
    step: timedelta | None = None,
    symbol: str | None = None,
    covering: tuple[datetime, datetime] | None = None,
    most_examples: int = 5,
) -> tuple[pd.DataFrame, Report]:
    """The clean frame, and everything that was wrong with the input.

    ``step`` is the interval of candles, or the longest silence expected of trades; without it no gap is looked for.
    ``symbol`` is every row's where the input has no such column. ``covering`` says from when to when (not included)
    facts are expected: without it only what lies between the first and the last row can be missing.

    Raises:
        SourceMalformed: a column is missing, or as a whole not of the type declared; its source is the column.
    """
    frame = _with_columns(frame, kind, symbol)
    found = _Found(len(frame), most_examples)
    stamps = _stamps(frame[kind.time], kind, unit, found)
    values = {name: _value(frame[name], kind, name, found) for name in kind.columns if name != kind.time}
    if "open" in kind.amounts:
        found.refuse(Fault.INCONSISTENT_OHLC, _inconsistent(values), lambda row: _prices(values, row))
    clean = _accepted(stamps, values, kind, found)
    found.stamps = stamps
    findings = (
        *found.findings(),
        *series_findings(
            clean, kind, step_us=_step(step), covering=_span(covering), most_examples=most_examples
        ),
    )
    order = list(Fault)
    instants = clean[kind.time]
    return with_derived(clean, kind), Report(
        kind=kind.name,
        rows_in=len(frame),
        rows_out=len(clean),
        first_at=instants.iloc[0].to_pydatetime() if len(clean) else None,
        last_at=instants.iloc[-1].to_pydatetime() if len(clean) else None,
        step=step,
        ignored_columns=tuple(
            str(name) for name in frame.columns if name not in (*kind.columns, *kind.derived)
        ),
        findings=tuple(sorted(findings, key=lambda finding: order.index(finding.fault))),
    )


class _Found:
    """Which rows are refused or told of, and why. A row is refused once, for the first fault."""

    def __init__(self, rows: int, most_examples: int) -> None:
        self.stamps: Micros = np.zeros(rows, dtype=np.int64)
        self.accepted: Mask = np.ones(rows, dtype=np.bool_)
        self._hits: list[tuple[Fault, npt.NDArray[np.intp], list[str]]] = []
        self._most = most_examples

    def refuse(self, fault: Fault, mask: Mask, told: Any) -> None:
        hit = mask & self.accepted
        self.tell(fault, np.flatnonzero(hit), told)
        self.accepted &= ~hit

    def tell(self, fault: Fault, rows: npt.NDArray[np.intp], told: Any) -> None:
        if len(rows):
            self._hits.append((fault, rows, [told(row) for row in rows[: self._most]]))

    def findings(self) -> list[Finding]:
        merged: dict[Fault, list[tuple[npt.NDArray[np.intp], list[str]]]] = {}
        for fault, rows, told in self._hits:
            merged.setdefault(fault, []).append((rows, told))
        return [self._finding(fault, hits) for fault, hits in merged.items()]

    def _finding(self, fault: Fault, hits: list[tuple[npt.NDArray[np.intp], list[str]]]) -> Finding:
        rows = np.sort(np.concatenate([rows for rows, _ in hits]))
        breaks = np.flatnonzero(np.diff(rows) > 1)
        runs = np.diff(np.concatenate([[-1], breaks, [len(rows) - 1]]))
        told = sorted(
            (int(row), text) for rows, texts in hits for row, text in zip(rows, texts, strict=False)
        )
        return Finding(
            fault=fault,
            count=len(rows),
            runs=len(runs),
            longest=int(runs.max()),
            examples=tuple(
                Example(row=row, at=self._instant(row), detail=text) for row, text in told[: self._most]
            ),
        )

    def _instant(self, row: int) -> datetime | None:
        stamp = int(self.stamps[row])
        return _EPOCH + timedelta(microseconds=stamp) if stamp else None


def _with_columns(frame: pd.DataFrame, kind: Kind, symbol: str | None) -> pd.DataFrame:
    frame = frame.reset_index(drop=True)
    if kind.by_symbol and "symbol" not in frame.columns and symbol is not None:
        frame = frame.assign(symbol=symbol)
    missing = [name for name in kind.columns if name not in frame.columns]
    if missing:
        has = ", ".join(map(str, frame.columns)) or "none"
        raise SourceMalformed(", ".join(missing), f"no such column, which {kind.name} need; there are {has}")
    return frame


def _stamps(column: pd.Series, kind: Kind, unit: Unit, found: _Found) -> Micros:
    stamps, faults = read_stamps(column, unit)
    for fault in REFUSING:
        if fault in faults:
            found.refuse(fault, faults[fault], lambda row: f"{kind.time} {column.iloc[row]}")
    rounded = faults.get(Fault.ROUNDED, np.zeros(len(column), dtype=np.bool_))
    if kind is FUNDING_RATES:
        whole = (stamps + _SECOND // 2) // _SECOND * _SECOND
        rounded = rounded | (whole != stamps)
        stamps = whole
    told = np.flatnonzero(rounded & found.accepted)
    found.tell(Fault.ROUNDED, told, lambda row: f"{kind.time} {column.iloc[row]}")
    return stamps


def _value(column: pd.Series, kind: Kind, name: str, found: _Found) -> Any:
    def told(row: int) -> str:
        return f"{name} {column.iloc[row]}"

    if name in kind.amounts:
        amounts = read_amounts(column)
        found.refuse(Fault.NOT_A_NUMBER, amounts.missing, told)
        found.refuse(Fault.TOO_LONG, amounts.too_long, told)
        found.refuse(Fault.OUT_OF_BOUNDS, amounts.outside(kind.amounts[name]), told)
        return amounts
    codes, distinct = pd.factorize(column.astype(object), use_na_sentinel=True)
    words = [_word(value, kind.choices.get(name)) for value in distinct]
    kept = np.array([*words, None], dtype=object)[codes]
    found.refuse(Fault.UNKNOWN_VALUE, np.array([value is None for value in kept], dtype=np.bool_), told)
    return kept


def _word(value: Any, choices: Any) -> Any:
    text = str(value)
    return (text or None) if choices is None else choices.get(text)


def _inconsistent(values: dict[str, Any]) -> Mask:
    high, low = values["high"], values["low"]
    bad: Mask = low.exceed(high)
    for name in ("open", "close"):
        bad = bad | values[name].exceed(high) | low.exceed(values[name])
    return bad


def _prices(values: dict[str, Any], row: int) -> str:
    return ", ".join(f"{name} {values[name].texts[row]}" for name in ("open", "high", "low", "close"))


def _accepted(stamps: Micros, values: dict[str, Any], kind: Kind, found: _Found) -> pd.DataFrame:
    """The rows left once duplicates and contradictions are gone, in the order of their key."""
    rows = np.flatnonzero(found.accepted)
    columns = {kind.time: stamps} | {
        name: value.texts if isinstance(value, Amounts) else value for name, value in values.items()
    }
    frame = pd.DataFrame({name: columns[name][rows] for name in kind.columns}, index=rows)
    found.tell(Fault.UNSORTED, descents(frame, kind), lambda _: "earlier than the row above")
    same, contradicting = repeated(frame, kind)
    found.refuse(Fault.CONTRADICTION, _mask(contradicting, len(stamps)), lambda row: _row(frame, kind, row))
    found.tell(Fault.DUPLICATE, same, lambda row: _row(frame, kind, row))
    clean = clean_order(frame.drop(index=[*same, *contradicting]), kind).reset_index(drop=True)
    instants = pd.to_datetime(clean[kind.time].to_numpy(), unit="us", utc=True)
    clean[kind.time] = pd.Series(instants).dt.as_unit("us")
    return clean.astype(dict.fromkeys((*kind.names, *kind.amounts), "str"))


def _mask(rows: npt.NDArray[np.intp], length: int) -> Mask:
    mask = np.zeros(length, dtype=np.bool_)
    mask[rows] = True
    return mask


def _row(frame: pd.DataFrame, kind: Kind, row: int) -> str:
    return ", ".join(f"{name} {frame.at[row, name]}" for name in kind.columns if name != kind.time)


def _step(step: timedelta | None) -> int | None:
    if step is not None and (step <= timedelta(0) or _DAY % step):
        raise ValueError(f"step: {step} does not divide a day")
    return None if step is None else step // timedelta(microseconds=1)


def _span(covering: Sequence[datetime] | None) -> Span | None:
    if covering is None:
        return None
    start, end = ((at - _EPOCH) // timedelta(microseconds=1) for at in covering)
    if start >= end:
        raise ValueError(f"covering: {covering[0]} is not before {covering[1]}")
    return Span(start, end)
