"""Whole stretches of fills and candles, page by page, whoever asks: the history of closed days, or trading for what is new.

``Ask`` sends the parameters of one page and returns its parsed rows.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from hedge_pipeline.adapters.ccxt_venue.income import MILLISECOND
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.ranges import milliseconds, read_range, windows
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data import STEPS, Candle, Fill

INTERVALS = {step: name for name, step in STEPS.items()}
"""The venue's names of the lengths of candles."""


class AskFills(Protocol):
    """One page of a symbol's fills."""

    def __call__(self, **params: int) -> tuple[Fill, ...]: ...


AskCandles = Callable[[dict[str, str | int]], tuple[Candle, ...]]


def fills_within(ask: AskFills, *, first_ms: int, last_ms: int, limits: VenueLimits) -> tuple[Fill, ...]:
    """Every fill stamped from ``first_ms`` to ``last_ms``, both included, oldest first."""
    page_rows = limits.fills_page

    def crowded(rows: tuple[Fill, ...]) -> tuple[Fill, ...]:
        """By id from its first one on: a page of ids is not cut by time."""
        at, found, here = rows[0].filled_at, list(rows), rows
        while len(here) == page_rows:
            following = ask(fromId=max(int(row.fill_id) for row in here) + 1)
            here = tuple(row for row in following if row.filled_at == at)
            found += here
        return tuple(found)

    found = [
        row
        for first, last in windows(first_ms, last_ms, limits.fills_window)
        for row in read_range(
            lambda start, end: ask(startTime=start, endTime=end),
            source="fills",
            stamp=lambda row: row.filled_at,
            first_ms=first,
            last_ms=last,
            page_rows=page_rows,
            crowded=crowded,
        )
    ]
    refuse_repeated("fills", [row.fill_id for row in found])
    return tuple(sorted(found, key=lambda row: (row.filled_at, len(row.fill_id), row.fill_id)))


def fills_behind(ask: AskFills, fill_id: str, *, limits: VenueLimits) -> tuple[Fill, ...]:
    """Every fill behind one, in the order of their ids, which is that of time."""
    number = int(fill_id)
    found: list[Fill] = []
    while True:
        page = sorted(ask(fromId=number + 1), key=_number)
        if page and _number(page[0]) <= number:
            raise SourceMalformed("fills", f"id: {page[0].fill_id} was not asked for")
        found += page
        if len(page) < limits.fills_page:
            return tuple(found)
        number = _number(page[-1])


def candles_within(
    ask: AskCandles, symbol: str, interval: timedelta, *, first_ms: int, last_ms: int, limits: VenueLimits
) -> tuple[Candle, ...]:
    """Every candle that opens from ``first_ms`` to ``last_ms``, both included, oldest first."""
    length = interval // MILLISECOND
    found: list[Candle] = []
    for first, last in windows(first_ms, last_ms, interval * limits.candles_page):
        page = ask(
            {
                "symbol": symbol,
                "interval": INTERVALS[interval],
                "startTime": first,
                "endTime": last,
                "limit": -(-(last - first + 1) // length),
            }
        )
        for candle in page:
            if not first <= milliseconds(candle.open_at) <= last:
                raise SourceMalformed("candles", f"openTime: {candle.open_at.isoformat()} was not asked for")
        found += page
    refuse_repeated("candles", [candle.open_at.isoformat() for candle in found])
    return tuple(sorted(found, key=lambda candle: candle.open_at))


def refuse_repeated(source: str, keys: list[str]) -> None:
    if len(set(keys)) != len(keys):
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise SourceMalformed(source, f"{repeated} is listed twice")


def _number(fill: Fill) -> int:
    return int(fill.fill_id)
