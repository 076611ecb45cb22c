"""Secrets taken out of a text before anybody reads it: an error, a log line, a stored reason.

Two nets, since either alone has holes: the secrets themselves, wherever they stand, and the places where
drivers put secrets (query strings, signatures, key headers, credentials in an address), whatever stands there.
"""

import logging
import re
from collections.abc import Iterable

REMOVED = "[removed]"

_PLACES = (
    (re.compile(r"(?i)(https?://)[^/\s@]+@"), rf"\1{REMOVED}@"),
    (re.compile(r"(/[^\s?\"'<>]*)\?[^\s\"'<>]+"), rf"\1?{REMOVED}"),
    (
        re.compile(
            r"(?i)([\"']?(?:signature|x-mbx-apikey|x-cg-[a-z]+-api-key|api[-_]?key|secret|token|authorization)[\"']?"
            r"\s*[=:]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s&\"',;)}]+"
        ),
        rf"\1{REMOVED}",
    ),
)
_LONGEST = 300


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without secrets. Blank ones are passed over: removing them would remove everything."""
    for secret in sorted(filter(str.strip, secrets), key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    for place, replacement in _PLACES:
        text = place.sub(replacement, text)
    return text


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without secrets, on one line and short enough for a column; never cut through a secret."""
    line = " ".join(redact(text, secrets).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


class RedactingFilter(logging.Filter):
    """Drops what a driver logs below ``level`` (ccxt: key header and balances) and redacts the rest.

    A filter on the driver's logger holds even if somebody turns that logger's level up.
    """

    def __init__(self, secrets: Iterable[str] = (), *, level: int = logging.WARNING) -> None:
        super().__init__()
        self._secrets = tuple(secrets)
        self._level = level

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RedactingFilter):
            return NotImplemented
        return (self._secrets, self._level) == (other._secrets, other._level)

    def __hash__(self) -> int:
        return hash((self._secrets, self._level))

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < self._level:
            return False
        record.msg, record.args = redact(record.getMessage(), self._secrets), None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info), self._secrets)
            record.exc_info = None
        return True
