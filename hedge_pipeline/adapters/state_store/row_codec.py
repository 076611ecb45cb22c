"""Whole rows as the values of their columns, and back."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints

from hedge_pipeline.adapters.state_store import scalars
from hedge_pipeline.adapters.state_store.forms import SQLITE, column_codec, is_scalar
from hedge_pipeline.adapters.state_store.json_codec import Way, each, fields_getter, without_none
from hedge_pipeline.adapters.state_store.refusal import RefusedValueError
from hedge_pipeline.adapters.state_store.tables import TABLES
from hedge_pipeline.domain.errors import InvalidState

Row = TypeVar("Row")


class RowCodec(Generic[Row]):
    """Both directions of one row class on one engine."""

    def __init__(self, row_class: type[Row], engine: str) -> None:
        hints = get_type_hints(row_class)
        self._row_class = row_class
        self._table = TABLES[row_class].name
        self._names = [field.name for field in fields(row_class)]  # type: ignore[arg-type]  # rows are dataclasses
        codecs = [column_codec(hints[name], engine) for name in self._names]
        self._encoders = [codec.encode for codec in codecs]
        self._decoders = [codec.decode for codec in codecs]
        self._plain = [
            codec.decode if is_scalar(hints[name]) else _as_it_lies
            for name, codec in zip(self._names, codecs, strict=True)
        ]
        unwrapped = {name: without_none(hints[name]) for name in self._names}
        self._money = {
            name: optional
            for name, (kind, optional) in unwrapped.items()
            if engine == SQLITE and kind is Decimal
        }
        self._values_of = fields_getter(row_class)

    def encode(self, row: Row) -> list[Any]:
        """Values of the columns in order.

        Raises:
            InvalidState: a value may not be stored; names the field.
        """
        return self._each(self._encoders, self._values_of(row))

    def decode(self, values: Sequence[Any]) -> Row:
        """The row of these columns.

        Raises:
            InvalidState: what is stored is not what was written; names the field.
        """
        return self._row_class(**dict(zip(self._names, self._each(self._decoders, values), strict=True)))

    def decode_columns(self, names: Sequence[str], found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """These columns of many rows.

        Raises:
            InvalidState: what is stored is not what was written; names the field.
        """
        return self._many([self._decoders[self._names.index(name)] for name in names], names, found)

    def plain_columns(self, names: Sequence[str], found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The same, with nested values and enumerations as the text that is stored.

        Raises:
            InvalidState: what is stored is not what was written; names the field.
        """
        return self._many([self._plain[self._names.index(name)] for name in names], names, found)

    def _many(
        self, ways: Sequence[Way], names: Sequence[str], found: Sequence[Sequence[Any]]
    ) -> list[tuple[Any, ...]]:
        """Column by column: a call per value is more than a year of minutes can afford where it is money."""
        try:
            columns = zip(*found, strict=True) if found else [()] * len(ways)
            decoded = [
                scalars.moneys_of(values, optional=self._money[name])
                if name in self._money
                else [*map(way, values)]
                for name, way, values in zip(names, ways, columns, strict=True)
            ]
            return list(zip(*decoded, strict=True))
        except RefusedValueError:
            for values in found:
                self._each(ways, values, names)
            raise

    def encode_one(self, name: str, value: Any) -> Any:
        """One value, to be compared with its column or written into it."""
        index = self._names.index(name)
        return self._each(self._encoders[index : index + 1], [value], [name])[0]

    def _each(
        self, ways: Sequence[Way], values: Sequence[Any], names: Sequence[str] | None = None
    ) -> list[Any]:
        try:
            return each(ways, values, names or self._names)
        except RefusedValueError as refused:
            raise InvalidState(str(refused.within(self._table))) from None


def _as_it_lies(value: Any) -> Any:
    return value


@cache
def row_codec(row_class: type[Any], engine: str) -> RowCodec[Any]:
    """The codec of a row class, made once.

    Raises:
        TypeError: no table is made of it.
    """
    if row_class not in TABLES:
        raise TypeError(f"{row_class.__name__} is a row of no table")
    return RowCodec(row_class, engine)
