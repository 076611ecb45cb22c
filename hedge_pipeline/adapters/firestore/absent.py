"""A target nobody may or can publish to: every publication of it fails for one reason, and counts as failed."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from hedge_pipeline.adapters.firestore.storage import SOURCE
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload


@dataclass(frozen=True, slots=True)
class AbsentPublisher:
    """``Publisher`` of ports where there is none."""

    target: str
    reason: str

    def publish(self, payloads: Sequence[Payload], *, own_writers: AbstractSet[str]) -> tuple[Delivery, ...]:
        return tuple(
            Delivery(path=payload.path, outcome=Outcome.REFUSED, attempts=0, error=self.reason)
            for payload in payloads
        )

    def read(self, paths: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        self._refuse()

    def archive(self, paths: Sequence[str], *, under: str, writer_id: str, at: datetime) -> Mapping[str, str]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise SourceUnavailable(SOURCE, self.reason)
