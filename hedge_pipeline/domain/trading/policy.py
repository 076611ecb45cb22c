"""Trading policy: everything the strategy of one symbol is told, as small frozen values of the domain."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hedge_pipeline.domain.client_order_ids import Book
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.exits import ExitRule
from hedge_pipeline.domain.funding import FundingRule
from hedge_pipeline.domain.grid import GridShape
from hedge_pipeline.domain.placement import PlacementRule
from hedge_pipeline.domain.reconciliation import Tolerance
from hedge_pipeline.domain.regime import RegimeRule
from hedge_pipeline.domain.stress import StressRule
from hedge_pipeline.domain.trading_limits import TradingLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRule:
    """How orders are sent."""

    post_only: bool
    retry_attempts: int
    """Times a post-only order is priced anew within one bar after the venue refused it as crossing."""
    retry_steps: int
    """Price increments it moves away each time."""
    retry_max_deviation_bps: Decimal
    """From the rung's price, in all."""
    countdown: timedelta
    """Of the dead-man's switch: at least three protection cycles."""
    lookups: int
    """How often an order of unknown outcome is asked for before it counts as absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPolicy:
    """One strategy on one symbol."""

    name: str
    symbol: str
    bar: timedelta
    """Interval of its candles."""
    shape: GridShape
    regime: RegimeRule
    candle_max_age: timedelta
    placement: PlacementRule
    funding: FundingRule
    tolerance: Tolerance
    leverage: Decimal
    """As the symbol is to be set at the venue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingPolicy:
    """What one account may trade, and how it is guarded."""

    enabled: bool
    """Whether opening orders are sent at all: each profile beyond paper takes its own explicit setting."""
    strategies: tuple[StrategyPolicy, ...]
    limits: TradingLimits
    stress: StressRule
    exits: ExitRule
    rest_stop_distance: Decimal
    """Of what no fill of ours explains: its stop, a fraction of its entry price."""
    rest_take_profit_distance: Decimal
    sending: SendingRule
    protection: timedelta
    """Cadence of the protection cycle."""
    adopt_all: bool
    """Whether what is found on the account is adopted without a person saying so: paper only."""
    by_hand: bool = False
    """Whether `hedge run` counts as a trading job: paper only."""

    def __post_init__(self) -> None:
        if self.sending.countdown < 3 * self.protection:
            raise InvalidState(
                f"countdown of {self.sending.countdown} is shorter than three protection cycles of {self.protection}"
            )

    @property
    def silence(self) -> timedelta:
        """How old what a protection cycle knew may be: some cycles may be missed."""
        return 6 * self.protection

    def of(self, symbol: str) -> StrategyPolicy | None:
        return next((each for each in self.strategies if each.symbol == symbol), None)

    def book(self, store_id: str, account: str, symbol: str) -> Book:
        """Whose orders of a symbol are ours. What is adopted without a strategy of its own goes by the first one's name."""
        strategy = self.of(symbol)
        name = strategy.name if strategy else self.strategies[0].name
        return Book(store_id=store_id, strategy=name, account=account, symbol=symbol)
