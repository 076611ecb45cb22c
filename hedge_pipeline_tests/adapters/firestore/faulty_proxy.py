"""A proxy before a Firestore server that passes bytes through, counts requests and does to them what a test asks.

A fault is decided per request, from its method and bytes, so it can be scripted, seeded or aimed at one document.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

SERVICE = "google.firestore.v1.Firestore"
STREAMED = ("BatchGetDocuments", "RunQuery", "RunAggregationQuery")
BOTH_WAYS = ("Listen", "Write")


@dataclass(frozen=True)
class Fault:
    """What becomes of one request."""

    before: grpc.StatusCode | None = None
    """Refused with it, never applied."""
    after: grpc.StatusCode | None = None
    """Applied, and answered with it."""
    delay_s: float = 0


UNAVAILABLE = Fault(before=grpc.StatusCode.UNAVAILABLE)
LOST_REPLY = Fault(after=grpc.StatusCode.UNAVAILABLE)
Plan = Callable[[str, bytes], Fault | None]


@dataclass
class FaultyProxy:
    """Set ``plan`` at any time."""

    upstream: grpc.Channel
    plan: Plan = lambda method, request: None
    calls: Counter[str] = field(default_factory=Counter)
    host: str = ""
    _counting: Any = field(default_factory=threading.Lock)

    def first(self, method: str, *faults: Fault | None) -> None:
        """The first requests of ``method`` meet these, the others none."""
        script = iter(faults)
        self.plan = lambda asked, _: next(script, None) if asked == method else None

    def always(self, method: str, fault: Fault, *, of: str = "") -> None:
        """Every request of ``method``, or every one that names ``of``."""
        self.plan = lambda asked, request: fault if asked == method and of.encode() in request else None

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = details.method.rpartition("/")[2]
        metadata = [(key, value) for key, value in details.invocation_metadata if not key.startswith("grpc-")]

        def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
            fault = self._fault(method, request, context)
            call = self.upstream.unary_unary(details.method)
            with _passed_on(context):
                answer: bytes = call(request, metadata=metadata, timeout=30)
            self._after(fault, context)
            return answer

        def streamed(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            fault = self._fault(method, request, context)
            with _passed_on(context):
                yield from self.upstream.unary_stream(details.method)(request, metadata=metadata, timeout=30)
            self._after(fault, context)

        def both(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            call = self.upstream.stream_stream(details.method)(requests, metadata=metadata)
            context.add_callback(call.cancel)
            with _passed_on(context):
                yield from call

        if method in BOTH_WAYS:
            return grpc.stream_stream_rpc_method_handler(both)
        if method in STREAMED:
            return grpc.unary_stream_rpc_method_handler(streamed)
        return grpc.unary_unary_rpc_method_handler(unary)

    def _fault(self, method: str, request: bytes, context: grpc.ServicerContext) -> Fault:
        with self._counting:
            self.calls[method] += 1
            fault = self.plan(method, request) or Fault()
        time.sleep(fault.delay_s)
        if fault.before is not None:
            context.abort(fault.before, "refused by the test's proxy")
        return fault

    @staticmethod
    def _after(fault: Fault, context: grpc.ServicerContext) -> None:
        if fault.after is not None:
            context.abort(fault.after, "the reply was lost by the test's proxy")


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # the driver ships no types
    def __init__(self, proxy: FaultyProxy) -> None:
        self._proxy = proxy

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return self._proxy.service(details)


@contextmanager
def _passed_on(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        context.abort(error.code(), error.details())


@contextmanager
def faulty_proxy(server: str, port: int = 0) -> Iterator[FaultyProxy]:
    """One before ``server``, gone when it is left."""
    local = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(server, options=local) as upstream, ThreadPoolExecutor(24) as pool:
        proxy = FaultyProxy(upstream)
        listening = grpc.server(pool, handlers=[_Handler(proxy)], options=[("grpc.so_reuseport", 0)])
        proxy.host = f"127.0.0.1:{listening.add_insecure_port(f'127.0.0.1:{port}')}"
        listening.start()
        try:
            yield proxy
        finally:
            listening.stop(grace=None).wait()
