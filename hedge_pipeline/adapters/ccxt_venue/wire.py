"""What a field of the venue may look like, and how an answer that does not is refused.

Money arrives as decimal strings and stamps as integers of milliseconds; anything else in their place is a
``SourceMalformed`` naming source and field, never a value that almost fits.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from hedge_pipeline.domain.errors import SourceMalformed

T = TypeVar("T")

_DECIMAL = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?")
_IDENTIFIER = re.compile(r"[!-~]{0,64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = 1_420_070_400_000  # 2015: before any venue of this kind
_LAST_MS = 4_102_444_800_000  # 2100
_LAST_DELIVERY_MS = 4_733_510_400_000  # 2120: perpetuals are delivered at the end of 2100
_LARGEST = Decimal("1e18")
_SMALLEST = Decimal("1e-18")


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str):
        raise ValueError(f"must be a decimal number in a string, was {type(value).__name__}")  # noqa: TRY004
    if not _DECIMAL.fullmatch(value):
        raise ValueError("must be a finite decimal number")
    number = Decimal(value)
    if number and not _SMALLEST <= abs(number) < _LARGEST:
        raise ValueError("is of a size that no amount has")
    return number


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("must be greater than zero")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _below_one(value: Decimal) -> Decimal:
    if abs(value) >= 1:
        raise ValueError("is no fraction")
    return value


def _instant(value: object, before_ms: int) -> datetime:
    if type(value) is not int:
        raise ValueError(f"must be an integer of milliseconds, was {type(value).__name__}")
    if not _FIRST_MS <= value < before_ms:
        raise ValueError("is not a time in milliseconds")
    return _EPOCH + timedelta(milliseconds=value)


def _stamp(value: object) -> datetime:
    return _instant(value, _LAST_MS)


def _delivery(value: object) -> datetime:
    return _instant(value, _LAST_DELIVERY_MS)


def _stamp_or_none(value: object) -> datetime | None:
    return None if type(value) is int and value == 0 else _stamp(value)


def _identifier(value: object) -> str:
    if type(value) is int:
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"must be an integer or a string, was {type(value).__name__}")  # noqa: TRY004
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError("is no identifier")
    return value


def _number(value: object) -> Decimal:
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return _decimal(f"{value}" if number else value)


Amount = Annotated[Decimal, BeforeValidator(_decimal)]
Price = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive)]
NonNegative = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_not_negative)]
Rate = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_below_one)]
"""A signed fraction."""
Number = Annotated[Decimal, BeforeValidator(_number), AfterValidator(_not_negative)]
"""A decimal number in a string or as JSON writes numbers, digit by digit."""
Stamp = Annotated[datetime, BeforeValidator(_stamp)]
Delivery = Annotated[datetime, BeforeValidator(_delivery)]
ChangeStamp = Annotated[datetime | None, BeforeValidator(_stamp_or_none)]
"""Zero: never changed."""
Identifier = Annotated[str, BeforeValidator(_identifier)]
Name = Annotated[str, Field(max_length=64, pattern=r"^[^\s\p{Cc}\p{Cf}\x{FFFD}]+$")]
"""Any script, since symbols are; no blank, no control, nothing that was not UTF-8."""
OptionalName = Annotated[str, Field(max_length=64, pattern=r"^[^\s\p{Cc}\p{Cf}\x{FFFD}]*$")]
Remark = Annotated[str, Field(max_length=512, pattern=r"^[^\p{Cc}\x{FFFD}]*$")]


class Payload(BaseModel):
    model_config = ConfigDict(
        strict=True, frozen=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel
    )


def rows_of(
    source: str, raw: object, symbols: Iterable[str], noun: str, within: str = ""
) -> list[tuple[str, object]]:
    """Rows of the symbols asked for, each exactly once, sorted by symbol."""
    wanted = set(symbols)
    rows = [(symbol, row) for symbol, row in named_rows(source, raw, within) if symbol in wanted]
    refuse_duplicates(source, "symbol", (symbol for symbol, _ in rows))
    if missing := sorted(wanted.difference(symbol for symbol, _ in rows)):
        raise SourceMalformed(source, f"symbol: no {noun} of {', '.join(missing)}")
    return sorted(rows, key=itemgetter(0))


def named_rows(source: str, raw: object, within: str = "") -> Iterator[tuple[str, object]]:
    if not isinstance(raw, list) or not raw:
        raise SourceMalformed(source, f"answered {_described(raw)}, not a list of rows")
    for number, row in enumerate(raw):
        symbol = row.get("symbol") if isinstance(row, dict) else None
        if not isinstance(symbol, str):
            raise SourceMalformed(source, f"{within}{number}.symbol: missing, or not a string")
        yield symbol, row


def parse(source: str, validate: Callable[[Any], T], raw: object, where: str = "") -> T:
    if not isinstance(raw, dict | list):
        raise SourceMalformed(source, f"answered {_described(raw)}, not an object or a list")
    problem = ""
    try:
        return validate(raw)
    except ValidationError as error:
        problem = "; ".join(_problem(where, entry["loc"], entry["msg"]) for entry in error.errors()[:3])
    raise SourceMalformed(source, problem)


def _problem(where: str, location: Sequence[int | str], message: str) -> str:
    path = ".".join(part for part in (where, *map(str, location)) if part)
    text = message.removeprefix("Value error, ")
    return f"{path}: {text}" if path else text


def _described(raw: object) -> str:
    if isinstance(raw, str):
        return "nothing" if not raw else "text"
    return "an empty list" if raw == [] else "null" if raw is None else f"{type(raw).__name__}"


def refuse_duplicates(source: str, field: str, keys: Iterable[Hashable]) -> None:
    seen: set[Hashable] = set()
    for key in keys:
        if key in seen:
            name = " ".join(key) if isinstance(key, tuple) else key
            raise SourceMalformed(source, f"{field}: {name} is listed twice")
        seen.add(key)
