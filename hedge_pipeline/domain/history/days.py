"""Days: a day's minutes rolled up, and what moved NAV from one day's last value to the next one's, cause by cause.

What counts is what lies between the two closing snapshots: exactly the income rows and flows that the one contains and the
other does not. So a day's causes add up to its change to the last digit, also after a day without any valuation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import start_of_day
from hedge_pipeline.domain.flows import INCOME_KINDS, Flow, FlowPurpose, IncomeKind
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.ledgers import TREASURY_LEG
from hedge_pipeline.domain.nav import IncomeBaseline, NavSnapshot
from hedge_pipeline.domain.units import quantized, ratio

MINUTE = timedelta(minutes=1)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One closed day of one account: a row of ``nav_daily``. Money is in the numeraire, 12 places."""

    account: str
    day: date
    """Local day in the reset time zone."""
    minutes: int
    """Of the day itself: 1,380, 1,440 or 1,500."""
    minutes_known: int
    """Those with an accepted NAV."""
    completeness: Decimal
    """``minutes_known`` as a fraction of ``minutes``."""
    attempts: int
    accepted: int
    failures: int
    incidents: int
    """Opened during the day."""
    open: Decimal | None
    """First NAV per unit of the day; this and the next three are ``None`` when there was none."""
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    high_water_mark: Decimal | None
    """At the close."""
    drawdown: Decimal | None
    deepest_drawdown: Decimal | None
    """Largest at any minute's close."""
    nav_ordinal: int | None
    """The snapshot that closes the day."""
    closed_at: datetime | None
    """Its ``as_of``."""
    from_ordinal: int | None
    """The snapshot the change is measured from: the last one of an earlier day, or the first one ever."""
    from_at: datetime | None
    trading_nav: Decimal | None
    """At the close."""
    change: Decimal | None
    """Of trading NAV since ``from_at``; the flows and causes below add up to it."""
    flows: Decimal | None
    """Into the account positive; each cause is ``None`` while some asset of it has no price."""
    realized_pnl: Decimal | None
    funding: Decimal | None
    commission: Decimal | None
    other_income: Decimal | None
    """Every other line of the income list that is no flow, conversions included."""
    unrealized_pnl: Decimal | None
    """Change of the open positions' PnL."""
    revaluation: Decimal | None
    """What is left: collateral whose price moved, money declared lost, rounding."""
    unpriced: str
    """Assets without a price at the close, with commas; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A snapshot that a day's change is measured between."""

    ordinal: int
    as_of: datetime
    trading_nav: Decimal
    unrealized: Decimal
    """PnL of the open positions."""
    rates: Mapping[str, Decimal]
    """Price of each asset in the numeraire."""
    baseline: IncomeBaseline | None
    """Which income rows it contains."""

    def contains(self, seq: int, row: IncomeRow) -> bool:
        inside = self.baseline
        return inside is not None and row.occurred_at <= inside.through_at and seq <= inside.through_seq


def closing(snapshot: NavSnapshot) -> Closing | None:
    """``None``: it was not accepted, so nothing can be measured from it."""
    if not snapshot.accepted or snapshot.as_of is None or snapshot.trading_nav is None:
        return None
    rates = {part.asset: part.rate for part in snapshot.parts if part.rate is not None}
    rates[snapshot.numeraire] = Decimal(1)
    held = [
        part.unrealized_pnl * rates[part.asset]
        for part in snapshot.parts
        if part.counted and part.asset in rates
    ]
    return Closing(
        ordinal=snapshot.ordinal,
        as_of=snapshot.as_of,
        trading_nav=snapshot.trading_nav,
        unrealized=sum(held, ZERO),
        rates=rates,
        baseline=snapshot.baseline,
    )


def minutes_of(day: date, zone: ZoneInfo) -> int:
    """How many minutes a local day has."""
    return (start_of_day(day + timedelta(days=1), zone) - start_of_day(day, zone)) // MINUTE


def day_of(
    account: str,
    day: date,
    zone: ZoneInfo,
    minutes: Sequence[Minute],
    *,
    earlier: Closing | None,
    close: Closing | None,
    income: Iterable[tuple[int, IncomeRow]],
    flows: Iterable[Flow],
    incidents: int,
) -> Day:
    """The day's row. ``earlier`` and ``close`` are the two snapshots between which its change lies.

    ``income`` and ``flows`` may hold more than the day's: what lies between the snapshots is taken.
    """
    total, known = minutes_of(day, zone), sum(minute.accepted > 0 for minute in minutes)
    attempts, accepted = (
        sum(minute.attempts for minute in minutes),
        sum(minute.accepted for minute in minutes),
    )
    priced = [minute for minute in minutes if minute.close is not None]
    drawdowns = [minute.drawdown for minute in minutes if minute.drawdown is not None]
    last = next((minute for minute in reversed(minutes) if minute.accepted), None)
    measured = _causes(earlier, close, income, flows) if earlier and close else _UNMEASURED
    return Day(
        account=account,
        day=day,
        minutes=total,
        minutes_known=known,
        completeness=ratio(Decimal(known), Decimal(total)),
        attempts=attempts,
        accepted=accepted,
        failures=attempts - accepted,
        incidents=incidents,
        open=priced[0].open if priced else None,
        high=max((minute.high for minute in priced if minute.high is not None), default=None),
        low=min((minute.low for minute in priced if minute.low is not None), default=None),
        close=priced[-1].close if priced else None,
        high_water_mark=last.high_water_mark if last else None,
        drawdown=last.drawdown if last else None,
        deepest_drawdown=max(drawdowns, default=None),
        nav_ordinal=close.ordinal if close else None,
        closed_at=close.as_of if close else None,
        from_ordinal=earlier.ordinal if earlier and close else None,
        from_at=earlier.as_of if earlier and close else None,
        trading_nav=quantized(close.trading_nav) if close else None,
        **measured,
    )


_CAUSES = ("realized_pnl", "funding", "commission", "other_income")
_CAUSE_OF = {
    "REALIZED_PNL": "realized_pnl",
    "FUNDING_FEE": "funding",
    "SPECIAL_FUNDING_FEE": "funding",
    "COMMISSION": "commission",
}
_UNMEASURED: dict[str, Any] = {
    **dict.fromkeys(("change", "flows", *_CAUSES, "unrealized_pnl", "revaluation")),
    "unpriced": "",
}


def _causes(
    earlier: Closing, close: Closing, income: Iterable[tuple[int, IncomeRow]], flows: Iterable[Flow]
) -> dict[str, Any]:
    change = quantized(close.trading_nav) - quantized(earlier.trading_nav)
    booked = dict.fromkeys(_CAUSES, ZERO)
    unpriced = set()
    for seq, row in income:
        if not close.contains(seq, row) or earlier.contains(seq, row):
            continue
        if INCOME_KINDS.get(row.income_type) is IncomeKind.FLOW:
            continue
        rate = close.rates.get(row.asset)
        if rate is None:
            unpriced.add(row.asset)
        else:
            booked[_CAUSE_OF.get(row.income_type, "other_income")] += row.amount * rate
    if unpriced:
        return {**_UNMEASURED, "change": change, "unpriced": ",".join(sorted(unpriced))}
    rounded = {cause: quantized(value) for cause, value in booked.items()}
    flowed = quantized(_flowed(earlier, close, flows))
    unrealized = quantized(close.unrealized) - quantized(earlier.unrealized)
    left = change - flowed - sum(rounded.values(), ZERO) - unrealized
    return {
        "change": change,
        "flows": flowed,
        **rounded,
        "unrealized_pnl": unrealized,
        "revaluation": left,
        "unpriced": "",
    }


def _flowed(earlier: Closing, close: Closing, flows: Iterable[Flow]) -> Decimal:
    """Each transfer of the venue account once, at its first sight; money declared lost is no flow."""
    first: dict[str, Flow] = {}
    lost: set[str] = set()
    for flow in flows:
        first.setdefault(flow.flow_key, flow)
        if flow.purpose is FlowPurpose.LOSS:
            lost.add(flow.flow_key)
    return sum(
        (
            flow.value
            for key, flow in first.items()
            if flow.value is not None
            and earlier.ordinal < flow.nav_ordinal <= close.ordinal
            and key not in lost
            and not key.startswith(TREASURY_LEG)
        ),
        ZERO,
    )
