"""Random operations on Firestore, told as data so that two servers can be given the same, and what each made of them.

Times differ between servers: an answer names update times by the order in which they were first seen.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import And, FieldFilter, Or

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW_BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
"""Timestamps after it come from a server's clock."""
FIELDS = ("a", "b", "m.x", "m.y")
IDS = ("1", "2", "3", "é", "z")
COLLECTIONS = ("c", "d", "c/1/sub", "d/2/sub")
SCALARS = (
    None, True, False, 0, 1, 2, -1, 2**53, 2**53 + 1, 2**63 - 1, 0.0, -0.0, 1.0, 1.5, 9007199254740993.0, float("nan"), float("inf"),
    float("-inf"), "", "a", "b", "ab", "é", "\uffff", "\U0001f600", b"", b"a", datetime(2020, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, 0, 0, 0, 7, tzinfo=UTC), firestore.GeoPoint(1, 2), firestore.GeoPoint(1, -2),
)  # fmt: skip

Operation = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A document named before there is a client."""

    path: str


class Inventor:
    """Invents operations; the same from the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def operations(self, count: int) -> Iterator[Operation]:
        kinds: list[tuple[Callable[[], Operation], int]] = [
            (self._write, 50),
            (self._batch, 10),
            (self._read, 10),
            (self._query, 40),
        ]
        makers, weights = [maker for maker, _ in kinds], [weight for _, weight in kinds]
        for _ in range(count):
            yield self._random.choices(makers, weights)[0]()

    def _path(self) -> str:
        return f"{self._random.choice(COLLECTIONS)}/{self._random.choice(IDS)}"

    def _value(self, depth: int = 0) -> Any:
        kind = self._random.random()
        if kind < 0.7 or depth > 1:
            return self._random.choice(SCALARS)
        if kind < 0.75:
            return Reference(self._path())
        if kind < 0.87:
            elements = [self._value(depth + 1) for _ in range(self._random.randrange(4))]
            return [each for each in elements if not isinstance(each, list)]
        return {
            name: self._value(depth + 1)
            for name in self._random.sample(("x", "y", "a.b"), self._random.randrange(3))
        }

    def _fields(self) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name in ("a", "b"):
            if self._random.random() < 0.7:
                data[name] = self._value()
        if self._random.random() < 0.6:
            data["m"] = {name: self._value(1) for name in ("x", "y") if self._random.random() < 0.7}
        if self._random.random() < 0.15:
            data["stamp"] = "SERVER_TIMESTAMP"
        if self._random.random() < 0.15:
            kind = self._random.choice(("ArrayUnion", "ArrayRemove"))
            data["list"] = (kind, [self._random.choice(SCALARS) for _ in range(self._random.randrange(1, 4))])
        return data

    def _write(self) -> Operation:
        path = self._path()
        match self._random.choices(
            ("set", "merge", "merge fields", "create", "update", "delete"), (4, 2, 1, 2, 4, 2)
        )[0]:
            case "set":
                return ("set", path, self._fields(), False)
            case "merge":
                return ("set", path, self._fields(), True)
            case "merge fields":
                data = {"a": self._value(), "b": self._value(), "m": {"x": self._value(1), "y": 1}}
                return (
                    "set",
                    path,
                    data,
                    self._random.sample(("a", "b", "m.x"), self._random.randrange(1, 4)),
                )
            case "create":
                return ("create", path, self._fields())
            case "update":
                updates: dict[str, Any] = {}
                for name in self._random.sample(
                    ("a", "b", "m.x", "m.y", "n.o.p"), self._random.randrange(1, 4)
                ):
                    updates[name] = "DELETE_FIELD" if self._random.random() < 0.25 else self._value()
                return ("update", path, updates, self._random.choice((None, None, None, 0, 0, 1)))
            case _:
                return ("delete", path, self._random.choice((None, None, "exists", 0, 1)))

    def _batch(self) -> Operation:
        return ("batch", [self._write() for _ in range(self._random.randrange(1, 5))])

    def _read(self) -> Operation:
        paths = [self._path() for _ in range(self._random.randrange(1, 4))]
        mask = self._random.choice((None, None, ["a"], ["m.x"], ["m", "b"], ["nope"], ["m.x", "m.y"]))
        return ("get_all", paths, mask)

    def _filter(self, depth: int = 0) -> Any:
        if depth < 2 and self._random.random() < 0.25:
            kind = self._random.choice(("and", "or"))
            return (kind, [self._filter(depth + 1) for _ in range(self._random.randrange(1, 4))])
        operator = self._random.choice(
            ("==", "==", "!=", "<", "<=", ">", ">=", "in", "not-in", "array_contains", "array_contains_any")
        )
        name = self._random.choice((*FIELDS, "list", "__name__"))
        if name == "__name__":
            many = operator in {"in", "not-in"}
            return ("filter", name, operator, [Reference(self._path())] if many else Reference(self._path()))
        if operator in {"in", "not-in", "array_contains_any"}:
            # `not-in` with null finds nothing; whether it is still refused for its order is the emulator's planner's secret.
            choice = SCALARS[1:] if operator == "not-in" else SCALARS
            values = [self._random.choice(choice) for _ in range(self._random.randrange(4))]
            return ("filter", name, operator, values)
        return ("filter", name, operator, self._value())

    def _query(self) -> Operation:
        orders = [
            (name, self._random.choice(("ASCENDING", "DESCENDING")))
            for name in self._random.sample((*FIELDS, "__name__"), self._random.choice((0, 0, 1, 1, 2)))
        ]
        cursors = []
        if orders:
            for kind in ("start_at", "start_after", "end_at", "end_before"):
                if self._random.random() < 0.12:
                    given = orders[: self._random.randrange(1, len(orders) + 1)]
                    values = [
                        Reference(self._path()) if name == "__name__" else self._value(1) for name, _ in given
                    ]
                    cursors.append((kind, values))
        return (
            "query",
            self._random.choice((*COLLECTIONS, "group:sub", "group:c")),
            [self._filter() for _ in range(self._random.choice((0, 1, 1, 1, 2)))],
            orders,
            cursors,
            self._random.choice((None, None, None, 0, 1, 3)),
            self._random.choice((None, None, None, None, 1, 2)),
            self._random.choice((None, None, None, [], ["a"], ["m.x", "b"])),
        )


def _micros(instant: Any) -> int:
    """Of what the client gives for an instant: a datetime, and from queries a protobuf message."""
    if isinstance(instant, datetime):
        return (instant - EPOCH) // timedelta(microseconds=1)
    return int(instant.seconds) * 1_000_000 + int(instant.nanos) // 1000


@dataclass
class Performer:
    """Performs operations with one client, and tells what came of them in words that name no instant."""

    client: firestore.Client
    _times: dict[int, int] = field(default_factory=dict)
    _versions: dict[str, list[int]] = field(default_factory=dict)

    def perform(self, operation: Operation) -> Any:
        """What came of it: an answer, or an error."""
        try:
            return getattr(self, f"_{operation[0]}")(*operation[1:])
        except GoogleAPICallError as error:
            return ("refused", type(error).__name__, self._timeless(error.message))
        except (ValueError, TypeError) as error:  # the client's own refusals
            return ("refused by the client", str(error))

    def state(self) -> Any:
        """Every document of every collection, in Firestore's order."""
        return [self._query(name, [], [], [], None, None, None) for name in COLLECTIONS]

    def _timeless(self, message: str) -> str:
        message = message.partition("path <")[0]  # then the emulator writes bytes of its own in octal
        message = re.sub(
            r"the stored version \(\d+\)", "the stored version", message
        )  # it remembers deletions
        for micros, ordinal in sorted(self._times.items(), reverse=True):
            message = message.replace(str(micros), f"T{ordinal}")
        return message

    def _seen(self, path: str, update_time: Any) -> int | None:
        if update_time is None:
            return None
        micros = _micros(update_time)
        versions = self._versions.setdefault(path, [])
        if micros not in versions:
            versions.append(micros)
        return self._times.setdefault(micros, len(self._times))

    def _write_to(self, target: Any, operation: Operation) -> str | None:
        """Call a batch with one write; the path of the document."""
        match operation:
            case ("set", path, data, merge):
                target.set(self.client.document(path), self._meant(data), merge=merge)
            case ("create", path, data):
                target.create(self.client.document(path), self._meant(data))
            case ("update", path, data, age):
                target.update(self.client.document(path), self._meant(data), option=self._option(path, age))
            case ("delete", path, age):
                target.delete(self.client.document(path), option=self._option(path, age))
        return str(operation[1])

    def _option(self, path: str, age: Any) -> Any:
        if age is None:
            return None
        if age == "exists":
            return self.client.write_option(exists=True)
        versions = self._versions.get(path, [])
        if len(versions) <= age:
            return None
        version = EPOCH + timedelta(microseconds=versions[-1 - age])
        return self.client.write_option(last_update_time=version)

    def _set(self, *arguments: Any) -> Any:
        return self._batch([("set", *arguments)])

    def _create(self, *arguments: Any) -> Any:
        return self._batch([("create", *arguments)])

    def _update(self, *arguments: Any) -> Any:
        return self._batch([("update", *arguments)])

    def _delete(self, *arguments: Any) -> Any:
        return self._batch([("delete", *arguments)])

    def _batch(self, operations: list[Operation]) -> Any:
        batch = self.client.batch()
        paths = [self._write_to(batch, operation) for operation in operations]
        answers = []
        for path, result in zip(paths, batch.commit(timeout=10, retry=None), strict=True):
            assert path is not None
            has_time = "update_time" in result
            answers.append(
                (
                    self._seen(path, result.update_time) if has_time else None,
                    [each._pb.WhichOneof("value_type") for each in result.transform_results],
                )
            )
        return answers

    def _get_all(self, paths: list[str], mask: list[str] | None) -> Any:
        found = self.client.get_all(
            [self.client.document(path) for path in paths], field_paths=mask, timeout=10
        )
        return sorted(self._snapshot(each) for each in found)

    def _query(
        self, where: str, filters: Any, orders: Any, cursors: Any, limit: Any, offset: Any, select: Any
    ) -> Any:
        query: Any = (
            self.client.collection_group(where.removeprefix("group:"))
            if where.startswith("group:")
            else self.client.collection(where)
        )
        for each in filters:
            query = query.where(filter=self._filter(each))
        for name, direction in orders:
            query = query.order_by(name, direction=direction)
        for kind, values in cursors:
            query = getattr(query, kind)([self._meant(value) for value in values])
        query = query if limit is None else query.limit(limit)
        query = query if offset is None else query.offset(offset)
        query = query if select is None else query.select(select)
        return [self._snapshot(each) for each in query.stream(timeout=10)]

    def _filter(self, condition: Any) -> Any:
        if condition[0] == "filter":
            _, name, operator, value = condition
            return FieldFilter(name, operator, self._meant(value))
        kind, parts = condition
        return (And if kind == "and" else Or)([self._filter(part) for part in parts])

    def _snapshot(self, snapshot: Any) -> Any:
        path = snapshot.reference.path
        if not snapshot.exists:
            return (path, "missing")
        times = (self._seen(path, snapshot.create_time), self._seen(path, snapshot.update_time))
        return (path, repr(self._told(snapshot.to_dict())), times)

    def _meant(self, value: Any) -> Any:
        """A value for the client of what was invented without one."""
        if value in ("SERVER_TIMESTAMP", "DELETE_FIELD"):
            return getattr(firestore, value)
        match value:
            case Reference(path):
                return self.client.document(path)
            case ("ArrayUnion" | "ArrayRemove" as kind, elements):
                return getattr(firestore, kind)(elements)
            case dict():
                return {name: self._meant(each) for name, each in value.items()}
            case list():
                return [self._meant(each) for each in value]
        return value

    def _told(self, value: Any) -> Any:
        """A value in terms that compare: NaN with itself, 1 not with 1.0, and no instant of a server."""
        match value:
            case dict():
                return {name: self._told(value[name]) for name in sorted(value)}
            case list():
                return [self._told(each) for each in value]
            case datetime():
                return "now" if value > NOW_BEGINS else value.isoformat()
            case firestore.GeoPoint():
                return ("point", value.latitude, value.longitude)
            case firestore.DocumentReference():
                return ("document", value.path)
        return repr(value)
