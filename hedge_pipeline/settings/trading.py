"""Whether and within which bounds the strategy's orders are sent; the functions at the end make the domain's values of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from pydantic import Field

from hedge_pipeline.domain.exits import ExitRule
from hedge_pipeline.domain.limits import Freshness
from hedge_pipeline.domain.stress import StressRule
from hedge_pipeline.domain.trading.policy import SendingRule, StrategyPolicy, TradingPolicy
from hedge_pipeline.domain.trading_limits import (
    BreakerLimit,
    BucketLimit,
    RateLimit,
    SymbolLimits,
    TradingLimits,
)
from hedge_pipeline.settings import strategy as of_strategy
from hedge_pipeline.settings.strategy import KillSwitchSettings, StrategySettings
from hedge_pipeline.settings.values import ZERO, Duration, Fraction, Number, Section
from hedge_pipeline.settings.venue import VenueSettings


class TradingSettings(Section):
    """What may be sent. Shares are fractions of NAV."""

    enabled: bool = False
    """Opening orders are sent at all. Each profile beyond paper is enabled by hand."""
    live: bool = False
    """Said beside ``enabled`` in profile live, so that what was written for demo does not trade real money."""
    found_positions: Literal["adopt", "refuse"] = "refuse"
    """What no fill of ours explains: ``adopt`` gives it exits unasked; ``refuse`` waits for `hedge adopt`."""
    countdown: Duration = Field(
        default=timedelta(seconds=60), ge=timedelta(seconds=5), le=timedelta(minutes=10)
    )
    """Of the dead-man's switch; at least three protection cycles."""
    max_order_exposure: Fraction = Field(default=Decimal("0.10"), gt=0, le=1)
    max_account_exposure: Number = Field(default=Decimal(2), gt=0, le=20)
    """All sides of all symbols added up, a multiple of NAV."""
    max_open_sides: int = Field(default=10, ge=1, le=200)
    max_margin_ratio: Fraction = Field(default=Decimal("0.50"), gt=0, lt=1)
    delivery_notice: Duration = Field(
        default=timedelta(hours=72), ge=timedelta(hours=1), le=timedelta(days=30)
    )
    fill_cooldown: Duration = Field(default=ZERO, ge=ZERO, le=timedelta(hours=1))
    """Of a symbol, after an entry in it was filled."""
    stop_cooldown: Duration = Field(default=timedelta(minutes=5), ge=ZERO, le=timedelta(hours=1))
    """Of the account, after a stop was filled."""
    burst_orders: int = Field(default=60, ge=1, le=1200)
    burst_window: Duration = Field(
        default=timedelta(minutes=1), ge=timedelta(seconds=1), le=timedelta(hours=1)
    )
    symbol_orders: int = Field(default=240, ge=1, le=100_000)
    """Of one symbol within the window."""
    symbol_window: Duration = Field(
        default=timedelta(hours=1), ge=timedelta(minutes=1), le=timedelta(hours=1)
    )
    stress_atr_multiple: Number = Field(default=Decimal(3), gt=0, le=100)
    stress_least_move: Fraction = Field(default=Decimal("0.10"), gt=0, lt=1)
    backstop_distance: Fraction = Field(default=Decimal("0.02"), gt=0, lt=1)
    """Of the stop that closes everything, behind the furthest stop."""
    rest_stop_distance: Fraction = Field(default=Decimal("0.05"), gt=0, lt=1)
    """Of what no fill of ours explains, from its entry price."""
    rest_take_profit_distance: Fraction = Field(default=Decimal("0.05"), gt=0, lt=1)
    retry_steps: int = Field(default=1, ge=1, le=100)
    """Price increments a refused post-only order moves away each time."""
    lookups: int = Field(default=3, ge=1, le=10)
    """How often an order of unknown outcome is asked for before it counts as absent."""


def trading_policy(
    trading: TradingSettings,
    strategy: StrategySettings,
    venue: VenueSettings,
    kill_switch: KillSwitchSettings,
    *,
    freshness: Freshness,
    protection: timedelta,
    by_hand: bool = False,
) -> TradingPolicy:
    """What the trading and the protection job are told; ``by_hand``: whether `hedge run` counts as one.

    Raises:
        InvalidState: the sections contradict each other.
    """
    return TradingPolicy(
        enabled=trading.enabled,
        strategies=(_strategy(strategy, venue, freshness),),
        limits=_limits(trading, strategy, venue),
        stress=StressRule(
            atr_multiple=trading.stress_atr_multiple,
            least_move=trading.stress_least_move,
            max_margin_ratio=kill_switch.max_margin_ratio,
            max_drawdown=strategy.risk_management.max_drawdown,
        ),
        exits=ExitRule(
            crossed_stop_bps=strategy.execution.tp_sl_adjustment_buffer_bps,
            backstop_distance=trading.backstop_distance,
        ),
        rest_stop_distance=trading.rest_stop_distance,
        rest_take_profit_distance=trading.rest_take_profit_distance,
        sending=_sending(trading, strategy),
        protection=protection,
        adopt_all=trading.found_positions == "adopt",
        by_hand=by_hand,
    )


def _strategy(strategy: StrategySettings, venue: VenueSettings, freshness: Freshness) -> StrategyPolicy:
    return StrategyPolicy(
        name=strategy.name,
        symbol=strategy.symbol,
        bar=strategy.bar,
        shape=of_strategy.grid_shape(strategy),
        regime=of_strategy.regime_rule(strategy),
        candle_max_age=of_strategy.candle_max_age(strategy),
        placement=of_strategy.placement_rule(strategy),
        funding=of_strategy.funding_rule(
            strategy, max_age=freshness.marks, future_tolerance=freshness.future_tolerance
        ),
        tolerance=of_strategy.order_tolerance(strategy),
        leverage=Decimal(venue.leverage),
    )


def _sending(trading: TradingSettings, strategy: StrategySettings) -> SendingRule:
    execution = strategy.execution
    return SendingRule(
        post_only=execution.maker_only,
        retry_attempts=execution.retry_attempts if execution.use_post_only_retries else 0,
        retry_steps=trading.retry_steps,
        retry_max_deviation_bps=execution.retry_max_price_deviation_bps,
        countdown=trading.countdown,
        lookups=trading.lookups,
    )


def _limits(trading: TradingSettings, strategy: StrategySettings, venue: VenueSettings) -> TradingLimits:
    breaker = strategy.risk_management
    return TradingLimits(
        symbols=(
            SymbolLimits(
                symbol=strategy.symbol,
                bucket=strategy.name,
                max_order_notional_usd=venue.maximum_order_notional_usd,
                max_side_quantity=strategy.position.max_position_size,
                max_side_exposure=strategy.position.max_position_fraction,
                max_exposure=strategy.position.max_leverage_used,
                max_leverage=Decimal(venue.max_leverage),
            ),
        ),
        buckets=(BucketLimit(bucket=strategy.name, max_exposure=strategy.position.max_leverage_used),),
        minimum_notional_usd=venue.minimum_order_notional_usd,
        max_order_exposure=trading.max_order_exposure,
        max_account_exposure=trading.max_account_exposure,
        max_open_sides=trading.max_open_sides,
        max_margin_ratio=trading.max_margin_ratio,
        delivery_notice=trading.delivery_notice,
        fill_cooldown=trading.fill_cooldown,
        stop_cooldown=trading.stop_cooldown,
        burst=RateLimit(count=trading.burst_orders, window=trading.burst_window),
        symbol_rate=RateLimit(count=trading.symbol_orders, window=trading.symbol_window),
        breaker=BreakerLimit(
            failures=breaker.max_errors_per_minute,
            window=timedelta(seconds=breaker.circuit_breaker_window_seconds),
            cooldown=timedelta(seconds=breaker.circuit_breaker_cooldown_seconds),
        ),
    )
