"""google.firestore.v1.Firestore over gRPC: the four methods that our publisher and readers call.

The client's package holds messages but no service to derive from, so the methods are bound to their names here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

import grpc
import grpc.aio

from hedge_pipeline.firestore_server import fields
from hedge_pipeline.firestore_server.listening import Listener
from hedge_pipeline.firestore_server.paths import database_name, place_in
from hedge_pipeline.firestore_server.queries import Query
from hedge_pipeline.firestore_server.refusals import Refused, invalid, refuse_set_fields, unknown_here
from hedge_pipeline.firestore_server.store import Store
from hedge_pipeline.firestore_server.wire import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    CommitRequest,
    ListenRequest,
    Message,
    RunQueryRequest,
    RunQueryResponse,
    timestamp,
)

HOST = "127.0.0.1"
SERVICE = "google.firestore.v1.Firestore"
LARGEST_REQUEST_BYTES = 4_194_304
"""The emulator's; Firestore takes 10 MiB."""
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # or a second server would share a port that is taken
    ("grpc.max_receive_message_length", 4 * LARGEST_REQUEST_BYTES),  # to refuse in the emulator's words
    ("grpc.max_send_message_length", -1),
)

Context = Any
"""A grpc.aio.ServicerContext; grpc ships no types."""
Method = Callable[[bytes], Iterable[Message]]


class Service(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
    """Finds the handler of a method, and for every unknown one a handler that refuses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handlers = {
            "Commit": grpc.unary_unary_rpc_method_handler(partial(_answer, self._commit)),
            "BatchGetDocuments": grpc.unary_stream_rpc_method_handler(partial(_answers, self._get)),
            "RunQuery": grpc.unary_stream_rpc_method_handler(partial(_answers, self._query)),
            "Listen": grpc.stream_stream_rpc_method_handler(self._listen),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        handler = self._handlers.get(method) if service == SERVICE else None
        return handler or grpc.stream_stream_rpc_method_handler(partial(_refuse, f"{service}/{method}"))

    def _commit(self, data: bytes) -> Iterable[Message]:
        request = _read(CommitRequest, data)
        refuse_set_fields(request, "transaction")
        return [self._store.commit(database_name(request.database), request.writes)]

    def _get(self, data: bytes) -> Iterable[Message]:
        request = _read(BatchGetDocumentsRequest, data)
        refuse_set_fields(request, "transaction", "new_transaction", "read_time")
        named = database_name(request.database)
        database = self._store.database(named)
        mask = fields.mask_paths(request.mask) if request.HasField("mask") else None
        now = timestamp(self._store.now_micros())
        answers = []
        for name in dict.fromkeys(request.documents):
            document = database.document(place_in(named, name))
            if document is None:
                answers.append(BatchGetDocumentsResponse(missing=name, read_time=now))
            else:
                found = document if mask is None else fields.only(document, mask)
                answers.append(BatchGetDocumentsResponse(found=found, read_time=now))
        return answers

    def _query(self, data: bytes) -> Iterable[Message]:
        request = _read(RunQueryRequest, data)
        refuse_set_fields(request, "transaction", "new_transaction", "read_time", "explain_options")
        if not request.HasField("structured_query"):
            raise invalid("only structured queries are supported")
        query = Query.read(request.parent, request.structured_query)
        found = query.run(self._store.database(query.parent.database))
        now = timestamp(self._store.now_micros())
        answers = [RunQueryResponse(document=document, read_time=now) for document in found]
        answers = answers or [RunQueryResponse(read_time=now)]
        answers[-1].done = True
        return answers

    async def _listen(self, requests: AsyncIterator[bytes], context: Context) -> None:
        listener = Listener(self._store)
        reading = asyncio.create_task(_hear(requests, listener))
        try:
            while True:
                await listener.woken.wait()
                listener.woken.clear()
                for response in listener.news():
                    await context.write(response.SerializeToString())
                if reading.done():
                    reading.result()
                    return
        except Refused as refusal:
            await context.abort(refusal.code, refusal.message)
        finally:
            reading.cancel()
            listener.close()


async def _hear(requests: AsyncIterator[bytes], listener: Listener) -> None:
    try:
        async for data in requests:
            listener.asked(_read(ListenRequest, data))
    finally:
        listener.woken.set()


async def start(store: Store, port: int) -> tuple[grpc.aio.Server, int]:
    """Serve on loopback; the server, and the port it listens on.

    Raises:
        RuntimeError: the port is taken.
    """
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((Service(store),))
    bound: int = server.add_insecure_port(f"{HOST}:{port}")
    await server.start()
    return server, bound


async def _answer(method: Method, data: bytes, context: Context) -> bytes | None:
    try:
        (answer,) = method(data)
    except Refused as refusal:
        await context.abort(refusal.code, refusal.message)
        return None
    serialized: bytes = answer.SerializeToString()
    return serialized


async def _answers(method: Method, data: bytes, context: Context) -> None:
    try:
        answers = method(data)
    except Refused as refusal:
        await context.abort(refusal.code, refusal.message)
        return
    for answer in answers:
        await context.write(answer.SerializeToString())


async def _refuse(method: str, _requests: AsyncIterator[bytes], context: Context) -> None:
    refusal = unknown_here(method)
    await context.abort(refusal.code, refusal.message)


def _read(kind: Message, data: bytes) -> Message:
    if len(data) > LARGEST_REQUEST_BYTES:
        raise Refused(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"gRPC message exceeds maximum size {LARGEST_REQUEST_BYTES}: {len(data)}",
        )
    return kind.FromString(data)
