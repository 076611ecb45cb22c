"""A settings file as written: TOML, ``${NAME}`` filled in from the environment, percent and secrets refused.

What is refused is also taken out, so that the rest is checked in the same pass.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path

from hedge_pipeline.adapters.toml_faults import UNREADABLE, place_of_fault
from hedge_pipeline.settings.environment import SECRETS
from hedge_pipeline.settings.faults import Fault, dotted, shown
from hedge_pipeline.settings.masking import MASK, looks_secret, named_secret
from hedge_pipeline.settings.unknown import percent_remedy

Tree = dict[str, object]

_VARIABLE = re.compile(r"\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFUSED = object()
_LARGEST_FILE = 256 * 1024


@cache
def read_profile(profile: str) -> Tree:
    """The reviewed figures of a profile, which ship with the package. Read once: nobody writes into the tree."""
    file = resources.files("hedge_pipeline.settings") / "profiles" / f"{profile}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)


def read_document(file: Path, *, required: bool, faults: list[Fault]) -> Tree:
    """A user's file as written; empty if it is absent and nobody named it."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        if required:
            faults.append(_unreadable(file, "does not exist", "correct the path, or unset it"))
        return {}
    except OSError as error:
        faults.append(_unreadable(file, f"cannot be read: {error.strerror}", "correct its path or its mode"))
        return {}
    if len(content) > _LARGEST_FILE:
        faults.append(_unreadable(file, "is too large for a file of settings", "name the right file"))
        return {}
    try:
        return tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except UNREADABLE as error:
        place = place_of_fault(content, error)
        near = "" if place.key is None else f", near {dotted(place.key.split('.'))}"
        faults.append(_unreadable(file, "is not TOML", f"correct it at line {place.line}{near}"))
    return {}


def merged(lower: Tree, upper: Tree) -> Tree:
    """Tables join; everything else of ``upper`` replaces what was there."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaner:
    """Fills in and refuses, for one file."""

    origin: str
    environment: Mapping[str, str]
    known_keys: Iterable[str]
    faults: list[Fault]

    def clean(self, tree: Tree) -> Tree:
        """The tree without what is refused; each refusal is appended to ``faults``."""
        return self._table(tree, ())

    def _table(self, table: Tree, path: tuple[str, ...]) -> Tree:
        cleaned = {key: self._value(value, (*path, key)) for key, value in table.items()}
        return {key: value for key, value in cleaned.items() if value is not _REFUSED}

    def _value(self, value: object, path: tuple[str, ...]) -> object:
        if named_secret(path[-1]) or looks_secret(path[-1]) or looks_secret(value):
            return self._refuse(
                path,
                MASK,
                "looks like a secret, which no settings file may hold",
                "move it to its environment variable or to HEDGE_SECRETS_FILE, and replace it: it was exposed here",
            )
        if (remedy := percent_remedy(dotted(path), value, self.known_keys)) is not None:
            return self._refuse(path, shown(value), "is percent, where only fractions are", remedy)
        if isinstance(value, dict):
            return self._table(value, path)
        if isinstance(value, list):
            items = [self._value(item, (*path, str(index))) for index, item in enumerate(value)]
            return _REFUSED if _REFUSED in items else items
        return self._filled(value, path) if isinstance(value, str) else value

    def _filled(self, text: str, path: tuple[str, ...]) -> object:
        """The text with every variable replaced. There are no defaults: a missing one is never guessed."""
        for name, closed in _VARIABLE.findall(text):
            if not closed or not _NAME.fullmatch(name):
                return self._refuse(
                    path,
                    shown(text),
                    "holds a ${…} that names no variable",
                    "write ${NAME}, without a default",
                )
            if name in SECRETS or named_secret(name) or looks_secret(self.environment.get(name)):
                return self._refuse(
                    path, shown(text), f"would copy the secret {name} into the settings", "leave it out"
                )
            if name not in self.environment:
                return self._refuse(path, shown(text), f"needs {name}, which is not set", f"export {name}")
        return _VARIABLE.sub(lambda match: self.environment[match[1]], text)

    def _refuse(self, path: tuple[str, ...], value: str | None, problem: str, remedy: str) -> object:
        self.faults.append(
            Fault(key=dotted(path), value=value, problem=problem, remedy=remedy, origin=self.origin)
        )
        return _REFUSED


def _unreadable(file: Path, problem: str, remedy: str) -> Fault:
    return Fault(key="HEDGE_CONFIG", value=f'"{file}"', problem=problem, remedy=remedy)
