"""What may be done to a stored document, decided from its fields alone."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hedge_pipeline.domain.publication.deliveries import Payload

TAKEN_OVER = 0
"""``schema_version`` of what ``archive`` leaves in place of a document: ours, and replaceable by anything of ours."""

_PER_PUBLICATION = frozenset({"run_id", "published_at"})


class Action(StrEnum):
    """What follows from what is stored."""

    CREATE = "create"
    REPLACE = "replace"
    ALREADY_THERE = "already_there"
    OLDER = "older"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An action, and why nothing is written."""

    action: Action
    reason: str | None = None
    found_writer: str | None = None

    @property
    def writes(self) -> bool:
        return self.action in {Action.CREATE, Action.REPLACE}


def is_unversioned(stored: Mapping[str, Any]) -> bool:
    """Whether it lacks what every document of a publisher has: a whole schema version and a writer."""
    writer_id = stored.get("writer_id")
    return type(stored.get("schema_version")) is not int or not isinstance(writer_id, str) or not writer_id


def decide(stored: Mapping[str, Any] | None, payload: Payload, own_writers: AbstractSet[str]) -> Decision:
    """What to do about ``payload`` where ``stored`` lies; the payload itself has been checked before."""
    if stored is None:
        return Decision(action=Action.CREATE)
    refusal = _refusal(stored, payload, own_writers)
    if refusal is not None:
        return refusal
    if stored["schema_version"] == TAKEN_OVER:
        return Decision(action=Action.REPLACE)
    return _by_version(stored, payload)


def _by_version(stored: Mapping[str, Any], payload: Payload) -> Decision:
    version = _version(stored)
    if version is None:
        return _refused(
            "the stored document is ours and its version cannot be read (as_of, seq, published_at): "
            "somebody changed it; look at it, then delete it"
        )
    if version < payload.version:
        return Decision(action=Action.REPLACE)
    if version > payload.version:
        return Decision(
            action=Action.OLDER,
            reason=f"a newer version is stored: {_told(version)}, and this one is {_told(payload.version)}",
        )
    if stored.get("run_id") == payload.fields["run_id"] or _content(stored) == _content(payload.fields):
        return Decision(action=Action.ALREADY_THERE)
    return _refused(
        f"version {_told(version)} is stored with another content: two publications of ours contradict each other; "
        "look whether two writers share one writer_id"
    )


def _refusal(stored: Mapping[str, Any], payload: Payload, own_writers: AbstractSet[str]) -> Decision | None:
    if is_unversioned(stored):
        writer = stored.get("writer_id")
        return _refused(
            "an unversioned document is stored there: `hedge import` takes it over",
            writer if isinstance(writer, str) else None,
        )
    writer, env, schema = stored["writer_id"], stored.get("env"), stored["schema_version"]
    if env != payload.fields["env"]:
        found = repr(env)[:40]
        return _refused(
            f"the stored document is of env {found}, not {payload.fields['env']}: correct env or path", writer
        )
    if writer not in own_writers:
        return _refused(
            f"the stored document is written by store {writer[:40]}: stop that one, or `hedge take-over --writer` it",
            writer,
        )
    if schema > payload.fields["schema_version"]:
        return _refused(
            f"the stored document has schema {schema}, later than our {payload.fields['schema_version']}: "
            "upgrade this installation"
        )
    if schema < TAKEN_OVER:
        return _refused(f"the stored document has schema {schema}, which never was: look at it")
    return None


def _refused(reason: str, found_writer: str | None = None) -> Decision:
    return Decision(action=Action.REFUSE, reason=reason, found_writer=found_writer)


def _version(stored: Mapping[str, Any]) -> tuple[datetime, int, datetime] | None:
    as_of, seq, published_at = (stored.get(name) for name in ("as_of", "seq", "published_at"))
    if isinstance(as_of, datetime) and type(seq) is int and isinstance(published_at, datetime):
        return (as_of, seq, published_at)
    return None


def _told(version: tuple[datetime, int, datetime]) -> str:
    as_of, seq, published_at = version
    return f"{as_of.isoformat()}/{seq}/{published_at.isoformat()}"


def _content(fields: Mapping[str, Any]) -> object:
    return _comparable({name: value for name, value in fields.items() if name not in _PER_PUBLICATION})


def _comparable(value: Any) -> object:
    """So that what Firestore tells apart is told apart: 1, 1.0 and true are three values; a tuple is its array."""
    if isinstance(value, Mapping):
        return {name: _comparable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_comparable(inner) for inner in value]
    return (bool if isinstance(value, bool) else float if isinstance(value, float) else None, value)
