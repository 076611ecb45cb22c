"""Documents as the publisher needs them of a server: read together, written under a condition, or a named failure.

The condition is what makes publishing safe: a write names the version it has seen, so whoever was overtaken loses
and looks again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hedge_pipeline.domain.errors import SourceUnavailable

SOURCE = "firestore"


class TargetRefused(SourceUnavailable):
    """The target may not or cannot be spoken to at all: a person corrects its settings."""


class Denied(SourceUnavailable):
    """The server understood and said no: asking again changes nothing."""


class Transient(SourceUnavailable):
    """May succeed when asked again. Of a write: it may have been applied all the same."""


class Overtaken(SourceUnavailable):
    """The document is not what the write expected: somebody wrote it, or nobody has yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A document as the server had it."""

    fields: Mapping[str, Any]
    """Plain values; instants aware, in UTC."""
    update_time: Any
    """The server's own, to the nanosecond: what a write that expects this very document names."""
    content: bytes = b""
    """The fields as the server sent them, for an exact copy; empty where our own write is remembered."""


class Documents(Protocol):
    """Every call gives up after ``timeout`` seconds and raises ``Denied``, ``Transient`` or, writing, ``Overtaken``."""

    def read(self, paths: Sequence[str], *, timeout: float) -> dict[str, Stored | None]:
        """All of them in one request; ``None``: there is none."""

    def create(self, path: str, fields: Mapping[str, Any], *, timeout: float) -> Any:
        """Write a document where none is; its update time."""

    def replace(self, path: str, fields: Mapping[str, Any], *, seen: Any, timeout: float) -> Any:
        """Write the whole document anew if its update time is still ``seen``; its new update time."""

    def copy(self, original: Stored, path: str, beside: Mapping[str, Any], *, timeout: float) -> None:
        """Create a document of ``beside`` and, under ``content``, the original's fields as the server sent them."""

    def is_copy(self, candidate: Stored, original: Stored) -> bool:
        """Whether the candidate's ``content`` is the original, bit by bit."""
