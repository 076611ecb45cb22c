"""What is stored outside beside what the store says: before publishing, and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.documents.health import health_documents
from hedge_pipeline.domain.documents.models import Document, HealthDocument, model_of, parse_document
from hedge_pipeline.domain.documents.projection import Stamp, documents_of
from hedge_pipeline.domain.publication.publications import Publication
from hedge_pipeline.publishing.drafting import draft
from hedge_pipeline.read_model import read_fund


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which a stored document is not what the store says."""

    path: str
    field: str
    stored: Any
    """``None``: absent."""
    ours: Any


def differences(fund: Fund) -> tuple[Difference, ...]:
    """What publishing now would change; nothing is written.

    Raises:
        SourceUnavailable: nobody answers.
    """
    return _compared(fund, [entry for entry in draft(fund).entries() if isinstance(entry, Document)])


def verify(fund: Fund, publication: Publication) -> tuple[Difference, ...]:
    """Read every document back, and compare it with what the store's rows say of the instant of its publication.

    Raises:
        SourceUnavailable: nobody answers.
        InvalidState: a document that was read does not keep its schema.
    """
    view = read_fund(fund, at=publication.attempted_at)
    stamp = Stamp(
        env=publication.env,
        writer_id=publication.writer_id,
        run_id=publication.run_id,
        published_at=publication.attempted_at,
    )
    entries = documents_of(view, stamp, points_through=publication.points_through)
    of_the_fund = [entry for entry in entries if isinstance(entry, Document)]
    told = tuple(row for row in publication.documents if model_of(row.path) is not HealthDocument)
    seq = fund.store.newest_seq(Publication, fund.account) or 0
    documents = [*of_the_fund, *health_documents(view, stamp, told, seq=seq)]
    return _compared(fund, documents, parsed=True)


def _compared(fund: Fund, documents: Sequence[Document], *, parsed: bool = False) -> tuple[Difference, ...]:
    stored = fund.publisher.read([document.path for document in documents])
    found = []
    for document in documents:
        ours, there = document.payload().fields, stored.get(document.path)
        if parsed and there is not None:
            parse_document(document.path, there, env=fund.env)
        theirs = there or {}
        found += [
            Difference(path=document.path, field=name, stored=theirs.get(name), ours=ours.get(name))
            for name in dict.fromkeys([*ours, *theirs])
            if ours.get(name) != theirs.get(name)
        ]
    return tuple(found)
