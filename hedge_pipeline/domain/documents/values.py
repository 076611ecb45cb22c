"""What the fields of a document can hold: exact decimal text, instants in UTC, text that a wire carries."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

LARGEST = Decimal("1e18")
FINEST = -30
"""Exponent of the last digit that means anything."""
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


def _money(value: object) -> Decimal:
    """From our own ``Decimal``, or from the text it was published as; from nothing else."""
    if isinstance(value, str) and len(value) <= 64 and _DECIMAL.fullmatch(value):
        try:
            value = Decimal(value)
        except InvalidOperation:
            raise ValueError("is no number") from None
    if not isinstance(value, Decimal):
        raise ValueError("is not exact decimal text")  # noqa: TRY004 pydantic collects no TypeError
    if not value.is_finite():
        raise ValueError("is not a finite number")
    exponent = value.as_tuple().exponent
    if abs(value) >= LARGEST or not isinstance(exponent, int) or exponent < FINEST:
        raise ValueError("is no number that makes sense here")
    return value


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() != timedelta(0):
        raise ValueError("is not an instant in UTC")
    if not EARLIEST <= value < LATEST:
        raise ValueError("is no instant of this fund's life")
    return datetime.fromtimestamp(value.timestamp(), UTC).replace(microsecond=value.microsecond)


def _day(value: object) -> date:
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("is no calendar day") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("is no calendar day")  # noqa: TRY004 pydantic collects no TypeError
    if not EARLIEST.date() <= value < LATEST.date():
        raise ValueError("is no day of this fund's life")
    return value


def _text(value: object) -> object:
    """No lone surrogate: it is no text, and no wire carries it."""
    if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise ValueError("is not text")
    return value


def _yes(value: object) -> object:
    """Not 1, which equals true."""
    if value is not True:
        raise ValueError("is not true")
    return value


def _rows(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Money = Annotated[Decimal, BeforeValidator(_money), PlainSerializer(lambda value: format(value, "f"))]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Day = Annotated[date, BeforeValidator(_day), PlainSerializer(lambda value: value.isoformat())]
Text = Annotated[str, BeforeValidator(_text), Field(max_length=4000)]
Name = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Rows = BeforeValidator(_rows)
Yes = Annotated[Literal[True], BeforeValidator(_yes)]


def plain(value: Any) -> Any:
    """Tuples as lists: what a reader of the stored document gets."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, tuple) else value


class Strict(BaseModel):
    # hide_input_in_errors: a message never quotes what it refuses.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )
