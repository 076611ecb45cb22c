"""What an action of the back door is asked with: a JSON object, read name by name."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from hedge_pipeline.paper.venue import PaperVenue

Body = dict[str, Any]
Action = Callable[[PaperVenue, Body], Any]


class InvalidRequest(ValueError):
    """A parameter is missing or unusable; the message names it."""


def text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"{name}: is missing or not a text")
    return value


def decimal(body: Body, name: str) -> Decimal:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidRequest(f"{name}: is missing, or neither a whole number nor a decimal written as a text")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise InvalidRequest(f"{name}: {value!r} is not a number") from None


def fraction(body: Body, name: str) -> Decimal:
    """From 0 to 1."""
    value = decimal(body, name)
    if not value.is_finite() or not 0 <= value <= 1:
        raise InvalidRequest(f"{name}: {value} is no fraction from 0 to 1")
    return value
