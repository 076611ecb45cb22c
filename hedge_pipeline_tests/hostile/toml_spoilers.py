"""What can be done to the values of a TOML file a person edits: by the type a setting has."""

from datetime import date, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from hedge_pipeline.settings.values import Section
from hedge_pipeline_tests.hostile.counting import CANARY, CANARY_URL
from hedge_pipeline_tests.hostile.mutations import (
    Again,
    Path,
    Raw,
    Renamed,
    Spoilers,
    among,
    digits,
    misspelled,
    nested_list,
    nested_table,
    word,
)

SYNTAX = frozenset(
    {"the field is there twice", "cut off", "no UTF-8", "half a surrogate pair", "endless digits", "a bare word",
     "an endless exponent", "nesting without end"}
)  # fmt: skip
"""What makes the whole file unreadable."""

BROKEN: Spoilers = {
    "cut off": lambda draw: Raw(draw.choice(['"', "[", "{", '"""', "'", "[1, "]) + word(draw)),
    "no UTF-8": lambda draw: Raw(f'"{word(draw)}{chr(draw.randrange(0xDC80, 0xDD00))}"'),
    "half a surrogate pair": lambda draw: Raw(f'"{word(draw)}\\ud{draw.randrange(0x800, 0xFFF):x}"'),
    "endless digits": lambda draw: Raw(draw.choice("123456789") * draw.randint(4301, 6000)),
    "an endless exponent": lambda draw: Raw(f"{draw.randint(1, 9)}e{digits(draw, 20, 60)}"),
    "a bare word": lambda draw: Raw(word(draw)),
    "nesting without end": lambda draw: Raw("[" * draw.randint(3000, 9000)),
}
SECRETS: Spoilers = {
    "a secret": lambda draw: draw.choice([CANARY, CANARY_URL, f"x{CANARY}"]) + word(draw),
}
DATES: Spoilers = {
    "a date": lambda draw: Raw(f"20{draw.randint(10, 99)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"),
    "an instant": lambda draw: Raw(
        f"20{draw.randint(10, 99)}-01-1{draw.randint(0, 9)}T0{draw.randint(0, 9)}:00:00Z"
    ),
    "a time of day": lambda draw: Raw(f"1{draw.randint(0, 9)}:{draw.randint(10, 59)}:00"),
}
CONTAINERS: Spoilers = {
    "a list": nested_list,
    "a table": nested_table,
    "a list of secrets": lambda draw: [CANARY + word(draw)],
}
TEXT: Spoilers = {
    "text": word,
    "a template": lambda draw: "${" + word(draw) + "}",
    "unset": lambda draw: "${" + word(draw).upper() + "}",
}
FLAGS: Spoilers = {"a flag": among(True, False)}
FLOATS: Spoilers = {"a float": lambda draw: round(draw.uniform(-1e6, 1e6), 6) + 0.0000005}
WHOLES: Spoilers = {"an integer": lambda draw: draw.randrange(-(10**9), 10**9)}
NOT_NUMBERS: Spoilers = {
    "NaN": among(Raw("nan"), Raw("-nan"), Raw("+nan")),
    "infinity": among(Raw("inf"), Raw("-inf"), Raw("+inf")),
}
ANY: Spoilers = {**BROKEN, **SECRETS, **DATES, **CONTAINERS, **NOT_NUMBERS}

NUMBER: Spoilers = {
    **ANY,
    **TEXT,
    **FLAGS,
    "huge": lambda draw: Raw(draw.choice(["", "-"]) + digits(draw, 17, 60)),
    "a huge exponent": lambda draw: Raw(
        f"{draw.choice(['', '-'])}{draw.randint(1, 9)}e{draw.randint(16, 9999)}"
    ),
    "tiny": lambda draw: Raw(f"{draw.choice(['', '-'])}{draw.randint(1, 9)}e-{draw.randint(13, 9999)}"),
    "a number in text": lambda draw: f"0.{digits(draw, 1, 9)}",
    "percent": lambda draw: f"{draw.randint(1, 99)}{draw.choice(['%', ' %', 'percent', ' pct'])}",
}
DURATION: Spoilers = {
    **ANY,
    **TEXT,
    **FLAGS,
    **WHOLES,
    **FLOATS,
    "no unit": lambda draw: digits(draw, 1, 9),
    "another unit": lambda draw: (
        f"{digits(draw, 1, 6)}{draw.choice(['w', 'us', 'ns', 'sec', 'minutes', 'H', 'M'])}"
    ),
    "a negative duration": lambda draw: f"-{digits(draw, 1, 6)}{draw.choice(['ms', 's', 'min', 'h', 'd'])}",
    "a year and more": lambda draw: f"{draw.randint(366, 10**8)}d",
    "too many digits": lambda draw: f"{digits(draw, 10, 30)}s",
    "a fraction of a unit": lambda draw: f"{draw.randint(0, 9)}.{draw.randint(1, 9)}s",
}


WHOLE: Spoilers = {
    **ANY,
    **TEXT,
    **FLAGS,
    **FLOATS,
    "a whole float": lambda draw: Raw(f"{draw.randint(1, 99)}.0"),
}
BY_TYPE: dict[Any, Spoilers] = {
    timedelta: DURATION,
    bool: {**ANY, **TEXT, **WHOLES, **FLOATS, "a flag in text": among("true", "false", "yes", "1")},
    str: {**ANY, **FLAGS, **WHOLES, **FLOATS},
    date: {
        **{deed: spoil for deed, spoil in ANY.items() if deed not in DATES},
        **{deed: spoil for deed, spoil in DATES.items() if deed != "a date"},
        **TEXT,
        **FLAGS,
        **WHOLES,
        **FLOATS,
        "before any venue": lambda draw: Raw(f"19{draw.randint(10, 99)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"),
        "after 2100": lambda draw: Raw(f"{draw.randint(2101, 9999)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"),
    },
}  # fmt: skip


def setting_places(kind: type[Section], table: dict[str, Any], path: Path = ()) -> dict[Path, Spoilers]:
    """Every setting of a section that the table holds, with what it cannot be."""
    found: dict[Path, Spoilers] = {}
    for name, value in table.items():
        at = (*path, name)
        field = kind.model_fields[name]
        inner = plain_type(field)
        if isinstance(inner, type) and issubclass(inner, Section):
            found |= setting_places(inner, value, at)
            spoilers: Spoilers = {
                **BROKEN,
                **TEXT,
                **FLAGS,
                **WHOLES,
                **NOT_NUMBERS,
                **SECRETS,
                "a list": nested_list,
            }
        else:
            spoilers = _of(inner, field)
        found[at] = {**spoilers, **_names(name, value)}
    return found


def _names(name: str, value: Any) -> Spoilers:
    return {
        "the field is there twice": lambda draw: Again(
            draw.choice([value, draw.randrange(10**9), word(draw)])
        ),
        "the field is misspelled": lambda draw: Renamed(misspelled(draw, name)),
        "a secret for a name": lambda draw: Renamed(CANARY + word(draw)),
    }


def plain_type(field: FieldInfo) -> Any:
    inner: Any = field.annotation
    if get_origin(inner) in {Union, UnionType}:
        inner = next(choice for choice in get_args(inner) if choice is not NoneType)
    return inner.__origin__ if hasattr(inner, "__metadata__") else inner


def _of(inner: Any, field: FieldInfo) -> Spoilers:
    if get_origin(inner) is Literal:
        return {
            **ANY,
            **TEXT,
            **FLAGS,
            **WHOLES,
            **FLOATS,
            "another word": lambda draw: get_args(inner)[0].swapcase() + word(draw, 0, 3),
        }
    if get_origin(inner) is tuple:
        return {**BROKEN, **SECRETS, **TEXT, **FLAGS, **WHOLES, **_symbols()}
    if inner in {int, Decimal}:
        kind = NUMBER if inner is Decimal else WHOLE
        return {**kind, **_beyond(field)}
    return {**BY_TYPE[inner], **(_words(field) if inner is str else {})}


def _symbols() -> Spoilers:
    return {
        "a list with another kind in it": lambda draw: ["BTCUSDT", draw.choice([draw.randrange(10**9), True, [], word(draw), ""])],
        "something twice": lambda draw: [name := word(draw).upper(), name],
        "a table for a list": nested_table,
    }  # fmt: skip


def _words(field: FieldInfo) -> Spoilers:
    """Text that a plain text field takes is no mutant; a checked one refuses these."""
    if not any(type(mark).__name__ == "BeforeValidator" for mark in field.metadata + _inner_marks(field)):
        return {}
    return {
        "text with blanks": lambda draw: f"{word(draw)} {word(draw)} {word(draw)}",
        "control characters": lambda draw: f"{word(draw)}\n{word(draw)}\0",
        "empty text": among("", " "),
        "long text": lambda draw: word(draw) * 100,
        "another script": lambda draw: "".join(draw.choices("абвгдежзиклмн", k=8)),
    }


def _inner_marks(field: FieldInfo) -> list[Any]:
    inner: Any = field.annotation
    options = get_args(inner) if get_origin(inner) in {Union, UnionType} else (inner,)
    return [mark for option in options for mark in getattr(option, "__metadata__", ())]


def _beyond(field: FieldInfo) -> Spoilers:
    """Numbers of the right kind below and above the bounds."""
    spoilers: dict[str, Any] = {}
    for mark in field.metadata:
        if isinstance(mark, annotated_types.Gt | annotated_types.Ge):
            low = Decimal(str(mark.gt if isinstance(mark, annotated_types.Gt) else mark.ge))
            spoilers["below its bound"] = lambda draw, low=low: Raw(f"{low - draw.randrange(1, 10**6)}")
        if isinstance(mark, annotated_types.Lt | annotated_types.Le):
            high = Decimal(str(mark.lt if isinstance(mark, annotated_types.Lt) else mark.le))
            spoilers["above its bound"] = lambda draw, high=high: Raw(f"{high + draw.randrange(1, 10**6)}")
    return spoilers
