"""What the pre-trade rules look at: the facts of one moment, and one order among them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hedge_pipeline.domain.account import AccountTotals, Position
from hedge_pipeline.domain.exposure import Exposure, exposure
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.trading_limits import SymbolLimits, TradingLimits
from hedge_pipeline.domain.trading_risk_state import TradingRiskState
from hedge_pipeline.domain.verdicts import GateDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class PretradeInputs:
    """Everything the rules look at. ``None`` means unknown, and unknown opens nothing."""

    decision: GateDecision | None
    nav_usd: Decimal | None
    """Of the account: trading NAV."""
    positions: tuple[Position, ...] | None
    resting: tuple[KnownOrder, ...] | None
    """Every working order of the account, anybody's, and those of ours that are not acknowledged."""
    mark_prices: Mapping[str, Decimal] | None
    instruments: tuple[Instrument, ...] | None
    leverages: Mapping[str, Decimal] | None
    """By symbol, as set at the venue."""
    totals: AccountTotals | None
    state: TradingRiskState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One order before the rules, with what follows from the inputs for it."""

    order: NewOrder
    inputs: PretradeInputs
    earlier: tuple[NewOrder, ...]
    """Proposed before this one in the same plan, and passed."""
    limits: TradingLimits
    now: datetime
    """The venue's time."""
    symbol_limits: SymbolLimits | None
    instrument: Instrument | None
    mark_price: Decimal | None
    price: Decimal | None
    """What the venue values the order at: its limit, or mark."""
    notional_usd: Decimal | None
    """At the limit or at mark, whichever is higher."""
    exposure: Exposure | None
    """With this order and the earlier ones."""

    @property
    def nav_usd(self) -> Decimal | None:
        """``None`` too if it is no number above 0."""
        nav = self.inputs.nav_usd
        return nav if nav is not None and is_positive(nav) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule found wrong; a gate's breach brings its own reason."""

    threshold: str
    observation: str
    reason: str | None = None


Findings = Iterator[Finding]
Holds = Callable[[Case], Findings]


def make_case(
    order: NewOrder,
    inputs: PretradeInputs,
    limits: TradingLimits,
    *,
    earlier: tuple[NewOrder, ...],
    now: datetime,
) -> Case:
    mark = (inputs.mark_prices or {}).get(order.symbol)
    mark = mark if mark is not None and is_positive(mark) else None
    price = order.limit_price or mark
    notional = None
    if order.quantity is not None and mark is not None:
        notional = order.quantity * max(order.limit_price or mark, mark)
    return Case(
        order=order,
        inputs=inputs,
        earlier=earlier,
        limits=limits,
        now=now,
        symbol_limits=limits.of(order.symbol),
        instrument=next((each for each in inputs.instruments or () if each.symbol == order.symbol), None),
        mark_price=mark,
        price=price,
        notional_usd=notional,
        exposure=exposure(inputs.positions, inputs.resting, (*earlier, order), inputs.mark_prices),
    )


def is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > 0
