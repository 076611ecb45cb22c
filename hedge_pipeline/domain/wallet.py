"""The wallet identity: per asset, in native units and before any price, change of wallet = sum of income rows.

The venue's income list and its balances are two systems: either may be ahead of the other by seconds. So the
identity is tried with the youngest rows left out, which is what a balance that lags looks like; older rows must be in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.flows import INCOME_KINDS, NATIVE_TOLERANCE, IncomeKind
from hedge_pipeline.domain.nav import IncomeBaseline, WalletResidual


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletCheck:
    """Which income rows the wallet contains, and what is left unexplained."""

    holds: bool
    inside: tuple[tuple[int, IncomeRow], ...]
    """Row id and row of what the wallet has absorbed since the baseline."""
    residuals: tuple[WalletResidual, ...]
    """Of every asset that changed, under the best cut found."""
    faults: tuple[str, ...]
    """Rows that cannot be understood: unknown types, conversions with one leg."""
    through_at: datetime
    """Stamp up to which rows are inside."""

    @property
    def unexplained(self) -> tuple[WalletResidual, ...]:
        return tuple(entry for entry in self.residuals if abs(entry.residual) > NATIVE_TOLERANCE)


def check_wallet(
    baseline: IncomeBaseline,
    wallet: Mapping[str, Decimal],
    pending: Iterable[tuple[int, IncomeRow]],
    *,
    seen_until: datetime,
    final_before: datetime,
) -> WalletCheck:
    """Explain the change since ``baseline`` by ``pending`` income rows.

    ``seen_until`` is when the balances had arrived: later rows cannot be inside. Rows stamped before
    ``final_before`` or inside the baseline's own span must be.
    """
    rows = sorted(
        (entry for entry in pending if baseline.origin_at <= entry[1].occurred_at <= seen_until),
        key=lambda entry: (entry[1].occurred_at, entry[0]),
    )
    before = dict(baseline.wallet)
    assets = sorted(set(before) | set(wallet) | {row.asset for _, row in rows})
    change = {asset: wallet.get(asset, Decimal(0)) - before.get(asset, Decimal(0)) for asset in assets}
    must = sum(row.occurred_at <= max(final_before, baseline.through_at) for _, row in rows)

    for cut in _cuts(rows, must):
        check = _explained_by(rows[:cut], change, baseline.through_at)
        if not check.unexplained:
            return check
    return _explained_by(rows, change, baseline.through_at)


def _explained_by(
    inside: Sequence[tuple[int, IncomeRow]], change: Mapping[str, Decimal], through_at: datetime
) -> WalletCheck:
    residuals = _residuals(change, inside)
    faults = tuple(_faults([row for _, row in inside]))
    return WalletCheck(
        holds=not faults and all(abs(entry.residual) <= NATIVE_TOLERANCE for entry in residuals),
        inside=tuple(inside),
        residuals=residuals,
        faults=faults,
        through_at=max([through_at, *(row.occurred_at for _, row in inside)]),
    )


def _cuts(rows: Sequence[tuple[int, IncomeRow]], must: int) -> Iterable[int]:
    """Prefix lengths from all rows down to those that must be inside; rows of one stamp stay together."""
    yield len(rows)
    for cut in range(len(rows) - 1, must - 1, -1):
        if cut == 0 or rows[cut - 1][1].occurred_at < rows[cut][1].occurred_at:
            yield cut


def _residuals(
    change: Mapping[str, Decimal], inside: Sequence[tuple[int, IncomeRow]]
) -> tuple[WalletResidual, ...]:
    income: defaultdict[str, Decimal] = defaultdict(Decimal)
    for _, row in inside:
        income[row.asset] += row.amount
    return tuple(
        WalletResidual(
            asset=asset, change=change[asset], income=income[asset], residual=change[asset] - income[asset]
        )
        for asset in change
        if change[asset] or income[asset]
    )


def _faults(rows: Sequence[IncomeRow]) -> Iterable[str]:
    for income_type in sorted({row.income_type for row in rows if row.income_type not in INCOME_KINDS}):
        yield f"income type {income_type} is unknown: what it means for performance has to be decided"
    legs: defaultdict[str, list[IncomeRow]] = defaultdict(list)
    for row in rows:
        if INCOME_KINDS.get(row.income_type) is IncomeKind.CONVERSION:
            legs[row.tran_id].append(row)
    for tran_id, pair in sorted(legs.items()):
        if not (any(row.amount < 0 for row in pair) and any(row.amount > 0 for row in pair)):
            yield f"conversion {tran_id} has one leg only: {pair[0].amount} {pair[0].asset}"
