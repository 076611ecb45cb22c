"""How the command line writes things: money, ages, instants, tables. Rounded here and nowhere else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import click

from hedge_pipeline.domain.verdicts import TradingState

UNKNOWN = "unknown"
COLORS = {TradingState.ACTIVE: "green", TradingState.REDUCING: "yellow", TradingState.HALTED: "red"}


def money(value: Decimal | None) -> str:
    """Two places, thousands apart."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def figure(value: Decimal | None, places: int = 4) -> str:
    """A fraction, price or unit value."""
    return UNKNOWN if value is None else f"{value:.{places}f}"


def quantity(value: Decimal | None) -> str:
    """As exact as it is."""
    return UNKNOWN if value is None else format(value, "f")


def age(span: timedelta | None) -> str:
    """Two units at most; a negative age lies ahead."""
    if span is None:
        return UNKNOWN
    if span < timedelta(0):
        return f"{age(-span)} ahead"
    seconds = int(span.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or (name == "s" and not parts):
            parts.append(f"{count} {name}")
        elif parts:
            break
    return " ".join(parts[:2])


def instant(when: datetime | None) -> str:
    return UNKNOWN if when is None else f"{when:%Y-%m-%d %H:%M:%S} UTC"


def colored(state: TradingState) -> str:
    return click.style(state.name, fg=COLORS[state], bold=True)


def table(rows: Sequence[Sequence[str]], *, indent: str = "  ", numbers: Sequence[int] = ()) -> str:
    """Columns aligned, those in ``numbers`` to the right."""
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - len(click.unstyle(cell)))
            cells.append(padding + cell if place in numbers else cell + padding)
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)
