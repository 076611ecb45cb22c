"""``Documents`` in memory, keeping their promises, that lose replies and let others write in between as a test asks."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hedge_pipeline.adapters.firestore.storage import SOURCE, Overtaken, Stored, Transient


@dataclass
class MemoryDocuments:
    """Every document by its path, and every version anybody could have seen."""

    stored: dict[str, Stored] = field(default_factory=dict)
    history: list[Mapping[str, Any]] = field(default_factory=list)
    disturb: Callable[[], str | None] = lambda: None
    """Before each request: ``before`` or ``after`` loses it before or after it is applied."""
    _commits: int = 0
    _one_at_a_time: Any = field(default_factory=threading.RLock)

    def read(self, paths: Sequence[str], *, timeout: float) -> dict[str, Stored | None]:
        if self.disturb() is not None:
            raise Transient(SOURCE, "lost")
        return {path: self.stored.get(path) for path in paths}

    def create(self, path: str, fields: Mapping[str, Any], *, timeout: float) -> int:
        return self._write(path, fields, lambda found: found is None)

    def replace(self, path: str, fields: Mapping[str, Any], *, seen: Any, timeout: float) -> int:
        return self._write(path, fields, lambda found: found is not None and found.update_time == seen)

    def copy(self, original: Stored, path: str, beside: Mapping[str, Any], *, timeout: float) -> None:
        self.create(path, {**beside, "content": dict(original.fields)}, timeout=timeout)

    def is_copy(self, candidate: Stored, original: Stored) -> bool:
        return bool(candidate.fields.get("content") == original.fields)

    def _write(self, path: str, fields: Mapping[str, Any], holds: Callable[[Stored | None], bool]) -> int:
        lost = self.disturb()
        if lost == "before":
            raise Transient(SOURCE, "lost")
        with self._one_at_a_time:
            if not holds(self.stored.get(path)):
                raise Overtaken(SOURCE, "somebody was first")
            self._commits += 1
            self.stored[path] = Stored(
                fields=dict(fields), update_time=self._commits, content=repr(fields).encode()
            )
            self.history.append(fields)
        if lost == "after":
            raise Transient(SOURCE, "lost")
        return self._commits
