"""An unversioned document taken over: copied, the copy compared, then a mark of ours put in its place.

Each step looks at what is stored first, so a call that ends between any two of them, or is repeated, loses nothing:
a copy is only ever created, and the original is only marked while it is still what was copied.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hedge_pipeline.adapters.firestore.decision import TAKEN_OVER, is_unversioned
from hedge_pipeline.adapters.firestore.patience import Patience
from hedge_pipeline.adapters.firestore.storage import SOURCE, Denied, Documents, Overtaken, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who takes over, for which environment, and when."""

    writer_id: str
    env: str
    at: datetime


def archive(path: str, under: str, owner: Owner, *, documents: Documents, patience: Patience) -> str | None:
    """Where the original of ``path`` lies now; ``None``: there is nothing there that was or is to be taken over.

    A document of another publisher has a version and is left alone.

    Raises:
        SourceUnavailable: no answer in time; the original is untouched, or marked and its copy verified.
    """
    return patience.persist(lambda: _step_by_step(path, under, owner, documents, patience))


def _step_by_step(
    path: str, under: str, owner: Owner, documents: Documents, patience: Patience
) -> str | None:
    place = f"{under}/{path.replace('/', '~')}"
    found = documents.read([path, place], timeout=patience.timeout())
    original, copy = found[path], found[place]
    if original is None:
        return None
    if not is_unversioned(original.fields):
        return _taken_over_before(original, copy, place, path, owner)
    if copy is not None and not _is_copy(copy, original, path, documents):
        # Taken over once before and overwritten since, or changed after an interrupted attempt: keep both.
        place = f"{place}~{_digest(original)}"
        copy = documents.read([place], timeout=patience.timeout())[place]
    if copy is None:
        beside = {"original_path": path, "archived_at": owner.at}
        documents.copy(original, place, beside, timeout=patience.timeout())
        copy = documents.read([place], timeout=patience.timeout())[place]
    if copy is None:
        raise Overtaken(SOURCE, f"the copy {place} disappeared")
    if not _is_copy(copy, original, path, documents):
        raise Denied(SOURCE, f"{place} is not a copy of {path}, which stays as it is: look at both")
    documents.replace(path, _mark(owner, place), seen=original.update_time, timeout=patience.timeout())
    return place


def _taken_over_before(
    original: Stored, copy: Stored | None, place: str, path: str, owner: Owner
) -> str | None:
    if original.fields["writer_id"] != owner.writer_id:
        return None
    archived_to = original.fields.get("archived_to")
    if original.fields["schema_version"] == TAKEN_OVER and isinstance(archived_to, str):
        return archived_to
    return place if copy is not None and copy.fields.get("original_path") == path else None


def _is_copy(copy: Stored, original: Stored, path: str, documents: Documents) -> bool:
    return copy.fields.get("original_path") == path and documents.is_copy(copy, original)


def _mark(owner: Owner, place: str) -> Mapping[str, Any]:
    return {
        "schema_version": TAKEN_OVER,
        "writer_id": owner.writer_id,
        "env": owner.env,
        "archived_at": owner.at,
        "archived_to": place,
    }


def _digest(original: Stored) -> str:
    return hashlib.sha256(original.content).hexdigest()[:12]
