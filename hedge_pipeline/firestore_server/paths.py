"""Names of databases, documents and fields, read and refused as Google's emulator does."""

import re
from typing import NamedTuple

from hedge_pipeline.firestore_server.refusals import invalid

NAME = "__name__"
LONGEST_NAME_BYTES = 1500
_RESERVED = re.compile(r"__.*__", re.DOTALL)
_SEGMENT = re.compile(r"([a-zA-Z_][a-zA-Z_0-9]*)|`((?:[^`\\]|\\.)+)`", re.DOTALL)
_GRAMMAR = (
    "Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), "
    r"and quoted property paths must match regex (`(?:[^`\\]|(?:\\.))+`)"
)

FieldPath = tuple[str, ...]


class Place(NamedTuple):
    """Where a document is, or a collection's parent, for which the path is empty at the root."""

    database: str
    path: tuple[str, ...]

    @property
    def collection(self) -> tuple[str, ...]:
        return self.path[:-1]


def database_name(name: str) -> str:
    """Check the name of a database, as in projects/P/databases/D."""
    if name.startswith("projects/") and name.endswith("/"):
        raise invalid(f'Database name "{name}" has invalid trailing "/".')
    _database_of(name.split("/"), name, "Database")
    if name.count("/") != 3:
        raise invalid(f'Database name "{name}" is not projects/PROJECT/databases/DATABASE.')
    return name


def document_place(name: str, kind: str = "Document") -> Place:
    """Read the full name of a document."""
    place = _place(name, kind)
    if not place.path or len(place.path) % 2:
        raise invalid(f'{kind} name "{name}" lacks "/" at index {len(name)}.')
    return place


def place_in(database: str, name: str) -> Place:
    """Read the full name of a document that has to be in this database."""
    place = document_place(name)
    if place.database != database:
        raise invalid(f'Document name "{name}" is not in database "{database}".')
    return place


def parent_place(name: str) -> Place:
    """Read the name of what a collection stands under: the root of a database, or a document."""
    place = _place(name, "Document parent")
    if len(place.path) % 2:
        raise invalid(f'Document parent name "{name}" lacks "/" at index {len(name)}.')
    return place


def _place(name: str, kind: str) -> Place:
    parts = name.split("/")
    database = _database_of(parts, name, kind)
    if parts[4:5] != ["documents"]:
        raise invalid(f'{kind} name "{name}" lacks "documents" at index {len(database) + 1}.')
    at = len(database) + len("/documents/")
    for index, part in enumerate(parts[5:]):
        _check_id(part, kind=kind, name=name, at=at, is_collection=index % 2 == 0)
        at += len(part) + 1
    return Place(database, tuple(parts[5:]))


def _database_of(parts: list[str], name: str, kind: str) -> str:
    if parts[0] != "projects":
        raise invalid(f'{kind} name "{name}" lacks "projects" at index 0.')
    if len(parts) < 4 or not parts[1] or parts[2] != "databases" or not parts[3]:
        raise invalid(f'{kind} name "{name}" names no database as projects/PROJECT/databases/DATABASE.')
    return "/".join(parts[:4])


def _check_id(part: str, *, kind: str, name: str, at: int, is_collection: bool) -> None:
    if not part:
        raise invalid(f'{kind} name "{name}" lacks a resource id at index {at}.')
    if part in {".", ".."}:
        raise invalid(f'{kind} name "{name}" contains a resource id "{part}" at index {at}.')
    if _RESERVED.fullmatch(part):
        what = "Collection" if is_collection else "Resource"
        raise invalid(f'{what} id "{part}" is invalid because it is reserved.')
    if len(part.encode()) > LONGEST_NAME_BYTES:
        raise invalid(f"The key path element name is longer than {LONGEST_NAME_BYTES} bytes.")


def collection_id(text: str) -> str:
    if "/" in text:
        raise invalid(f'Collection id "{text}" is invalid because it contains "/".')
    if _RESERVED.fullmatch(text):
        raise invalid(f'Collection id "{text}" is invalid because it is reserved.')
    return text


def field_path(text: str) -> FieldPath:
    """The names of a path such as a.`b c`.d, outermost first."""
    if not text:
        raise invalid("Invalid empty property path string.")
    if text == NAME:
        return (NAME,)
    names, at = [], 0
    while True:
        found = _SEGMENT.match(text, at)
        if found is None:
            raise invalid(f'Invalid property path "{text}". {_GRAMMAR}')
        names.append(found[1] or re.sub(r"\\(.)", r"\1", found[2], flags=re.DOTALL))
        if is_reserved(names[-1]):
            raise invalid(f"Invalid reserved name in field path {text}")
        at = found.end()
        if at == len(text):
            return tuple(names)
        if text[at] != ".":
            raise invalid(f'Invalid property path "{text}". {_GRAMMAR}')
        at += 1


def is_reserved(field_name: str) -> bool:
    return _RESERVED.fullmatch(field_name) is not None
