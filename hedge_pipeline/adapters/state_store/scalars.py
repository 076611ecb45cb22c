"""The one text of money, instants and days: in JSON on both engines, and in columns on SQLite.

What is refused is told by its type, never quoted: an edited store may hold anything, secrets included.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from hedge_pipeline.adapters.state_store.refusal import RefusedValueError

MAXIMUM_DIGITS = 400
"""No sum of money has more, before or behind its point: such a number is an accident of parsing."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MICROSECOND = timedelta(microseconds=1)


def money_text(value: Any) -> str:
    """Without exponent, trailing zeros or negative zero, so that equal numbers have one text."""
    if not isinstance(value, Decimal):
        raise _unlike(value, "a Decimal")
    if not value.is_finite():
        raise RefusedValueError(f"{value} is not a finite number")
    text = str(value)
    if "E" in text:
        if value and not -MAXIMUM_DIGITS < value.adjusted() < MAXIMUM_DIGITS:
            raise RefusedValueError(f"{value:.3e} is not money")
        text = format(value, "f") if value else "0"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text) > 2 * MAXIMUM_DIGITS:
        raise RefusedValueError(f"a number of {len(text)} digits is not money")
    return "0" if text == "-0" else text


def money_of(text: Any) -> Decimal:
    """Of digits, a point and a sign alone: what else ``Decimal`` reads was not written by ``money_text``."""
    if isinstance(text, str) and len(text) <= 2 * MAXIMUM_DIGITS and not text.strip("-.0123456789"):
        try:
            return Decimal(text)
        except InvalidOperation:
            pass  # signs and points in the wrong places
    raise _unlike(text, "the text of a finite number")


def moneys_of(texts: Sequence[Any], *, optional: bool) -> list[Decimal | None]:
    """A whole column at once, as ``money_of`` gives each; ``None`` stays if it may. Refused in whole: who it was, ``money_of`` knows."""
    known = [text for text in texts if text is not None]
    try:
        if "".join(known).strip("-.0123456789") or max(map(len, known), default=0) > 2 * MAXIMUM_DIGITS:
            raise RefusedValueError("text that is no number")
        if len(known) == len(texts):
            return [*map(Decimal, known)]
        if not optional:
            raise RefusedValueError("nothing where a number belongs")
        return [None if text is None else Decimal(text) for text in texts]
    except (TypeError, InvalidOperation):
        raise RefusedValueError("what is no text of a number") from None


def finite(value: Any) -> Decimal:
    """Postgres' NUMERIC holds NaN and Infinity too."""
    if isinstance(value, Decimal) and value.is_finite():
        return value
    raise _unlike(value, "a finite number")


def utc(value: Any) -> datetime:
    """The same instant in UTC; a naive datetime is no instant."""
    if not isinstance(value, datetime):
        raise _unlike(value, "a datetime")
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise RefusedValueError(f"{value.isoformat()} has no time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise RefusedValueError(f"{value.isoformat()} is out of range in UTC") from None


def instant_text(value: Any) -> str:
    """Fixed width, so that texts sort as instants do."""
    if not isinstance(value, datetime):
        raise _unlike(value, "a datetime")
    return _instant_text(value)


@lru_cache(maxsize=256)
def _instant_text(value: datetime) -> str:
    """Cached: a row repeats few instants many times, and writing one costs more than finding it."""
    return utc(value).isoformat(timespec="microseconds")


def instant_of(text: Any) -> datetime:
    """Only as ``instant_text`` writes it. Looked at by hand: a pattern costs more than the parsing."""
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise _unlike(text, "the text of an instant") from None
    as_written = len(text) == 32 and text[10] == "T" and text[19] == "." and text[5] != "W"
    if instant.tzinfo is not UTC or not as_written:
        raise _unlike(text, "the text of an instant")
    return instant


def day(value: Any) -> date:
    """A calendar day. A datetime is a date to Python and not to us."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _unlike(value, "a date")
    return value


def day_text(value: Any) -> str:
    return day(value).isoformat()


def day_of(text: Any) -> date:
    try:
        if isinstance(text, str) and _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # no such day
    raise _unlike(text, "the text of a day")


def seconds_text(value: Any) -> str:
    """A duration in seconds, to the microsecond."""
    if not isinstance(value, timedelta):
        raise _unlike(value, "a timedelta")
    return money_text(Decimal(value // _MICROSECOND).scaleb(-6))


def seconds_of(text: Any) -> timedelta:
    microseconds = money_of(text).scaleb(6)
    try:
        if microseconds == int(microseconds):
            return int(microseconds) * _MICROSECOND
    except OverflowError:
        pass  # longer than any duration
    raise RefusedValueError("a number that is no duration in seconds, to the microsecond")


def words(value: Any) -> str:
    """Text that both engines keep: Postgres takes neither NUL nor half a surrogate pair."""
    if not isinstance(value, str):
        raise _unlike(value, "text")
    if "\0" in value:
        raise RefusedValueError("text with a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RefusedValueError("text that is not valid Unicode") from None
    return value


def flag(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise _unlike(value, "a bool")


def count(value: Any) -> int:
    """A whole number of 64 bits; a bool is none."""
    if type(value) is not int:
        raise _unlike(value, "an int")
    if not -(2**63) <= value < 2**63:
        raise RefusedValueError("a number that does not fit 64 bits")
    return value


def _unlike(value: Any, wanted: str) -> RefusedValueError:
    return RefusedValueError(f"{type(value).__name__} where {wanted} belongs")
