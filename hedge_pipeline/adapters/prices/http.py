"""JSON over HTTP from a price provider: bounded in time, rate and size, with every failure named.

Money keeps its digits: JSON numbers become ``Decimal``. Keys travel in a header, and no error text
carries one.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from hedge_pipeline.adapters.redaction import one_line
from hedge_pipeline.adapters.strict_json import UnreadableJsonError, read_json
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.prices import PriceAnswer, ProviderPrice
from hedge_pipeline.ports import Clock

if TYPE_CHECKING:
    import ssl

    import httpx

_TRANSIENT = frozenset({408, 500, 502, 503, 504})
_RATE_LIMITED = frozenset({418, 429})
"""418 is how Binance answers an address that went on after 429."""
_BACKOFF_MAX_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """How much a provider may cost one attempt."""

    timeout: timedelta = timedelta(seconds=5)
    """For connecting, and for silence while reading."""
    total: timedelta = timedelta(seconds=15)
    """For everything asked of the provider in one attempt, waits and retries included."""
    attempts: int = 3
    """Per request, on transient errors."""
    retry_after_cap: timedelta = timedelta(seconds=5)
    """A longer Retry-After closes the provider instead of being waited for."""
    closed_by_default: timedelta = timedelta(seconds=60)
    """For a rate limit without Retry-After."""
    closed_at_most: timedelta = timedelta(hours=1)
    requests_per_second: int = 5
    """In any second, not on average."""
    max_bytes: int = 5_000_000


class Transient(SourceUnavailable):
    """May succeed when asked again at once."""


class RateLimited(SourceUnavailable):
    """The provider wants to be left alone for ``wait``."""

    def __init__(self, source: str, reason: str, wait: timedelta, *, stated: bool) -> None:
        super().__init__(source, reason)
        self.wait = wait
        self.stated = stated
        """Whether the provider said how long; if not it is not asked again in this attempt."""


class Refused(SourceUnavailable):
    """The provider understood and said no; ``code`` is its own."""

    def __init__(self, source: str, reason: str, code: object) -> None:
        super().__init__(source, reason)
        self.code = code


@dataclass(slots=True, kw_only=True)
class JsonHttp:
    """One provider's host."""

    source: str
    base_url: str
    clock: Clock
    policy: HttpPolicy = field(default_factory=HttpPolicy)
    key_header: str | None = None
    key: str | None = field(default=None, repr=False)
    _sent_at: deque[float] = field(default_factory=deque)
    """By the monotonic clock: of the last requests, as many as a second may see."""

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """Connections and a time budget for one attempt."""
        import httpx

        headers = {"accept": "application/json"}
        if self.key and self.key_header:
            headers[self.key_header] = self.key
        with httpx.Client(
            base_url=self.base_url, headers=headers, trust_env=False, verify=_tls_trust()
        ) as client:
            deadline = self.clock.monotonic() + self.policy.total.total_seconds()
            yield Session(http=self, client=client, deadline=deadline)

    def wait_for_turn(self) -> None:
        """Wait until one more request stays within the rate."""
        if len(self._sent_at) >= self.policy.requests_per_second:
            wait = self._sent_at.popleft() + 1 - self.clock.monotonic()
            if wait > 0:
                time.sleep(wait)
        self._sent_at.append(self.clock.monotonic())

    def redacted(self, text: str) -> str:
        """One line without the key, should the provider have echoed it."""
        return one_line(text, [self.key] if self.key else [])


@dataclass(slots=True, kw_only=True)
class Session:
    """Requests that share connections and a deadline."""

    http: JsonHttp
    client: "httpx.Client"
    deadline: float
    """By the monotonic clock."""

    def get(self, path: str, params: Mapping[str, str]) -> Any:
        """The parsed answer.

        Raises:
            RateLimited: and Retry-After was absent, too long, or did not help.
            Refused: a client error.
            SourceMalformed: an answer that is not JSON.
            SourceUnavailable: timeouts, server errors and refused connections, after all attempts.
        """
        import stamina

        for attempt in stamina.retry_context(
            on=self._backoff,
            attempts=self.http.policy.attempts,
            timeout=None,
            wait_initial=0.1,
            wait_max=_BACKOFF_MAX_S,
            wait_jitter=0.1,
        ):
            with attempt:
                return self._get_once(path, params)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _backoff(self, error: Exception) -> bool | float:
        left = self.deadline - self.http.clock.monotonic()
        if isinstance(error, RateLimited):
            wait = error.wait.total_seconds()
            fits = wait <= self.http.policy.retry_after_cap.total_seconds() and wait < left
            return wait if error.stated and fits else False
        return isinstance(error, Transient) and left > _BACKOFF_MAX_S

    def _get_once(self, path: str, params: Mapping[str, str]) -> Any:
        import httpx

        http = self.http
        http.wait_for_turn()
        left = self.deadline - http.clock.monotonic()
        if left <= 0:
            raise SourceUnavailable(http.source, f"no time left of {http.policy.total}")
        timeout = min(http.policy.timeout.total_seconds(), left)
        try:
            with self.client.stream("GET", path, params=params, timeout=timeout) as response:
                body = self._read(response)
        except httpx.TimeoutException as error:
            raise Transient(http.source, f"no answer within {timeout:g} s ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise Transient(http.source, f"no answer: {type(error).__name__}") from None
        if response.status_code == httpx.codes.OK:
            return self._parsed(body)
        raise self._failure(response.status_code, response.headers, body)

    def _read(self, response: "httpx.Response") -> bytes:
        """The body, unless it is endless or drips past the deadline."""
        http = self.http
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > http.policy.max_bytes:
                raise SourceMalformed(http.source, f"an answer of more than {http.policy.max_bytes} bytes")
            if http.clock.monotonic() > self.deadline:
                raise SourceUnavailable(http.source, f"the answer took longer than {http.policy.total}")
        return b"".join(chunks)

    def _parsed(self, body: bytes) -> Any:
        try:
            return read_json(body, parse_float=Decimal)
        except UnreadableJsonError as error:
            raise SourceMalformed(
                self.http.source, self.http.redacted(f"an answer that is not JSON: {error}")
            ) from None

    def _failure(self, status: int, headers: Mapping[str, str], body: bytes) -> SourceUnavailable:
        http = self.http
        code, detail = _provider_error(body)
        reason = f"HTTP {status}" + (f": {http.redacted(detail)}" if detail else "")
        if status in _RATE_LIMITED:
            stated = _retry_after(headers)
            wait = min(
                http.policy.closed_by_default if stated is None else stated, http.policy.closed_at_most
            )
            return RateLimited(http.source, f"rate limited, {reason}", wait, stated=stated is not None)
        if status in _TRANSIENT:
            return Transient(http.source, reason)
        return Refused(http.source, reason, code)


def cut_short(
    said: Mapping[str, ProviderPrice | str], error: SourceUnavailable, left: Iterable[str]
) -> PriceAnswer:
    """What was said before a request failed; every identifier ``left`` fails for the same reason."""
    closed_for = error.wait if isinstance(error, RateLimited) else None
    return PriceAnswer(
        said={**said, **dict.fromkeys(left, error.reason)}, error=error.reason, closed_for=closed_for
    )


@cache
def _tls_trust() -> "ssl.SSLContext":
    """Loading the certificate authorities costs as much as a request: once per process."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _provider_error(body: bytes) -> tuple[object, str]:
    """Code and text of a provider's own error object, in either of the forms met."""
    try:
        answer = read_json(body)
    except UnreadableJsonError:
        return None, ""
    if isinstance(answer, dict) and isinstance(answer.get("status"), dict):
        answer = answer["status"]
    if not isinstance(answer, dict):
        return None, ""
    text = next((answer[name] for name in ("error_message", "msg", "error") if name in answer), "")
    return answer.get("code", answer.get("error_code")), text if isinstance(text, str) else ""


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Retry-After in either form; a date counts from the answer's own Date, so our clock is not asked."""
    stated = headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit() and len(stated) < 8:
        return timedelta(seconds=int(stated))
    try:
        wait = parsedate_to_datetime(stated) - parsedate_to_datetime(headers["date"])
    except (ValueError, TypeError, KeyError):
        return None
    return max(wait, timedelta(0))
