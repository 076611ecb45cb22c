"""Whether what stands in a row is of its field's type, to the last nested value.

Bounds and promises are judged by pandera afterwards, and only of rows that fit: an order or a sum of what is no number
says nothing, or raises.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hedge_pipeline.domain.schemas.columns import Count, Day, Flag, Instant, Money, Text

Misfits = Callable[[Any], Iterator[tuple[str, str, Any]]]
"""Of one value: path below it, what belongs there, what stands there."""

_LONGEST = 60
_LONGEST_DURATION = timedelta(days=40_000)
_AFTER_DELIVERIES = datetime.fromisoformat("2121-01-01T00:00:00+00:00")
"""Perpetual contracts are delivered at the end of 2100."""


def misfits(row: Any) -> Iterator[tuple[str, str, Any]]:
    """Everything of a row, or of a nested value, that is not of its field's type.

    Shape: dotted path, what belongs there, what stands there.
    """
    for name, of_field in _fields(type(row)):  # type: ignore[arg-type]  # a class is hashable
        for path, wanted, found in of_field(getattr(row, name)):
            yield f"{name}.{path}".rstrip("."), wanted, found


def shown(value: Any) -> str:
    """A value told without quoting text, which may have come from outside with a secret in it."""
    match value:
        case str() if not isinstance(value, Enum):
            return f"text of {len(value)} characters"
        case int() if value.bit_length() > 4 * _LONGEST:
            return "a very long number"
        case bool() | int() | float() | Decimal() | date() | timedelta() | Enum() | None:
            return f"{value!s:.{_LONGEST}}"
        case list() | tuple() | set() | frozenset():
            kinds = sorted({type(item).__name__ for item in value})
            return f"{type(value).__name__} of {', '.join(kinds) or 'nothing':.{_LONGEST}}"
        case _:
            return type(value).__name__


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Misfits], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _of(hints[field.name], field.name)) for field in fields(kind))


@cache
def _of(hint: Any, name: str = "") -> Misfits:
    if get_origin(hint) in {Union, UnionType}:
        (inner,) = (arg for arg in get_args(hint) if arg is not NoneType)
        return _unless_none(_of(inner, name))
    if get_origin(hint) is tuple:
        inside = get_args(hint)
        return _each(_of(inside[0])) if inside[-1] is Ellipsis else _pair(tuple(map(_of, inside)))
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _leaf(hint.__name__, lambda value: type(value) is hint)
    if hint is datetime and name == "delivery_at":
        return _leaf("Instant", lambda value: Instant.holds(value, before=_AFTER_DELIVERIES))
    return _leaf(*_SCALARS[hint])


def _leaf(wanted: str, holds: Callable[[Any], bool]) -> Misfits:
    def look(value: Any) -> Iterator[tuple[str, str, Any]]:
        if not holds(value):
            yield "", wanted, value

    return look


def _unless_none(inner: Misfits) -> Misfits:
    return lambda value: iter(()) if value is None else inner(value)


def _each(inner: Misfits) -> Misfits:
    def look(value: Any) -> Iterator[tuple[str, str, Any]]:
        if type(value) is not tuple:
            yield "", "tuple", value
            return
        for number, item in enumerate(value):
            for path, wanted, found in inner(item):
                yield f"{number}.{path}", wanted, found

    return look


def _pair(inners: tuple[Misfits, ...]) -> Misfits:
    def look(value: Any) -> Iterator[tuple[str, str, Any]]:
        if type(value) is not tuple or len(value) != len(inners):
            yield "", f"tuple of {len(inners)}", value
            return
        for number, (inner, item) in enumerate(zip(inners, value, strict=True)):
            for path, wanted, found in inner(item):
                yield f"{number}.{path}", wanted, found

    return look


def _record(kind: type[Any]) -> Misfits:
    def look(value: Any) -> Iterator[tuple[str, str, Any]]:
        if type(value) is not kind:
            yield "", kind.__name__, value
            return
        yield from misfits(value)

    return look


_SCALARS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    Decimal: ("Money", Money.holds),
    datetime: ("Instant", Instant.holds),
    date: ("Day", Day.holds),
    bool: ("Flag", Flag.holds),
    int: ("Count", Count.holds),
    str: ("Text", Text.holds),
    float: ("finite float", lambda value: type(value) is float and isfinite(value)),
    timedelta: ("duration", lambda value: type(value) is timedelta and abs(value) < _LONGEST_DURATION),
}
