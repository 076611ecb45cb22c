"""What can be done to nested values as they are stored: only the one text that the store itself writes is valid."""

from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline_tests.hostile.mutations import (
    Path,
    Spoilers,
    among,
    digits,
    floating,
    half_pair,
    named,
    word,
)
from hedge_pipeline_tests.hostile.row_spoilers import near
from hedge_pipeline_tests.hostile.wire_spoilers import FLAG, FLAGS, MONEY, NUMBERS, SHAPES, TEXTS, container

NUMBER_TEXT: Spoilers = {
    **{deed: spoil for deed, spoil in MONEY.items() if deed not in {"huge", "tiny", "too many places"}},
    "an exponent": lambda draw: f"{digits(draw, 1, 9)}{draw.choice('eE')}{draw.randint(-99, 99)}",
    "a sign inside": lambda draw: f"{digits(draw, 1, 9)}-{digits(draw, 1, 9)}",
    "digits beyond money": lambda draw: digits(draw, 801, 900),
}
INSTANT_TEXT: Spoilers = {
    **SHAPES,
    **FLAGS,
    **NUMBERS,
    **TEXTS,
    "no time zone": lambda draw: near(draw).replace(tzinfo=None).isoformat(timespec="microseconds"),
    "another time zone": lambda draw: near(draw).replace(tzinfo=None).isoformat(timespec="microseconds") + "+02:00",
    "Z for a zone": lambda draw: near(draw).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z",
    "seconds alone": lambda draw: near(draw).isoformat(timespec="seconds"),
    "a blank for the T": lambda draw: near(draw).isoformat(" ", timespec="microseconds"),
    "a day alone": lambda draw: near(draw).date().isoformat(),
    "no such day": lambda draw: f"20{draw.randint(16, 99)}-02-{draw.randint(30, 99)}T00:00:00.000000+00:00",
    "no such hour": lambda draw: f"20{draw.randint(16, 99)}-02-01T{draw.randint(24, 99)}:00:00.000000+00:00",
    "milliseconds": lambda draw: int(near(draw).timestamp() * 1000),
    "milliseconds in text": lambda draw: str(int(near(draw).timestamp() * 1000)),
}  # fmt: skip
SCALARS: dict[Any, Spoilers] = {
    Decimal: NUMBER_TEXT,
    datetime: INSTANT_TEXT,
    date: {
        **{deed: INSTANT_TEXT[deed] for deed in ("no time zone", "milliseconds", "milliseconds in text")},
        **SHAPES, **FLAGS, **NUMBERS, **TEXTS,
        "no such day": lambda draw: f"20{draw.randint(16, 99)}-02-{draw.randint(30, 99)}",
        "digits alone": lambda draw: near(draw).strftime("%Y%m%d"),
        "a week": lambda draw: f"2026-W{draw.randint(10, 52)}-{draw.randint(1, 7)}",
    },
    timedelta: {
        **NUMBER_TEXT,
        "finer than a microsecond": lambda draw: f"{digits(draw, 1, 6)}.{digits(draw, 7, 20)}1",
        "longer than any duration": lambda draw: digits(draw, 20, 300),
    },
    bool: FLAG,
    int: {
        **SHAPES, **FLAGS, **TEXTS,
        "a float": floating,
        "beyond 64 bits": lambda draw: draw.choice([-1, 1]) * int(digits(draw, 20, 400)),
        "a number in text": lambda draw: digits(draw, 1, 9),
    },
    str: {
        **SHAPES, **FLAGS, **NUMBERS,
        "a float": floating,
        "half a surrogate pair": lambda draw: half_pair(draw, word(draw)),
        "a NUL character": lambda draw: f"{word(draw)}\0{word(draw)}",
    },
    float: {
        **SHAPES, **FLAGS, **TEXTS,
        "a number in text": lambda draw: digits(draw, 1, 9),
        "beyond floats": lambda draw: int(digits(draw, 310, 400)),
    },
}  # fmt: skip


def stored_places(hint: Any, stored: Any, path: Path = ()) -> dict[Path, Spoilers]:
    """Every value below a stored column, with what its type cannot be read from."""
    inner, optional = without_none(hint)
    found: dict[Path, Spoilers] = {path: _at(inner, stored, optional=optional)}
    if get_origin(inner) is tuple and isinstance(stored, list):
        parts = get_args(inner)
        for number, item in enumerate(stored):
            part = parts[0] if parts[-1] is Ellipsis else parts[number]
            found |= stored_places(part, item, (*path, number))
    elif isinstance(inner, type) and is_dataclass(inner) and isinstance(stored, dict):
        hints = get_type_hints(inner)
        for field in fields(inner):
            at = (*path, field.name)
            below = stored_places(hints[field.name], stored[field.name], at)
            names = named(stored, (field.name,))
            if field.default is not MISSING:  # it may be missing: it is younger than the row
                names = {deed: spoil for deed, spoil in names.items() if deed != "the field is missing"}
            found |= {**below, at: {**below[at], **names}}
        found[path] = {**found[path], "an unknown field": lambda draw: {**stored, word(draw): 1}}
    return found


def _at(inner: Any, stored: Any, *, optional: bool) -> Spoilers:
    if get_origin(inner) is tuple or (isinstance(inner, type) and is_dataclass(inner)):
        spoilers = container(stored if stored is not None else {})
        if get_origin(inner) is tuple and get_args(inner)[-1] is not Ellipsis:
            spoilers = {**spoilers, "too long": lambda draw: stored * draw.randint(2, 40)}
    elif isinstance(inner, type) and issubclass(inner, Enum):
        spoilers = {**SHAPES, **FLAGS, **NUMBERS, **TEXTS, "other capitals": among(*_miscapitalized(inner))}
    else:
        spoilers = SCALARS[inner]
    return {deed: spoil for deed, spoil in spoilers.items() if not (optional and deed == "null")}


def _miscapitalized(kind: type[Enum]) -> list[str]:
    return [f"{member.value}".swapcase() + " " for member in kind]
