"""What can be done to the fields of a published document: by the kind its model declares."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hedge_pipeline_tests.hostile.mutations import (
    MISSING,
    Path,
    Renamed,
    Spoil,
    Spoilers,
    among,
    digits,
    floating,
    half_pair,
    misspelled,
    nested_list,
    nested_table,
    word,
)
from hedge_pipeline_tests.hostile.row_spoilers import FLAGS, FLOATS, SCALARS, WHOLES, WORDS, near
from hedge_pipeline_tests.hostile.wire_spoilers import MONEY as WIRE_MONEY

CONTAINERS: Spoilers = {
    "a list": nested_list,
    "a table": nested_table,
    "bytes": lambda draw: word(draw).encode(),
}
ANY: Spoilers = {**CONTAINERS, "a complex number": lambda draw: complex(floating(draw), 1)}
MONEY: Spoilers = {
    **ANY, **WORDS, **FLOATS, **WHOLES, **FLAGS,
    "an instant": near,
    **{deed: WIRE_MONEY[deed] for deed in (
        "empty text", "long text", "NaN", "infinity", "grouped digits", "a decimal comma", "blanks around it",
        "digits of another script", "hexadecimal", "a unit", "a plus sign", "two points",
    )},
    "NaN money": among(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")),
    "huge": lambda draw: draw.choice(["", "-"]) + digits(draw, 19, 60),
    "huge money": lambda draw: Decimal(digits(draw, 1, 9)).scaleb(draw.randint(18, 9999)),
    "tiny money": lambda draw: Decimal(digits(draw, 1, 9)).scaleb(-draw.randint(31, 9999)),
    "too many places": lambda draw: f"0.{digits(draw, 31, 50)}",
    "an exponent": lambda draw: f"{digits(draw, 1, 9)}e{draw.randint(-99, 99)}",
    "a leading zero": lambda draw: f"0{digits(draw, 1, 9)}",
}  # fmt: skip
INSTANT: Spoilers = {
    **{
        deed: spoil for deed, spoil in SCALARS[datetime].items() if deed not in {"pandas' nothing", "a class"}
    },
    "after 2100": lambda draw: datetime(2100, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(10**9)),
    "a list": nested_list,
}
DAY: Spoilers = {
    **ANY, **WORDS, **FLOATS, **WHOLES, **FLAGS, "an instant": near,
    "no such day": lambda draw: f"20{draw.randint(16, 99)}-02-{draw.randint(30, 99)}",
    "before 2015": lambda draw: f"{draw.randint(1000, 2014)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}",
    "after 2100": lambda draw: f"{draw.randint(2100, 9999)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}",
}  # fmt: skip
TEXT: Spoilers = {
    **ANY, **FLOATS, **WHOLES, **FLAGS, "an instant": near,
    "half a surrogate pair": lambda draw: half_pair(draw, word(draw)),
    "long text": lambda draw: word(draw, 10, 20) * draw.randint(401, 900),
}  # fmt: skip
BY_TYPE: dict[Any, Spoilers] = {
    bool: {**ANY, **WORDS, **WHOLES, **FLOATS, "a number for a flag": among(0, 1, 0.0, 1.0)},
    int: {
        **ANY, **WORDS, **FLAGS, **FLOATS,
        "negative": lambda draw: -draw.randrange(1, 10**9),
        "beyond 53 bits": lambda draw: draw.randrange(2**53, 2**80),
        "a number in text": lambda draw: digits(draw, 1, 9),
    },
    float: {
        **ANY, **WORDS, **FLAGS, "NaN": FLOATS["NaN"], "infinity": FLOATS["infinity"],
        "negative": lambda draw: -draw.uniform(2, 1e6),
        "a number in text": lambda draw: digits(draw, 1, 9),
    },
    str: TEXT,
}  # fmt: skip


def document_places(model: type[BaseModel], fields: dict[str, Any], path: Path = ()) -> dict[Path, Spoilers]:
    """Every field of a document and of what is nested in it."""
    found: dict[Path, Spoilers] = {}
    for name, field in model.model_fields.items():
        at = (*path, name)
        value = fields[name]
        options = [option for option in _options(field.annotation) if option is not NoneType]
        optional = NoneType in _options(field.annotation)
        spoilers = dict(_of(options[0], field))
        if optional:
            spoilers.pop("null", None)
        else:
            spoilers["null"] = among(None)
        spoilers |= {
            "the field is missing": lambda draw: MISSING,
            "the field is misspelled": _misspelled(name),
        }
        found[at] = spoilers
        inner = _item(options[0])
        if inner is not None and isinstance(value, list):
            for number, item in enumerate(value):
                below = (*at, number)
                found[below] = {**ANY, **WORDS, **FLOATS, **WHOLES, **FLAGS}
                found |= document_places(inner, item, below)
        elif isinstance(options[0], type) and issubclass(options[0], BaseModel) and value is not None:
            found |= document_places(options[0], value, at)
    return found


def _misspelled(name: str) -> Spoil:
    return lambda draw: Renamed(misspelled(draw, name))


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)


def _bare(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def _item(annotation: Any) -> type[BaseModel] | None:
    """The model of a list's items."""
    bare = _bare(annotation)
    inner = get_args(bare)[0] if get_origin(bare) is tuple else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _of(annotation: Any, field: FieldInfo) -> Spoilers:
    bare = _bare(annotation)
    marks = [*field.metadata, *getattr(annotation, "__metadata__", ())]
    checked = {getattr(getattr(mark, "func", None), "__name__", "") for mark in marks}
    if "_money" in checked:
        return {**MONEY, **_beyond(marks)}
    if "_instant" in checked:
        return INSTANT
    if "_day" in checked:
        return DAY
    if get_origin(bare) is Literal:
        return {**TEXT, **WORDS} if get_args(bare) != (True,) else {**BY_TYPE[bool], "false": among(False)}
    if get_origin(bare) is tuple or (isinstance(bare, type) and issubclass(bare, BaseModel)):
        return {**ANY, **WORDS, **FLOATS, **WHOLES, **FLAGS}
    return {**BY_TYPE[bare], **_beyond(marks)}


def _beyond(marks: list[Any]) -> Spoilers:
    spoilers: dict[str, Spoil] = {}
    for mark in marks:
        if isinstance(mark, annotated_types.Gt | annotated_types.Ge):
            spoilers["below its bound"] = lambda draw: f"-{digits(draw, 1, 9)}"
        if isinstance(mark, annotated_types.Gt):
            spoilers["zero"] = among("0", "0.0", "0.000")
        if isinstance(mark, annotated_types.MinLen):
            spoilers["empty text"] = among("")
    return spoilers
