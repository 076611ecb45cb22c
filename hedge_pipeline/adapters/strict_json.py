"""JSON from outside, read strictly: what two readers could read differently is not read at all.

A key given twice, ``NaN`` and ``Infinity``, numbers of thousands of digits and endless nesting are refused beside
what is no JSON. The refusal names the key it happened at and quotes nothing else: a body may echo a secret.
"""

import json
import re
from collections.abc import Callable
from typing import Any

_KEY = re.compile(r'"([A-Za-z_][A-Za-z0-9_.-]{0,39})"\s*:')
_CONSTANT = re.compile(r'"([A-Za-z_][A-Za-z0-9_.-]{0,39})"\s*:\s*[\s\[]*-?(?:NaN|Infinity)')
_ENDLESS = re.compile(r'"([A-Za-z_][A-Za-z0-9_.-]{0,39})"\s*:\s*[\s\[]*-?[0-9]{4300}')


class UnreadableJsonError(ValueError):
    """The text is not JSON, or JSON that says two things at once."""


class KeyGivenTwiceError(ValueError):
    """An object names a key twice; the key is its argument."""


class _ConstantError(ValueError):
    pass


def read_json(text: str | bytes, *, parse_float: Callable[[str], Any] | None = None) -> Any:
    """The value of a whole JSON text.

    Raises:
        UnreadableJsonError: names the key next to the fault, where there is one.
    """
    try:
        return json.loads(
            text if isinstance(text, str) else text.decode(),
            parse_float=parse_float,
            parse_constant=_no_constant,
            object_pairs_hook=each_key_once,
        )
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 text{_after(error.object.decode('utf-8', 'replace'), error.start)}"
    except (ValueError, RecursionError) as error:
        problem = _problem(text if isinstance(text, str) else text.decode(), error)
    raise UnreadableJsonError(problem)


def _no_constant(name: str) -> Any:
    raise _ConstantError(name)


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """``object_pairs_hook`` of a reader that keeps no last value over a first.

    Raises:
        KeyGivenTwiceError: a key stands there twice.
    """
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        raise KeyGivenTwiceError(next(key for key in keys if keys.count(key) > 1))
    return document


def _problem(text: str, error: Exception) -> str:
    """Slow, and asked only once something is wrong."""
    if isinstance(error, KeyGivenTwiceError):
        return f"{_named(str(error))} is given twice"
    if isinstance(error, _ConstantError):
        return f"{_found(_CONSTANT, text)}: {error} is not JSON"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}{_after(text, error.pos)}"
    if isinstance(error, RecursionError):
        return "it is nested without end"
    return f"{_found(_ENDLESS, text)}: a number of thousands of digits"


def _after(text: str, position: int) -> str:
    keys = _KEY.findall(text, max(0, position - 400), position)
    return f", after {keys[-1]}" if keys else ""


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else "a value"


def _named(key: str) -> str:
    return key if _KEY.fullmatch(f'"{key}":') else "a key"
