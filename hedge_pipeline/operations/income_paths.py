"""What the venue's income list says the account went through, as steps in the numeraire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.flows import INCOME_KINDS, IncomeKind, flow_key
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.resumption import Step

REACH = timedelta(days=89)
"""The venue keeps three months of income.

Source: Binance USD-M futures, Get Income History.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomePath:
    """Everything the venue and the store remember of what led to a valuation."""

    steps: tuple[Step, ...]
    """Newest first; none that the valuation has not absorbed."""
    as_of: datetime
    """When the venue was asked."""
    since: datetime
    """From when on nothing is missing."""


def income_path(fund: Fund, snapshot: NavSnapshot) -> IncomePath:
    """The path that ends in the snapshot.

    Raises:
        SourceUnavailable: the venue does not answer, or what it booked cannot be understood or priced.
    """
    since = fund.now() - REACH
    read, as_of = fund.venue.read_income(since)
    rows = {flow_key(row): row for row in (*fund.store.rows(IncomeRow, fund.account), *read)}
    until = snapshot.baseline.through_at if snapshot.baseline else snapshot.as_of
    inside = [row for row in rows.values() if until is None or row.occurred_at <= until]
    steps = income_steps(inside, _rates(fund, snapshot, {row.asset for row in inside}))
    return IncomePath(steps=tuple(steps), as_of=as_of, since=since)


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


def income_steps(rows: Sequence[IncomeRow], rates: Mapping[str, Decimal]) -> list[Step]:
    """Value in the numeraire and whether it was a flow, newest first.

    What one instant or one conversion booked is one step: between its legs the account was never worth what one leg says.

    Raises:
        SourceUnavailable: a type of income is unknown, so what it did to performance is too.
    """
    unknown = sorted({row.income_type for row in rows if row.income_type not in INCOME_KINDS})
    if unknown:
        raise SourceUnavailable("venue income", f"the meaning of income type {', '.join(unknown)} is unknown")
    together: dict[tuple[bool, str], list[IncomeRow]] = {}
    for row in rows:
        kind = INCOME_KINDS[row.income_type]
        moment = f"conversion {row.tran_id}" if kind is IncomeKind.CONVERSION else row.occurred_at.isoformat()
        together.setdefault((kind is IncomeKind.FLOW, moment), []).append(row)
    steps = [
        Step(
            at=max(row.occurred_at for row in booked),
            value=sum((row.amount * rates[row.asset] for row in booked), Decimal(0)),
            is_flow=is_flow,
            keys=tuple(flow_key(row) for row in booked),
        )
        for (is_flow, _), booked in together.items()
    ]
    return sorted(steps, key=lambda step: step.at, reverse=True)
