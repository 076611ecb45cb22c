"""How each service fares: its heartbeat."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import model_validator

from hedge_pipeline.domain.documents.envelope import Document
from hedge_pipeline.domain.documents.values import Count, Instant, Name, Rows, Strict, Text


class Standing(Strict):
    """What became of one document so far."""

    path: Name
    outcome: Literal["written", "already_there", "older", "withheld", "refused", "failed"]
    as_of: Instant | None
    failures_in_a_row: Count
    failures: Count
    successes: Count
    skips: Count
    last_success_at: Instant | None
    last_error: Text | None


Service = Literal["valuation", "gate", "publisher", "preflight"]


class HealthDocument(Document):
    """One service's heartbeat. After ``expires_at`` the service is down, whatever the status says."""

    PLACE: ClassVar[str] = "health/{key}"

    service: Service
    status: Literal["ok", "degraded", "down"]
    problems: Annotated[tuple[Text, ...], Rows]
    error_count: Count
    """Failures in a row."""
    last_success_at: Instant | None
    standings: Annotated[tuple[Standing, ...], Rows]

    @property
    def key(self) -> str:
        return self.service

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.status == "ok") == bool(self.problems):
            raise ValueError("problems must say why status is not ok, and only then")
        return self
