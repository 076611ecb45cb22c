"""The envelope of every document: whose it is, of when, until when it may be shown as new."""

from datetime import timedelta
from typing import ClassVar, Self

from pydantic import model_validator

from hedge_pipeline.domain.documents.values import Count, Instant, Name, Strict, plain
from hedge_pipeline.domain.publication.deliveries import Payload

FUTURE = timedelta(seconds=1)
"""How far a fact may be dated ahead of its publication."""


class Document(Strict):
    """What every document carries around its content."""

    VERSION: ClassVar[int] = 1
    PLACE: ClassVar[str]
    """Below ``hedge/{env}/``; braces are filled in by ``key``."""

    schema_version: int
    env: Name
    account: Name
    writer_id: Name
    """The state store it was made from: two stores never write one document."""
    run_id: Name
    """One per publication."""
    as_of: Instant
    """When what it tells was true, by the source's clock; never the publisher's."""
    seq: Count
    """Row id of the newest row it was made from: breaks ties of ``as_of``."""
    published_at: Instant
    expires_at: Instant
    stale: bool
    """Whether it was too old to be used when it was published."""

    @property
    def key(self) -> str:
        """What tells documents of one kind apart."""
        return ""

    @property
    def path(self) -> str:
        return f"hedge/{self.env}/{self.PLACE.format(key=self.key)}"

    def payload(self) -> Payload:
        return Payload(path=self.path, fields=plain(self.model_dump(mode="python")))

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if self.schema_version != self.VERSION:
            raise ValueError(f"schema_version is not {self.VERSION}")
        if self.as_of > self.published_at + FUTURE:
            raise ValueError("as_of is after published_at: a fact from the future")
        if self.expires_at <= self.as_of:
            raise ValueError("expires_at is not after as_of")
        if self.published_at >= self.expires_at and not self.stale:
            raise ValueError("stale is false of a document that was old when it was published")
        return self
