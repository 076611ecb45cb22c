"""Partitions: what happened when a closed day was written, and what is known of one that was written again."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Written(StrEnum):
    """What writing a day did."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    """The same rows lie there already."""
    RESTATED = "restated"
    """Other rows lay there; they are kept, and the new version counts from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restatement:
    """Why a stored day says something else than it first did."""

    table: str
    day: date
    version: int
    """2 or more."""
    reason: str
    restated_at: datetime
    """By our wall clock."""
