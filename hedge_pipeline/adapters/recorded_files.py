"""Recorded Parquet and CSV files as clean history: read whole, named columns, and a unit that is said.

A Parquet column of timestamps with a zone carries its own unit; anything else needs one. CSV is read as text, so that
no amount passes through a float.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.market_data import Kind, Report, Unit

ALIASES: Mapping[str, tuple[str, ...]] = {
    "open_at": ("ts", "timestamp", "open_time"),
    "funded_at": ("ts", "timestamp", "fundingTime"),
    "traded_at": ("ts", "timestamp", "time"),
    "filled_at": ("ts", "timestamp", "time"),
    "rate": ("funding_rate", "fundingRate"),
    "quantity": ("qty", "size"),
    "trade_id": ("id",),
    "fill_id": ("id",),
    "venue_order_id": ("orderId",),
    "position_side": ("positionSide",),
    "realized_pnl": ("realizedPnl",),
    "commission_asset": ("commissionAsset",),
}
"""What others call our columns; our own name wins."""


def load(
    path: Path,
    kind: Kind,
    *,
    unit: Unit | None = None,
    step: timedelta | None = None,
    symbol: str | None = None,
    covering: tuple[datetime, datetime] | None = None,
    most_examples: int = 5,
) -> tuple[Any, Report]:
    """The clean frame of a file, and what was wrong with it: see `normalized`.

    Raises:
        SourceUnavailable: the file cannot be read.
        SourceMalformed: a column is missing or of another type, or its unit was not said; names file, column and remedy.
    """
    from hedge_pipeline.domain.market_data.normalization import normalized

    frame = _read(path)
    written = {ours: theirs for theirs, ours in _renamed(list(frame.columns), kind).items()}
    frame = frame.rename(columns={theirs: ours for ours, theirs in written.items()})
    if unit is None:
        unit = _own_unit(path, frame, kind.time, written.get(kind.time, kind.time))
    try:
        return normalized(
            frame,
            kind,
            unit=unit,
            step=step,
            symbol=symbol,
            covering=covering,
            most_examples=most_examples,
        )
    except SourceMalformed as error:
        column = ", ".join(written.get(name, name) for name in error.source.split(", "))
        raise SourceMalformed(str(path), f"{column}: {error.reason}") from None


def _own_unit(path: Path, frame: Any, column: str, written: str) -> Unit:
    """What the file itself says of its stamps."""
    import pandas as pd

    if column not in frame.columns or isinstance(frame[column].dtype, pd.DatetimeTZDtype):
        return Unit.AWARE
    if frame[column].dtype.kind == "M":
        raise SourceMalformed(
            str(path), f"{written}: holds datetimes without a zone; say the unit utc if that is what they are"
        )
    raise SourceMalformed(str(path), f"{written}: does not say its unit; say one of {', '.join(Unit)}")


def _read(path: Path) -> Any:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return _parquet(path)
    if name.endswith((".csv", ".csv.gz")):
        return _csv(path)
    raise SourceMalformed(str(path), "is no .parquet, .csv or .csv.gz; convert it to one of these")


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pandas()
    except OSError as error:
        raise SourceUnavailable(str(path), f"cannot be read: {error}") from error
    except pa.ArrowException as error:
        raise SourceMalformed(str(path), f"is no Parquet file: {error}") from error


def _csv(path: Path) -> Any:
    import zlib

    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, on_bad_lines="error")
    except (ValueError, zlib.error, EOFError) as error:
        raise SourceMalformed(str(path), f"cannot be read as CSV: {error}") from error
    except OSError as error:
        raise SourceUnavailable(str(path), f"cannot be read: {error}") from error


def _renamed(columns: list[str], kind: Kind) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in kind.columns:
        if name not in columns:
            found |= {alias: name for alias in ALIASES.get(name, ()) if alias in columns}
    return found
