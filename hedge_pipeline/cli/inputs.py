"""Values people type: fractions, durations, instants; and the options every order takes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from hedge_pipeline.settings.values import Duration

Command = TypeVar("Command", bound=Callable[..., Any])


def number(value: Any) -> Decimal:
    try:
        found = Decimal(value)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise click.BadParameter(f"{value!r} is not a number in digits")
    return found


def duration(value: Any) -> timedelta:
    try:
        return TypeAdapter(Duration).validate_python(value)
    except ValidationError:
        raise click.BadParameter(f"{value!r} is no duration; write one such as 30min, 4h or 2d") from None


def instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no instant; write one such as 2026-11-20T12:00:00Z") from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no time zone; write one such as {value}Z")
    return found.astimezone(UTC)


def signed(command: Command) -> Command:
    """`--actor` and `--reason`."""
    command = click.option("--reason", required=True, help="Why; it is kept with the order.")(command)
    return click.option("--actor", help="Who orders it; the operating system's user unless given.")(command)


def seconded(command: Command) -> Command:
    """`--approver`."""
    return click.option("--approver", help="The second person, where two are needed: outside paper.")(command)
