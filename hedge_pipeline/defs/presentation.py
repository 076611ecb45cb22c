"""How rows look in the Dagster UI: metadata values, tables, plots.

Floats appear here and nowhere else: what is shown is rounded, what is stored is not.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import dagster as dg

Plain = str | float | int | bool | None


def plain(value: object) -> Plain:
    """A scalar Dagster accepts as metadata."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def table(rows: Sequence[object]) -> dg.TableMetadataValue:
    """Frozen rows of one class as a table, one column per field."""
    records = [
        dg.TableRecord({field.name: _cell(getattr(row, field.name)) for field in fields(row)})
        for row in rows
        if is_dataclass(row)
    ]
    names = list(records[0].data) if records else ["nothing"]
    return dg.MetadataValue.table(
        records=records, schema=dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in names])
    )


def _cell(value: object) -> str:
    return "" if value is None else str(plain(value))


def instants(**stamps: datetime | None) -> dict[str, dg.MetadataValue[Any]]:
    """Timestamps, where known."""
    return {name: dg.MetadataValue.timestamp(stamp) for name, stamp in stamps.items() if stamp is not None}


def present(values: Mapping[str, object]) -> dict[str, Any]:
    """Metadata without what is unknown: an absent figure is not a zero."""
    return {
        name: value if isinstance(value, dg.MetadataValue) else plain(value)
        for name, value in values.items()
        if value is not None
    }


def plot(title: str, points: Sequence[tuple[datetime, Decimal]]) -> dg.MarkdownMetadataValue:
    """A line over time as an inline image.

    The UI strips raw SVG and shows images; it shows metadata text inline below 1,000 characters and hides longer text
    behind a link, so the line is drawn through some 40 points.
    """
    if len(points) < 2:
        return dg.MetadataValue.md(f"{title}: not enough points for a plot")
    kept = [*points[:: max(1, len(points) // 40)], points[-1]]
    values = [float(value) for _, value in kept]
    low, high = min(values), max(values)
    across, up = 300 / (len(values) - 1), 60 / ((high - low) or 1.0)
    line = " ".join(f"{i * across:.0f},{62 - (value - low) * up:.0f}" for i, value in enumerate(values))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="64">'
        f'<polyline points="{line}" fill="none" stroke="#25e"/></svg>'
    )
    image = f"![{title}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
    return dg.MetadataValue.md(f"{title} {values[-1]:.6g} ({low:.6g} to {high:.6g})\n\n{image}")
