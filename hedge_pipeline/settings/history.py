"""What is kept of the past, and how long every row of it stays at hand."""

from datetime import date

from pydantic import Field

from hedge_pipeline.settings.values import Day, Section


class HistorySettings(Section):
    """Closed days as files below the home directory."""

    start: Day = Field(default=date(2026, 1, 1), ge=date(2017, 1, 1), le=date(2100, 1, 1))
    """First day that can be materialized; days before the fund's first are empty and are passed over."""
    hot_days: int = Field(default=14, ge=2, le=366)
    """How many closed days keep every row in the state store. Older rows leave it, once history holds them."""
    least_free_mib: int = Field(default=1024, ge=64, le=1_048_576)
    """Free space below which `hedge preflight` fails, of every file system that keeps something of the fund."""
