"""One source of one attempt: what it said and when, or why it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.sources import SourceHealth

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Generic[T]):
    """What a source said and when, by the venue's clock."""

    value: T
    as_of: datetime
    answered_at: datetime


def attempt(source: str, read: Callable[[], Fact[T]]) -> tuple[Fact[T] | None, SourceHealth]:
    """A source that fails leaves ``None`` and its reason."""
    try:
        fact = read()
    except SourceUnavailable as error:
        return None, SourceHealth(source=source, ok=False, as_of=None, error=error.reason)
    return fact, SourceHealth(source=source, ok=True, as_of=fact.as_of)
