"""Nested values as JSON text and back, exactly, by the type hints of their dataclasses.

A dataclass is an object of its fields, a tuple an array; money, instants and durations are text, an
enumeration of words its word and one of ranks its name. Text is built directly, in one pass over the
values: an intermediate tree of dicts costs as much as the commit that follows.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from functools import cache
from json import JSONDecoder
from json.encoder import encode_basestring
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from hedge_pipeline.adapters.state_store import scalars
from hedge_pipeline.adapters.state_store.refusal import RefusedValueError
from hedge_pipeline.adapters.strict_json import KeyGivenTwiceError, each_key_once
from hedge_pipeline.domain.errors import InvalidState

Parsed = Any
"""What ``json.loads`` gives."""

Way = Callable[[Any], Any]
"""One direction of one type."""


class JsonCodec(NamedTuple):
    """Both directions of one type. Each raises ``RefusedValueError`` on what is not of it."""

    encode: Callable[[Any], str]
    decode: Callable[[Parsed], Any]


@cache
def json_codec(hint: Any) -> JsonCodec:
    """The codec of a type as it stands in a dataclass.

    Raises:
        TypeError: a type that has no JSON form here; add one before using it in a row.
    """
    inner, optional = without_none(hint)
    if optional:
        return _optional(json_codec(inner))
    if get_origin(hint) is tuple:
        return _tuple(get_args(hint))
    if hint in _SCALARS:
        return _SCALARS[hint]
    if is_enum(hint):
        encode, decode = enum_codec(hint)
        return JsonCodec(lambda value: _words_json(encode(value)), decode)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint)
    raise TypeError(f"{hint} has no form in the state store")


def without_none(hint: Any) -> tuple[Any, bool]:
    """The type without its ``None``, and whether it had one."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    some = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(some) != 1:
        raise TypeError(f"{hint} is a union of several types: a stored field has one")
    return some[0], True


def is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


@cache
def enum_codec(kind: type[Enum]) -> tuple[Callable[[Any], str], Way]:
    """Ranks by name, because their numbers may be dealt anew; words by value."""
    texts = {member: member.name if issubclass(kind, IntEnum) else str(member.value) for member in kind}
    members = {text: member for member, text in texts.items()}

    def encode(value: Any) -> str:
        if type(value) is not kind:
            raise RefusedValueError(f"{type(value).__name__} where a {kind.__name__} belongs")
        return texts[value]

    def decode(text: Any) -> Enum:
        member = members.get(text) if isinstance(text, str) else None
        if member is None:
            raise RefusedValueError(f"{type(text).__name__} that is no {kind.__name__}")
        return member

    return encode, decode


def each(ways: Sequence[Way], values: Collection[Any], names: Sequence[str]) -> list[Any]:
    """Every value its own way. Whose it was that is refused is asked afterwards, because naming costs."""
    try:
        return [way(value) for way, value in zip(ways, values, strict=True)]
    except RefusedValueError:
        for way, value, name in zip(ways, values, names, strict=True):
            try:
                way(value)
            except RefusedValueError as refused:
                raise refused.within(name) from None
        raise


def _optional(codec: JsonCodec) -> JsonCodec:
    encode, decode = codec
    return JsonCodec(
        lambda value: "null" if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def _tuple(args: tuple[Any, ...]) -> JsonCodec:
    if len(args) == 2 and args[1] is Ellipsis:
        return _sequence(json_codec(args[0]))
    codecs = [json_codec(arg) for arg in args]
    encoders = [codec.encode for codec in codecs]
    decoders = [codec.decode for codec in codecs]
    names = [str(number) for number in range(len(args))]
    template = f"[{','.join(['%s'] * len(args))}]"

    def of_length(values: Any, kind: type[Any]) -> Any:
        if type(values) is not kind or len(values) != len(args):
            raise RefusedValueError(f"{type(values).__name__} where {len(args)} values belong")
        return values

    return JsonCodec(
        lambda values: template % tuple(each(encoders, of_length(values, tuple), names)),
        lambda values: tuple(each(decoders, of_length(values, list), names)),
    )


def _sequence(codec: JsonCodec) -> JsonCodec:
    def every(way: Way, values: Any, kind: type[Any]) -> list[Any]:
        if type(values) is not kind:
            raise RefusedValueError(f"{type(values).__name__} where a {kind.__name__} belongs")
        try:
            return [way(value) for value in values]
        except RefusedValueError:
            return each([way] * len(values), values, [str(number) for number in range(len(values))])

    return JsonCodec(
        lambda values: f"[{','.join(every(codec.encode, values, tuple))}]" if values else _empty(values),
        lambda values: tuple(every(codec.decode, values, list)),
    )


def _empty(values: Any) -> str:
    if values != ():
        raise RefusedValueError(f"{type(values).__name__} where a tuple belongs")
    return "[]"


def _dataclass(kind: type) -> JsonCodec:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    required = {field.name for field in fields(kind) if field.default is MISSING}
    codecs = {name: json_codec(hints[name]) for name in names}
    encoders = [codec.encode for codec in codecs.values()]
    decoders = {name: codec.decode for name, codec in codecs.items()}
    values_of = fields_getter(kind)
    template = "{" + ",".join(f'"{name}":%s' for name in names) + "}"

    def encode(value: Any) -> str:
        if type(value) is not kind:
            raise RefusedValueError(f"{type(value).__name__} where a {kind.__name__} belongs")
        return template % tuple(each(encoders, values_of(value), names))

    def decode(stored: Parsed) -> Any:
        if type(stored) is not dict:
            raise RefusedValueError(f"{type(stored).__name__} where a {kind.__name__} belongs")
        try:
            values = {name: decoders[name](value) for name, value in stored.items()}
        except (KeyError, RefusedValueError):
            check_names(stored)
            values = dict(
                zip(
                    stored, each([decoders[name] for name in stored], stored.values(), [*stored]), strict=True
                )
            )
        if len(values) != len(names):
            check_names(stored)
        return _made(kind, values)

    def check_names(stored: dict[str, Parsed]) -> None:
        """A field with a default may be missing: it is younger than the row."""
        if missing := sorted(required - stored.keys()):
            raise RefusedValueError(f"a {kind.__name__} without {', '.join(missing)}")
        if unknown := sorted(stored.keys() - decoders.keys()):
            raise RefusedValueError(
                f"a {kind.__name__} has no {', '.join(map(shown_name, unknown)):.80} among its fields"
            )

    return JsonCodec(encode, decode)


def _made(kind: type, values: dict[str, Any]) -> Any:
    """Of values that are each of their type; whether they go together its class knows."""
    try:
        return kind(**values)
    except InvalidState:  # its text quotes values
        raise RefusedValueError(f"values that do not go together in a {kind.__name__}") from None


def fields_getter(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """All field values of a dataclass, as a tuple also if there is but one."""
    names = [field.name for field in fields(kind)]
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def parsed(text: Any) -> Parsed:
    """JSON text without space around it, as both engines give it.

    SQLite keeps a text that names a field twice, of which Postgres would keep the last: neither was written here.
    """
    try:
        value, end = _scan(text)
    except (TypeError, ValueError, RecursionError) as error:
        twice = (
            f", {shown_name(error.args[0])} is given twice" if isinstance(error, KeyGivenTwiceError) else ""
        )
        raise RefusedValueError(f"{type(text).__name__} that is not JSON{twice}") from None
    if end != len(text):
        raise RefusedValueError("JSON with something after it")
    return value


def shown_name(name: str) -> str:
    """A name made of letters; any other is not quoted, since it may be anything."""
    plain = len(name) <= 40 and name.isascii() and name.replace("_", "").isalpha()
    return name if plain else "such a name"


_scan = JSONDecoder(object_pairs_hook=each_key_once).raw_decode


def _money_json(value: Any) -> str:
    return f'"{scalars.money_text(value)}"'


def _instant_json(value: Any) -> str:
    return f'"{scalars.instant_text(value)}"'


def _words_json(value: Any) -> str:
    return encode_basestring(scalars.words(value))


def _float_text(value: Any) -> str:
    if type(value) is not float or not math.isfinite(value):
        raise RefusedValueError(f"{value!r} is not a finite float")
    return repr(value)


def _float_of(value: Parsed) -> float:
    """Postgres gives a float without a fraction back as an integer."""
    if type(value) not in {float, int} or not abs(value) < _LARGEST_FLOAT:
        raise RefusedValueError(f"{type(value).__name__} that is no finite number")
    return float(value)


_LARGEST_FLOAT = 1e300


_SCALARS: dict[Any, JsonCodec] = {
    Decimal: JsonCodec(_money_json, scalars.money_of),
    datetime: JsonCodec(_instant_json, scalars.instant_of),
    date: JsonCodec(lambda value: f'"{scalars.day_text(value)}"', scalars.day_of),
    timedelta: JsonCodec(lambda value: f'"{scalars.seconds_text(value)}"', scalars.seconds_of),
    str: JsonCodec(_words_json, scalars.words),
    bool: JsonCodec(lambda value: "true" if scalars.flag(value) else "false", scalars.flag),
    int: JsonCodec(lambda value: str(scalars.count(value)), scalars.count),
    float: JsonCodec(_float_text, _float_of),
}
