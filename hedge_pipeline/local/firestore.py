"""The local Firestore server's process: Google's emulator where it is installed, else a small server of our own.

Both keep everything in memory: what they held is published again after a restart.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.local import emulator, processes
from hedge_pipeline.local.emulator import Emulator
from hedge_pipeline.local.processes import Starting

_logger = logging.getLogger(__name__)


class FirestoreKind(StrEnum):
    """Whose server it is."""

    EMULATOR = "emulator"
    OWN = "own"


PROGRAMS = {
    FirestoreKind.EMULATOR: "hedge_pipeline.local.guard",
    FirestoreKind.OWN: "hedge_pipeline.firestore_server",
}


@dataclass(frozen=True, slots=True)
class LocalFirestore:
    """A Firestore server of this machine; `host` is what a client takes, with its port and without a scheme."""

    host: str
    pid: int
    kind: FirestoreKind

    @property
    def is_alive(self) -> bool:
        """Whether its process exists; not whether it answers. A pid that somebody else has now is not it."""
        return processes.is_alive(self.pid, PROGRAMS[self.kind])

    @property
    def words(self) -> str:
        whose = (
            "Google's Firestore emulator"
            if self.kind is FirestoreKind.EMULATOR
            else "our own Firestore server"
        )
        return f"{whose} at {self.host}"

    @property
    def content(self) -> dict[str, Any]:
        """What a ready file says of it."""
        return {"host": self.host, "pid": self.pid, "kind": self.kind}

    def end(self) -> None:
        processes.end(self.pid, PROGRAMS[self.kind])


class StartingFirestore:
    """The emulator on its way, or our own server; the one stands in for the other where it does not start."""

    def __init__(self, home: Path, ready: Path, arguments: Sequence[str], *, detached: bool) -> None:
        self._home, self._ready, self._arguments, self._detached = home, ready, arguments, detached
        found = emulator.find()
        if isinstance(found, Emulator):
            self._kind = FirestoreKind.EMULATOR
            self._starting = self._start(["--java", str(found.java), "--jar", str(found.jar)])
        else:
            _logger.warning("Google's Firestore emulator is not installed: %s. Our own server is used", found)
            self._kind = FirestoreKind.OWN
            self._starting = self._start([])

    def ready(self) -> LocalFirestore:
        """The server, once it serves.

        Raises:
            SourceUnavailable: it does not start.
        """
        try:
            content = self._starting.ready()
        except SourceUnavailable as failure:
            if self._kind is FirestoreKind.OWN:
                raise
            _logger.warning("Google's Firestore emulator %s. Our own server is used", failure.reason)
            self._kind = FirestoreKind.OWN
            self._starting = self._start([])
            content = self._starting.ready()
        return named(content)

    def kill(self) -> None:
        self._starting.kill()

    def _start(self, arguments: Sequence[str]) -> Starting:
        state = self._home / "paper"
        return Starting(
            "local Firestore",
            PROGRAMS[self._kind],
            [*arguments, *self._arguments],
            ready=self._ready,
            log=state / "firestore.log",
            detached=self._detached,
        )


def named(content: dict[str, Any]) -> LocalFirestore:
    """What a ready file says."""
    return LocalFirestore(content["host"], content["pid"], FirestoreKind(content["kind"]))
