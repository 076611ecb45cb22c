"""How each service fares, as documents: heartbeats that also say degraded and down.

A heartbeat that stops says so too: its reader shows it as down from ``expires_at`` on.
"""

from datetime import datetime, timedelta
from typing import Any

from hedge_pipeline.domain.documents.models import HealthDocument
from hedge_pipeline.domain.documents.projection import Stamp
from hedge_pipeline.domain.fund_view import FundView
from hedge_pipeline.domain.publication.publications import Health, PublishedDocument, health_of

DOWN_AFTER = timedelta(minutes=5)
"""Without a success for so long, a service is down and not merely degraded."""


def health_documents(
    view: FundView, stamp: Stamp, documents: tuple[PublishedDocument, ...], *, seq: int
) -> tuple[HealthDocument, ...]:
    """One document per service. ``documents`` are those of this publication; none: nobody answered."""
    return (
        _valuation(view, stamp, seq),
        _gate(view, stamp, seq),
        _publisher(view, stamp, documents, seq),
    )


def preflight_document(
    account: str, stamp: Stamp, *, failed: tuple[str, ...], holds_for: timedelta
) -> HealthDocument:
    """What somebody saw who looked at everything by hand; its being there proves that documents can be written."""
    return HealthDocument.model_validate(
        {
            "schema_version": HealthDocument.VERSION,
            "env": stamp.env,
            "account": account,
            "writer_id": stamp.writer_id,
            "run_id": stamp.run_id,
            "as_of": stamp.published_at,
            "seq": 0,
            "published_at": stamp.published_at,
            "expires_at": stamp.published_at + holds_for,
            "stale": False,
            "service": "preflight",
            "status": str(Health.DEGRADED if failed else Health.OK),
            "problems": tuple(told[:1000] for told in failed),
            "error_count": len(failed),
            "last_success_at": None if failed else stamp.published_at,
            "standings": (),
        }
    )


def _valuation(view: FundView, stamp: Stamp, seq: int) -> HealthDocument:
    problems = []
    if view.stale:
        problems.append("the NAV is stale")
    if view.attempt is None:
        problems.append("never valued")
    elif not view.attempt.accepted:
        problems += [f"{p.source} {p.code}: {p.message}" for p in view.attempt.problems]
    elif not view.attempt.aum_complete:
        problems += [f"reporting NAV is a lower bound: {told}" for told in view.attempt.aum_problems]
    if view.peak_stale:
        problems.append("the peak state is stale")
    missed = (view.attempt.ordinal - view.nav.ordinal) if view.attempt and view.nav else 0
    return _document(
        view, stamp, seq, "valuation", problems=problems, error_count=missed, last_success_at=view.as_of
    )


def _gate(view: FundView, stamp: Stamp, seq: int) -> HealthDocument:
    decided_at = view.decided_at
    age = view.age(decided_at)
    late = age is None or age >= view.limits.freshness.nav
    return _document(
        view,
        stamp,
        seq,
        "gate",
        problems=["no verdict has been recorded lately"] if late else [],
        error_count=int(late),
        last_success_at=decided_at,
    )


def _publisher(
    view: FundView, stamp: Stamp, documents: tuple[PublishedDocument, ...], seq: int
) -> HealthDocument:
    problems = [f"{row.path} {row.outcome}: {row.error}" for row in documents if not row.outcome.in_place]
    status = health_of(documents)
    return _document(
        view,
        stamp,
        seq,
        "publisher",
        problems=problems,
        error_count=max((row.failures_in_a_row for row in documents), default=0),
        last_success_at=max((row.last_success_at for row in documents if row.last_success_at), default=None),
        down=status is Health.DOWN,
        standings=tuple(
            {
                "path": row.path,
                "outcome": str(row.outcome),
                "as_of": row.as_of,
                "failures_in_a_row": row.failures_in_a_row,
                "failures": row.failures,
                "successes": row.successes,
                "skips": row.skips,
                "last_success_at": row.last_success_at,
                "last_error": row.error,
            }
            for row in documents
        ),
    )


def _document(
    view: FundView,
    stamp: Stamp,
    seq: int,
    service: str,
    *,
    problems: list[str],
    error_count: int,
    last_success_at: datetime | None,
    down: bool = False,
    standings: tuple[dict[str, Any], ...] = (),
) -> HealthDocument:
    silent = last_success_at is None or stamp.published_at - last_success_at >= DOWN_AFTER
    status = Health.OK if not problems else Health.DOWN if down or silent else Health.DEGRADED
    return HealthDocument.model_validate(
        {
            "schema_version": HealthDocument.VERSION,
            "env": stamp.env,
            "account": view.account,
            "writer_id": stamp.writer_id,
            "run_id": stamp.run_id,
            "as_of": stamp.published_at,
            "seq": seq,
            "published_at": stamp.published_at,
            "expires_at": stamp.published_at + view.limits.freshness.nav,
            "stale": False,
            "service": service,
            "status": str(status),
            "problems": tuple(told[:1000] for told in problems),
            "error_count": error_count,
            "last_success_at": last_success_at,
            "standings": standings,
        }
    )
