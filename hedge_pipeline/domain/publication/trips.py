"""When a publication that goes wrong is an incident: told, counted, never the gate's business."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.publication.publications import TRIPS_AFTER, Publication, PublishedDocument
from hedge_pipeline.domain.verdicts import Incident, IncidentChanges

FAILING = "documents_are_published"
SECOND_WRITER = "each_document_has_one_writer"
KEYS = frozenset({FAILING, SECOND_WRITER})
SILENT_AFTER = timedelta(minutes=5)
"""Without a success for so long, a document's publication has failed, however few attempts that were."""


def tripped(publication: Publication) -> tuple[PublishedDocument, ...]:
    """Documents that have failed too often in a row, or for too long."""
    return tuple(row for row in publication.documents if _has_tripped(row, publication))


def _has_tripped(row: PublishedDocument, publication: Publication) -> bool:
    if row.outcome.in_place or not row.failures_in_a_row:
        return False
    silent = (
        row.last_success_at is not None and publication.attempted_at - row.last_success_at >= SILENT_AFTER
    )
    return row.failures_in_a_row >= TRIPS_AFTER or silent


def foreign(publication: Publication) -> tuple[PublishedDocument, ...]:
    """Documents that somebody else writes."""
    return tuple(
        row
        for row in publication.documents
        if row.outcome is Outcome.REFUSED and row.found_writer is not None
    )


def incident_changes(publication: Publication, open_incidents: Sequence[Incident]) -> IncidentChanges:
    """Open an incident for each proposition that no longer holds; close those that hold again."""
    broken = {incident.key: incident for incident in _broken(publication)}
    standing = {incident.key: incident for incident in open_incidents if incident.key in KEYS}
    recovered = not any(row.failures_in_a_row for row in publication.documents)
    return IncidentChanges(
        opened=tuple(incident for key, incident in broken.items() if key not in standing),
        closed=tuple(
            (incident, "recovered")
            for key, incident in standing.items()
            if key not in broken and (key != FAILING or recovered)
        ),
    )


def _broken(publication: Publication) -> Iterator[Incident]:
    failing, others = tripped(publication), foreign(publication)
    if failing:
        told = "; ".join(f"{row.path} {row.failures_in_a_row} times in a row: {row.error}" for row in failing)
        yield _incident(
            publication,
            FAILING,
            "publication_failing",
            told,
            "`hedge preflight` looks at the target; valuation and gate go on, and everything is published again by itself",
        )
    if others:
        told = "; ".join(f"{row.path} by {row.found_writer}" for row in others)
        yield _incident(
            publication,
            SECOND_WRITER,
            "second_writer",
            told,
            "stop the other deployment, or take its documents over: `hedge take-over`",
        )


def _incident(publication: Publication, key: str, reason: str, message: str, remedy: str) -> Incident:
    return Incident(
        account=publication.account,
        key=key,
        opened_at=publication.attempted_at,
        closed_at=None,
        latched=False,
        ceiling=None,
        reason=reason,
        message=message[:2000],
        remedy=remedy,
        holds_until=None,
        closed_by=None,
    )
