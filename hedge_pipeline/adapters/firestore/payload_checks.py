"""Payloads that must not leave: a path Firestore cannot have, an envelope that orders nothing, values it would bend.

The client stores NaN, takes a set for an array and a naive instant for UTC without a word; here each is a refusal.
"""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from hedge_pipeline.domain.publication.deliveries import Payload

_LONGEST_NAME = 1500
"""Bytes of UTF-8 in a segment of a path or a field's name."""
_DEEPEST = 20
_ENVELOPE = {
    "schema_version": int,
    "env": str,
    "writer_id": str,
    "run_id": str,
    "as_of": datetime,
    "published_at": datetime,
    "expires_at": datetime,
    "seq": int,
    "stale": bool,
}


def payload_fault(payload: Payload, *, env: str, own_writers: AbstractSet[str]) -> str | None:
    """Why it may not be sent, with the remedy; ``None``: it may."""
    return (
        path_fault(payload.path)
        or _envelope_fault(payload.fields)
        or _belonging_fault(payload.fields, env, own_writers)
        or _map_fault("", payload.fields)
    )


def path_fault(path: str, *, of_collection: bool = False) -> str | None:
    """Why nothing can lie there."""
    segments = path.split("/")
    if len(segments) % 2 != of_collection:
        kind, count = ("collection", "an odd") if of_collection else ("document", "an even")
        return f"path {path!r}: a {kind}'s path has {count} number of segments"
    bad = [segment for segment in segments if segment in {"", ".", ".."} or _name_fault(segment)]
    return f"path {path!r}: a segment is empty, reserved or too long" if bad else None


def _envelope_fault(fields: Mapping[str, Any]) -> str | None:
    for name, kind in _ENVELOPE.items():
        value = fields.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return f"field {name}: {_kind(value)}, where {kind.__name__} is needed"
    if fields["schema_version"] < 1:
        return f"field schema_version: {fields['schema_version']}, where 1 is the first"
    empty = [name for name in ("env", "writer_id", "run_id") if not fields[name]]
    return f"field {empty[0]}: empty" if empty else None


def _belonging_fault(fields: Mapping[str, Any], env: str, own_writers: AbstractSet[str]) -> str | None:
    if fields["env"] != env:
        return f"field env: {fields['env']!r}, and this publisher publishes {env!r}"
    if fields["writer_id"] not in own_writers:
        return f"field writer_id: {fields['writer_id']!r} is not among our own writers"
    return None


def _value_fault(where: str, value: Any, depth: int, *, in_array: bool = False) -> str | None:
    if depth > _DEEPEST:
        return f"field {where}: nested deeper than {_DEEPEST}"
    if isinstance(value, Mapping):
        return _map_fault(f"{where}.", value, depth + 1)
    if isinstance(value, list | tuple):
        if in_array:
            return f"field {where}: an array within an array, which Firestore does not have"
        inner = (
            _value_fault(f"{where}[{n}]", item, depth + 1, in_array=True) for n, item in enumerate(value)
        )
        return next(filter(None, inner), None)
    fault = _scalar_fault(value)
    return None if fault is None else f"field {where}: {fault}"


def _scalar_fault(value: Any) -> str | None:
    fault: str | None = None
    if isinstance(value, str):
        fault = None if _encodes(value) else "holds half a character"
    elif type(value) is int:
        fault = None if -(2**63) <= value < 2**63 else "beyond 64 bits: send its exact text"
    elif type(value) is float:
        fault = None if math.isfinite(value) else f"{value} is no value: leave it out, and say why"
    elif type(value) is datetime:
        fault = None if value.utcoffset() is not None else "an instant without its zone"
    elif value is not None and type(value) is not bool:
        fault = f"{_kind(value)} cannot be sent exactly: convert it (money is its exact text)"
    return fault


def _map_fault(where: str, fields: Mapping[Any, Any], depth: int = 1) -> str | None:
    for name, value in fields.items():
        if not isinstance(name, str) or not name or _name_fault(name):
            return f"field {where}{name!r}: a name is text, not empty, not reserved, of at most {_LONGEST_NAME} bytes"
        fault = _value_fault(f"{where}{name}", value, depth)
        if fault is not None:
            return fault
    return None


def _name_fault(name: str) -> bool:
    return (
        not _encodes(name)
        or len(name.encode()) > _LONGEST_NAME
        or (len(name) >= 4 and name.startswith("__") and name.endswith("__"))
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
