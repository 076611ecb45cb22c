"""What can be done to the values of a row: by the type of their field, so that nothing stays valid by accident."""

import random
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, get_args, get_origin, get_type_hints

import pandas as pd

from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.reserves import Place
from hedge_pipeline.domain.schemas import SCHEMAS
from hedge_pipeline_tests.hostile.counting import CANARY, CANARY_URL
from hedge_pipeline_tests.hostile.mutations import (
    Path,
    Spoil,
    Spoilers,
    among,
    digits,
    floating,
    half_pair,
    nested_list,
    nested_table,
    word,
)

DAY = timedelta(days=1)
FIRST, LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def instant(draw: random.Random, first: datetime, last: datetime) -> datetime:
    """To the second, the last excluded."""
    return first + timedelta(seconds=draw.randrange(int((last - first).total_seconds())))


def near(draw: random.Random) -> datetime:
    return instant(draw, FIRST, LAST)


def naive(draw: random.Random) -> datetime:
    return near(draw).replace(tzinfo=None)


OTHERS: Spoilers = {
    "a list": nested_list,
    "a table": nested_table,
    "bytes": lambda draw: word(draw).encode(),
    "pandas' nothing": among(pd.NA, pd.NaT),
    "a class": among(dict, Decimal, datetime),
    "a complex number": lambda draw: complex(floating(draw), 1),
}
"""Wrong for every field."""

WORDS: Spoilers = {
    "a word": word,
    "a secret": lambda draw: draw.choice([CANARY, CANARY_URL]) + word(draw),
    "half a surrogate pair": lambda draw: half_pair(draw, word(draw)),
}
FLOATS: Spoilers = {
    "a float": floating,
    "NaN": among(float("nan")),
    "infinity": among(float("inf"), float("-inf")),
}
WHOLES: Spoilers = {"an integer": lambda draw: draw.randrange(2, 10**9)}
FLAGS: Spoilers = {"a flag": among(True, False)}
FRACTIONS: Spoilers = {"a Decimal": lambda draw: Decimal(digits(draw, 1, 9)).scaleb(-4)}
INSTANTS: Spoilers = {"an instant": near}

SCALARS: dict[Any, Spoilers] = {
    Decimal: {
        **OTHERS, **WORDS, **FLOATS, **WHOLES, **FLAGS, **INSTANTS,
        "NaN money": lambda draw: Decimal(draw.choice(["NaN", "-NaN", "sNaN", f"NaN{draw.randrange(10**6)}"])),
        "infinite money": among(Decimal("Infinity"), Decimal("-Infinity")),
        "huge": lambda draw: Decimal(draw.choice(["", "-"]) + digits(draw, 1, 9)).scaleb(draw.randint(24, 9999)),
        "tiny": lambda draw: Decimal(draw.choice(["", "-"]) + digits(draw, 1, 9)).scaleb(-draw.randint(58, 9999)),
        "money in text": lambda draw: f"{digits(draw, 1, 9)}.{digits(draw, 1, 8)}",
        "a fraction": lambda draw: Fraction(draw.randrange(1, 10**6), 7),
    },
    datetime: {
        **OTHERS, **WORDS, **FLOATS, **WHOLES, **FLAGS,
        "no time zone": naive,
        "another time zone": lambda draw: near(draw).astimezone(timezone(timedelta(minutes=draw.choice([-330, -60, 60, 330])))),
        "1970": lambda draw: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(10**7)),
        "before 2015": lambda draw: instant(draw, datetime(1, 1, 2, tzinfo=UTC), FIRST),
        "after 2121": lambda draw: instant(draw, datetime(2121, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
        "ISO text": lambda draw: near(draw).isoformat(),
        "milliseconds": lambda draw: int(near(draw).timestamp() * 1000),
        "nanoseconds": lambda draw: int(near(draw).timestamp()) * 10**9,
        "seconds": lambda draw: near(draw).timestamp(),
        "a day": lambda draw: near(draw).date(),
    },
    date: {
        **OTHERS, **WORDS, **FLOATS, **WHOLES, **FLAGS, **INSTANTS,
        "before 2015": lambda draw: instant(draw, datetime(1, 1, 1, tzinfo=UTC), FIRST).date(),
        "after 2100": lambda draw: instant(draw, LAST, datetime.max.replace(tzinfo=UTC)).date(),
        "ISO text": lambda draw: near(draw).date().isoformat(),
        "midnight": lambda draw: datetime.combine(near(draw).date(), datetime.min.time(), UTC),
    },
    bool: {
        **OTHERS, **WORDS, **FLOATS, **WHOLES, **FRACTIONS,
        "a number for a flag": among(0, 1, 0.0, 1.0, Decimal(1)),
        "text for a flag": lambda draw: draw.choice(["true", "false", "yes", "no", "0", "1"]) + " " * draw.randint(0, 9),
    },
    int: {
        **OTHERS, **WORDS, **FLOATS, **FLAGS, **FRACTIONS,
        "beyond 64 bits": lambda draw: draw.choice([-1, 1]) * int(digits(draw, 20, 400)),
        "endless digits": lambda draw: 10 ** draw.randint(5000, 9000),
        "a number in text": lambda draw: digits(draw, 1, 9),
    },
    str: {
        **OTHERS, **FLOATS, **WHOLES, **FLAGS, **FRACTIONS, **INSTANTS,
        "half a surrogate pair": WORDS["half a surrogate pair"],
        "a NUL character": lambda draw: f"{word(draw)}\0{word(draw)}",
        "a file for a word": lambda draw: CANARY * draw.randint(700, 900),
        "a member": among(*Place, *FlowPurpose),
    },
    float: {
        **OTHERS, **WORDS, **WHOLES, **FLAGS, **FRACTIONS,
        "NaN": FLOATS["NaN"],
        "infinity": FLOATS["infinity"],
    },
    timedelta: {
        **OTHERS, **WORDS, **FLOATS, **WHOLES, **FLAGS, **INSTANTS,
        "longer than a century": lambda draw: draw.choice([-1, 1]) * draw.randint(40_000, 10**8) * DAY,
    },
}  # fmt: skip


def _members(kind: type[Enum]) -> Spoilers:
    other = FlowPurpose if kind is not FlowPurpose else Place
    values: list[Any] = [member.value for member in kind]
    return {
        **OTHERS,
        **WORDS,
        **FLOATS,
        "its bare value": among(*values),
        "its name": among(*(member.name for member in kind)),
        "a member of another": among(*other),
        "a number": lambda draw: draw.randrange(3, 10**9),
    }


def _tuples(value: Any) -> Spoilers:
    return {
        **{deed: spoil for deed, spoil in OTHERS.items() if deed != "a list"},
        **WORDS,
        **FLOATS,
        **WHOLES,
        "a list of the same": lambda draw: [*value] * draw.randint(1, 40),
        "one of another kind": lambda draw: (*value, *draw.choice([[None], [nested_list(draw)], [floating(draw)], [near(draw)]])),
        "nested once more": lambda draw: (value,) * draw.randint(1, 40),
    }  # fmt: skip


def _records(value: Any) -> Spoilers:
    as_table = {field.name: getattr(value, field.name) for field in fields(value)}
    return {
        **OTHERS,
        **WORDS,
        **FLOATS,
        "a table of the same": lambda draw: as_table | {word(draw): 1},
        "a tuple of the same": lambda draw: tuple(as_table.values()) * draw.randint(1, 40),
    }


def row_places(row: Any) -> dict[Path, Spoilers]:
    """Every value of a row, nested ones too, with what its field cannot hold."""
    found: dict[Path, Spoilers] = {}
    hints = get_type_hints(type(row))
    for field in fields(row):
        found |= _places(hints[field.name], getattr(row, field.name), (field.name,))
        found[field.name,] = {**found[field.name,], **_beyond_bounds(type(row), field.name)}
    return found


def _places(hint: Any, value: Any, path: Path) -> dict[Path, Spoilers]:
    inner, optional = without_none(hint)
    nothing: Spoilers = {} if optional else {"nothing": among(None)}
    if get_origin(inner) is tuple:
        found: dict[Path, Spoilers] = {path: {**_tuples(value or ()), **nothing}}
        parts = get_args(inner)
        for number, item in enumerate(value or ()):
            part = parts[0] if parts[-1] is Ellipsis else parts[number]
            found |= _places(part, item, (*path, number))
        return found
    if isinstance(inner, type) and issubclass(inner, Enum):
        return {path: {**_members(inner), **nothing}}
    if not is_dataclass(inner):
        return {path: {**SCALARS[inner], **nothing}}
    if value is None:
        return {path: {**OTHERS, **WORDS, **FLOATS}}
    found = {path: {**_records(value), **nothing}}
    hints = get_type_hints(inner)
    for field in fields(inner):
        found |= _places(hints[field.name], getattr(value, field.name), (*path, field.name))
    return found


def _beyond_bounds(row_class: type[Any], name: str) -> Spoilers:
    """Values of the right type outside what the column allows."""
    spoilers: dict[str, Spoil] = {}
    for check in SCHEMAS[row_class].to_schema().columns[name].checks:
        stated = check.statistics or {}
        low, high = stated.get("min_value"), stated.get("max_value")
        match check.name:
            case "greater_than" | "greater_than_or_equal_to":
                whole = isinstance(low, int) and _is_count(row_class, name)
                spoilers["below its bound"] = _below(low, int if whole else Decimal)
            case "less_than" | "less_than_or_equal_to":
                spoilers["above its bound"] = _above(high)
            case "not_equal_to":
                spoilers["zero"] = among(Decimal(0), Decimal("0.00"), Decimal("-0"))
            case "str_length":
                spoilers["empty text"] = among("")
            case "str_matches" | "isin":
                spoilers["text of another form"] = lambda draw: word(draw).upper()
            case _:
                raise AssertionError(f"nobody knows how to break {check.name} of {name}")
    return spoilers


def _below(low: Any, of: type[Any]) -> Spoil:
    return lambda draw: of(low) - of(draw.randrange(1, 10**9))


def _above(high: Any) -> Spoil:
    return lambda draw: Decimal(high) + draw.randrange(1, 10**9)


def _is_count(row_class: type[Any], name: str) -> bool:
    return without_none(get_type_hints(row_class)[name])[0] is int
