"""How rows look in the Dagster UI: rounded figures, small tables, links, a line drawn over time.

What is shown is rounded, what is stored is not; floats appear here and nowhere else. A heartbeat writes all of this every
half minute, so it is kept small: the UI renders Markdown in place up to 1,000 characters and draws every number over time.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import Enum
from typing import Any

import dagster as dg

Plain = str | float | int | bool | None

MARKDOWN_IN_PLACE = 1000
"""Longer Markdown hides behind a link."""
LONGEST_CELL = 160
MONEY = re.compile(r"((?<!price)_usd|_pnl|^value)$")
"""Names of amounts, which are shown with two places; everything else with eight digits."""
_DIGITS = Context(prec=8)
_MARKUP = str.maketrans("[]<>|`*\\", "()‹›¦'·/")
"""Look-alikes: the UI renders descriptions and tables as Markdown, and does not honor every escape."""

HOME_OF = {
    "clock": "accounts",
    "balances": "accounts",
    "positions": "accounts",
    "modes": "accounts",
    "mark": "marks",
    "marks": "marks",
    "asset_rates": "marks",
    "instruments": "instruments",
    "income": "income",
    "nav": "nav_snapshots",
    "peak": "peak_states",
    "reserves": "reserves_valuations",
    "orders": "open_orders",
    "conditionals": "open_orders",
}
"""Which asset's page shows a source."""


def plain(value: object, name: str = "") -> Plain:
    """A scalar Dagster accepts as metadata, rounded as its name asks."""
    if isinstance(value, Decimal):
        return float(round(value, 2) if MONEY.search(name) else _DIGITS.plus(value))
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def present(values: Mapping[str, object]) -> dict[str, Any]:
    """Metadata without what is unknown or empty: an absent figure is not a zero."""
    return {
        name: value if isinstance(value, dg.MetadataValue) else plain(value, name)
        for name, value in values.items()
        if value is not None
    }


def instants(now: datetime, **stamps: datetime | None) -> dict[str, Any]:
    """Timestamps, where known; beside ``as_of`` its age, which the UI draws over time."""
    shown: dict[str, Any] = {
        name: dg.MetadataValue.timestamp(stamp) for name, stamp in stamps.items() if stamp is not None
    }
    as_of = stamps.get("as_of")
    return shown if as_of is None else {"age_s": now - as_of, **shown}


def table(
    rows: Sequence[object] | None, *columns: str, now: datetime | None = None
) -> dg.MetadataValue[Any] | None:
    """These fields of frozen rows, one line per row, without columns that are empty; ``None`` when there are no rows.

    The column ``age_s`` is ``now`` minus the row's ``as_of`` or ``price_as_of``.
    """
    if not rows:
        return None
    names = columns or tuple(field.name for field in fields(rows[0]))  # type: ignore[arg-type]  # rows are dataclasses
    texts = {name: [_text(row, name, now) for row in rows] for name in names}
    kept = {name.replace("_", " "): column for name, column in texts.items() if any(column)}
    lines = zip(*([words(text) for text in column] for column in kept.values()), strict=True)
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in (kept, ["---"] * len(kept), *lines))
    return dg.MetadataValue.md(text) if len(text) < MARKDOWN_IN_PLACE else _wide(kept)


def _wide(columns: Mapping[str, Sequence[str]]) -> dg.TableMetadataValue:
    """Always shown in place, at the price of a description of every column."""
    records = [
        dg.TableRecord(dict(zip(columns, cells, strict=True)))
        for cells in zip(*columns.values(), strict=True)
    ]
    return dg.MetadataValue.table(
        records=records, schema=dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in columns])
    )


def words(text: str, longest: int = LONGEST_CELL) -> str:
    """A source's words in one line: they may hold markup and must not act as any."""
    line = " ".join(text.translate(_MARKUP).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _text(row: object, name: str, now: datetime | None) -> str:
    if name == "age_s":
        as_of = getattr(row, "as_of", None) or getattr(row, "price_as_of", None)
        return "" if as_of is None or now is None else f"{(now - as_of).total_seconds():,.1f}"
    value = getattr(row, name)
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if MONEY.search(name) else f"{_DIGITS.plus(value).normalize():,f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.1f} s"
    return "" if value is None else str(plain(value))


def listed(lines: Iterable[str]) -> str | None:
    """A Markdown list; ``None`` without lines."""
    return "\n".join(f"- {line}" for line in lines) or None


def markdown(text: str | None) -> dg.MarkdownMetadataValue | None:
    return None if text is None else dg.MetadataValue.md(text)


def page(source: str | None) -> str:
    """A link to the asset on whose page the source is shown, to end a sentence with; empty when there is none."""
    name = HOME_OF.get(source or "")
    return f" See [{name}](/assets/{name})." if name else ""


def plot(title: str, points: Sequence[tuple[datetime, Decimal]]) -> dg.MarkdownMetadataValue | None:
    """A line over time, oldest first, as an inline image: the UI strips raw SVG and shows images.

    Some 40 points are drawn, so that the text stays short enough to be shown in place.
    """
    if len(points) < 2:
        return None
    kept = [*points[:: -(-len(points) // 40)], points[-1]]
    values = [float(value) for _, value in kept]
    low, high = min(values), max(values)
    across, up = 200 / (len(values) - 1), 40 / ((high - low) or 1.0)
    line = " ".join(f"{i * across:.0f},{42 - (value - low) * up:.0f}" for i, value in enumerate(values))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="44">'
        f'<polyline points="{line}" fill="none" stroke="#25e"/></svg>'
    )
    image = f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
    span = (kept[-1][0] - kept[0][0]).total_seconds() / 60
    return dg.MetadataValue.md(f"{low:.6g} to {high:.6g} in {span:.0f} min\n\n{image}")
