"""Where a lost high-water mark can still be read: each source with its value and instant, the highest counts.

Every value is in today's account units, so that they compare. A source that cannot be read is not one that knows nothing:
its mark may have been the highest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState, path_from_income
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.flows import INCOME_KINDS, Flow, FlowPurpose, IncomeKind, flow_key
from hedge_pipeline.domain.ledgers import TREASURY_LEG
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.units import quantized

REACH = timedelta(days=89)
"""The venue keeps three months of income.

Source: Binance USD-M futures, Get Income History.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The highest NAV per unit that one source knows of."""

    source: str
    value: Decimal | None
    """``None``: it knows of none, or could not be read."""
    as_of: datetime | None
    """When the value stood, or, for the income path, up to when it was read."""
    error: str | None = None
    """Why it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """The accepted valuation that a baseline is put on, with the units it stands for."""

    snapshot: NavSnapshot
    as_of: datetime
    nav: Decimal
    """Trading NAV in the numeraire; positive."""
    units: Decimal
    nav_per_unit: Decimal


Known = tuple[Decimal, datetime] | None


def candidates(fund: Fund, footing: Footing) -> tuple[Candidate, ...]:
    """Every source there is."""
    return (
        Candidate(source="current NAV", value=footing.nav_per_unit, as_of=footing.as_of),
        _asked("stored peak states", lambda: _stored_marks(fund)),
        _asked("stored NAV snapshots", lambda: _stored_navs(fund, footing)),
        _asked("venue income", lambda: _income_path(fund, footing)),
    )


def _asked(source: str, ask: Callable[[], Known]) -> Candidate:
    try:
        known = ask()
    except (SourceUnavailable, InvalidState) as failure:
        return Candidate(source=source, value=None, as_of=None, error=str(failure))
    return Candidate(source=source, value=known[0] if known else None, as_of=known[1] if known else None)


def _stored_marks(fund: Fund) -> Known:
    marks = fund.store.columns(PeakState, fund.account, "high_water_mark", "as_of")
    return max(((mark, as_of) for mark, as_of in marks), default=None)


def nav_history(fund: Fund) -> list[tuple[datetime, Decimal]]:
    """Instant and NAV per unit of every accepted snapshot that carries units, oldest first."""
    rows = fund.store.columns(NavSnapshot, fund.account, "accepted", "as_of", "nav_per_unit")
    return [
        (as_of, per_unit) for accepted, as_of, per_unit in rows if accepted and as_of and per_unit is not None
    ]


def _stored_navs(fund: Fund, footing: Footing) -> Known:
    """Highest stored NAV per unit; before there were units, the path of NAV without its flows."""
    with_units = [(per_unit, as_of) for as_of, per_unit in nav_history(fund)]
    if with_units:
        return max(with_units)
    highest = path_from_income(footing.nav, list(_nav_steps(fund)))
    return quantized(highest * footing.nav_per_unit), footing.as_of


def _nav_steps(fund: Fund) -> Iterator[tuple[Decimal, bool]]:
    """What changed NAV between accepted snapshots, newest first: performance, then the flows undone before it."""
    flowed: dict[int, Decimal] = {}
    for ordinal, worth in _flows(fund):
        flowed[ordinal] = flowed.get(ordinal, Decimal(0)) + worth
    rows = fund.store.columns(NavSnapshot, fund.account, "accepted", "ordinal", "trading_nav")
    navs = [(ordinal, nav) for accepted, ordinal, nav in rows if accepted]
    for (_, before), (ordinal, after) in reversed(list(pairwise(navs))):
        flow_value = flowed.get(ordinal, Decimal(0))
        yield flow_value, True
        yield after - before - flow_value, False


def _flows(fund: Fund) -> list[tuple[int, Decimal]]:
    """Snapshot and value of each transfer of the venue account once, at its first sight; money declared lost is performance."""
    first: dict[str, Flow] = {}
    lost: set[str] = set()
    for flow in fund.store.rows(Flow, fund.account):
        first.setdefault(flow.flow_key, flow)
        if flow.purpose is FlowPurpose.LOSS:
            lost.add(flow.flow_key)
    return [
        (flow.nav_ordinal, flow.value)
        for key, flow in first.items()
        if flow.value is not None and key not in lost and not key.startswith(TREASURY_LEG)
    ]


def _income_path(fund: Fund, footing: Footing) -> Known:
    """Highest NAV per unit along everything the venue and the store remember of income; a lower bound."""
    read, as_of = fund.venue.read_income(fund.now() - REACH)
    rows = {flow_key(row): row for row in (*fund.store.rows(IncomeRow, fund.account), *read)}
    baseline = footing.snapshot.baseline
    until = baseline.through_at if baseline else footing.as_of
    inside = [row for row in rows.values() if row.occurred_at <= until]
    steps = income_steps(inside, _rates(fund, footing.snapshot, {row.asset for row in inside}))
    return quantized(path_from_income(footing.nav, steps) * footing.nav_per_unit), as_of


def _rates(fund: Fund, snapshot: NavSnapshot, assets: set[str]) -> Mapping[str, Decimal]:
    """Price of each asset in the numeraire, today's: those of the snapshot, the others asked for."""
    rates = {part.asset: part.rate for part in snapshot.parts if part.rate is not None}
    rates[snapshot.numeraire] = Decimal(1)
    missing = assets - set(rates)
    if missing and snapshot.numeraire_usd:
        answer = fund.venue.read_marks((), tuple(sorted(missing))).asset_rates or ()
        rates |= {rate.asset: rate.usd / snapshot.numeraire_usd for rate in answer if rate.asset in missing}
    if assets - set(rates):
        raise SourceUnavailable("venue income", f"no price for {', '.join(sorted(assets - set(rates)))}")
    return rates


def income_steps(rows: Sequence[IncomeRow], rates: Mapping[str, Decimal]) -> list[tuple[Decimal, bool]]:
    """Value in the numeraire and whether it was a flow, newest first.

    What one instant or one conversion booked is one step: between its legs the account was never worth what one leg says.

    Raises:
        SourceUnavailable: a type of income is unknown, so what it did to performance is too.
    """
    unknown = sorted({row.income_type for row in rows if row.income_type not in INCOME_KINDS})
    if unknown:
        raise SourceUnavailable("venue income", f"the meaning of income type {', '.join(unknown)} is unknown")
    stamps: dict[tuple[bool, str], datetime] = {}
    values: dict[tuple[bool, str], Decimal] = {}
    for row in rows:
        kind = INCOME_KINDS[row.income_type]
        moment = row.tran_id if kind is IncomeKind.CONVERSION else row.occurred_at.isoformat()
        step = (kind is IncomeKind.FLOW, f"{'conversion ' if kind is IncomeKind.CONVERSION else ''}{moment}")
        stamps[step] = max(stamps.get(step, row.occurred_at), row.occurred_at)
        values[step] = values.get(step, Decimal(0)) + row.amount * rates[row.asset]
    return [(values[step], step[0]) for step in sorted(stamps, key=lambda step: stamps[step], reverse=True)]
