"""Margin: what the venue wants to be left of an account that holds positions on cross margin.

Maintenance margin is tiered: the larger a position, the larger the share. It is counted per position side, and the account
is liquidated when it exceeds the margin balance, a margin ratio of 1.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedge_pipeline.domain.account import AccountTotals
from hedge_pipeline.domain.errors import InvalidState

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """One tier of a symbol, as the venue's ``leverageBracket`` states it."""

    notional_cap_usd: Decimal
    maintenance_rate: Decimal
    """Fraction of the whole notional."""
    cumulative_usd: Decimal
    """Taken off, so that the margin is continuous where tiers meet."""


def maintenance_margin(notional_usd: Decimal, brackets: tuple[Bracket, ...]) -> Decimal:
    """In USD, of one position side. A notional above the last cap counts in the last tier.

    Raises:
        InvalidState: no tiers are known, or they are not in ascending order.
    """
    caps = [bracket.notional_cap_usd for bracket in brackets]
    if not caps or caps != sorted(set(caps)):
        raise InvalidState(f"leverage brackets with the caps {caps} are not tiers: read them again")
    tier = next((each for each in brackets if notional_usd <= each.notional_cap_usd), brackets[-1])
    return max(notional_usd * tier.maintenance_rate - tier.cumulative_usd, ZERO)


def margin_ratio(maintenance_margin_usd: Decimal, margin_balance_usd: Decimal) -> Decimal:
    """Fraction of the balance that must be left, at most 1, which is liquidation; 1 also for a balance that is gone."""
    if not (margin_balance_usd.is_finite() and maintenance_margin_usd.is_finite() and margin_balance_usd > 0):
        return ONE
    return min(maintenance_margin_usd / margin_balance_usd, ONE)


def account_margin_ratio(totals: AccountTotals) -> Decimal:
    """By the venue's own sums."""
    return margin_ratio(totals.maintenance_margin, totals.margin_balance)
