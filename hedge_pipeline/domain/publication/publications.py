"""One publication: what became of every document, with the counts so far; a row of ``publications``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload

TRIPS_AFTER = 5
"""Failures in a row after which a document's publication is an incident."""


class Health(StrEnum):
    """How a service fares."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDocument:
    """One document's standing: the latest outcome, and the counts since the store was made."""

    path: str
    outcome: Outcome
    as_of: datetime | None
    """Of the version that was to be published; ``None``: there was none to publish."""
    seq: int | None
    published_at: datetime | None
    """Of that version."""
    stale: bool | None
    error: str | None
    """Why it is not in place; ``None`` exactly when it is."""
    attempts: int
    found_writer: str | None
    """Whose document stood there, when it was not ours."""
    successes: int
    failures: int
    skips: int
    failures_in_a_row: int
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One attempt to publish everything: a row of ``publications``."""

    account: str
    attempted_at: datetime
    """The venue's time, as ``published_at`` of its documents."""
    recorded_at: datetime
    target: str
    """Project, database and server, without secrets."""
    env: str
    run_id: str
    writer_id: str
    health: Health
    documents: tuple[PublishedDocument, ...]
    points_written: int
    points_through: datetime | None
    """Up to where NAV points are in place."""
    error: str | None
    """What was wrong with all of it, as nobody answering the read-back."""


def standing(
    path: str, before: PublishedDocument | None, payload: Payload | None, delivery: Delivery, *, at: datetime
) -> PublishedDocument:
    """The counts of ``before`` with one more outcome."""
    outcome = delivery.outcome
    fields = payload.fields if payload else {}
    return PublishedDocument(
        path=path,
        outcome=outcome,
        as_of=fields.get("as_of"),
        seq=fields.get("seq"),
        published_at=fields.get("published_at"),
        stale=fields.get("stale"),
        error=delivery.error,
        attempts=delivery.attempts,
        found_writer=delivery.found_writer,
        successes=(before.successes if before else 0) + outcome.in_place,
        failures=(before.failures if before else 0) + outcome.failure,
        skips=(before.skips if before else 0) + (not outcome.in_place and not outcome.failure),
        failures_in_a_row=(before.failures_in_a_row if before else 0) + 1
        if outcome.failure
        else 0
        if outcome.in_place or before is None
        else before.failures_in_a_row,
        last_success_at=at if outcome.in_place else before.last_success_at if before else None,
    )


def health_of(documents: Iterable[PublishedDocument]) -> Health:
    """Ok when everything is in place, down when nothing has been for a while."""
    rows = list(documents)
    if all(row.outcome.in_place for row in rows):
        return Health.OK
    lost = all(row.failures_in_a_row >= TRIPS_AFTER for row in rows if row.outcome is not Outcome.WITHHELD)
    return Health.DOWN if lost and any(row.outcome.failure for row in rows) else Health.DEGRADED


def by_path(publication: Publication | None) -> Mapping[str, PublishedDocument]:
    return {} if publication is None else {row.path: row for row in publication.documents}
