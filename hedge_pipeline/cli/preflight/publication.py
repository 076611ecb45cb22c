"""Where the projection goes: the target, whether it answers, whose documents lie there, and whether ours can be written.

Writing is proven by a document of our own, ``health/preflight``, through the ordinary publisher: created the first time,
replaced ever after, never deleted.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.composition import build_fund, open_store
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.documents.health import preflight_document
from hedge_pipeline.domain.documents.models import MODELS
from hedge_pipeline.domain.documents.projection import Stamp
from hedge_pipeline.domain.documents.services import HealthDocument, Service
from hedge_pipeline.domain.errors import HedgeError, InvalidSettings, SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome
from hedge_pipeline.operations import own_writers
from hedge_pipeline.outlet import Outlet
from hedge_pipeline.settings import Settings
from hedge_pipeline.settings.target import Target, publication_target

IMPORT = "archive and own it: `hedge import --firestore`"
SETTLE = "stop the other deployment; if its store is lost for good, `hedge take-over --writer ID`"
REMEDIES = (
    (
        ("credentials", "Unauthenticated", "RefreshError", "no service account"),
        "log in (`gcloud auth application-default login`), or let GOOGLE_APPLICATION_CREDENTIALS name the key of a "
        "service account",
    ),
    (
        ("PermissionDenied", "Forbidden"),
        "give this account the role roles/datastore.user in the project, and see that the Firestore API is switched on",
    ),
    (
        ("NotFound", "does not exist"),
        "correct publication.project and publication.database, or create the database (native mode)",
    ),
    (
        ("ResourceExhausted", "Quota"),
        "the project's quota is spent: wait until it is renewed, or raise it; all is published again by itself",
    ),
    (
        (
            "DeadlineExceeded",
            "ServiceUnavailable",
            "RetryError",
            "no time left",
            "did not start",
            "cannot be read",
        ),
        "look whether the server runs and this machine reaches it; the local one: `hedge local down`, then `hedge local up`",
    ),
)
"""Words of Google's own errors, and what to do. The first that occurs counts."""
OTHERWISE = (
    "look at the server; valuation and gate go on, and all is published again by itself once it answers"
)


def remedy_of(reason: str) -> str:
    """What to do about a failure of the server, as it words it."""
    return next((remedy for words, remedy in REMEDIES if any(word in reason for word in words)), OTHERWISE)


def lines(settings: Settings, failed: Sequence[Line]) -> Iterator[Line]:
    """``failed`` is what has failed so far: it is what the document tells."""
    try:
        target = publication_target(settings)
    except InvalidSettings as refusal:
        yield Line(
            name="target",
            told=f"nowhere: {refusal}",
            remedy="set what it names; nothing is published until then, valuation and gate go on",
        )
        return
    yield Line(name="target", told=str(target))
    yield from _at(target, settings, failed)


def _at(target: Target, settings: Settings, failed: Sequence[Line]) -> Iterator[Line]:
    paths = _paths(settings)
    try:
        stored = Outlet(settings, SystemClock()).read(paths)
    except SourceUnavailable as absence:
        yield Line(name="publication", told=absence.reason, remedy=remedy_of(absence.reason))
        return
    there = {path: fields for path, fields in stored.items() if fields is not None}
    yield Line(name="publication", told=f"answers; {len(there)} of {len(paths)} documents can be read")
    try:
        store = open_store(settings, create=False, read_only=True)
    except HedgeError as fault:
        if "there is none" in str(fault):
            yield from _writers(there, frozenset(), "there is no store here yet")
        yield Line(name="writing", told="not tried: there is no store that could own the document")
        return
    fund = build_fund(settings, store=store)
    own = own_writers(fund)
    yield from _writers(there, own, f"our store is {store.store_id}" if own else "our store is a copy")
    if own:
        yield _written(fund, failed)
    else:
        yield Line(name="writing", told="not tried: a copy publishes nothing")
    store.close()


def _paths(settings: Settings) -> list[str]:
    """Every document but the points of the curve."""
    places = [model.PLACE for model in MODELS if "{key}" not in model.PLACE]
    places += [HealthDocument.PLACE.format(key=service) for service in get_args(Service)]
    return [f"hedge/{settings.env}/{place}" for place in places]


def _writers(there: Mapping[str, Mapping[str, Any]], own: frozenset[str], ours: str) -> Iterator[Line]:
    """Whose documents lie at the target. ``own`` may be written by us: our store's, and those it took over."""
    unversioned = sorted(path for path, fields in there.items() if not _is_versioned(fields))
    writers = {fields["writer_id"] for path, fields in there.items() if path not in unversioned}
    others = sorted(writers - own)
    if unversioned:
        told = f"{unversioned[0]} has no version: a predecessor wrote it ({len(unversioned)} such)"
        yield Line(name="writer", told=told, remedy=IMPORT)
    if others:
        told = f"{ours}, and documents there are written by store {', '.join(others)}"
        yield Line(name="writer", told=told, remedy=SETTLE)
    if not unversioned and not others:
        whose = "none is published yet" if not there else f"all {len(there)} documents are ours"
        yield Line(name="writer", told=f"{ours}; {whose}")


def _is_versioned(fields: Mapping[str, Any]) -> bool:
    return isinstance(fields.get("schema_version"), int) and isinstance(fields.get("writer_id"), str)


def _written(fund: Fund, failed: Sequence[Line]) -> Line:
    stamp = Stamp(
        env=fund.env,
        writer_id=fund.store.store_id,
        run_id=secrets.token_hex(8),
        published_at=fund.now(),
    )
    document = preflight_document(
        fund.account,
        stamp,
        failed=tuple(f"{line.name}: {line.told}" for line in failed),
        holds_for=fund.limits.freshness.nav,
    )
    (delivery,) = fund.publisher.publish([document.payload()], own_writers=own_writers(fund))
    return _delivered(delivery)


def _delivered(delivery: Delivery) -> Line:
    if delivery.outcome.in_place or delivery.outcome is Outcome.OLDER:
        return Line(name="writing", told=f"{delivery.path} {delivery.outcome}")
    error = delivery.error or "nobody says why"
    remedy = SETTLE if delivery.found_writer else remedy_of(error)
    return Line(name="writing", told=f"{delivery.path} {delivery.outcome}: {error}", remedy=remedy)
