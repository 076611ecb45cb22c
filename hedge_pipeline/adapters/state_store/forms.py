"""How each kind of value lies in a column of SQLite and of Postgres, and gets in and out of it exactly.

SQLAlchemy's own ``Numeric`` loses digits on SQLite without a word and its ``DateTime`` drops the zone there.
So on SQLite money and instants are canonical text; on Postgres they are NUMERIC and TIMESTAMPTZ. Durations
are seconds as text on both. What is nested is JSON: text to us on both, JSONB to Postgres.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from hedge_pipeline.adapters.state_store import scalars
from hedge_pipeline.adapters.state_store.json_codec import (
    Way,
    enum_codec,
    is_enum,
    json_codec,
    parsed,
    without_none,
)

SQLITE = "sqlite"
POSTGRES = "postgresql"

MONEY: TypeEngine[Any] = sa.Text().with_variant(sa.Numeric(), POSTGRES)
INSTANT: TypeEngine[Any] = sa.Text().with_variant(sa.DateTime(timezone=True), POSTGRES)
DAY: TypeEngine[Any] = sa.Text().with_variant(sa.Date(), POSTGRES)
FLAG: TypeEngine[Any] = sa.Boolean()
COUNT: TypeEngine[Any] = sa.BigInteger()
TEXT: TypeEngine[Any] = sa.Text()
NESTED: TypeEngine[Any] = sa.JSON().with_variant(JSONB(), POSTGRES)

_COLUMN_TYPES: dict[Any, TypeEngine[Any]] = {
    Decimal: MONEY, datetime: INSTANT, date: DAY, bool: FLAG, int: COUNT, str: TEXT,
}  # fmt: skip


class ColumnCodec(NamedTuple):
    """Both directions of one column on one engine. NULL is ``None`` where the field allows it."""

    encode: Way
    decode: Way


def column_type(hint: Any) -> TypeEngine[Any]:
    """The column of a field's type, which is without its ``None``."""
    if is_enum(hint) or hint is timedelta:
        return TEXT
    return _COLUMN_TYPES.get(hint, NESTED)


def is_scalar(hint: Any) -> bool:
    """Whether a field's type, ``None`` aside, has a column type of its own."""
    return without_none(hint)[0] in _COLUMN_TYPES


def is_comparable(column: sa.Column[Any]) -> bool:
    """Whether SQL may compare it: equal money can be unequal text, and JSON has no order."""
    return column.type is not MONEY and column.type is not NESTED


@cache
def column_codec(hint: Any, engine: str) -> ColumnCodec:
    """The codec of a field's type on ``SQLITE`` or ``POSTGRES``."""
    inner, optional = without_none(hint)
    codec = _codec(inner, engine)
    if not optional:
        return codec
    encode, decode = codec
    return ColumnCodec(
        lambda value: None if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def _codec(hint: Any, engine: str) -> ColumnCodec:
    own = _ON_SQLITE if engine == SQLITE else _ON_POSTGRES
    if hint in own:
        return own[hint]
    if is_enum(hint):
        return ColumnCodec(*enum_codec(hint))
    nested = json_codec(hint)
    return ColumnCodec(nested.encode, lambda text: nested.decode(parsed(text)))


_ON_BOTH: dict[Any, ColumnCodec] = {
    str: ColumnCodec(scalars.words, scalars.words),
    int: ColumnCodec(scalars.count, scalars.count),
    timedelta: ColumnCodec(scalars.seconds_text, scalars.seconds_of),
}

_ON_SQLITE: dict[Any, ColumnCodec] = _ON_BOTH | {
    Decimal: ColumnCodec(scalars.money_text, scalars.money_of),
    datetime: ColumnCodec(scalars.instant_text, scalars.instant_of),
    date: ColumnCodec(scalars.day_text, scalars.day_of),
    bool: ColumnCodec(scalars.flag, lambda stored: scalars.flag({0: False, 1: True}.get(stored, stored))),
}

_ON_POSTGRES: dict[Any, ColumnCodec] = _ON_BOTH | {
    Decimal: ColumnCodec(lambda value: Decimal(scalars.money_text(value)), scalars.finite),
    datetime: ColumnCodec(scalars.utc, lambda value: value.astimezone(UTC)),
    date: ColumnCodec(scalars.day, scalars.day),
    bool: ColumnCodec(scalars.flag, scalars.flag),
}
