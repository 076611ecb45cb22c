"""The wallet and its income list: a balance moves only by a row, so the two can never disagree."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

EIGHT_PLACES = Decimal("0.00000001")
LARGEST = Decimal(10) ** 15
"""Of any asset; keeps every sum well inside the precision of a Decimal."""


def quantized(amount: Decimal) -> Decimal:
    """To the eight decimal places in which the venue keeps money."""
    return amount.quantize(EIGHT_PLACES, rounding=ROUND_HALF_EVEN)


def bookable(amount: Decimal) -> Decimal:
    """An amount as it can be booked.

    Raises:
        ValueError: it is no number, zero once rounded to eight places, or larger than any balance.
    """
    if not amount.is_finite() or abs(amount) > LARGEST or not quantized(amount):
        raise ValueError(f"amount: {amount} is not a number between 1e-8 and {LARGEST}")
    return quantized(amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """One row of the income list."""

    income_type: str
    symbol: str
    """Empty for what concerns no contract."""
    asset: str
    amount: Decimal
    """Native units of the asset; positive: received."""
    time_ms: int
    tran_id: int
    trade_id: str = ""
    info: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """A tranId is unique within its type only."""
        return self.income_type, self.tran_id


@dataclass(kw_only=True)
class Ledger:
    opening: dict[str, Decimal]
    """Balances at `opened_ms`, which no row explains: the account is older than its income list."""
    opened_ms: int
    rows: list[Income] = field(default_factory=list)
    next_tran_id: int = 9_000_000_001
    balances: dict[str, Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self.opening = {asset: quantized(balance) for asset, balance in self.opening.items()}
        self.balances = dict(self.opening)
        for row in self.rows:
            self._apply(row)

    def new_tran_id(self) -> int:
        self.next_tran_id += 1
        return self.next_tran_id - 1

    def book(
        self, income_type: str, asset: str, amount: Decimal, *, time_ms: int, symbol: str = "", **more: Any
    ) -> Income:
        """Append a row and move the wallet by it, in one step.

        Raises:
            ValueError: the amount is not bookable.
        """
        rounded = bookable(amount)
        tran_id = more.pop("tran_id", None) or self.new_tran_id()
        row = Income(
            income_type=income_type,
            symbol=symbol,
            asset=asset,
            amount=rounded,
            time_ms=time_ms,
            tran_id=tran_id,
            info=more.pop("info", income_type),
            **more,
        )
        self.rows.append(row)
        self._apply(row)
        return row

    def rows_after(self, time_ms: int) -> list[Income]:
        return [row for row in self.rows if row.time_ms > time_ms]

    def updated_ms(self, asset: str, *, until_ms: int | None = None) -> int:
        """The last change of a balance, up to an instant if given: the venue's `updateTime`."""
        changes = (r.time_ms for r in self.rows if r.asset == asset)
        return max((t for t in changes if until_ms is None or t <= until_ms), default=self.opened_ms)

    def _apply(self, row: Income) -> None:
        self.balances[row.asset] = self.balances.get(row.asset, Decimal(0)) + row.amount
