"""The messages of google.firestore.v1 as plain protobuf: the client's package ships no server, but its types are all there.

Stored messages are shared between answers: whoever changes one changes a copy.
"""

from typing import Any

from google.cloud.firestore_v1 import types

Message = Any
"""A protobuf message; their classes are made at run time and have no static types."""

BatchGetDocumentsRequest = types.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse = types.BatchGetDocumentsResponse.pb()
CommitRequest = types.CommitRequest.pb()
CommitResponse = types.CommitResponse.pb()
Document = types.Document.pb()
ListenRequest = types.ListenRequest.pb()
ListenResponse = types.ListenResponse.pb()
RunQueryRequest = types.RunQueryRequest.pb()
RunQueryResponse = types.RunQueryResponse.pb()
Value = types.Value.pb()
Timestamp = type(Value().timestamp_value)
WriteResult = types.WriteResult.pb()

FieldOperator = types.StructuredQuery.FieldFilter.Operator
UnaryOperator = types.StructuredQuery.UnaryFilter.Operator
CompositeOperator = types.StructuredQuery.CompositeFilter.Operator
Direction = types.StructuredQuery.Direction
ServerValue = types.DocumentTransform.FieldTransform.ServerValue
TargetChangeType = types.TargetChange.TargetChangeType


def timestamp(micros: int) -> Message:
    made: Message = Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)
    return made


def micros(stamp: Message) -> int:
    return int(stamp.seconds) * 1_000_000 + int(stamp.nanos) // 1000


def same_fields(one: Message, other: Message) -> bool:
    """Whether two documents hold the same; NaN is itself here, 0.0 is not -0.0, and 1 is not 1.0."""
    return _bare(one) == _bare(other)


def _bare(document: Message) -> bytes:
    copy = Document()
    copy.fields.MergeFrom(document.fields)
    bare: bytes = copy.SerializeToString(deterministic=True)
    return bare
