"""What a column can hold, and how a model says so."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pandera.pandas as pa
from pandera import dtypes
from pandera.engines import pandas_engine

from hedge_pipeline.domain.sources import SourceHealth

_LARGEST, _SMALLEST = 24, -48
"""Powers of ten: sums stay far below, and rests of roundings far above."""
_FROM, _UNTIL = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST = 20_000


class _Kind(pandas_engine.DataType):
    """A Python value that pandas keeps as it is; looked at one by one."""

    type = pd.api.types.pandas_dtype("object")

    @staticmethod
    def holds(value: Any) -> bool:
        raise NotImplementedError

    def check(self, pandera_dtype: Any, data_container: Any = None) -> Any:
        if data_container is None:
            return False
        return data_container.map(lambda value: value is None or self.holds(value)).astype(bool)

    def __str__(self) -> str:
        return type(self).__name__


def _kind(declared: Any) -> Any:
    return pandas_engine.Engine.register_dtype(dtypes.immutable(declared))


@_kind
class Money(_Kind):
    """A finite Decimal of a size that a sum, a price or a rounding rest can have."""

    @staticmethod
    def holds(value: Any) -> bool:
        return (
            isinstance(value, Decimal)
            and value.is_finite()
            and (not value or _SMALLEST <= value.adjusted() < _LARGEST)
        )


@_kind
class Instant(_Kind):
    """An aware datetime in UTC, in this century: anything else was read in the wrong unit."""

    @staticmethod
    def holds(value: Any, before: datetime = _UNTIL) -> bool:
        # Exactly a datetime: pandas' NaT is one too, and has no offset to ask for.
        return type(value) is datetime and value.utcoffset() == timedelta(0) and _FROM <= value < before


@_kind
class Day(_Kind):
    """A calendar day."""

    @staticmethod
    def holds(value: Any) -> bool:
        return type(value) is date and _FROM.date() <= value < _UNTIL.date()


@_kind
class Duration(_Kind):
    """A length of time above zero."""

    @staticmethod
    def holds(value: Any) -> bool:
        return type(value) is timedelta and value > timedelta(0)


@_kind
class Flag(_Kind):
    """True or false."""

    @staticmethod
    def holds(value: Any) -> bool:
        return isinstance(value, bool)


@_kind
class Count(_Kind):
    """A whole number of 64 bits."""

    @staticmethod
    def holds(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, (bool, Enum)) and -(2**63) <= value < 2**63


@_kind
class Text(_Kind):
    """Valid Unicode that is no enumeration and no file poured into a field."""

    @staticmethod
    def holds(value: Any) -> bool:
        if not isinstance(value, str) or isinstance(value, Enum) or len(value) > _LONGEST or "\0" in value:
            return False
        return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)


@_kind
class Member(_Kind):
    """One of an enumeration."""

    @staticmethod
    def holds(value: Any) -> bool:
        return isinstance(value, Enum)


@_kind
class Nested(_Kind):
    """A value object, or a tuple of them."""

    @staticmethod
    def holds(value: Any) -> bool:
        return isinstance(value, tuple) or hasattr(value, "__dataclass_fields__")


def column(description: str, **bounds: Any) -> Any:
    """A column that is always known."""
    return pa.Field(description=description, **bounds)


def maybe(description: str, **bounds: Any) -> Any:
    """A column that is ``None`` while unknown. Bounds are for what is known."""
    return pa.Field(description=description, nullable=True, **bounds)


def promise(holds: Callable[[Any, Any], bool]) -> Any:
    """A method of ``(cls, row)`` that is true of every row. Its name says what holds.

    What cannot be computed of a row, as a quotient by zero or a sum with what is unknown, does not hold.
    """

    @wraps(holds)
    def of_one(cls: Any, row: Any) -> bool:
        try:
            return holds(cls, SimpleNamespace(**row))  # a Series has attributes of its own, as ``values``
        except (ArithmeticError, TypeError):
            return False

    return pa.dataframe_check(of_one, element_wise=True)


class Table(pa.DataFrameModel):
    """What every table is: these columns, all of them, in this order."""

    class Config:
        strict = True
        ordered = True


def are_explained(sources: tuple[SourceHealth, ...]) -> bool:
    """A source that failed says why and gives no instant; one that did not, says nothing."""
    return all(bool(source.error) != source.ok and (source.ok or source.as_of is None) for source in sources)
