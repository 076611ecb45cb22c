"""``Documents`` of storage over Google's generated client: two requests, each sent once, each failure named.

The generated client takes its channel from us and reads no address from the environment, and its writes carry a
condition together with a whole document, which the hand-written client above it has no call for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from google.api_core import exceptions
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, CommitRequest, MapValue

from hedge_pipeline.adapters.firestore.storage import SOURCE, Denied, Overtaken, Stored, Transient
from hedge_pipeline.adapters.firestore.wire import decode_fields, encode_fields
from hedge_pipeline.adapters.redaction import one_line

_RawCommit: Any = CommitRequest.pb()
_RawBatchGet: Any = BatchGetDocumentsRequest.pb()
_RawMap: Any = MapValue.pb()

_TRANSIENT = (
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.RetryError,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)
_OVERTAKEN = (exceptions.FailedPrecondition, exceptions.AlreadyExists, exceptions.NotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirestoreDocuments:
    """One database over one channel. Threads may share it; processes may not."""

    api: FirestoreClient
    database: str
    """``projects/…/databases/…``"""
    metadata: Sequence[tuple[str, str]]
    close: Callable[[], None]

    def read(self, paths: Sequence[str], *, timeout: float) -> dict[str, Stored | None]:
        names = {self._name(path): path for path in paths}
        request = _RawBatchGet(database=self.database, documents=names)
        found: dict[str, Stored | None] = {}
        with _named_failures():
            for wrapped in self.api.batch_get_documents(
                BatchGetDocumentsRequest.wrap(request), retry=None, timeout=timeout, metadata=self.metadata
            ):
                answer = type(wrapped).pb(wrapped)
                if answer.WhichOneof("result") == "found":
                    found[names[answer.found.name]] = _stored(answer.found)
                elif answer.missing:
                    found[names[answer.missing]] = None
        lacking = sorted(set(paths) - found.keys())
        if lacking:
            raise Transient(SOURCE, f"the answer lacks {lacking[0]}")
        return found

    def create(self, path: str, fields: Mapping[str, Any], *, timeout: float) -> Any:
        request, write = self._commit(path)
        encode_fields(write.update.fields, fields)
        write.current_document.exists = False
        return self._send(request, timeout)

    def replace(self, path: str, fields: Mapping[str, Any], *, seen: Any, timeout: float) -> Any:
        request, write = self._commit(path)
        encode_fields(write.update.fields, fields)
        write.current_document.update_time.CopyFrom(seen)
        return self._send(request, timeout)

    def copy(self, original: Stored, path: str, beside: Mapping[str, Any], *, timeout: float) -> None:
        request, write = self._commit(path)
        encode_fields(write.update.fields, beside)
        write.update.fields["content"].map_value.MergeFromString(original.content)
        write.current_document.exists = False
        self._send(request, timeout)

    def is_copy(self, candidate: Stored, original: Stored) -> bool:
        fields = _RawMap.FromString(candidate.content).fields
        return "content" in fields and _bits(fields["content"].map_value) == original.content

    def _name(self, path: str) -> str:
        return f"{self.database}/documents/{path}"

    def _commit(self, path: str) -> tuple[Any, Any]:
        """A request with one write. Without a mask it replaces the whole document: what is not sent is gone."""
        request = _RawCommit(database=self.database)
        write = request.writes.add()
        write.update.name = self._name(path)
        return request, write

    def _send(self, request: Any, timeout: float) -> Any:
        with _named_failures(overtaken=_OVERTAKEN):
            answer = self.api.commit(
                CommitRequest.wrap(request), retry=None, timeout=timeout, metadata=self.metadata
            )
            return type(answer).pb(answer).write_results[0].update_time


@contextmanager
def _named_failures(overtaken: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except overtaken as error:
        raise Overtaken(SOURCE, _told(error)) from error
    except _TRANSIENT as error:
        raise Transient(SOURCE, _told(error)) from error
    except (exceptions.GoogleAPIError, ValueError) as error:  # ValueError: the channel was closed meanwhile
        raise Denied(SOURCE, _told(error)) from error


def _told(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")


def _stored(document: Any) -> Stored:
    content = _bits(_RawMap(fields=document.fields))
    return Stored(fields=decode_fields(document.fields), update_time=document.update_time, content=content)


def _bits(value: Any) -> bytes:
    """Messages are compared as bytes: NaN is the same NaN, which no comparison of values says."""
    return bytes(value.SerializeToString(deterministic=True))
