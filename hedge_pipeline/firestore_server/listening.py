"""Listen: a stream of how the documents of a target change, told as the difference from what was told before.

No change is queued. Whoever reads slowly is told of fewer versions, the last one always, and costs no more memory than the
documents it listens to. Nothing is remembered across streams: a resumed target is reset and told anew, as the emulator does.
"""

import asyncio
from collections.abc import Callable, Iterator

from hedge_pipeline.firestore_server.paths import document_place
from hedge_pipeline.firestore_server.queries import Query
from hedge_pipeline.firestore_server.refusals import invalid, refuse_set_fields
from hedge_pipeline.firestore_server.store import Database, Store
from hedge_pipeline.firestore_server.wire import (
    ListenResponse,
    Message,
    TargetChangeType,
    micros,
    timestamp,
)


class Target:
    """A document, several, or a query, and which version of each was told last."""

    def __init__(self, request: Message) -> None:
        refuse_set_fields(request, "once", "expected_count")
        self.id: int = request.target_id
        self._is_resumed = request.WhichOneof("resume_type") is not None
        self._told: dict[str, int | None] | None = None
        """Update times; ``None`` for a document that is not there. ``None`` altogether before the first answer."""
        self._seen: Callable[[Database], dict[str, Message | None]]
        match request.WhichOneof("target_type"):
            case "documents":
                places = {name: document_place(name) for name in request.documents.documents}
                self._seen = lambda database: {
                    name: database.document(place) for name, place in places.items()
                }
            case "query":
                if request.query.WhichOneof("query_type") != "structured_query":
                    raise invalid("only structured queries are supported")
                query = Query.read(request.query.parent, request.query.structured_query)
                self._seen = lambda database: {each.name: each for each in query.run(database)}
            case _:
                raise invalid("Target type is required.")

    def news(self, database: Database, now_micros: int) -> list[Message]:
        """What has to be told for the listener to know what is there now; nothing if it knows."""
        seen, is_first = self._seen(database), self._told is None
        told: dict[str, int | None] = self._told or {}
        changes = list(self._changes(seen, told, now_micros))
        self._told = {
            name: None if document is None else micros(document.update_time)
            for name, document in seen.items()
        }
        if is_first:
            before = [self._state(TargetChangeType.ADD)]
            before += [self._state(TargetChangeType.RESET, now_micros)] if self._is_resumed else []
            changes = [*before, *changes, self._state(TargetChangeType.CURRENT, now_micros)]
        return [*changes, _consistent(now_micros)] if changes else []

    def _changes(
        self, seen: dict[str, Message | None], told: dict[str, int | None], now_micros: int
    ) -> Iterator[Message]:
        for name in told.keys() - seen.keys():
            removed = ListenResponse()
            removed.document_remove.document = name
            removed.document_remove.removed_target_ids.append(self.id)
            removed.document_remove.read_time.CopyFrom(timestamp(now_micros))
            yield removed
        for name, document in seen.items():
            if document is None:
                if told.get(name, 0) is not None:
                    yield self._deleted(name, now_micros)
            elif told.get(name) != micros(document.update_time):
                changed = ListenResponse()
                changed.document_change.document.CopyFrom(document)
                changed.document_change.target_ids.append(self.id)
                yield changed

    def _deleted(self, name: str, now_micros: int) -> Message:
        deleted = ListenResponse()
        deleted.document_delete.document = name
        deleted.document_delete.removed_target_ids.append(self.id)
        deleted.document_delete.read_time.CopyFrom(timestamp(now_micros))
        return deleted

    def _state(self, kind: int, now_micros: int | None = None) -> Message:
        state = ListenResponse() if now_micros is None else _consistent(now_micros)
        state.target_change.target_change_type = kind
        state.target_change.target_ids.append(self.id)
        return state


class Listener:
    """One stream: the targets it asked for, and a signal that there may be news."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._targets: dict[int, tuple[Target, Database]] = {}
        self.woken = asyncio.Event()

    def asked(self, request: Message) -> None:
        """Add a target.

        Raises:
            Refused: it is malformed, or known already.
        """
        refuse_set_fields(request, "remove_target")
        target = Target(request.add_target)
        if target.id in self._targets:
            raise invalid(f"Target id {target.id} is in use.")
        database = self._store.database(request.database)
        database.watchers.add(self.woken.set)
        self._targets[target.id] = (target, database)
        self.woken.set()

    def news(self) -> list[Message]:
        return [
            response
            for target, database in self._targets.values()
            for response in target.news(database, self._store.now_micros())
        ]

    def close(self) -> None:
        for _, database in self._targets.values():
            database.watchers.discard(self.woken.set)


def _consistent(now_micros: int) -> Message:
    """Whoever has read so far has seen one state of the database."""
    response = ListenResponse()
    response.target_change.read_time.CopyFrom(timestamp(now_micros))
    response.target_change.resume_token = str(now_micros).encode()
    return response
