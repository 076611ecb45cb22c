"""What the venue says about one account, as read in one attempt.

An attempt is a row whether or not it succeeded: a source that failed leaves ``None`` where its
facts would stand and its error in ``sources``; nothing is carried over from an earlier attempt.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.sources import ClockReading, SourceHealth


class PositionSide(StrEnum):
    """Which of the two hedge-mode positions of a symbol."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        return 1 if self is PositionSide.LONG else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBalance:
    """One asset of the venue account, in native units. Negative balances are liabilities, not errors."""

    asset: str
    wallet_balance: Decimal
    unrealized_pnl: Decimal
    """Of the positions margined in this asset, at the venue's mark."""
    margin_balance: Decimal
    maintenance_margin: Decimal
    updated_at: datetime | None
    """The venue's stamp of the last change; never the age of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One side of one symbol. A symbol may hold both sides at once."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    """Base units, unsigned."""
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    """In ``margin_asset``."""
    margin_asset: str
    liquidation_price: Decimal | None
    """``None`` when the venue states none."""
    updated_at: datetime | None

    @property
    def notional_usd(self) -> Decimal:
        """Quantity at mark, unsigned, in the quote asset taken at par: for exposure, never for NAV."""
        return self.quantity * self.mark_price


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPosition:
    """One side of one symbol as the balances' own answer states it: prices are not part of it."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    """Base units, unsigned."""
    unrealized_pnl: Decimal
    """In the position's margin asset, which this answer does not name."""
    updated_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTotals:
    """The venue's own sums: of the numeraire alone in single-asset mode, in USD over all assets in multi-assets mode."""

    wallet_balance: Decimal
    unrealized_pnl: Decimal
    margin_balance: Decimal
    maintenance_margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReading:
    """One attempt to read the account: a row of ``accounts``."""

    account: str
    attempted_at: datetime
    """Our wall clock when the attempt began."""
    recorded_at: datetime
    """Our wall clock when the row was made."""
    as_of: datetime | None
    """The venue's time when the balances were asked for; ``None`` if clock or balances failed."""
    answered_at: datetime | None
    """The venue's time when the balances had arrived: facts up to here may be inside them."""
    clock: ClockReading | None
    hedge_mode: bool | None
    multi_assets_mode: bool | None
    balances: tuple[AssetBalance, ...] | None
    totals: AccountTotals | None
    account_positions: tuple[AccountPosition, ...] | None
    """Positions as the balances' own answer states them: same instant as the balances."""
    positions: tuple[Position, ...] | None
    """Positions as the positions source states them."""
    sources: tuple[SourceHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Mark and index price of one symbol, by the venue's stamp."""

    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal
    """Fraction per interval, as it stands for ``next_funding_at``; positive means longs pay."""
    next_funding_at: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRate:
    """USD price of one margin asset by the venue's index, without haircut."""

    asset: str
    usd: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksReading:
    """One attempt to read marks and asset rates: a row of ``marks``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """Oldest stamp among what was read; ``None`` if either source failed."""
    marks: tuple[Mark, ...] | None
    """Of the symbols held or configured, sorted by symbol."""
    asset_rates: tuple[AssetRate, ...] | None
    sources: tuple[SourceHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeRow:
    """One line of the venue's income list: a row of ``income``. Key: type, tran_id, trade_id, asset, symbol, time."""

    account: str
    income_type: str
    tran_id: str
    trade_id: str
    asset: str
    symbol: str
    occurred_at: datetime
    """The venue's stamp."""
    amount: Decimal
    """Native units of ``asset``; signed, received positive."""
    info: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeReading:
    """One attempt to read the income list: a row of ``income_reads``."""

    account: str
    attempted_at: datetime
    recorded_at: datetime
    as_of: datetime | None
    """The venue's time when the list was asked for."""
    since: datetime
    """Start of the window asked for (it overlaps what is already stored)."""
    rows_read: int
    rows_new: int
    sources: tuple[SourceHealth, ...]


def went_backwards(previous: AccountReading | None, current: AccountReading) -> str | None:
    """Why ``current`` is older than ``previous``, which was read before it; ``None`` if it is not.

    The venue stamps each balance and position with its last change. A stamp that goes back, or that is gone, means
    that a lagging replica answered. The text begins with the source that failed, ``balances`` or ``positions``.
    """
    if previous is None:
        return None
    lists = (
        ("balances", _balance_stamps(previous), _balance_stamps(current)),
        (
            "balances",
            _position_stamps(previous.account_positions),
            _position_stamps(current.account_positions),
        ),
        ("positions", _position_stamps(previous.positions), _position_stamps(current.positions)),
    )
    for source, before, after in lists:
        for key in sorted(before.keys() & after.keys()):
            was, now = before[key], after[key]
            if was is not None and (now is None or now < was):
                stamp = "none" if now is None else now.isoformat()
                return (
                    f"{source}: updateTime of {key} went back from {was.isoformat()} to {stamp}: "
                    "a lagging replica answered"
                )
    return None


def _balance_stamps(reading: AccountReading) -> dict[str, datetime | None]:
    return {balance.asset: balance.updated_at for balance in reading.balances or ()}


def _position_stamps(
    positions: tuple[AccountPosition, ...] | tuple[Position, ...] | None,
) -> dict[str, datetime | None]:
    return {
        f"{position.symbol} {position.position_side}": position.updated_at for position in positions or ()
    }
