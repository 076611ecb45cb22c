"""A price provider on loopback that answers what a test tells it to, and keeps what it was asked."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class TickingClock:
    """A clock that moves when it is told to, and when somebody sleeps by it."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NOON).total_seconds() + 1_000_000

    def boot_id(self) -> str:
        return "test"

    def advance(self, step: timedelta) -> None:
        self.time += step

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: datetime | None


@dataclass(frozen=True)
class Reply:
    """One answer, or the ways not to give one."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    drip: bool = False


def reply(answer: Any, status: int = 200, **headers: str) -> Reply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps(answer).encode(), status, names)


@dataclass
class ProviderStub:
    url: str
    answer: Callable[[Asked], Reply]
    clock: TickingClock | None = None
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def answers(self, *replies: Reply) -> None:
        """Each in turn, the last for ever."""
        left = list(replies)
        self.answer = lambda _: left.pop(0) if len(left) > 1 else left[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the test."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def provider_stub() -> Iterator[ProviderStub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            at = stub.clock.now() if stub.clock else None
            asked = Asked(self.path, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, at)
            stub.asked.append(asked)
            said = stub.answer(asked)
            if said.hang:
                stub.over.wait(5)
                self.close_connection = True
                return
            self.send_response_only(said.status)  # no Date of its own
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            try:
                for part in (
                    [said.body[i : i + 1] for i in range(len(said.body))] if said.drip else [said.body]
                ):
                    self.wfile.write(part)
                    if said.drip and stub.over.wait(0.02):
                        break
            except OSError:
                self.close_connection = True  # the client had enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    stub = ProviderStub(
        url=f"http://127.0.0.1:{server.server_address[1]}", answer=lambda _: Reply(status=404)
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        stub.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def coins(prices: Mapping[str, Any], as_of: datetime = NOON) -> dict[str, Any]:
    """An answer in CoinGecko's form, in USD; a price may be a mapping of currencies."""
    stamp = int(as_of.timestamp())
    return {
        coin: {**(price if isinstance(price, Mapping) else {"usd": price}), "last_updated_at": stamp}
        for coin, price in prices.items()
    }


def any_coin(price: float | str = 1, as_of: datetime = NOON) -> Callable[[Asked], Reply]:
    """Answers every coin asked for, at the same price."""
    return lambda asked: reply(coins(dict.fromkeys(asked.query["ids"].split(","), price), as_of))
