"""What one write makes of a document, and which writes may stand in one commit."""

from dataclasses import dataclass, replace
from enum import StrEnum

import grpc

from hedge_pipeline.firestore_server import fields, values
from hedge_pipeline.firestore_server.paths import FieldPath, Place, field_path, place_in
from hedge_pipeline.firestore_server.refusals import Refused, invalid, refuse_set_fields, unknown_here
from hedge_pipeline.firestore_server.wire import Document, Message, ServerValue, Value, micros, timestamp


class Operation(StrEnum):
    """How the emulator names writes when two of them on one document exclude each other."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """A change that the server computes."""

    path: FieldPath
    kind: str
    elements: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write that has been read and found sound, before anything is known of the document."""

    name: str
    place: Place
    operation: Operation
    must_exist: bool | None
    """``None``: it may or may not."""
    base_micros: int | None
    """The update time which the document must have had before the commit."""
    document: Message | None
    """``None``: it is deleted."""
    mask: tuple[FieldPath, ...] | None
    transforms: tuple[Transform, ...]

    @classmethod
    def read(cls, database: str, write: Message) -> "Write":
        """Read a write to this database.

        Raises:
            Refused: it is malformed, breaks a limit, or asks for something that is not known here.
        """
        asked = write.WhichOneof("operation")
        if asked is None:
            raise invalid("empty write operation")
        if asked not in {"update", "delete"}:
            raise unknown_here(f"Write.{asked}")
        is_deletion = asked == "delete"
        name = write.delete if is_deletion else write.update.name
        place = place_in(database, name)
        must_exist, base_micros = _precondition(write)
        mask = None
        if not is_deletion:
            values.keep(write.update)
            if write.HasField("update_mask"):
                mask = tuple(fields.mask_paths(write.update_mask))
        return cls(
            name=name,
            place=place,
            operation=_operation(
                is_deletion=is_deletion, must_exist=True if base_micros is not None else must_exist
            ),
            must_exist=must_exist,
            base_micros=base_micros,
            document=None if is_deletion else write.update,
            mask=mask,
            transforms=tuple(map(_transform, write.update_transforms)),
        )

    def check(self, *, base: Message | None, before: Message | None) -> None:
        """Hold the preconditions.

        Args:
            base: the document before the commit.
            before: the same, after the commit's earlier writes.
        """
        if self.must_exist is True and before is None:
            raise Refused(grpc.StatusCode.NOT_FOUND, _no_entity(self.place))
        if self.must_exist is False and before is not None:
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, _entity_exists(self.place))
        if self.base_micros is not None:
            stored = micros(base.update_time) if base is not None else 0
            if stored != self.base_micros:
                raise Refused(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"the stored version ({stored}) does not match the required base version ({self.base_micros})",
                )

    def applied(self, before: Message | None, now_micros: int) -> tuple[Message | None, list[Message]]:
        """The document afterwards, without its times, and what each transform answers."""
        if self.document is None:
            return None, []
        after = Document(name=self.name)
        if self.mask is None:
            after.fields.MergeFrom(self.document.fields)
        else:
            if before is not None:
                after.fields.MergeFrom(before.fields)
            for path in self.mask:
                value = fields.value_at(self.document.fields, path)
                if value is None:
                    fields.remove_value(after.fields, path)
                else:
                    fields.set_value(after.fields, path, value)
        results = [_transformed(after, transform, now_micros) for transform in self.transforms]
        values.refuse_too_large(after)
        return after, results


def together(earlier: Write | None, later: Write) -> Write:
    """What two writes on one document are to a third one, as the emulator takes them: it makes one of them first.

    Raises:
        Refused: the later one could never hold after the earlier.
    """
    if earlier is None:
        return later
    after_deletion = earlier.operation is Operation.DELETE
    needs_absence = later.must_exist is False
    needs_presence = later.must_exist is True or later.operation is Operation.UPDATE
    if (needs_absence and not after_deletion) or (needs_presence and after_deletion):
        raise invalid(f"Cannot {earlier.operation} then {later.operation} an entity in the same request.")
    if later.base_micros not in {None, earlier.base_micros}:
        versions = f"{_version(earlier.base_micros)} and {_version(later.base_micros)}"
        raise invalid(f"Cannot collapse mutations with different version preconditions ({versions})")
    operation = later.operation
    if operation is not Operation.DELETE:
        operation = Operation.UPSERT if after_deletion else earlier.operation
    return replace(later, operation=operation, base_micros=earlier.base_micros)


def _version(base_micros: int | None) -> str:
    if base_micros is None:
        return "null"
    return f"VersionPrecondition{{exactBaseVersion={base_micros}, maxBaseVersion=null}}"


def _precondition(write: Message) -> tuple[bool | None, int | None]:
    match write.current_document.WhichOneof("condition_type"):
        case "exists":
            return write.current_document.exists, None
        case "update_time":
            return None, micros(write.current_document.update_time)
    return None, None


def _operation(*, is_deletion: bool, must_exist: bool | None) -> Operation:
    if is_deletion:
        return Operation.DELETE
    if must_exist is None:
        return Operation.UPSERT
    return Operation.UPDATE if must_exist else Operation.INSERT


def _transform(transform: Message) -> Transform:
    kind = transform.WhichOneof("transform_type")
    elements: tuple[Message, ...] = ()
    match kind:
        case None:
            raise invalid("Operation type must be specified for field transformation.")
        case "set_to_server_value":
            if transform.set_to_server_value != ServerValue.REQUEST_TIME:
                raise invalid("ServerValue type must be specified for set_to_server_value transformation.")
        case "append_missing_elements" | "remove_all_from_array":
            elements = tuple(getattr(transform, kind).values)
            _keep_elements(elements)
        case _:
            refuse_set_fields(transform, kind)
    return Transform(path=field_path(transform.field_path), kind=kind, elements=elements)


def _keep_elements(elements: tuple[Message, ...]) -> None:
    held = Document()
    held.fields["elements"].array_value.values.extend(elements)
    values.keep(held)


def _transformed(document: Message, transform: Transform, now_micros: int) -> Message:
    if transform.kind == "set_to_server_value":
        # The emulator's request time, like Firestore's, has milliseconds.
        instant = Value(timestamp_value=timestamp(now_micros // 1000 * 1000))
        fields.set_value(document.fields, transform.path, instant)
        return instant
    present = fields.value_at(document.fields, transform.path)
    elements = list(present.array_value.values) if present is not None else []
    made = Value()
    made.array_value.SetInParent()
    if transform.kind == "append_missing_elements":
        made.array_value.values.extend(_without_repetition(elements, transform.elements))
    else:
        removed = {values.order_key(each) for each in transform.elements}
        made.array_value.values.extend(each for each in elements if values.order_key(each) not in removed)
    fields.set_value(document.fields, transform.path, made)
    return Value(null_value=0)


def _without_repetition(present: list[Message], added: tuple[Message, ...]) -> list[Message]:
    """What is there stays as it is; of what is added, only what equals nothing before it."""
    seen = {values.order_key(each) for each in present}
    together = list(present)
    for each in added:
        key = values.order_key(each)
        if key not in seen:
            seen.add(key)
            together.append(each)
    return together


def _no_entity(place: Place) -> str:
    project, database = _names(place)
    pairs = zip(place.path[::2], place.path[1::2], strict=True)
    path = "".join(f'  Element {{\n    type: "{kind}"\n    name: "{name}"\n  }}\n' for kind, name in pairs)
    named = f'database_id: "{database}"\n' if database else ""
    return f'no entity to update: app: "dev~{project}"\npath <\n{path}>\n{named}'


def _entity_exists(place: Place) -> str:
    project, database = _names(place)
    partition = f"{project}#{database}" if database else project
    return f"entity already exists: EntityRef{{partitionRef=dev~{partition}, path=/{'/'.join(place.path)}}}"


def _names(place: Place) -> tuple[str, str]:
    """Project and database; the default one has no name."""
    _, project, _, database = place.database.split("/")
    return project, "" if database == "(default)" else database
