"""What is wrong with the settings, told so that a person can correct all of it at once.

A fault quotes the value it is about only where no secret can stand.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings.masking import MASK, looks_secret, redact
from hedge_pipeline.settings.values import duration_text

_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing to correct."""

    key: str
    """Dotted path in a file, or the name of an environment variable."""
    value: str | None
    """As ``shown``; ``None`` where there is none to show."""
    problem: str
    remedy: str
    origin: str | None = None
    """File, profile or environment it came from."""
    beside: str | None = None
    """Another section that had to be right for this to be one."""

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {self.value}"
        origin = "" if self.origin is None else f" ({self.origin})"
        return f"{self.key}{value}{origin}: {self.problem}; {self.remedy}"


def shown(value: object) -> str | None:
    """A value as a settings file writes it, shortened; masked where it looks like a secret."""
    match value:
        case str() if looks_secret(value):
            return MASK
        case str():
            return f'"{value}"' if len(value) <= _LONGEST_QUOTE else f'"{value[:_LONGEST_QUOTE]}…"'
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value) if len(str(value)) <= _LONGEST_QUOTE else "a very long number"
        case timedelta():
            return f'"{duration_text(value)}"'
        case _:
            return None


def refusal(faults: Iterable[Fault], *, secrets: Iterable[str]) -> InvalidSettings:
    """The error that lists every fault; whatever of ``secrets`` had found its way into it is masked."""
    lines = list(dict.fromkeys(str(fault) for fault in faults))
    count = "1 setting is wrong" if len(lines) == 1 else f"{len(lines)} settings are wrong"
    return InvalidSettings(redact("\n  ".join([f"{count}:", *lines]), secrets))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word spelled most alike, if any is."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The same, as a question."""
    found = closest(word, known)
    return f"did you mean {found}?" if found else None


def lookup(tree: Mapping[str, object], path: tuple[str | int, ...]) -> object:
    """The value at a path of tables and lists, or ``None``."""
    found: object = tree
    for step in path:
        if isinstance(found, Mapping) and isinstance(step, str):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def dotted(path: Iterable[str | int]) -> str:
    """A path as one key. A step that looks like a secret is one that slipped to the wrong side of the sign."""
    return ".".join(MASK if looks_secret(step) else str(step) for step in path)
