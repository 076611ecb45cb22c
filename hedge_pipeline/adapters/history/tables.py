"""What a day's file holds: a row class as columns of Arrow, exactly.

Money is a decimal of 38 digits; a number that needs more places or digits than its column has is an error that names the
column, never a rounding. A hot row's money is text, because it has as many digits as it had.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Any, get_args, get_type_hints

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.days import Day
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.paths import DrawdownPoint
from hedge_pipeline.domain.market_data import (
    Candle,
    Fill,
    FundingRate,
    RecordedCandle,
    RecordedFundingRate,
)

DIGITS = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How one row class is kept."""

    name: str
    places: int
    """Of money: 12 for what is quantized, 18 for native amounts."""
    key: tuple[str, ...]
    """Rows are kept in this order."""
    without: tuple[str, ...] = ()
    """Fields that say when we looked, not what was true: the same fact would differ from read to read."""


TABLES: dict[type[Any], Kept] = {
    Minute: Kept(name="nav_minutes", places=12, key=("account", "minute")),
    Day: Kept(name="nav_daily", places=12, key=("account", "day")),
    DrawdownPoint: Kept(name="drawdown_history", places=12, key=("account", "minute")),
    IncomeRow: Kept(
        name="income",
        places=18,
        key=("occurred_at", "income_type", "tran_id", "trade_id", "asset", "symbol"),
        without=("recorded_at",),
    ),
    Fill: Kept(name="fills", places=18, key=("filled_at", "symbol", "fill_id"), without=("recorded_at",)),
    FundingRate: Kept(name="funding_rates", places=18, key=("funded_at", "symbol")),
    Candle: Kept(name="candles", places=18, key=("open_at", "symbol", "interval")),
    RecordedCandle: Kept(name="recorded_candles", places=18, key=("open_at", "symbol", "interval")),
    RecordedFundingRate: Kept(name="recorded_funding_rates", places=18, key=("funded_at", "symbol")),
}
"""Row classes of history; ``archive/`` beside them holds hot rows."""


def table_name(kind: type[Any]) -> str:
    return TABLES[kind].name


@cache
def hints_of(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Each kept column's type without its ``None``, and whether it may be unknown."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    return {name: _unwrapped(hints[name]) for name in names if name not in TABLES[kind].without}


def _unwrapped(hint: Any) -> tuple[Any, bool]:
    some = [arg for arg in get_args(hint) if arg is not NoneType]
    return (some[0], True) if some and len(some) < len(get_args(hint)) else (hint, False)


def arrow_type(hint: Any, places: int) -> Any:
    import pyarrow as pa

    if isinstance(hint, type) and issubclass(hint, Enum):
        return pa.string()
    return {
        str: pa.string(),
        int: pa.int64(),
        bool: pa.bool_(),
        Decimal: pa.decimal128(DIGITS, places),
        datetime: pa.timestamp("us", tz="UTC"),
        date: pa.date32(),
        timedelta: pa.duration("us"),
    }[hint]


@cache
def schema_of(kind: Any) -> Any:
    import pyarrow as pa

    places = TABLES[kind].places
    return pa.schema(
        [
            pa.field(name, arrow_type(hint, places), nullable=optional)
            for name, (hint, optional) in hints_of(kind).items()
        ]
    )


def as_table(kind: Any, rows: Sequence[Any]) -> Any:
    """The rows as an Arrow table in the order of their key.

    Raises:
        InvalidState: a value does not fit its column, which is named.
    """
    import pyarrow as pa

    schema, hints = schema_of(kind), hints_of(kind)
    ordered = sorted(rows, key=attrgetter(*TABLES[kind].key))
    columns: Any = zip(*map(_getter(kind), ordered), strict=True) if ordered else ((),) * len(hints)
    arrays = []
    for (name, (hint, optional)), values in zip(hints.items(), columns, strict=True):
        if isinstance(hint, type) and issubclass(hint, Enum):
            values = [None if value is None else value.value for value in values]  # noqa: PLW2901
        if not optional and None in values:
            raise InvalidState(f"{table_name(kind)}.{name}: a value is unknown that may not be")
        try:
            arrays.append(_array(values, hint, schema.field(name).type))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as refusal:
            raise InvalidState(f"{table_name(kind)}.{name}: {refusal}") from None
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], hint: Any, kind: Any) -> Any:
    """A column of Arrow; instants by way of whole numbers, because Arrow's own way takes twice as long."""
    import pyarrow as pa

    if hint is not datetime:
        return pa.array(values, type=kind)
    stamps = [None if value is None else (value - EPOCH) // MICROSECOND for value in values]
    return pa.array(stamps, type=pa.int64()).cast(kind)


def as_rows(kind: Any, table: Any) -> list[Any]:
    """The rows of an Arrow table of this kind; fields that are not kept cannot be given back.

    Raises:
        TypeError: the kind keeps fewer fields than it has.
    """
    if TABLES[kind].without:
        raise TypeError(f"{table_name(kind)} does not keep {', '.join(TABLES[kind].without)}")
    hints = hints_of(kind)
    columns = [values_of(table.column(name), hints[name][0]) for name in hints]
    if is_dataclass(kind):
        made: Any = kind
        return [made(**dict(zip(hints, values, strict=True))) for values in zip(*columns, strict=True)]
    return [kind(*values) for values in zip(*columns, strict=True)]


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def values_of(column: Any, hint: Any) -> list[Any]:
    """A column's values; by way of text and whole numbers, because Arrow's own way takes two to ten times as long."""
    import pyarrow as pa

    if hint is Decimal:
        texts = column.cast(pa.string()).to_pylist()
        return [None if text is None else Decimal(text) for text in texts]
    if hint is datetime:
        stamps = column.cast(pa.int64()).to_pylist()
        return [None if stamp is None else EPOCH + stamp * MICROSECOND for stamp in stamps]
    if hint is date:
        days = column.cast(pa.int32()).to_pylist()
        known = {day: None if day is None else date.fromordinal(_FIRST + day) for day in set(days)}
        return [known[day] for day in days]
    values: list[Any] = column.to_pylist()
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [None if value is None else hint(value) for value in values]
    return values


_FIRST = date(1970, 1, 1).toordinal()


def _getter(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    if not is_dataclass(kind) and not TABLES[kind].without:
        return tuple
    return attrgetter(*hints_of(kind))
