"""What is known when a snapshot is taken: one attempt's readings beside what the last snapshot left behind."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import AccountReading, IncomeReading, IncomeRow, MarksReading
from hedge_pipeline.domain.ledgers import Declared
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.reserves import Place, ReservesValuation
from hedge_pipeline.domain.sources import SourceHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Everything a valuation looks at. ``None``: never attempted, which is unknown."""

    account: AccountReading | None
    marks: MarksReading | None
    income: IncomeReading | None
    pending_income: tuple[tuple[int, IncomeRow], ...]
    """Row id and row of everything outside the previous baseline."""
    income_seq: int
    """Highest row id of the income table."""
    reserves: ReservesValuation | None
    previous: NavSnapshot | None
    opening_units: tuple[Decimal, Decimal | None] | None
    """Account and fund units of an inception or rebuild later than ``previous``."""
    declared: Declared = field(default_factory=Declared)

    def sources(self) -> tuple[SourceHealth, ...]:
        return tuple(
            source
            for reading in (self.account, self.marks, self.income)
            if reading
            for source in reading.sources
        )

    def usd(self) -> dict[str, Decimal]:
        """USD price of one unit of each asset; one that is not positive is no price."""
        rates = (self.marks.asset_rates if self.marks else None) or ()
        return {rate.asset: rate.usd for rate in rates if rate.usd > 0}

    def rates(self, numeraire: str) -> dict[str, Decimal]:
        """Price of each asset in the numeraire; the numeraire is 1 by definition, its own USD price is not."""
        usd = self.usd()
        if numeraire not in usd:
            return {}
        return {
            asset: Decimal(1) if asset == numeraire else price / usd[numeraire]
            for asset, price in usd.items()
        }

    def used_stamps(self, numeraire: str) -> dict[str, datetime]:
        """Instant of every fact that enters the value, by source; empty if any is unknown."""
        account, marks, income = self.account, self.marks, self.income
        if (
            account is None
            or marks is None
            or income is None
            or account.as_of is None
            or income.as_of is None
        ):
            return {}
        if (
            account.positions is None
            or account.balances is None
            or marks.marks is None
            or marks.asset_rates is None
        ):
            return {}
        held = {position.symbol for position in account.positions}
        owned = {entry.asset for entry in account.balances if entry.wallet_balance or entry.unrealized_pnl}
        return {
            "balances": account.as_of,
            "income": income.as_of,
            **{s.source: s.as_of for s in account.sources if s.source == "positions" and s.as_of},
            **{f"mark {entry.symbol}": entry.as_of for entry in marks.marks if entry.symbol in held},
            **{
                f"rate {entry.asset}": entry.as_of
                for entry in marks.asset_rates
                if entry.asset in owned | {numeraire}
            },
        }

    def treasury_quantities(self) -> dict[str, Decimal] | None:
        """Holdings of the treasury by asset; ``None`` when they could not be read."""
        if self.reserves is None or self.reserves.error is not None:
            return None
        quantities: dict[str, Decimal] = {}
        for entry in self.reserves.values:
            if entry.place is Place.TREASURY:
                quantities[entry.asset] = quantities.get(entry.asset, Decimal(0)) + entry.quantity
        return quantities


def assets_in_question(previous: NavSnapshot | None, pending_income: Iterable[IncomeRow]) -> set[str]:
    """Assets a snapshot needs a price for although the account may no longer hold any: they flowed, or are on their way."""
    assets = {row.asset for row in pending_income}
    if previous is not None:
        assets |= {transfer.asset for transfer in previous.in_transit}
        assets |= {flow.asset for flow in (*previous.unclassified, *previous.unpriced_fund_flows)}
        assets |= {
            asset for asset, balance in (previous.baseline.wallet if previous.baseline else ()) if balance
        }
    return assets
