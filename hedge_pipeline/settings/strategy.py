"""What the grid strategy wants to have resting, and the caps it keeps by itself.

The functions at the end hand the domain the small values its parts ask for; no part of it sees a whole configuration.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from hedge_pipeline.domain.funding import FundingRule
from hedge_pipeline.domain.grid import GridShape
from hedge_pipeline.domain.placement import PlacementMode, PlacementRule
from hedge_pipeline.domain.reconciliation import Tolerance
from hedge_pipeline.domain.regime import RegimeRule
from hedge_pipeline.settings.values import Contradiction, Duration, Fraction, Number, Section, Symbol


class GridSettings(Section):
    """Rungs on both sides of the center."""

    grid_step_bps: Number = Field(ge=5, le=1000)
    grid_levels_long: int = Field(ge=1, le=100)
    grid_levels_short: int = Field(ge=1, le=100)
    base_qty: Number = Field(gt=0)
    """Base units of the first rung."""
    qty_scale: Number = Field(gt=0, le=3)
    """Each further rung is this many times the one before."""


class ExitSettings(Section):
    """Distance of exits from their entry, in grid steps."""

    tp_steps: int = Field(ge=1, le=100)
    sl_steps: int = Field(ge=1, le=100)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.tp_steps > 3 * self.sl_steps:
            yield Contradiction(
                "tp_steps",
                f"is {self.tp_steps}, more than 3 times sl_steps, {self.sl_steps}",
                f"write at most {3 * self.sl_steps}",
            )


class RebalanceSettings(Section):
    """When the grid moves, and how much inventory a side may build."""

    recenter_trigger_bps: Number = Field(gt=0, le=10_000)
    max_inventory_quote: Number = Field(gt=0)
    """Notional of one side's ladder, in the quote asset."""


class ExecutionSettings(Section):
    """How orders are sent and kept."""

    maker_only: bool = True
    use_post_only_retries: bool = True
    retry_attempts: int = Field(default=3, ge=0, le=10)
    retry_delay_ms: int = Field(default=100, ge=0, le=5000)
    retry_max_price_deviation_bps: Number = Field(default=Decimal(100), ge=0, le=1000)
    balance_check_interval_seconds: int = Field(default=60, ge=5, le=600)
    tp_sl_adjustment_buffer_bps: Number = Field(default=Decimal(5), ge=1, le=50)
    max_bar_staleness_seconds: int = Field(default=300, ge=30, le=3600)
    order_diff_price_tolerance_bps: Number = Field(default=Decimal(1), ge=0, le=50)
    order_diff_quantity_tolerance: Fraction = Field(default=Decimal("0.01"), ge=0, le=Decimal("0.5"))


class FundingSettings(Section):
    """When the side that pays funding shrinks."""

    funding_window_minutes: int = Field(ge=60, le=1440)
    funding_max_cost_bps: Number = Field(ge=0, le=100)


class RegimeSettings(Section):
    """Lengths of the indicators, in bars."""

    adx_len: int = Field(ge=5, le=100)
    atr_len: int = Field(ge=5, le=100)
    ema_fast: int = Field(ge=5, le=200)
    ema_slow: int = Field(ge=10, le=500)
    hysteresis_bps: Number = Field(ge=0, le=1000)
    adx_trend_threshold: Number = Field(default=Decimal(20), ge=0, le=100)
    """Below it nothing trends."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.ema_fast >= self.ema_slow:
            yield Contradiction(
                "ema_fast",
                f"is {self.ema_fast}, not below ema_slow, {self.ema_slow}",
                f"write less than {self.ema_slow}",
            )


class PositionSettings(Section):
    """Caps on what one side may hold, counted with resting and proposed orders."""

    max_position_size: Number = Field(gt=0)
    """Base units of one side."""
    max_leverage_used: Number = Field(gt=0, le=125)
    """Gross exposure over equity."""
    emergency_liquidation_buffer: Fraction = Field(ge=Decimal("0.05"), le=1)
    max_position_fraction: Fraction = Field(default=Decimal("0.95"), ge=Decimal("0.1"), le=1)
    """Notional of one side over total balance."""


class PolicySettings(Section):
    """What happens to the side against the trend."""

    strategy: Literal["core-and-scalp", "throttled-counter"]
    counter_levels: int = Field(ge=0, le=20)
    counter_qty_scale: Fraction = Field(ge=0, le=1)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.strategy == "core-and-scalp" and self.counter_levels == 0:
            yield Contradiction(
                "counter_levels",
                "is 0, but core-and-scalp keeps at least one rung on both sides",
                'write at least 1, or choose strategy = "throttled-counter"',
            )
        if self.strategy == "core-and-scalp" and self.counter_qty_scale == 0:
            yield Contradiction(
                "counter_qty_scale",
                "is 0, but core-and-scalp keeps at least one rung on both sides",
                'write more than 0, or choose strategy = "throttled-counter"',
            )


class RiskManagementSettings(Section):
    """The strategy's own breakers; the fund's limits are in ``risk``."""

    max_errors_per_minute: int = Field(default=10, ge=1, le=100)
    circuit_breaker_cooldown_seconds: int = Field(default=300, ge=60, le=3600)
    circuit_breaker_window_seconds: int = Field(default=60, ge=10, le=600)
    max_drawdown: Fraction = Field(default=Decimal("0.20"), ge=Decimal("0.01"), le=Decimal("0.50"))
    enable_position_validation: bool = True
    enable_circuit_breaker: bool = True
    enable_drawdown_protection: bool = True


class StrategySettings(Section):
    """One strategy on one symbol."""

    name: str = Field(min_length=1, max_length=40)
    symbol: Symbol
    bar: Duration = Field(default=timedelta(minutes=1), ge=timedelta(minutes=1), le=timedelta(hours=1))
    """Interval of its candles; trading asks once per closed one."""
    grid: GridSettings
    exit: ExitSettings
    rebalance: RebalanceSettings
    execution: ExecutionSettings = ExecutionSettings()
    funding: FundingSettings
    regime: RegimeSettings
    position: PositionSettings
    policy: PolicySettings
    risk_management: RiskManagementSettings = RiskManagementSettings()


class KillSwitchSettings(Section):
    """Thresholds that flatten. They have no defaults here: a profile or a person states each of them."""

    enabled: bool
    check_interval_seconds: int = Field(ge=1, le=60)
    max_drawdown: Fraction = Field(ge=Decimal("0.001"), le=Decimal("0.50"))
    max_funding_cost_bps: Number = Field(ge=1, le=100)
    max_margin_ratio: Fraction = Field(ge=Decimal("0.5"), le=Decimal("0.90"))
    """Above 0.90 the venue liquidates before we do."""
    max_loss_amount_usdt: Number = Field(gt=0)
    daily_loss_limit_usdt: Number | None = Field(default=None, gt=0)
    max_position_usdt: Number | None = Field(default=None, gt=0)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.daily_loss_limit_usdt is not None and self.daily_loss_limit_usdt > self.max_loss_amount_usdt:
            yield Contradiction(
                "daily_loss_limit_usdt",
                f"is {self.daily_loss_limit_usdt}, more than max_loss_amount_usdt, {self.max_loss_amount_usdt}",
                f"write at most {self.max_loss_amount_usdt}",
            )


def grid_shape(strategy: StrategySettings) -> GridShape:
    grid, leaving, rebalance = strategy.grid, strategy.exit, strategy.rebalance
    return GridShape(
        step_bps=grid.grid_step_bps,
        levels_long=grid.grid_levels_long,
        levels_short=grid.grid_levels_short,
        base_quantity=grid.base_qty,
        quantity_scale=grid.qty_scale,
        take_profit_steps=leaving.tp_steps,
        stop_loss_steps=leaving.sl_steps,
        max_inventory=rebalance.max_inventory_quote,
        recenter_trigger_bps=rebalance.recenter_trigger_bps,
    )


def regime_rule(strategy: StrategySettings) -> RegimeRule:
    regime = strategy.regime
    return RegimeRule(
        ema_fast=regime.ema_fast,
        ema_slow=regime.ema_slow,
        adx_length=regime.adx_len,
        atr_length=regime.atr_len,
        hysteresis_bps=regime.hysteresis_bps,
        trend_adx=regime.adx_trend_threshold,
    )


def placement_rule(strategy: StrategySettings) -> PlacementRule:
    policy = strategy.policy
    return PlacementRule(
        mode=PlacementMode(policy.strategy),
        counter_levels=policy.counter_levels,
        counter_quantity_scale=policy.counter_qty_scale,
    )


def funding_rule(
    strategy: StrategySettings, *, max_age: timedelta, future_tolerance: timedelta
) -> FundingRule:
    """``max_age`` and ``future_tolerance`` are those of marks, which carry the rate."""
    return FundingRule(
        window=timedelta(minutes=strategy.funding.funding_window_minutes),
        max_cost_bps=strategy.funding.funding_max_cost_bps,
        max_age=max_age,
        future_tolerance=future_tolerance,
    )


def order_tolerance(strategy: StrategySettings) -> Tolerance:
    execution = strategy.execution
    return Tolerance(
        price_bps=execution.order_diff_price_tolerance_bps, quantity=execution.order_diff_quantity_tolerance
    )


def candle_max_age(strategy: StrategySettings) -> timedelta:
    """Since the newest candle closed."""
    return timedelta(seconds=strategy.execution.max_bar_staleness_seconds)
