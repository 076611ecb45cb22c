"""Recorded facts into history: clean rows of a file, day by day, beside what other files told of the same days.

Only what normalization left is loaded, and nothing is filled in. A row that contradicts one that another file told is
refused without a reason; with one, the day is restated.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import RecordedCandle, RecordedFundingRate
from hedge_pipeline.ports import History

KEYS: dict[type[Any], Callable[[Any], Any]] = {
    RecordedCandle: attrgetter("open_at", "symbol", "interval"),
    RecordedFundingRate: attrgetter("funded_at", "symbol"),
}
STAMPS: dict[type[Any], Callable[[Any], datetime]] = {
    RecordedCandle: attrgetter("open_at"),
    RecordedFundingRate: attrgetter("funded_at"),
}


def recorded_candles(frame: Any, *, symbol: str, interval: timedelta, file: str) -> list[RecordedCandle]:
    """The rows of a clean frame of candles, which are of one symbol and one step."""
    names = ("open", "high", "low", "close", "volume")
    amounts = zip(*(frame[name].tolist() for name in names), strict=True)
    return [
        RecordedCandle(
            symbol=symbol,
            interval=interval,
            open_at=stamp.to_pydatetime(),
            file=file,
            **{name: Decimal(text) for name, text in zip(names, texts, strict=True)},
        )
        for stamp, texts in zip(frame["open_at"], amounts, strict=True)
    ]


def recorded_funding_rates(frame: Any, *, file: str) -> list[RecordedFundingRate]:
    """The rows of a clean frame of funding rates."""
    columns = (frame[name].tolist() for name in ("symbol", "rate", "interval_hours"))
    return [
        RecordedFundingRate(
            symbol=symbol,
            funded_at=stamp.to_pydatetime(),
            rate=Decimal(rate),
            interval=None if hours is None or hours != hours else timedelta(hours=float(hours)),  # noqa: PLR0124 NaN
            file=file,
        )
        for stamp, symbol, rate, hours in zip(frame["funded_at"], *columns, strict=True)
    ]


def load_days(
    history: History,
    kind: type[Any],
    rows: Sequence[Any],
    *,
    zone: ZoneInfo,
    now: datetime,
    reason: str | None = None,
) -> Iterator[tuple[date, Written]]:
    """Write the rows of each local day that is over; what happened, day by day.

    Raises:
        CommandRefused: a row contradicts a stored one and there is no ``reason``; earlier days are written.
    """
    day_of = _local_day(STAMPS[kind], zone)
    for day, group in groupby(sorted(rows, key=STAMPS[kind]), day_of):
        if day >= now.astimezone(zone).date():
            raise CommandRefused(f"{day} is not over: recorded facts are of days that are")
        stored = {KEYS[kind](row): row for row in history.rows(kind, day) or ()}
        new = {KEYS[kind](row): row for row in group}
        contradicted = [key for key, row in new.items() if key in stored and not _agree(stored[key], row)]
        if contradicted and not reason:
            raise CommandRefused(
                f"{day}: {len(contradicted)} rows contradict what another file told, the first at {contradicted[0][0]}; "
                "give a --reason to restate the day"
            )
        added = {key: row for key, row in new.items() if key not in stored or key in contradicted}
        told = reason or f"{len(added)} rows of another file are added"
        yield day, history.write_day(kind, day, [*{**stored, **added}.values()], at=now, reason=told)


def _agree(one: Any, other: Any) -> bool:
    """Whether two files tell the same fact."""
    return all(
        getattr(one, name) == getattr(other, name) for name in one.__dataclass_fields__ if name != "file"
    )


def _local_day(stamp: Callable[[Any], datetime], zone: ZoneInfo) -> Callable[[Any], date]:
    return lambda row: stamp(row).astimezone(zone).date()
