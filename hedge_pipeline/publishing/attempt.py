"""One publication: read back, points, documents, heartbeats; then one row with what became of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hedge_pipeline.cycle import Fund, append_with_incidents, retried
from hedge_pipeline.domain.documents.health import health_documents
from hedge_pipeline.domain.documents.models import Document
from hedge_pipeline.domain.documents.projection import Stamp, Withheld, paths_of
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload
from hedge_pipeline.domain.publication.publications import (
    Publication,
    PublishedDocument,
    by_path,
    health_of,
    standing,
)
from hedge_pipeline.domain.publication.trips import incident_changes
from hedge_pipeline.operations.taking_over import own_writers
from hedge_pipeline.publishing.drafting import Draft, draft
from hedge_pipeline.publishing.points import POINTS_AT_ONCE, POINTS_REACH, missing_points, points_on_server


def publish(fund: Fund, *, points_since: datetime | None = None) -> Publication:
    """Publish every document that differs and the NAV points that are missing; append what became of them.

    ``points_since`` publishes every point from there on again.

    Raises:
        StoreUnavailable: what is to be published cannot be read, or what was published not be recorded.
    """
    attempt = _Attempt(fund, points_since)
    publication = attempt.run()
    return retried(lambda: _appended(fund, publication))


class _Attempt:
    """One publication on its way."""

    def __init__(self, fund: Fund, points_since: datetime | None) -> None:
        self._fund = fund
        self._points_since = points_since
        self._own = own_writers(fund)
        self._before = fund.latest(Publication)
        self._standings = dict(by_path(self._before))
        self._told: dict[str, PublishedDocument] = {}

    def run(self) -> Publication:
        drafted = draft(self._fund)
        error, points_written = None, 0
        try:
            stored = self._fund.publisher.read(paths_of(drafted.stamp.env))
        except SourceUnavailable as absence:
            error = absence.reason
            through = self._before.points_through if self._before else None
            self._none(drafted, Outcome.FAILED, error)
        else:
            points_written, through = self._points(drafted, stored)
            self._documents(drafted, stored, through)
            self._health(drafted)
        return Publication(
            account=self._fund.account,
            attempted_at=drafted.stamp.published_at,
            recorded_at=self._fund.clock.now(),
            target=self._fund.publisher.target,
            env=self._fund.env,
            run_id=drafted.stamp.run_id,
            writer_id=drafted.stamp.writer_id,
            health=health_of(self._told.values()),
            documents=tuple(self._told.values()),
            points_written=points_written,
            points_through=through,
            error=error,
        )

    def _points(
        self, drafted: Draft, stored: Mapping[str, Mapping[str, Any] | None]
    ) -> tuple[int, datetime | None]:
        """Points after the last one the server is known to hold, oldest first, until one fails."""
        through = self._points_since or points_on_server(stored, drafted.stamp.env)
        reach = drafted.stamp.published_at - POINTS_REACH
        pending = missing_points(self._fund, drafted.stamp, after=through or reach)[:POINTS_AT_ONCE]
        deliveries = self._fund.publisher.publish(
            [point.payload() for point in pending], own_writers=self._own
        )
        written = 0
        for point, delivery in zip(pending, deliveries, strict=True):
            if not (delivery.outcome.in_place or delivery.outcome is Outcome.OLDER):
                break
            through, written = point.as_of, written + delivery.outcome.in_place
        return written, through

    def _documents(
        self, drafted: Draft, stored: Mapping[str, Mapping[str, Any] | None], through: datetime | None
    ) -> None:
        entries = drafted.entries(through)
        self._send([entry for entry in entries if isinstance(entry, Document)], drafted.stamp, stored)
        for entry in entries:
            if isinstance(entry, Withheld):
                outcome = Outcome.REFUSED if entry.invalid else Outcome.WITHHELD
                self._tell(entry.path, None, _unsent(entry.path, outcome, entry.reason), drafted.stamp)

    def _health(self, drafted: Draft) -> None:
        """Last, so that it tells how the others fared."""
        documents = health_documents(drafted.view, drafted.stamp, tuple(self._told.values()), seq=self._seq())
        self._send(documents, drafted.stamp, {})

    def _send(
        self,
        documents: Sequence[Document],
        stamp: Stamp,
        stored: Mapping[str, Mapping[str, Any] | None],
    ) -> None:
        payloads = [document.payload() for document in documents]
        refused = {
            payload.path: twin
            for payload in payloads
            if (twin := _twin(payload, stored.get(payload.path), self._own)) is not None
        }
        sent = [payload for payload in payloads if payload.path not in refused]
        deliveries = iter(self._fund.publisher.publish(sent, own_writers=self._own))
        for payload in payloads:
            self._tell(payload.path, payload, refused.get(payload.path) or next(deliveries), stamp)

    def _none(self, drafted: Draft, outcome: Outcome, reason: str) -> None:
        for entry in drafted.entries():
            if isinstance(entry, Withheld) and not entry.invalid:
                self._tell(
                    entry.path, None, _unsent(entry.path, Outcome.WITHHELD, entry.reason), drafted.stamp
                )
            else:
                payload = None if isinstance(entry, Withheld) else entry.payload()
                self._tell(entry.path, payload, _unsent(entry.path, outcome, reason), drafted.stamp)
        for document in health_documents(drafted.view, drafted.stamp, (), seq=self._seq()):
            self._tell(
                document.path, document.payload(), _unsent(document.path, outcome, reason), drafted.stamp
            )

    def _tell(self, path: str, payload: Payload | None, delivery: Delivery, stamp: Stamp) -> None:
        self._told[path] = standing(path, self._standings.get(path), payload, delivery, at=stamp.published_at)

    def _seq(self) -> int:
        return (self._fund.store.newest_seq(Publication, self._fund.account) or 0) + 1


def _unsent(path: str, outcome: Outcome, reason: str) -> Delivery:
    return Delivery(path=path, outcome=outcome, attempts=0, error=reason)


def _twin(payload: Payload, stored: Mapping[str, Any] | None, own: frozenset[str]) -> Delivery | None:
    """A document that names our store and a row we have not got: a copy of this store publishes too."""
    if stored is None or stored.get("writer_id") not in own or not isinstance(stored.get("seq"), int):
        return None
    if stored["writer_id"] != payload.fields["writer_id"] or stored["seq"] <= payload.fields["seq"]:
        return None
    told = f"the document was made from row {stored['seq']} of this store, which ends at {payload.fields['seq']}: a copy of it publishes too"
    return Delivery(
        path=payload.path, outcome=Outcome.REFUSED, attempts=1, error=told, found_writer=stored["writer_id"]
    )


def _appended(fund: Fund, publication: Publication) -> Publication:
    changes = incident_changes(publication, fund.store.open_incidents(fund.account))
    append_with_incidents(fund, publication, changes, at=publication.attempted_at)
    return publication
