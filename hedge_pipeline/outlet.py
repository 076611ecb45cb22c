"""The publisher of these settings: made when something is first published, and again when the local server has moved."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cache
from typing import Any

from hedge_pipeline import local
from hedge_pipeline.adapters.firestore import AbsentPublisher, FirestorePublisher
from hedge_pipeline.domain.errors import InvalidSettings, SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Payload
from hedge_pipeline.ports import Clock, Publisher
from hedge_pipeline.settings import Settings
from hedge_pipeline.settings.target import publication_target


class Outlet:
    """``Publisher`` of ports that stands in for the one there is; where there is none, every publication fails."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._publisher_at = cache(self._make)

    @property
    def target(self) -> str:
        try:
            return str(publication_target(self._settings))
        except InvalidSettings:
            return "nowhere"

    def publish(self, payloads: Sequence[Payload], *, own_writers: AbstractSet[str]) -> tuple[Delivery, ...]:
        return self._publisher.publish(payloads, own_writers=own_writers)

    def read(self, paths: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        return self._publisher.read(paths)

    def archive(self, paths: Sequence[str], *, under: str, writer_id: str, at: datetime) -> Mapping[str, str]:
        return self._publisher.archive(paths, under=under, writer_id=writer_id, at=at)

    @property
    def _publisher(self) -> Publisher:
        try:
            target = publication_target(self._settings)
            host = target.emulator_host
            if target.local:
                host = local.firestore_for_this_process(self._settings.home).host
        except (InvalidSettings, SourceUnavailable) as refusal:
            return AbsentPublisher(self.target, str(refusal))
        return self._publisher_at(target.project, target.database, host)

    def _make(self, project: str, database: str, host: str | None) -> Publisher:
        return FirestorePublisher(
            env=str(self._settings.env),
            project=project,
            database=database,
            emulator_host=host,
            clock=self._clock,
        )
