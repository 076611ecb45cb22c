"""The kinds of values settings are made of, each read strictly: nothing is coerced, guessed or rounded."""

import re
import zoneinfo
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


class Contradiction(NamedTuple):
    """Two keys of one section that cannot both stand."""

    key: str
    """Relative to the section."""
    problem: str
    remedy: str


class ContradictionsError(ValueError):
    """What is wrong with a section whose values are each right."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(f"{key} {problem}" for key, problem, _ in found))
        self.found = found


class Section(BaseModel):
    """One table of the settings: frozen, strict, and closed to keys nobody reads."""

    # hide_input_in_errors: an exception text must never quote what somebody pasted into the wrong key.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, hide_input_in_errors=True
    )

    def contradictions(self) -> Iterator[Contradiction]:
        """Rules between keys of this section; a section without such rules yields nothing."""
        yield from ()

    @model_validator(mode="after")
    def _contradicts_itself(self) -> Self:
        if found := tuple(self.contradictions()):
            raise ContradictionsError(found)
        return self


class IsFraction:
    """Marks a number that is a fraction of something, so that a percent is recognized and explained."""


def is_sensible(number: Decimal) -> bool:
    """Finite, and of a size that somebody may have meant."""
    return number.is_finite() and (not number or -12 <= number.adjusted() <= 15)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("is not a number in digits, without quotes")  # noqa: TRY004 pydantic collects no TypeError
    if not is_sensible(Decimal(value)):
        raise ValueError("is no number that makes sense here")
    return Decimal(value)


_DURATION = re.compile(r"(-?\d{1,9})\s*(ms|s|min|h|d)")
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is no duration")
    return int(match[1]) * _UNITS[match[2]]


def duration_text(value: timedelta) -> str:
    """The duration as settings write it, in the largest unit that divides it."""
    for unit, size in _UNITS.items():
        if value and value % size == timedelta(0):
            return f"{value // size}{unit}"
    return f"{value // _UNITS['ms']}ms" if value else "0s"


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("is not a day without quotes, such as 2026-01-01")  # noqa: TRY004 pydantic collects no TypeError
    return value


def _items(value: object) -> object:
    """TOML's lists become tuples: a frozen section holds nothing that can change."""
    if not isinstance(value, list | tuple):
        return value
    if any(item in value[:index] for index, item in enumerate(value)):
        raise ValueError("names something twice")
    return tuple(value)


def _symbol(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z0-9]{2,30}", value):
        raise ValueError('is not a symbol as the venue writes it, such as "BTCUSDT"')
    return value


def _account_name(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", value):
        raise ValueError("is not an account name: a small letter, then at most 31 of a-z, 0-9 and _")
    return value


def _timezone(value: object) -> object:
    try:
        zoneinfo.ZoneInfo(value if isinstance(value, str) else "")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('is no IANA time zone; write one such as "UTC" or "Europe/Zurich"') from None
    return value


def _url(value: object) -> object:
    """An origin alone, so that a key can hide neither before the host nor behind the path."""
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        bare = not (
            parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
        )
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and bare and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            'is not the address of a server alone, such as "https://host" or "http://127.0.0.1:8080"'
        )
    return str(value).rstrip("/")


_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_ITEM = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


def _cron(value: object) -> object:
    terms = value.split() if isinstance(value, str) else []
    if len(terms) != len(_CRON_RANGES) or not all(
        _is_cron_item(item, low, high)
        for term, (low, high) in zip(terms, _CRON_RANGES, strict=True)
        for item in term.split(",")
    ):
        raise ValueError('is not a cron schedule of five numeric fields, such as "*/2 * * * *"')
    return value


def _is_cron_item(item: str, low: int, high: int) -> bool:
    match = _CRON_ITEM.fullmatch(item)
    if match is None:
        return False
    first, last, step = (None if group is None else int(group) for group in match.groups())
    in_range = all(low <= number <= high for number in (first, last) if number is not None)
    return in_range and step != 0 and not (first is not None and last is not None and last < first)


Number = Annotated[Decimal, BeforeValidator(_number)]
Fraction = Annotated[Decimal, BeforeValidator(_number), IsFraction()]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Day = Annotated[date, BeforeValidator(_day)]
Symbol = Annotated[str, BeforeValidator(_symbol)]
Symbols = Annotated[tuple[Symbol, ...], BeforeValidator(_items)]
AccountName = Annotated[str, BeforeValidator(_account_name)]
Timezone = Annotated[str, BeforeValidator(_timezone)]
Url = Annotated[str, BeforeValidator(_url)]
Cron = Annotated[str, BeforeValidator(_cron)]

ZERO = timedelta(0)
