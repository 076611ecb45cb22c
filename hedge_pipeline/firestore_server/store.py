"""The documents of every project and database, the last version of each alone, and the one way to change them.

It belongs to one event loop: a commit is one step of it, so that no reader sees half of one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from hedge_pipeline.firestore_server.paths import Place
from hedge_pipeline.firestore_server.wire import (
    CommitResponse,
    Message,
    WriteResult,
    same_fields,
    timestamp,
)
from hedge_pipeline.firestore_server.writes import Write, together

Collection = dict[str, Message]


class Database:
    """The documents of one database, by collection."""

    def __init__(self) -> None:
        self._collections: dict[tuple[str, ...], Collection] = {}
        self.watchers: set[Callable[[], None]] = set()
        """Called after each commit that changed something."""

    def document(self, place: Place) -> Message | None:
        return self._collections.get(place.collection, {}).get(place.path[-1])

    def put(self, place: Place, document: Message | None) -> None:
        """Keep a document, or none, at its place."""
        if document is not None:
            self._collections.setdefault(place.collection, {})[place.path[-1]] = document
            return
        collection = self._collections.get(place.collection, {})
        collection.pop(place.path[-1], None)
        if not collection:
            self._collections.pop(place.collection, None)

    def under(self, parent: tuple[str, ...], collection_id: str, *, descendants: bool) -> Iterator[Message]:
        """The documents of one collection, or of all of this id at any depth below the parent."""
        if not descendants:
            yield from self._collections.get((*parent, collection_id), {}).values()
            return
        for path, collection in self._collections.items():
            if path[-1] == collection_id and path[: len(parent)] == parent:
                yield from collection.values()


class Store:
    """All databases; they come to be when they are first named."""

    def __init__(self, wall_clock_micros: Callable[[], int]) -> None:
        self._wall_clock_micros = wall_clock_micros
        self._last_micros = 0
        self._databases: defaultdict[str, Database] = defaultdict(Database)

    def database(self, name: str) -> Database:
        return self._databases[name]

    def now_micros(self) -> int:
        """An instant after every earlier one: update times tell versions apart."""
        self._last_micros = max(self._wall_clock_micros(), self._last_micros + 1)
        return self._last_micros

    def commit(self, name: str, requested: Sequence[Message]) -> Message:
        """Carry out all writes, or none.

        Raises:
            Refused: one of them cannot be carried out.
        """
        writes = [Write.read(name, each) for each in requested]
        _refuse_contradictions(writes)
        database, now = self.database(name), self.now_micros()
        changes = _Changes(database)
        answers = [changes.apply(write, now) for write in writes]
        changed = False
        for place, document in changes.results(now):
            database.put(place, document)
            changed = True
        if changed:
            for told in tuple(database.watchers):
                told()
        response = CommitResponse(commit_time=timestamp(now))
        for write, results in zip(writes, answers, strict=True):
            kept = database.document(write.place)
            result = WriteResult(transform_results=results)
            if kept is not None:
                result.update_time.CopyFrom(kept.update_time)
            response.write_results.append(result)
        return response


class _Changes:
    """What a commit would make of the documents it names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after: dict[Place, Message | None] = {}
        self._made_anew: set[Place] = set()

    def apply(self, write: Write, now: int) -> list[Message]:
        base = self._database.document(write.place)
        before = self._after.get(write.place, base)
        write.check(base=base, before=before)
        after, results = write.applied(before, now)
        self._after[write.place] = after
        if before is None:
            self._made_anew.add(write.place)
        return results

    def results(self, now: int) -> Iterator[tuple[Place, Message | None]]:
        """Each document that has changed; one that holds what it held keeps its update time."""
        for place, after in self._after.items():
            base = self._database.document(place)
            if after is None:
                if base is not None:
                    yield place, None
                continue
            kept = None if place in self._made_anew else base
            if kept is not None and same_fields(kept, after):
                continue
            after.create_time.CopyFrom(timestamp(now) if kept is None else kept.create_time)
            after.update_time.CopyFrom(timestamp(now))
            yield place, after


def _refuse_contradictions(writes: Sequence[Write]) -> None:
    so_far: dict[Place, Write] = {}
    for write in writes:
        so_far[write.place] = together(so_far.get(write.place), write)
