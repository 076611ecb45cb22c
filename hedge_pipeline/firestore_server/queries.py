"""Queries: documents of a collection, filtered, ordered, cut by cursors, offset and limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import grpc

from hedge_pipeline.firestore_server import fields
from hedge_pipeline.firestore_server.filters import (
    Predicate,
    document_key,
    fields_filtered,
    ordering_fields,
    predicate,
)
from hedge_pipeline.firestore_server.paths import (
    NAME,
    FieldPath,
    Place,
    collection_id,
    field_path,
    parent_place,
)
from hedge_pipeline.firestore_server.refusals import Refused, invalid, refuse_set_fields, unknown_here
from hedge_pipeline.firestore_server.store import Database
from hedge_pipeline.firestore_server.values import Key, order_key
from hedge_pipeline.firestore_server.wire import Direction, Message


class Order(NamedTuple):
    """One field of an ordering."""

    path: FieldPath
    is_descending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A position before or after all documents that begin with these keys."""

    keys: tuple[Key, ...]
    before: bool

    def side(self, document: Message, orders: Sequence[Order]) -> int:
        """Where a document stands: -1 on the near side of the position, 1 on the far one."""
        for key, order in zip(self.keys, orders, strict=False):
            held = document_key(document, order.path)
            if held is None or held == key:
                continue
            return -1 if (held < key) != order.is_descending else 1
        return 1 if self.before else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that has been read and found sound."""

    parent: Place
    collection: str
    descendants: bool
    passes: Predicate
    orders: tuple[Order, ...]
    """All of them, the document's name last: no two documents are equal."""
    start: Cursor | None
    end: Cursor | None
    offset: int
    limit: int | None
    projection: tuple[FieldPath, ...] | None

    @classmethod
    def read(cls, parent: str, query: Message) -> "Query":
        """Read a query.

        Raises:
            Refused: it is malformed, breaks a limit, or asks for something that is not known here.
        """
        refuse_set_fields(query, "find_nearest")
        place = parent_place(parent)
        if query.offset < 0:
            raise invalid("offset is negative")
        if query.HasField("limit") and query.limit.value < 0:
            raise invalid("limit is negative")
        selector = _selector(query)
        passes: Predicate = predicate(query.where) if query.HasField("where") else lambda _document: True
        orders = _orders(query)
        return cls(
            parent=place,
            collection=collection_id(selector.collection_id),
            descendants=selector.all_descendants,
            passes=passes,
            orders=orders,
            start=_cursor(query, "start_at"),
            end=_cursor(query, "end_at"),
            offset=query.offset,
            limit=query.limit.value if query.HasField("limit") else None,
            projection=_projection(query),
        )

    def run(self, database: Database) -> list[Message]:
        """The documents found, in their order."""
        path = self.parent.path
        candidates = database.under(path, self.collection, descendants=self.descendants)
        found = self._ordered(each for each in candidates if self.passes(each) and self._is_within(each))
        found = found[self.offset :]
        if self.limit is not None:
            found = found[: self.limit]
        if self.projection is not None:
            found = [fields.only(each, self.projection) for each in found]
        return found

    def _is_within(self, document: Message) -> bool:
        """Whether it can be ordered, and stands between the cursors."""
        if any(document_key(document, order.path) is None for order in self.orders):
            return False
        if self.start is not None and self.start.side(document, self.orders) < 0:
            return False
        return self.end is None or self.end.side(document, self.orders) < 0

    def _ordered(self, documents: Iterable[Message]) -> list[Message]:
        ordered = list(documents)
        for order in reversed(self.orders):
            ordered.sort(key=partial(_present_key, path=order.path), reverse=order.is_descending)
        return ordered


def _present_key(document: Message, path: FieldPath) -> Key:
    key = document_key(document, path)
    if key is None:
        raise LookupError(f"{document.name} has no field {path}")
    return key


def _selector(query: Message) -> Message:
    selectors = query.from_
    if len(selectors) > 1:
        raise invalid("StructuredQuery.from cannot have more than one collection selector.")
    if not selectors or not selectors[0].collection_id:
        raise unknown_here("a query over all collections")
    return selectors[0]


def _orders(query: Message) -> tuple[Order, ...]:
    explicit = [
        Order(field_path(order.field.field_path), order.direction == Direction.DESCENDING)
        for order in query.order_by
    ]
    paths = [order.path for order in explicit]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            raise invalid(f"order by clause cannot contain duplicate fields {'.'.join(path)}")
    is_descending = explicit[-1].is_descending if explicit else False
    implied = ordering_fields(query.where) - set(paths) - {(NAME,)}
    explicit += [Order(path, is_descending) for path in sorted(implied)]
    if any(order.path == (NAME,) for order in explicit[:-1]):
        raise invalid("order by clause cannot contain more fields after the key")
    if (NAME,) not in paths:
        return (*explicit, Order((NAME,), is_descending))
    if len(explicit) == 1 and is_descending and fields_filtered(query.where) <= {(NAME,)}:
        raise Refused(grpc.StatusCode.FAILED_PRECONDITION, "Firestore does not support descending key scans")
    return tuple(explicit)


def _cursor(query: Message, name: str) -> Cursor | None:
    if not query.HasField(name):
        return None
    cursor = getattr(query, name)
    if len(cursor.values) > len(query.order_by):
        raise invalid("Cursor has too many values.")
    for value, order in zip(cursor.values, query.order_by, strict=False):
        if order.field.field_path == NAME and value.WhichOneof("value_type") != "reference_value":
            raise invalid("Cursor __key__ value is not a document reference.")
    return Cursor(keys=tuple(map(order_key, cursor.values)), before=cursor.before)


def _projection(query: Message) -> tuple[FieldPath, ...] | None:
    if not query.HasField("select"):
        return None
    paths = [field_path(reference.field_path) for reference in query.select.fields]
    return tuple(path for path in paths if path != (NAME,))
