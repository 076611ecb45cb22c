"""The predecessor's files on this disk, and our own that are made of them."""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hedge_pipeline.adapters.strict_json import UnreadableJsonError, read_json
from hedge_pipeline.domain.errors import CommandRefused, SourceMalformed

PLACES = {
    "nav_log.json": ("logs/nav_log.json",),
    "nav_confirmed.json": ("logs/cache/nav_confirmed.json", "cache/nav_confirmed.json"),
    "peak_state.json": ("logs/cache/peak_state.json", "cache/peak_state.json"),
    "reserves.json": ("config/reserves.json",),
    "treasury.json": ("config/treasury.json", "logs/treasury.json"),
    "risk_limits.json": ("config/risk_limits.json",),
}
"""Where each lay in the predecessor's folder, the one a person edits first."""
_LARGEST = 500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PredecessorFile:
    """One file, parsed."""

    name: str
    """One of ``PLACES``."""
    content: object
    """Plain JSON; numbers are exact decimals and integers."""


def read(paths: Sequence[Path]) -> tuple[PredecessorFile, ...]:
    """Files by the names the predecessor gave them; of a folder, those that lie in it or where it kept them.

    Raises:
        CommandRefused: a path is nothing the predecessor wrote, or two name the same file.
        SourceMalformed: a file is no JSON, or says something twice.
    """
    found: dict[str, Path] = {}
    for path in paths:
        inside = _inside(path) if path.is_dir() else [path]
        if not inside:
            raise CommandRefused(f"{path}: none of {', '.join(PLACES)} is in it")
        for file in inside:
            if file.name not in PLACES:
                raise CommandRefused(
                    f"{file}: is none of {', '.join(PLACES)}, which are what can be imported"
                )
            if found.setdefault(file.name, file) != file:
                raise CommandRefused(f"{file.name}: {found[file.name]} and {file} are both named; name one")
    return tuple(PredecessorFile(name=name, content=_content(file)) for name, file in found.items())


def _inside(folder: Path) -> list[Path]:
    places = ((folder / place for place in (name, *kept)) for name, kept in PLACES.items())
    return [file for of_one in places if (file := next((f for f in of_one if f.is_file()), None))]


def _content(file: Path) -> object:
    try:
        if file.stat().st_size > _LARGEST:
            raise SourceMalformed(file.name, "is larger than anything the predecessor wrote")
        return read_json(file.read_bytes(), parse_float=Decimal)
    except UnreadableJsonError as fault:
        raise SourceMalformed(file.name, f"{fault}; correct it, or leave the file out") from None
    except OSError as error:
        raise SourceMalformed(file.name, f"cannot be read: {error.strerror}") from None


def stored(file: Path) -> str | None:
    """Text of one of our own files; ``None``: there is none.

    Raises:
        SourceMalformed: it is no text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise SourceMalformed(file.name, "is there and cannot be read as text") from None


def write(file: Path, text: str) -> Path | None:
    """Put the text in place at once and as a whole; what was there is kept, and where it lies now returned."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o600)
    try:
        kept = _keep(file)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return kept


def _keep(file: Path) -> Path | None:
    """A second name for what is there: at no moment is there none."""
    for number in range(1, 1000):
        kept = file.with_name(f"{file.name}.bak{'' if number == 1 else number}")
        with suppress(FileExistsError):
            try:
                os.link(file, kept)
            except FileNotFoundError:
                return None
            return kept
    raise CommandRefused(f"{file}: has a thousand copies already; take some away")
