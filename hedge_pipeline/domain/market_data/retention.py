"""Days of the account's history that the venue is about to forget, or has forgotten, before we kept them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.drawdown import start_of_day


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionGap:
    """Local days that are over and not stored, each oldest first."""

    lost: tuple[date, ...]
    """Wholly or in part older than what the venue keeps."""
    leaving: tuple[date, ...]
    """Still to be had, and older than what it keeps within the margin."""

    @property
    def message(self) -> str:
        told = []
        if self.lost:
            told.append(f"{_days(self.lost)} left the venue's history before being stored")
        if self.leaving:
            told.append(f"{_days(self.leaving)} will leave the venue's history soon and is not stored")
        return "; ".join(told)

    @property
    def remedy(self) -> str:
        if self.leaving:
            return f"backfill {self.leaving[0]} to {self.leaving[-1]} now"
        return "ask the venue for an export of the days lost; they cannot be read any more"


def retention_gap(
    last_stored_day: date | None,
    now: datetime,
    retention: timedelta,
    margin: timedelta,
    *,
    first_day: date,
    zone: ZoneInfo,
) -> RetentionGap | None:
    """What is not stored and too old, or nearly so; ``None``: nothing.

    ``first_day`` is the account's first: it counts while nothing is stored. Days begin at midnight of ``zone``; today
    is not over and not missed. ``now`` is the venue's time.
    """
    day = first_day if last_stored_day is None else max(first_day, last_stored_day + timedelta(days=1))
    today = now.astimezone(zone).date()
    lost, leaving = [], []
    while day < today:
        age = now - start_of_day(day, zone)
        if age > retention:
            lost.append(day)
        elif age > retention - margin:
            leaving.append(day)
        day += timedelta(days=1)
    return RetentionGap(lost=tuple(lost), leaving=tuple(leaving)) if lost or leaving else None


def _days(days: tuple[date, ...]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"
