"""Limits of the small account, wide enough that a test narrows the one it is about."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.trading_limits import (
    BreakerLimit,
    BucketLimit,
    RateLimit,
    SymbolLimits,
    TradingLimits,
)

BTC = SymbolLimits(
    symbol="BTCUSDT",
    bucket="majors",
    max_order_notional_usd=Decimal(80_000),
    max_side_quantity=Decimal(1),
    max_side_exposure=Decimal("0.75"),
    max_exposure=Decimal("1.5"),
    max_leverage=Decimal(4),
)
LIMITS = TradingLimits(
    symbols=(BTC, replace(BTC, symbol="ETHUSDT")),
    buckets=(BucketLimit(bucket="majors", max_exposure=Decimal(2)),),
    minimum_notional_usd=Decimal(5),
    max_order_exposure=Decimal("0.10"),
    max_account_exposure=Decimal(2),
    max_open_sides=4,
    max_margin_ratio=Decimal("0.5"),
    delivery_notice=timedelta(hours=72),
    fill_cooldown=timedelta(0),
    stop_cooldown=timedelta(minutes=60),
    burst=RateLimit(count=100, window=timedelta(seconds=60)),
    symbol_rate=RateLimit(count=100, window=timedelta(hours=1)),
    breaker=BreakerLimit(failures=3, window=timedelta(seconds=60), cooldown=timedelta(seconds=300)),
)


def limits(**changes: Any) -> TradingLimits:
    return replace(LIMITS, **changes)


def symbol_limits(**changes: Any) -> TradingLimits:
    """With other limits for BTCUSDT."""
    return replace(LIMITS, symbols=(replace(BTC, **changes), *LIMITS.symbols[1:]))
