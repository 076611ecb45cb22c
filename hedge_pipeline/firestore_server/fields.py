"""Fields by their paths: read, set, removed, and kept by a mask."""

from collections.abc import Iterable

from hedge_pipeline.firestore_server.paths import NAME, FieldPath, field_path
from hedge_pipeline.firestore_server.wire import Document, Message


def mask_paths(mask: Message) -> list[FieldPath]:
    """The fields a mask names; that of the document's own name is none of them."""
    return [path for text in mask.field_paths if (path := field_path(text)) != (NAME,)]


def value_at(fields: Message, path: FieldPath) -> Message | None:
    """The value of a field, or ``None``: there is no such field."""
    for name in path[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return None
        fields = fields[name].map_value.fields
    # Reading a key of such a map makes it.
    return fields[path[-1]] if path[-1] in fields else None  # noqa: SIM401


def set_value(fields: Message, path: FieldPath, value: Message) -> None:
    """Set a field; what stands in the way of its parents, and is no map, gives way."""
    for name in path[:-1]:
        if fields[name].WhichOneof("value_type") != "map_value":
            fields[name].map_value.SetInParent()
        fields = fields[name].map_value.fields
    fields[path[-1]].CopyFrom(value)


def remove_value(fields: Message, path: FieldPath) -> None:
    if value_at(fields, path) is None:
        return
    for name in path[:-1]:
        fields = fields[name].map_value.fields
    del fields[path[-1]]


def only(document: Message, paths: Iterable[FieldPath]) -> Message:
    """A document with no other fields than these."""
    kept = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
    for path in paths:
        value = value_at(document.fields, path)
        if value is not None:
            set_value(kept.fields, path, value)
    return kept
