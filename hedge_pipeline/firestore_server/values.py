"""Values of fields: Firestore's order over all of them, and what it refuses to keep."""

import math
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from hedge_pipeline.firestore_server.paths import LONGEST_NAME_BYTES, document_place, is_reserved
from hedge_pipeline.firestore_server.refusals import invalid, unknown_here
from hedge_pipeline.firestore_server.wire import Message

LONGEST_VALUE_BYTES = 1_048_487
LARGEST_DOCUMENT_BYTES = 1_048_576
DEEPEST = 20

Key = tuple[int, Any]
"""The rank of a value's type, then what orders values of one type; two keys compare as their values do."""


class Rank(IntEnum):
    """The types in the order in which Firestore sorts a field that holds several."""

    NULL = 0
    BOOLEAN = 1
    NUMBER = 2
    TIMESTAMP = 3
    STRING = 4
    BYTES = 5
    REFERENCE = 6
    GEO_POINT = 7
    ARRAY = 8
    MAP = 9


NAN: Key = (Rank.NUMBER, (False, 0.0))
"""Before every number, and in no range of them."""


def order_key(value: Message) -> Key:
    """Where a value stands among all values. Integers and doubles are one type; NaN comes before every number."""
    held = value.WhichOneof("value_type")
    if held is None:
        raise invalid("Cannot convert firestore.v1.Value with type unset.")
    rank, order = _ORDERS[held]
    return (rank, order(getattr(value, held)))


def name_key(name: str) -> tuple[bytes, ...]:
    """Documents are ordered segment by segment, so that children follow their parent."""
    return tuple(part.encode() for part in name.split("/"))


def _fields_key(fields: Message) -> tuple[tuple[bytes, Key], ...]:
    keys = ((name.encode(), order_key(value)) for name, value in fields.items())
    return tuple(sorted(keys, key=lambda field: field[0]))


_ORDERS: dict[str, tuple[Rank, Callable[[Any], Any]]] = {
    "null_value": (Rank.NULL, lambda _null: None),
    "boolean_value": (Rank.BOOLEAN, bool),
    "integer_value": (Rank.NUMBER, lambda number: (True, number)),
    "double_value": (
        Rank.NUMBER,
        lambda number: NAN[1] if math.isnan(number) else (True, number),
    ),
    "timestamp_value": (Rank.TIMESTAMP, lambda stamp: (stamp.seconds, stamp.nanos)),
    "string_value": (Rank.STRING, str.encode),
    "bytes_value": (Rank.BYTES, bytes),
    "reference_value": (Rank.REFERENCE, name_key),
    "geo_point_value": (Rank.GEO_POINT, lambda point: (point.latitude, point.longitude)),
    "array_value": (Rank.ARRAY, lambda array: tuple(map(order_key, array.values))),
    "map_value": (Rank.MAP, lambda inner: _fields_key(inner.fields)),
}


def is_nan(value: Message) -> bool:
    return value.WhichOneof("value_type") == "double_value" and math.isnan(value.double_value)


def is_null(value: Message) -> bool:
    return bool(value.WhichOneof("value_type") == "null_value")


def keep(document: Message) -> None:
    """Refuse what Firestore does not keep, and cut timestamps to its microseconds."""
    for name, value in document.fields.items():
        if not name:
            raise invalid("The property.name is the empty string.")
        if is_reserved(name):
            raise invalid(f"field name {name} is reserved")
        if len(name.encode()) > LONGEST_NAME_BYTES:
            raise invalid(f"The property.name is longer than {LONGEST_NAME_BYTES} bytes.")
        try:
            _keep(value, depth=0)
        except _TooLong:
            raise invalid(
                f'The value of property "{name}" is longer than {LONGEST_VALUE_BYTES} bytes.'
            ) from None
        except _InvalidInside:
            raise invalid(f"Property {name} contains an invalid nested entity.") from None


def refuse_too_large(document: Message) -> None:
    if _document_bytes(document) > LARGEST_DOCUMENT_BYTES:
        raise invalid(f"maximum entity size is {LARGEST_DOCUMENT_BYTES} bytes")


class _TooLong(Exception):
    pass


class _InvalidInside(Exception):
    pass


def _keep(value: Message, *, depth: int) -> None:
    match value.WhichOneof("value_type"):
        case None:
            raise invalid("Cannot convert firestore.v1.Value with type unset.")
        case "timestamp_value":
            value.timestamp_value.nanos -= value.timestamp_value.nanos % 1000
        case "string_value":
            _refuse_long(len(value.string_value.encode()))
        case "bytes_value":
            _refuse_long(len(value.bytes_value))
        case "reference_value":
            document_place(value.reference_value, "Resource")
        case "geo_point_value":
            _keep_point(value.geo_point_value)
        case "array_value":
            _keep_array(value.array_value.values, depth=depth)
        case "map_value":
            _keep_map(value.map_value.fields, depth=depth + 1)


def _keep_array(elements: Message, *, depth: int) -> None:
    for each in elements:
        if each.WhichOneof("value_type") == "array_value":
            raise invalid("Cannot convert an array value in an array value.")
        _keep(each, depth=depth)


def _keep_map(fields: Message, *, depth: int) -> None:
    if depth > DEEPEST:
        raise _InvalidInside
    if "__type__" in fields:
        raise unknown_here("a map with __type__, as a vector is,")
    for name, value in fields.items():
        if is_reserved(name):
            raise invalid(f"field name '{name}' is reserved.")
        if not name or len(name.encode()) > LONGEST_NAME_BYTES:
            raise _InvalidInside
        try:
            _keep(value, depth=depth)
        except _TooLong:
            raise _InvalidInside from None


def _keep_point(point: Message) -> None:
    for name, degrees, limit in (("latitude", point.latitude, 90.0), ("longitude", point.longitude, 180.0)):
        if not abs(degrees) <= limit:
            raise invalid(f"Geo point {name} '{degrees}' outside permitted range -{limit} to {limit}.")


def _refuse_long(size: int) -> None:
    if size > LONGEST_VALUE_BYTES:
        raise _TooLong


def _document_bytes(document: Message) -> int:
    """As https://firebase.google.com/docs/firestore/storage-size counts it, and as the emulator does what is empty."""
    path = document.name.split("/documents/", 1)[1].split("/")
    return sum(len(part.encode()) + 1 for part in path) + 16 + _fields_bytes(document.fields) + 32


def _fields_bytes(fields: Message) -> int:
    return sum(len(name.encode()) + 1 + _value_bytes(value) for name, value in fields.items())


def _value_bytes(value: Message) -> int:
    held = value.WhichOneof("value_type")
    return _SIZES[held](getattr(value, held))


_SIZES: dict[str, Callable[[Any], int]] = {
    "null_value": lambda _null: 1,
    "boolean_value": lambda _flag: 1,
    "integer_value": lambda _number: 8,
    "double_value": lambda _number: 8,
    "timestamp_value": lambda _stamp: 8,
    "string_value": lambda text: len(text.encode()) + 1,
    "bytes_value": len,
    "reference_value": lambda name: len(name.encode()) + 16,
    "geo_point_value": lambda _point: 16,
    "array_value": lambda array: sum(map(_value_bytes, array.values)) or 1,
    "map_value": lambda inner: _fields_bytes(inner.fields) or 1,
}
