"""Recorded candles and funding rates, read from Parquet or CSV files named `SYMBOL_ohlcv_5m.parquet` and the like.

Columns: `ts, open, high, low, close, volume` for candles (`ts` is the bar's opening, UTC), the same without volume for
`SYMBOL_mark_1h`, and `ts, funding_rate` for `SYMBOL_funding_…`. A CSV's `ts` is ISO 8601 or integer milliseconds.
"""

import bisect
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

_FILE = re.compile(r"(?P<symbol>[A-Z0-9]+)_(?P<kind>ohlcv|mark|funding)_(?P<step>\w+)\.(parquet|csv)")
_STEP = re.compile(r"(\d+)([mhd])")
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class RecordingUnusable(Exception):
    """The recording cannot be played; the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    opened_ms: int
    ended_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Candles:
    """Bars of one step, oldest first. Rows without a price are holes, and a bar ends where the next begins."""

    def __init__(self, path: Path, step_ms: int) -> None:
        columns = _columns(path, ("ts", "open", "high", "low", "close"), optional="volume")
        rows = sorted(
            (row for row in zip(*columns, strict=True) if all(_is_price(p) for p in row[1:5])),
            key=lambda row: row[0],
        )
        self.step_ms = step_ms
        self.opened_ms: list[int] = [row[0] for row in rows]
        self._rows = rows
        self._known: dict[int, Candle] = {}
        if not rows:
            raise RecordingUnusable(f"{path}: holds no bar")
        if len(set(self.opened_ms)) != len(rows):
            raise RecordingUnusable(f"{path}: ts: two bars open at the same instant; keep one of them")

    @property
    def first_ms(self) -> int:
        return self.opened_ms[0]

    @property
    def last_ms(self) -> int:
        return self.opened_ms[-1] + self.step_ms

    def covers(self, instant_ms: int) -> bool:
        return self.first_ms <= instant_ms < self.last_ms

    def before(self, instant_ms: int) -> int | None:
        """Index of the last bar opened by then."""
        i = bisect.bisect_right(self.opened_ms, instant_ms) - 1
        return i if i >= 0 else None

    def at(self, i: int) -> Candle:
        if i not in self._known:
            opened, *prices, volume = self._rows[i]
            end = opened + self.step_ms
            if i + 1 < len(self.opened_ms):
                end = min(end, self.opened_ms[i + 1])
            opening, high, low, close = (Decimal(str(p)) for p in prices)
            self._known[i] = Candle(
                opened_ms=opened,
                ended_ms=end,
                open=opening,
                high=max(high, opening, close),
                low=min(low, opening, close),
                close=close,
                volume=Decimal(str(volume)) if volume is not None else Decimal(0),
            )
        return self._known[i]


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRates:
    charged_ms: Sequence[int]
    rates: Sequence[Decimal]

    def at(self, instant_ms: int) -> tuple[Decimal, int]:
        """The rate next charged and the hours of its interval; after the last one, the last."""
        i = min(bisect.bisect_left(self.charged_ms, instant_ms), len(self.rates) - 1)
        j = max(i, 1)
        hours = round((self.charged_ms[j] - self.charged_ms[j - 1]) / 3_600_000) if len(self.rates) > 1 else 8
        return self.rates[i], max(hours, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded of one symbol."""

    candles: Candles
    marks: Candles | None
    funding: FundingRates | None


def read_recording(folder: Path, start: datetime | None) -> tuple[dict[str, Recorded], int]:
    """Every symbol in a folder, at the finest step that reaches the start; and that start in milliseconds.

    Raises:
        RecordingUnusable: there is nothing to play, a file cannot be read, or a symbol has no bar at the start.
    """
    files: dict[str, dict[str, list[tuple[int, Path]]]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        name = _FILE.fullmatch(path.name)
        if name:
            kinds = files.setdefault(name["symbol"], {})
            step_ms = 0 if name["kind"] == "funding" else _step_ms(path, name["step"])
            kinds.setdefault(name["kind"], []).append((step_ms, path))
    files = {symbol: kinds for symbol, kinds in files.items() if "ohlcv" in kinds}
    if not files:
        raise RecordingUnusable(f"{folder}: holds no SYMBOL_ohlcv_STEP.parquet or .csv")
    candles = {
        symbol: [Candles(p, step) for step, p in sorted(kinds["ohlcv"])] for symbol, kinds in files.items()
    }
    if start is None:
        start_ms = max(choices[0].first_ms for choices in candles.values())
    else:
        start_ms = int(start.timestamp() * 1000)
    recorded = {
        symbol: Recorded(
            candles=_reaching(symbol, choices, start_ms),
            marks=_marks(files[symbol].get("mark", [])),
            funding=_funding(files[symbol].get("funding", [])),
        )
        for symbol, choices in candles.items()
    }
    return recorded, start_ms


def _reaching(symbol: str, choices: list[Candles], start_ms: int) -> Candles:
    for candles in choices:
        if candles.covers(start_ms):
            return candles
    spans = ", ".join(f"{_iso(c.first_ms)} to {_iso(c.last_ms)}" for c in choices)
    raise RecordingUnusable(f"{symbol}: no bar at {_iso(start_ms)}; it is recorded from {spans}")


def _marks(files: list[tuple[int, Path]]) -> Candles | None:
    return Candles(min(files)[1], min(files)[0]) if files else None


def _funding(files: list[tuple[int, Path]]) -> FundingRates | None:
    if not files:
        return None
    path = files[0][1]
    charged, rates = _columns(path, ("ts", "funding_rate"))
    # Recorded stamps jitter by some 50 ms around the second they stand for.
    rows = sorted(
        (round(ts / 1000) * 1000, Decimal(str(rate))) for ts, rate in zip(charged, rates, strict=True)
    )
    if not rows or not all(rate.is_finite() for _, rate in rows):
        raise RecordingUnusable(f"{path}: funding_rate: holds no rates, or one that is not a number")
    return FundingRates(charged_ms=[ts for ts, _ in rows], rates=[rate for _, rate in rows])


def _columns(path: Path, names: tuple[str, ...], *, optional: str | None = None) -> list[list[Any]]:
    columns = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    if missing := [name for name in names if name not in columns]:
        raise RecordingUnusable(f"{path}: has no column {', '.join(missing)}; it has {', '.join(columns)}")
    wanted = [columns[name] for name in names]
    if optional:
        wanted.append(columns.get(optional, [None] * len(wanted[0])))
    return wanted


def _parquet(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        columns = {name: table[name] for name in table.column_names}
        if "ts" in columns:
            columns["ts"] = columns["ts"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    except (OSError, pa.ArrowException) as error:
        raise RecordingUnusable(f"{path}: cannot be read as Parquet: {error}") from error
    return {name: column.to_pylist() for name, column in columns.items()}


def _csv(path: Path) -> dict[str, list[Any]]:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        columns: dict[str, list[Any]] = {
            name: [row[name] for row in rows] for name in (rows[0] if rows else ())
        }
        if "ts" in columns:
            columns["ts"] = [_instant_ms(text) for text in columns["ts"]]
    except (OSError, ValueError) as error:
        raise RecordingUnusable(f"{path}: cannot be read as CSV: {error}") from error
    return columns


def _instant_ms(text: str) -> int:
    if text.isdigit():
        return int(text)
    instant = datetime.fromisoformat(text)
    return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1000)


def _is_price(value: Any) -> bool:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return False
    return price.is_finite() and price > 0


def _step_ms(path: Path, text: str) -> int:
    step = _STEP.fullmatch(text)
    if step is None:
        raise RecordingUnusable(f"{path}: {text} is not a step such as 1m, 5m or 1h")
    return int(step[1]) * _UNITS_MS[step[2]]


def _iso(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat()
