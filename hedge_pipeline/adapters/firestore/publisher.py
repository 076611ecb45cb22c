"""Publishing to Firestore: each document by itself, an older version never over a newer.

A write names the document it replaces by the server's own update time. What we saw last is remembered, so in the
steady state a document costs one request; whoever finds it changed reads, compares and tries again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hedge_pipeline.adapters.firestore import archiving
from hedge_pipeline.adapters.firestore.delivering import deliver, told
from hedge_pipeline.adapters.firestore.destination import Destination
from hedge_pipeline.adapters.firestore.patience import Patience, PublishingLimits
from hedge_pipeline.adapters.firestore.payload_checks import path_fault, payload_fault
from hedge_pipeline.adapters.firestore.storage import SOURCE, Documents, Stored, TargetRefused
from hedge_pipeline.adapters.redaction import one_line
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload
from hedge_pipeline.ports import Clock


@dataclass(slots=True, eq=False, kw_only=True)
class FirestorePublisher:
    """``Publisher`` of ports for one environment's documents in one database."""

    env: str
    """Of every document it writes; payloads of another are refused."""
    project: str
    clock: Clock
    database: str = "(default)"
    emulator_host: str | None = None
    """``host:port`` of a local server. ``None`` is Google's Firestore, whatever the environment says."""
    credentials_file: Path | None = None
    limits: PublishingLimits = field(default_factory=PublishingLimits)
    sleep: Callable[[float], None] = time.sleep
    _remembered: dict[str, Stored] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return str(self._destination)

    def publish(self, payloads: Sequence[Payload], *, own_writers: AbstractSet[str]) -> tuple[Delivery, ...]:
        patience = self._patience()
        faults = [payload_fault(payload, env=self.env, own_writers=own_writers) for payload in payloads]
        sound = [payload for payload, fault in zip(payloads, faults, strict=True) if fault is None]
        done = iter(self._deliver_all(sound, own_writers, patience))
        return tuple(
            next(done) if fault is None else _refused(payload, fault)
            for payload, fault in zip(payloads, faults, strict=True)
        )

    def read(self, paths: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        _refuse_paths(paths)
        if not paths:
            return {}
        documents, patience = self._documents(), self._patience()
        found = patience.persist(lambda: documents.read(paths, timeout=patience.timeout()))
        return {path: None if (stored := found[path]) is None else stored.fields for path in paths}

    def archive(self, paths: Sequence[str], *, under: str, writer_id: str, at: datetime) -> Mapping[str, str]:
        _refuse_paths(paths)
        if (fault := path_fault(under, of_collection=True)) is not None:
            raise SourceUnavailable(SOURCE, fault)
        owner = archiving.Owner(writer_id=writer_id, env=self.env, at=at)
        archived = {}
        for path in paths:
            self._remembered.pop(path, None)
            copy = archiving.archive(
                path, under, owner, documents=self._documents(), patience=self._patience()
            )
            if copy is not None:
                archived[path] = copy
        return archived

    def close(self) -> None:
        """End this process's connections to the target, whoever uses them; the next call opens new ones."""
        self._remembered.clear()
        from hedge_pipeline.adapters.firestore import client

        client.close(self._destination)

    @property
    def _destination(self) -> Destination:
        return Destination(
            project=self.project,
            database=self.database,
            emulator_host=self.emulator_host,
            credentials_file=self.credentials_file,
        )

    def _documents(self) -> Documents:
        try:
            from hedge_pipeline.adapters.firestore import client
        except ImportError as error:
            raise TargetRefused(
                SOURCE, one_line(f"google-cloud-firestore cannot be loaded ({error}): install it")
            ) from error
        return client.documents_at(self._destination)

    def _patience(self) -> Patience:
        return Patience(limits=self.limits, clock=self.clock, sleep=self.sleep)

    def _deliver_all(
        self, payloads: Sequence[Payload], own_writers: AbstractSet[str], patience: Patience
    ) -> list[Delivery]:
        if not payloads:
            return []
        try:
            documents = self._documents()
        except Exception as error:  # noqa: BLE001  # of whatever kind, it is reported with every document
            return [_refused(payload, told(error)) for payload in payloads]
        looked = self._look(documents, payloads, patience)

        def one(payload: Payload) -> Delivery:
            return deliver(
                payload,
                own_writers,
                documents=documents,
                patience=patience,
                looked=looked,
                remembered=self._remembered,
            )

        with ThreadPoolExecutor(min(self.limits.at_once, len(payloads)), "firestore") as pool:
            return list(pool.map(one, payloads))

    def _look(
        self, documents: Documents, payloads: Sequence[Payload], patience: Patience
    ) -> dict[str, Stored | None]:
        """Every document not remembered, in one request; if that fails, each is looked at by itself."""
        unknown = sorted({payload.path for payload in payloads} - self._remembered.keys())
        try:
            return documents.read(unknown, timeout=patience.timeout()) if unknown else {}
        except Exception:  # noqa: BLE001  # it comes back, with its reason, for each document
            return {}


def _refused(payload: Payload, reason: str) -> Delivery:
    return Delivery(path=payload.path, outcome=Outcome.REFUSED, attempts=0, error=reason)


def _refuse_paths(paths: Sequence[str]) -> None:
    for path in paths:
        if (fault := path_fault(path)) is not None:
            raise SourceUnavailable(SOURCE, fault)
