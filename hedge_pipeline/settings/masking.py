"""What a secret looks like, and how to keep it out of a text."""

import re
from collections.abc import Iterable

MASK = "***"
_SHORTEST_REDACTED = 6

_SECRET_NAME = re.compile(
    r"secret|token|passw|passphrase|credential|webhook|(?:^|_)(?:api|access|private|auth|read|trade)_?key",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"""
    ://[^/\s@]*:[^/\s@]+@                             # password in an address
    | -----BEGIN
    | hooks\.slack\.com/
    | \b\d{6,}:[A-Za-z0-9_-]{30,}                     # Telegram bot token
    | \bCG-[A-Za-z0-9]{20,}                           # CoinGecko key
    | (?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{32,}  # venue key: long, letters and digits
    """,
    re.VERBOSE,
)


def looks_secret(value: object) -> bool:
    """Whether a value has the shape of a password, key or token."""
    return isinstance(value, str) and _SECRET_VALUE.search(value) is not None


def named_secret(name: str) -> bool:
    """Whether a key or variable is named like something secret."""
    return _SECRET_NAME.search(name) is not None


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it masked. Secrets too short to tell from words are left."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_REDACTED:
            text = text.replace(secret, MASK)
    return text
