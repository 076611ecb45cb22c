"""Hot rows as they lay in the state store: scalars typed, money and nested values as their text, behind their row ids."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from hedge_pipeline.adapters.history.tables import values_of
from hedge_pipeline.domain.history.hot import HOT

FOLDER = "archive"


def archive_name(table: type[Any]) -> str:
    return f"{FOLDER}/{HOT[table]}"


@cache
def kinds_of(table: Any) -> dict[str, Any]:
    """Each column's type: a scalar's, or ``None`` for what lies as text."""
    hints = get_type_hints(table)
    return {field.name: _scalar(hints[field.name]) for field in fields(table)}


def _scalar(hint: Any) -> Any:
    some = [arg for arg in get_args(hint) if arg is not NoneType]
    inner = some[0] if some and len(some) < len(get_args(hint)) else hint
    if isinstance(inner, type) and issubclass(inner, Enum):
        return None
    return inner if inner in {str, int, bool, Decimal, datetime, date} else None


@cache
def archive_schema(table: Any) -> Any:
    import pyarrow as pa

    types = {
        int: pa.int64(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", tz="UTC"),
        date: pa.date32(),
    }
    columns = [pa.field(name, types.get(kind, pa.string())) for name, kind in kinds_of(table).items()]
    return pa.schema([pa.field("seq", pa.int64(), nullable=False), *columns])


def to_arrow(table: Any, rows: Sequence[tuple[Any, ...]]) -> Any:
    """Rows in order of their row ids; money becomes text digit by digit."""
    import pyarrow as pa

    schema, kinds = archive_schema(table), [int, *kinds_of(table).values()]
    columns: Any = zip(*sorted(rows), strict=True) if rows else ((),) * len(kinds)
    arrays = [
        pa.array(map(_text, values) if kind is Decimal else values, type=field.type)
        for kind, values, field in zip(kinds, columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def from_arrow(table: Any, stored: Any) -> list[tuple[Any, ...]]:
    kinds = [int, *kinds_of(table).values()]
    columns = [
        [None if text is None else Decimal(text) for text in column.to_pylist()]
        if kind is Decimal
        else values_of(column, kind)
        for column, kind in zip(stored.columns, kinds, strict=True)
    ]
    return list(zip(*columns, strict=True))


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
