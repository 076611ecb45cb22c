"""Where a text stops being TOML: the line and key behind the longest beginning that still is.

The parser itself tells where it gave up, which for an open quote is the end of the file, and quotes what it saw.
"""

import re
import tomllib
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

UNREADABLE = (ValueError, InvalidOperation, RecursionError)
"""What ``tomllib`` raises: of texts, of exponents beyond any number, of endless nesting."""


class Place(NamedTuple):
    line: int
    key: str | None
    """As far as it can be told; never what stands behind the sign."""

    def __str__(self) -> str:
        return f"line {self.line}" + (f", near {self.key}" if self.key else "")


def place_of_fault(content: bytes, error: BaseException) -> Place:
    """``error`` is what reading the content as TOML raised."""
    lines = content.decode("utf-8", "replace").splitlines() or [""]
    if isinstance(error, UnicodeDecodeError):
        number = content.count(b"\n", 0, error.start) + 1
    else:
        told = re.search(r"line (\d+), column \d+", str(error))
        number = min(int(told[1]) if told else len(lines), len(lines))
        while number > 1 and not _is_toml("\n".join(lines[: number - 1])):
            number -= 1
    key = re.match(r"\s*\[?\s*([A-Za-z0-9_.-]{1,80})", lines[min(number, len(lines)) - 1])
    return Place(number, key[1] if key else None)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text, parse_float=Decimal)
    except UNREADABLE:
        return False
    return True
