"""Fields of the predecessor's files, each read strictly: what is not as it wrote them is named, with its remedy, and not guessed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.prices import exact_decimal

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
"""Nothing of a futures account is older."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = Decimal("1e15")
_MICROSECOND = Decimal("1e6")


def refuse(source: str, field: str, fault: str) -> NoReturn:
    """Say what is wrong where.

    Raises:
        SourceMalformed: always.
    """
    raise SourceMalformed(source, f"{field}: {fault}" if field else fault)


def table(source: str, field: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        refuse(source, field, "is no JSON object; take the file as the predecessor wrote it")
    return value


def required(source: str, field: str, entry: Mapping[str, Any], key: str) -> Any:
    if key not in entry:
        refuse(source, f"{field}{key}", "is missing; take the file as the predecessor wrote it")
    return entry[key]


def number(source: str, field: str, value: object) -> Decimal:
    """A finite number of a size that somebody may own."""
    found = exact_decimal(value)
    if found is None or abs(found) > _LARGEST:
        refuse(source, field, f"{_shown(value)} is no number of money; correct it or take the entry out")
    return found


def positive(source: str, field: str, value: object) -> Decimal:
    found = number(source, field, value)
    if found <= 0:
        refuse(
            source, field, f"{found} is not above zero, and what it hides is not known; take the entry out"
        )
    return found


def flag(source: str, field: str, value: object) -> bool:
    if not isinstance(value, bool):
        refuse(source, field, f"{_shown(value)} is neither true nor false")
    return value


def instant(source: str, field: str, value: object, *, now: datetime) -> datetime:
    """Epoch seconds or ISO 8601; without a zone it is UTC, as the predecessor wrote it."""
    found = value if isinstance(value, datetime) else _iso(value) if isinstance(value, str) else _epoch(value)
    if found is None:
        refuse(source, field, f"{_shown(value)} is no instant: epoch seconds or ISO 8601")
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not EARLIEST <= found <= now + timedelta(seconds=1):
        refuse(
            source,
            field,
            f"{found.isoformat()} lies before {EARLIEST.year} or in the future; are these seconds?",
        )
    return found


def _iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _epoch(value: object) -> datetime | None:
    seconds = exact_decimal(value)
    if seconds is None or not 0 < seconds < Decimal("1e11"):
        return None
    return _EPOCH + timedelta(microseconds=round(seconds * _MICROSECOND))


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
