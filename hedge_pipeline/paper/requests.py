"""A request as it arrived, the answer to it, and the refusals the venue words as Binance does."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

_MOST_RECEIVE_WINDOW_MS = 60_000
_AHEAD_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    raw_query: str = ""
    """As it came over the wire: the signature covers exactly these bytes."""
    body: str = ""
    """A form, likewise; the signature covers what the query and it make when put together."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def params(self) -> dict[str, str]:
        """Those of the query and of the body; what both carry counts as the query has it."""
        return {
            **dict(parse_qsl(self.body, keep_blank_values=True)),
            **dict(parse_qsl(self.raw_query, keep_blank_values=True)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: str
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0
    drop: bool = False
    """Close the connection instead of answering."""


class Refusal(Exception):
    """An error the venue answers with: HTTP status, its own code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "msg": message}


def mandatory(name: str) -> Refusal:
    return Refusal(400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid_symbol() -> Refusal:
    return Refusal(400, -1121, "Invalid symbol.")


def integer(params: Mapping[str, str], name: str) -> int | None:
    """A whole number, or None where it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if not text.lstrip("-").isdigit():
        raise Refusal(
            400, -1102, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
        )
    return int(text)


def limit(params: Mapping[str, str], *, default: int, most: int) -> int:
    value = integer(params, "limit")
    if value is None:
        return default
    if not 1 <= value <= most:
        raise Refusal(400, -1130, "Data sent for parameter 'limit' is not valid.")
    return value


def money(amount: Decimal) -> str:
    """As the venue writes it: plain, eight decimal places."""
    return f"{amount:.8f}"


def written(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Keyring:
    """Who may ask for what is signed."""

    secrets: Mapping[str, str] = field(repr=False)
    """API key to its secret."""

    def check(self, request: Request, *, now_ms: int) -> None:
        """Refuse what is not signed by one of these keys, now.

        Source: "SIGNED Endpoint Examples" and "Timing security" of the USD-M documentation: a timestamp is taken if it is
        less than a second ahead of the server and not older than `recvWindow`.

        Raises:
            Refusal: −2014, −2015, −1102, −1131, −1021 or −1022.
        """
        key = request.headers.get("x-mbx-apikey")
        if not key:
            raise Refusal(401, -2014, "API-key format invalid.")
        secret = self.secrets.get(key)
        if secret is None:
            raise Refusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        signed, separator, signature = (request.raw_query + request.body).rpartition("&signature=")
        if not separator:
            raise mandatory("signature")
        timestamp = integer(request.params, "timestamp")
        if timestamp is None:
            raise mandatory("timestamp")
        window = integer(request.params, "recvWindow")
        window = 5000 if window is None else window
        if not 0 < window <= _MOST_RECEIVE_WINDOW_MS:
            raise Refusal(400, -1131, "recvWindow must be less than 60000.")
        if timestamp >= now_ms + _AHEAD_MS:
            raise Refusal(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ms - timestamp > window:
            raise Refusal(400, -1021, "Timestamp for this request is outside of the recvWindow.")
        expected = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature.lower().encode(), expected.encode()):
            raise Refusal(400, -1022, "Signature for this request is not valid.")
