"""From a raw table to a section, or to everything that is wrong with it in words a person can act on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hedge_pipeline.settings.document import Tree
from hedge_pipeline.settings.faults import Fault, dotted, shown
from hedge_pipeline.settings.unknown import as_fraction, remedy_for
from hedge_pipeline.settings.values import (
    ContradictionsError,
    IsFraction,
    Section,
    duration_text,
    is_sensible,
)

KeyPath = tuple[str | int, ...]

_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_BOUNDS: tuple[tuple[type, str, str], ...] = (
    (annotated_types.Gt, "gt", "more than"),
    (annotated_types.Ge, "ge", "at least"),
    (annotated_types.Lt, "lt", "less than"),
    (annotated_types.Le, "le", "at most"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Turns tables into sections, and collects what is wrong with them."""

    known_keys: Iterable[str]
    origin: Callable[[KeyPath], str]
    """Where the value at a path was written."""
    faults: list[Fault]

    def section(self, name: str, kind: type[Section], tree: Tree) -> Section | None:
        """The section of this name; ``None`` where anything is wrong with it."""
        if name not in tree and any(field.is_required() for field in kind.model_fields.values()):
            remedy = f"write a table [{name}] that states every threshold"
            self.faults.append(Fault(key=name, value=None, problem="is missing", remedy=remedy))
            return None
        try:
            return kind.model_validate(tree.get(name, {}))
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False):
                # A list none of whose items was right counts as too short once more.
                if error["type"] != "too_short" or not error["input"]:
                    self.faults.extend(self._told(name, kind, error))
        return None

    def _told(self, section: str, kind: type[Section], error: ErrorDetails) -> Iterator[Fault]:
        path, cause = (section, *error["loc"]), error.get("ctx", {}).get("error")
        if isinstance(cause, ContradictionsError):
            for inner, problem, remedy in cause.found:
                where = (*path, *inner.split("."))
                yield Fault(
                    key=dotted(where), value=None, problem=problem, remedy=remedy, origin=self.origin(where)
                )
            return
        key, field = dotted(path), _field(kind, error["loc"])
        value = None if error["type"] == "missing" else shown(error["input"])
        if error["type"] == "extra_forbidden":
            problem, remedy = "is no setting", remedy_for(key, self.known_keys)
        elif error["type"] == "missing":
            problem, remedy = "is missing", _expectation(field)
        elif error["type"] == "too_short":
            problem, remedy = "is empty", "name at least one"
        elif error["type"] in _OUT_OF_RANGE:
            problem, remedy = "is out of bounds", _expectation(field, error["input"])
        elif isinstance(cause, ValueError):
            problem, remedy = str(cause), _expectation(field, error["input"])
        else:
            problem, remedy = error["msg"].replace("Input should be", "should be"), _expectation(field)
        yield Fault(key=key, value=value, problem=problem, remedy=remedy, origin=self.origin(path))


def known_keys(sections: dict[str, type[Section]]) -> tuple[str, ...]:
    """Every dotted key that somebody reads."""
    return tuple(key for name, kind in sections.items() for key in _keys(name, kind))


def _keys(prefix: str, kind: type[Section]) -> Iterator[str]:
    for name, field in kind.model_fields.items():
        inner = _plain_type(field)
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _keys(f"{prefix}.{name}", inner)
        else:
            yield f"{prefix}.{name}"


def _field(kind: type[Section], path: KeyPath) -> FieldInfo | None:
    """The field a path leads to; ``None`` for a table, a list's item, or where nothing is."""
    owner: object = kind
    field: FieldInfo | None = None
    for step in path:
        if isinstance(step, int):
            owner, field = next(iter(get_args(owner)), None), None
            continue
        fields = owner.model_fields if isinstance(owner, type) and issubclass(owner, Section) else {}
        field = fields.get(step)
        owner = None if field is None else _plain_type(field)
    return field


def _plain_type(field: FieldInfo) -> Any:
    """The type of a value that is there: ``None`` and annotations stripped."""
    inner: Any = field.annotation
    if get_origin(inner) in {Union, UnionType}:
        inner = next(choice for choice in get_args(inner) if choice is not type(None))
    return inner.__origin__ if hasattr(inner, "__metadata__") else inner


def _expectation(field: FieldInfo | None, value: object = None) -> str:
    if field is None:
        return "correct it"
    inner, bounds = _plain_type(field), _range(field)
    if any(isinstance(mark, IsFraction) for mark in field.metadata):
        return f"write a fraction {bounds}".rstrip() + _if_percent(value)
    if get_origin(inner) is Literal:
        return f"write one of {', '.join(shown(choice) or '' for choice in get_args(inner))}"
    if isinstance(inner, type) and issubclass(inner, Section):
        return "write a table"
    wanted = {
        Decimal: f"write a number {bounds}",
        int: f"write a whole number {bounds}",
        bool: "write true or false",
        timedelta: f'write a duration with its unit, such as "90s", {bounds}',
        date: f"write a day without quotes, such as 2026-01-01, {bounds}",
    }
    return wanted.get(inner, "correct it").strip(", ")


def _range(field: FieldInfo) -> str:
    texts = []
    for kind, attribute, words in _BOUNDS:
        for mark in field.metadata:
            if isinstance(mark, kind):
                bound = getattr(mark, attribute)
                texts.append(f"{words} {duration_text(bound) if isinstance(bound, timedelta) else bound}")
    return " and ".join(texts)


def _if_percent(value: object) -> str:
    if not isinstance(value, int | Decimal) or not is_sensible(Decimal(value)) or value <= 1:
        return ""
    return f"; never percent: {value} % is {as_fraction(Decimal(value))}"
