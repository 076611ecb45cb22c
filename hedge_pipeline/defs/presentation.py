"""How rows look in the Dagster UI: metadata values, tables, plots.

Floats appear here and nowhere else: what is shown is rounded, what is stored is not.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
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


def plot(title: str, points: Iterable[tuple[datetime, Decimal]], *, width: int = 640, height: int = 160) -> dg.MarkdownMetadataValue:
    """A line over time as an inline image; the UI strips scripts and raw SVG, it shows images."""
    series = [(stamp.timestamp(), float(value)) for stamp, value in points]
    if len(series) < 2:
        return dg.MetadataValue.md(f"{title}: not enough points for a plot")
    left, right = series[0][0], series[-1][0]
    low, high = min(value for _, value in series), max(value for _, value in series)
    span_x, span_y = (right - left) or 1.0, (high - low) or 1.0
    line = " ".join(
        f"{(stamp - left) / span_x * (width - 10) + 5:.1f},{height - 20 - (value - low) / span_y * (height - 40):.1f}"
        for stamp, value in series
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="white"/>'
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="1.5"/>'
        f'<text x="5" y="12">{title}: {high:,.6g} (high)</text><text x="5" y="{height - 5}">{low:,.6g} (low)</text>'
        f'<text x="{width - 5}" y="{height - 5}" text-anchor="end">{series[-1][1]:,.6g} now</text></svg>'
    )
    encoded = base64.b64encode(svg.encode()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{encoded})")
