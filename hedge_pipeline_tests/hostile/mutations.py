"""Invalid documents made of a valid one: each breaks one field in one way, and says which and how.

A document is nested dicts, lists, dataclasses and scalars. Whoever knows the model says of each of its places what may be done to it
(``Spoilers``); the same seed makes the same mutants.
"""

import random
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, is_dataclass
from itertools import count as count_up
from typing import Any

Path = tuple[str | int, ...]
Spoil = Callable[[random.Random], Any]
Spoilers = Mapping[str, Spoil]
"""What can be done to a place, and the value that then stands there."""


@dataclass(frozen=True, slots=True)
class Mutant:
    field: str
    """Dotted path of what is broken; empty when it is the document as a whole."""
    deed: str
    document: Any


class Raw(str):
    """Text that stands in the document as it is, without quotes: ``NaN``, ``1e400``, a thousand brackets."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """A table whose keys may repeat."""


@dataclass(frozen=True, slots=True)
class Again:
    """The field a second time, with this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Renamed:
    """The field under another name."""

    name: str


MISSING = object()
"""The field is not there."""


def mutants(
    document: Any,
    places: Mapping[Path, Spoilers],
    *,
    count: int,
    seed: int = 0,
    seldom: Container[str] = (),
) -> Iterator[Mutant]:
    """``count`` distinct mutants, or fewer when nothing new can be done.

    Every deed of every place has its turn, so that a small count sees all of them too; deeds that are ``seldom`` done
    have it in one round of eight.
    """
    draw = random.Random(seed)
    left = [(path, deed, spoil) for path, spoilers in places.items() for deed, spoil in spoilers.items()]
    draw.shuffle(left)
    seen: set[tuple[Path, str]] = set()
    made = 0
    for rounds in count_up():
        barren = []
        for number, turn in enumerate(left):
            if made == count:
                return
            path, deed, spoil = turn
            if deed in seldom and (number + rounds) % 8:
                continue
            fresh = _fresh(path, spoil, draw, seen)
            if fresh is _NOTHING_NEW:
                barren.append(turn)
                continue
            yield Mutant(dotted(path), deed, put(document, path, fresh))
            made += 1
        left = [turn for turn in left if turn not in barren]
        if not left:
            return


_NOTHING_NEW = object()


def _fresh(path: Path, spoil: Spoil, draw: random.Random, seen: set[tuple[Path, str]]) -> Any:
    for _ in range(8):
        value = spoil(draw)
        mark = hex(value) if type(value) is int else f"{type(value).__name__} {value!r}"
        if (path, mark) not in seen:
            seen.add((path, mark))
            return value
    return _NOTHING_NEW


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def put(document: Any, path: Path, value: Any) -> Any:
    """A copy with another value at the path; what lies beside the path is shared."""
    if not path:
        return value
    step, *rest = path
    if is_dataclass(document) and not isinstance(document, type):
        spoiled = copy(document)  # not replaced: the class itself would refuse
        object.__setattr__(spoiled, str(step), put(getattr(document, str(step)), tuple(rest), value))
        return spoiled
    if isinstance(document, list | tuple):
        items = list(document)
        items[int(step)] = put(items[int(step)], tuple(rest), value)
        return type(document)(items)
    if rest or (not isinstance(value, Again | Renamed) and value is not MISSING):
        return {**document, step: put(document[step], tuple(rest), value)}
    if isinstance(value, Again):
        return Pairs([*document.items(), (str(step), value.value)])
    beside = {key: inner for key, inner in document.items() if key != step}
    return {**beside, value.name: document[step]} if isinstance(value, Renamed) else beside


def leaves(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place of a document, containers included, with what stands there; outermost first."""
    yield path, document
    inside: Sequence[tuple[Any, Any]] = ()
    if isinstance(document, dict):
        inside = list(document.items())
    elif isinstance(document, list | tuple):
        inside = list(enumerate(document))
    for step, value in inside:
        yield from leaves(value, (*path, step))


def among(*values: Any) -> Spoil:
    return lambda draw: draw.choice(values)


def digits(draw: random.Random, least: int, most: int) -> str:
    """A whole number of so many digits, not beginning with zero."""
    length = draw.randint(least, most)
    return str(draw.randrange(10 ** (length - 1), 10**length))


def word(draw: random.Random, least: int = 3, most: int = 12) -> str:
    return "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(least, most)))


def misspelled(draw: random.Random, name: str) -> str:
    """A name one letter from the right one, or in other capitals."""
    at = draw.randrange(len(name))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    others = (
        name[:at] + letter + name[at:],
        name[:at] + name[at + 1 :],
        name[:at] + letter + name[at + 1 :],
        name.swapcase(),
    )
    return draw.choice([other for other in others if other and other != name] or [name + letter])


HALF_PAIRS = [chr(code) for code in range(0xD800, 0xE000)]


def half_pair(draw: random.Random, text: str = "") -> str:
    """Text with half a surrogate pair in it, which is no Unicode."""
    at = draw.randint(0, len(text))
    return text[:at] + draw.choice(HALF_PAIRS) + text[at:]


def nested_list(draw: random.Random, deepest: int = 60) -> list[Any]:
    value: list[Any] = [draw.randrange(10**6)]
    for _ in range(draw.randint(1, deepest)):
        value = [value]
    return value


def nested_table(draw: random.Random, deepest: int = 40) -> dict[str, Any]:
    value: dict[str, Any] = {word(draw): draw.randrange(10**6)}
    for _ in range(draw.randint(1, deepest)):
        value = {word(draw): value}
    return value


def floating(draw: random.Random) -> float:
    return draw.uniform(-1e6, 1e6)


def named(document: Any, path: Path) -> Spoilers:
    """What can be done to a field's name: absent, twice, misspelled."""
    name = str(path[-1])
    value = document
    for step in path:
        value = value[step]

    return {
        "the field is missing": lambda draw: MISSING,
        "the field is there twice": lambda draw: Again(
            draw.choice([value, draw.randrange(10**9), word(draw)])
        ),
        "the field is misspelled": lambda draw: Renamed(misspelled(draw, name)),
    }
