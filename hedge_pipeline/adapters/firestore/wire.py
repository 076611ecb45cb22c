"""Plain values to Firestore's messages and back, without loss in what ``payload_checks`` lets through.

Messages are filled in place: Google's wrappers around them cost more than the request.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def encode_fields(target: Any, fields: Mapping[str, Any]) -> None:
    """Fill a message's map of values."""
    for name, value in fields.items():
        _encode(target[name], value)


def _encode(target: Any, value: Any) -> None:
    if value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, datetime):
        target.timestamp_value.FromDatetime(value.astimezone(UTC))
    elif isinstance(value, Mapping):
        target.map_value.SetInParent()
        encode_fields(target.map_value.fields, value)
    elif isinstance(value, list | tuple):
        target.array_value.SetInParent()
        for item in value:
            _encode(target.array_value.values.add(), item)
    else:
        raise TypeError(f"{type(value).__name__} has no Firestore value")


def decode_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Instants to the microsecond, in UTC; a place is its two coordinates, a reference its path."""
    return {name: _decode(value) for name, value in fields.items()}


def _decode(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind is None or kind == "null_value":
        return None
    if kind == "timestamp_value":
        return value.timestamp_value.ToDatetime(tzinfo=UTC)
    if kind == "map_value":
        return decode_fields(value.map_value.fields)
    if kind == "array_value":
        return [_decode(item) for item in value.array_value.values]
    if kind == "geo_point_value":
        return {"latitude": value.geo_point_value.latitude, "longitude": value.geo_point_value.longitude}
    return getattr(value, kind)
