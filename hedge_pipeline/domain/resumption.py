"""Going on with a lost ledger of account units: from where some record remembers it, through every flow since.

A high-water mark is NAV per unit, so it means nothing without the units it was counted in. Units that begin again at the
NAV of today would make every mark of before a number of another scale.

Exact when no flow came after the record, whatever prices did meanwhile. A flow since is priced at the recorded NAV and what
was booked from then until it: that is exact too when unrealized PnL, and the rates of what is no numeraire, were at the flow
what they were at the record; they are the one thing an income list does not tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hedge_pipeline.domain.units import ratio, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRecord:
    """The ledger and its mark at one instant, as something outside the store remembers them."""

    same_ledger: bool
    """Whether the store goes on with the very units it counts in."""
    as_of: datetime
    account_units: Decimal
    fund_units: Decimal | None
    nav_per_unit: Decimal
    high_water_mark: Decimal
    day: date
    """Local day of ``as_of``."""
    opened: tuple[datetime, Decimal] | None
    """The day's open and its instant; ``None``: the record does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one instant or one conversion booked, in the numeraire."""

    at: datetime
    value: Decimal
    is_flow: bool
    keys: tuple[str, ...] = ()
    """Of the income rows it is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The ledger now."""

    account_units: Decimal
    flowed: bool
    """Whether any unit was issued or redeemed since the record."""


def resumed(record: LedgerRecord, steps: Iterable[Step]) -> Resumed | None:
    """The record's units through the flows among ``steps``, oldest first; ``None`` when a unit was worth nothing at one of them.

    ``steps`` are those the record has not absorbed.
    """
    units, worth = record.account_units, record.account_units * record.nav_per_unit
    flowed = False
    for step in steps:
        worth += step.value
        if step.is_flow and step.value:
            settled = settle(units, [step.value], nav_after=worth, last_price=record.nav_per_unit)
            if settled is None:
                return None
            units, flowed = settled.units, True
    return Resumed(account_units=units, flowed=flowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """What the account was worth just before an instant, with what happened from then on undone."""

    before: datetime
    worth: Decimal
    nav_per_unit: Decimal
    """With today's at 1."""
    units: Decimal
    """With today's at 1."""


def path_back(nav: Decimal, steps: Sequence[Step]) -> list[PathPoint]:
    """Worth and units before each step, newest first, undone one by one from ``nav``; ends where nothing was left.

    Unrealized gains of the past are not in the list, so they are missing here.
    """
    worth, per_unit, units = nav, Decimal(1), Decimal(1)
    points = []
    for step in steps:
        before = worth - step.value
        if before <= 0 or worth <= 0:
            break
        if step.is_flow:
            units = ratio(units * before, worth)
        else:
            per_unit = ratio(per_unit * before, worth)
        worth = before
        points.append(PathPoint(before=step.at, worth=worth, nav_per_unit=per_unit, units=units))
    return points
