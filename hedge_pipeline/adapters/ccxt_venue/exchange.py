"""The ccxt client: where it may connect, how it signs, what it may log.

ccxt signs, sends and names errors. Everything it does on top is switched off: retries, sleeping between calls,
parsing into its own vocabulary, redirects. Errors are named as in production whatever the base URL, so that a
loopback venue exercises the branches production takes.
"""

import io
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from hedge_pipeline.adapters.redaction import RedactingFilter
from hedge_pipeline.adapters.strict_json import UnreadableJsonError, read_json
from hedge_pipeline.domain.errors import InvalidSettings

_DEMO_HOSTS = ("demo-fapi.binance.com",)
_DRIVER_LOGGERS = ("ccxt.base.exchange", "urllib3.connectionpool")
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Credentials:
    """A venue key, given or not. Its ``repr`` does not show it."""

    api_key: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    settings: tuple[str, str] = ("api_key", "secret")
    """Names of the settings the two came from, for messages."""

    def __repr__(self) -> str:
        state = "incomplete" if self.missing else "set"
        return f"Credentials({state})"

    @property
    def missing(self) -> tuple[str, ...]:
        """Settings without a value."""
        given = zip(self.settings, (self.api_key, self.secret), strict=True)
        return tuple(name for name, value in given if not value)

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.api_key, self.secret)))


def checked_base_url(base_url: str, *, live: bool) -> str:
    """``base_url`` without a trailing slash, if this process may talk to it.

    Without ``live`` only loopback addresses and the venue's demo host pass: any other host may be production or
    lead there.

    Raises:
        InvalidSettings: it may not, or it is no base URL.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidSettings("venue base_url: must be http(s)://host[:port]")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in {"", "/"}:
        raise InvalidSettings("venue base_url: must hold nothing beyond scheme, host and port")
    loopback = _is_loopback(parts.hostname)
    if parts.scheme == "http" and not loopback:
        raise InvalidSettings(
            f"venue base_url: {parts.hostname} must be reached by https, keys would travel in clear"
        )
    if not (live or loopback or parts.hostname in _DEMO_HOSTS):
        raise InvalidSettings(
            f"venue base_url: {parts.hostname} may be production, which only the live profile may reach; "
            "use the paper venue's address or the demo host, or select the live profile"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AnswerRefused(Exception):
    """An answer was cut off: too long, or nobody waits for it any more."""


@dataclass(slots=True)
class LastAnswer:
    """What ccxt's exceptions do not carry: set by each request, cleared before it."""

    sent: bool = False
    """Whether it came as far as the network."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    code: int | None = None
    """The venue's error code, if the body is an object with one."""
    unreadable: str | None = None
    """Why a body that begins like JSON is none."""

    def forget(self) -> None:
        self.sent, self.status, self.headers, self.code, self.unreadable = False, None, {}, None, None


def build_exchange(
    base_url: str,
    credentials: Credentials,
    *,
    venue_ms: Callable[[], int],
    recv_window_ms: int,
    answer_bytes: int,
) -> Any:
    """A ccxt ``binanceusdm`` whose every URL is below ``base_url``, checked by ``checked_base_url``.

    ``venue_ms`` tells the venue's time for signing. ``abandoned`` is an event of the returned object: once set, a
    body still arriving is dropped and a request not yet sent stays here.
    """
    for name in _DRIVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.addFilter(RedactingFilter(credentials.secrets))  # an equal one is not added again
    exchange = _exchange_class()(
        {
            "apiKey": credentials.api_key or "",
            "secret": credentials.secret or "",
            "enableRateLimit": False,
            "options": {
                "fetchCurrencies": False,
                "adjustForTimeDifference": False,
                "recvWindow": recv_window_ms,
                "maxRetriesOnFailure": 0,
            },
        }
    )
    exchange.urls["api"] = {
        name: base_url + urlsplit(address).path for name, address in exchange.urls["api"].items()
    }
    exchange.venue_ms = venue_ms
    exchange.last_answer = LastAnswer()
    exchange.abandoned = threading.Event()
    exchange.session.max_redirects = 0
    exchange.session.hooks["response"].append(_bounded_body(exchange, answer_bytes))
    return exchange


@cache
def _exchange_class() -> type[Any]:
    import ccxt

    class Exchange(ccxt.binanceusdm):  # type: ignore[misc]  # ccxt ships no types
        def nonce(self) -> int:
            # Not the wall clock plus a difference: that breaks when the wall clock jumps.
            return int(self.venue_ms())

        def fetch(self, *request: Any, **named: Any) -> Any:
            if self.abandoned.is_set():
                raise AnswerRefused("nobody waits for the answer any more")
            self.last_answer.sent = True
            return super().fetch(*request, **named)

        def get_exceptions_by_url(self, url: str | None, exactOrBroad: str) -> Any:  # noqa: N803
            return self.exceptions["linear"].get(exactOrBroad, {})

        def on_rest_response(
            self,
            code: int,
            reason: str,
            url: str,
            method: str,
            response_headers: Any,
            response_body: str,
            *rest: Any,
        ) -> str:
            self.last_answer.status, self.last_answer.headers = code, response_headers
            return str(
                super().on_rest_response(code, reason, url, method, response_headers, response_body, *rest)
            )

        def on_json_response(self, response_body: str) -> Any:
            try:
                body = read_json(response_body, parse_float=Decimal)
            except UnreadableJsonError as error:
                self.last_answer.unreadable = str(error)
                raise ValueError("unreadable") from None
            code = body.get("code") if isinstance(body, dict) else None
            self.last_answer.code = code if type(code) is int else None
            return body

    return Exchange


def _bounded_body(exchange: Any, answer_bytes: int) -> Callable[..., Any]:
    def read(response: Any, **_: Any) -> Any:
        body = bytearray()
        while chunk := _next_chunk(response.raw):
            body += chunk
            if len(body) > answer_bytes or exchange.abandoned.is_set():
                response.raw.close()
                raise AnswerRefused(f"the answer is longer than {answer_bytes} bytes or came too late")
        response.raw = io.BytesIO(bytes(body))
        return response

    return read


def _next_chunk(raw: Any) -> bytes:
    import ccxt
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        chunk: bytes = raw.read1(_CHUNK, decode_content=True)
    except ReadTimeoutError:
        raise ccxt.RequestTimeout("the answer stopped half way") from None
    except (HTTPError, OSError):
        raise ccxt.NetworkError("the connection broke in the answer") from None
    return chunk
