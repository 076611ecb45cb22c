"""The way from the real client to a paper venue in this process: no socket, no thread, no waiting, one moved clock.

The client is whole: ccxt signs, sends through its own session and parses; only what carries the bytes is ours, and what it does by
the wall clock (a thread per request, the pause before a retry) is done at once, by the moved one.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError, NewConnectionError

from hedge_pipeline.adapters.ccxt_venue import client, exchange, registry
from hedge_pipeline.cycle import desks
from hedge_pipeline.execution import Desk
from hedge_pipeline.paper.requests import Answer, Request

LATENCY = timedelta(milliseconds=10)
"""Of an answer."""


class SoakClock:
    """``Clock`` of ports, and the venue's, in whole milliseconds."""

    def __init__(self, start: datetime) -> None:
        self._start_ms = self.ms = round(start.timestamp() * 1000)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def monotonic(self) -> float:
        return (self.ms - self._start_ms) / 1000 + 10_000

    def boot_id(self) -> str:
        return "the boot of the soak"

    def milliseconds(self) -> int:
        return self.ms

    def pass_by(self, span: timedelta) -> None:
        self.ms += round(span / timedelta(milliseconds=1))


@dataclass
class Wire(BaseAdapter):
    """What carries requests to the venue; ``serve`` answers, or raises to kill whoever asks."""

    clock: SoakClock
    serve: Callable[[Request], Answer | None] = lambda _: None
    """``None``: nobody listens."""

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:  # type: ignore[override]
        parts = urlsplit(str(request.url))
        body: Any = request.body or b""
        answer = self.serve(
            Request(
                method=str(request.method),
                path=parts.path,
                raw_query=parts.query,
                body=body.decode() if isinstance(body, bytes) else body,
                headers={name.lower(): str(value) for name, value in request.headers.items()},
            )
        )
        if answer is None:
            refused = NewConnectionError(mock.sentinel.pool, "connection refused")
            raise requests.ConnectionError(MaxRetryError(mock.sentinel.pool, parts.path, refused))
        patience = timedelta(seconds=float(named["timeout"]))
        takes = LATENCY + timedelta(seconds=answer.delay_s)
        self.clock.pass_by(min(takes, patience))
        if takes >= patience:
            raise requests.ReadTimeout("Read timed out.")
        if answer.drop:
            raise requests.ConnectionError("Connection aborted.")
        return _response(request, answer)

    def close(self) -> None:
        """Nothing is open."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update({"Content-Type": answer.content_type, **answer.headers})
    response.raw = HTTPResponse(
        body=io.BytesIO(answer.body.encode()), status=answer.status, preload_content=False
    )
    response.url, response.request, response.reason = str(request.url), request, ""
    return response


@contextmanager
def wired(wire: Wire) -> Iterator[None]:
    """While the block lasts, clients that are built ask over ``wire``, at once."""
    build = exchange.build_exchange

    def mounted(*args: Any, **named: Any) -> Any:
        built = build(*args, **named)
        built.session.mount("http://", wire)
        return built

    class AtOnce:
        """A thread that has run when it was started. What kills it kills who waits for it."""

        def __init__(self, *, target: Callable[[], object], **_: object) -> None:
            self._target = target

        def start(self) -> None:
            self._target()

        def is_alive(self) -> bool:
            return False

    class Pause:
        def wait(self, seconds: float) -> None:
            wire.clock.pass_by(timedelta(seconds=seconds))

    standing_in = SimpleNamespace(Thread=AtOnce, Event=Pause, Lock=threading.Lock)
    desk = partial(Desk, pause=Pause().wait)
    with (
        mock.patch.object(client, "build_exchange", mounted),
        mock.patch.object(client, "threading", standing_in),
        mock.patch.object(desks, "Desk", desk),
    ):
        yield


def forget_clients() -> None:
    """As a new process begins: without clients, clocks and budgets."""
    registry._clients.clear()  # noqa: SLF001
    registry._budgets.clear()  # noqa: SLF001


def has_room(weight: int, ceiling: float, now_s: float) -> bool:
    """Whether no client would withhold a request of this weight."""
    budgets = registry._budgets.values()  # noqa: SLF001
    return not any(budget.refusal(weight, ceiling, now_s=now_s) for budget in budgets)
