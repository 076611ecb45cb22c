"""One document on its way out, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of one document of one publication. Only the first two put ours in place."""

    WRITTEN = "written"
    ALREADY_THERE = "already_there"
    """The very version was stored before: a lost reply, or a second attempt."""
    OLDER = "older"
    """What is stored is newer; nothing was written."""
    WITHHELD = "withheld"
    """There is nothing to publish: what the document tells is not known."""
    REFUSED = "refused"
    """It may not be written: the target, the document's owner or its schema forbids it."""
    FAILED = "failed"
    """Nobody answered in time, or the server refused; whether it was written is not known."""

    @property
    def in_place(self) -> bool:
        return self in {Outcome.WRITTEN, Outcome.ALREADY_THERE}

    @property
    def failure(self) -> bool:
        """What is neither in place nor rightly left out."""
        return self in {Outcome.REFUSED, Outcome.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A versioned document as the publisher sends it."""

    path: str
    """Segments joined by slashes, an even number of them, as ``hedge/dev/state/nav``."""
    fields: Mapping[str, Any]
    """Plain JSON-like values and aware datetimes; no ``Decimal``: money is its exact text.

    Always among them, the envelope: ``schema_version`` (int), ``env``, ``writer_id``, ``run_id`` (text), ``as_of``,
    ``published_at`` (instants), ``expires_at`` (instant), ``seq`` (int), ``stale`` (bool).
    """

    @property
    def version(self) -> tuple[datetime, int, datetime]:
        """What orders two versions of a document: the fact's instant, the store's row, the publication's instant.

        The last breaks the tie of one fact told twice, fresh and later stale.
        """
        return (self.fields["as_of"], self.fields["seq"], self.fields["published_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one payload."""

    path: str
    outcome: Outcome
    attempts: int
    error: str | None = None
    """Why it is not in place, in a line without secrets; ``None`` exactly when it is."""
    found_writer: str | None = None
    """Whose document was found there, when it is not ours."""
