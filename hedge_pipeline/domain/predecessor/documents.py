"""The documents the predecessor published: unversioned, some with three writers, some of no environment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

_SIDES = ("LONG", "SHORT")
NAV, PEAK = "state/nav", "risk/peak_state"
"""Those that tell what the account was worth."""


class Found(StrEnum):
    """What stands at a path."""

    ABSENT = "absent"
    VERSIONED = "versioned"
    """Not the predecessor's."""
    TAKEN_OVER = "taken over"
    """Archived by an earlier import."""
    UNVERSIONED = "unversioned"
    """The predecessor's: refused to our publisher until it is taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFound:
    """One path, and what stands there."""

    path: str
    found: Found


def paths(env: str, symbols: Sequence[str]) -> tuple[str, ...]:
    """Every document the predecessor wrote, for these symbols; those of no environment last."""
    return (*(f"hedge/{env}/{place}" for place in _places(symbols)), *WITHOUT_ENVIRONMENT)


WITHOUT_ENVIRONMENT = ("hedge_leaderboard/assets", "hedge_leaderboard/strategies", "metrics/leaderboard")


def _places(symbols: Sequence[str]) -> Iterator[str]:
    yield from (NAV, "state/positions", "state/leaderboard", "state/snapshot", PEAK, "telemetry/health")
    yield from (f"health/{service}" for service in ("executor_live", "sync_state", "sync_daemon"))
    yield "state/audit_intents"
    for symbol in symbols:
        yield f"state/audit_orders_{symbol}"
        for side in _SIDES:
            for kind in ("audit_closes", "exits", "exit_event"):
                yield f"state/{kind}_{symbol}_{side}"


def standing(path: str, fields: Mapping[str, Any] | None) -> DocumentFound:
    """What a read document is."""
    if fields is None:
        found = Found.ABSENT
    elif isinstance(fields.get("archived_to"), str):
        found = Found.TAKEN_OVER
    elif isinstance(fields.get("schema_version"), int) and isinstance(fields.get("writer_id"), str):
        found = Found.VERSIONED
    else:
        found = Found.UNVERSIONED
    return DocumentFound(path=path, found=found)


def as_written(value: Any) -> Any:
    """Numbers as exact decimals: the predecessor stored floats, whose shortest text is what it meant."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {key: as_written(entry) for key, entry in value.items()}
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return [as_written(entry) for entry in value] if isinstance(value, list | tuple) else value
