"""Frames of candles for tests: clean ones, and ways to spoil them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from hedge_pipeline.domain.market_data import CANDLES, Fault, Report, Unit
from hedge_pipeline.domain.market_data.normalization import normalized

MINUTE = timedelta(minutes=1)
START = datetime(2025, 6, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def clean_candles(rows: int = 10) -> pd.DataFrame:
    """Minutes one after another, stamped in milliseconds, prices as they come over the wire."""
    return pd.DataFrame(
        {
            "open_at": [START_MS + 60_000 * n for n in range(rows)],
            "open": "100.5",
            "high": "101.25",
            "low": "99.5",
            "close": "101",
            "volume": "3.25",
        }
    ).astype({"open_at": object, **dict.fromkeys(("open", "high", "low", "close", "volume"), object)})


def checked(frame: pd.DataFrame, **how: Any) -> tuple[pd.DataFrame, Report]:
    return normalized(frame, CANDLES, **{"unit": Unit.MILLISECONDS, "step": MINUTE, **how})


def counts(report: Report) -> dict[Fault, int]:
    return {found.fault: found.count for found in report.findings}
