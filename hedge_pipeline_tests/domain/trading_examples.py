"""The documented strategy on BTCUSDT at 100,000: its instrument, its grid, its candles."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.grid import GridShape, Ladders, Rung, plan_ladders
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.market_data import Candle

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
CENTER = Decimal(100_000)
MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 20, tzinfo=UTC)

QUANTITIES = ("0.002", "0.0021", "0.00221", "0.00232", "0.00243", "0.00255")
"""Of the documented grid, levels 1 to 6, as its predecessor rounded them."""


def instrument(**changes: Any) -> Instrument:
    """BTCUSDT as the venue states it, with the increments of the golden vectors."""
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "base_asset": "BTC",
        "quote_asset": "USDT",
        "margin_asset": "USDT",
        "price_increment": Decimal("0.1"),
        "size_increment": Decimal("0.001"),
        "minimum_quantity": Decimal("0.001"),
        "maximum_quantity": Decimal(1000),
        "minimum_notional_usd": Decimal(5),
        "delivery_at": datetime(2100, 12, 25, 8, tzinfo=UTC),
    }
    return Instrument(**{**fields, **changes})


def shape(**changes: Any) -> GridShape:
    fields: dict[str, Any] = {
        "step_bps": Decimal(50),
        "levels_long": 6,
        "levels_short": 6,
        "base_quantity": Decimal("0.002"),
        "quantity_scale": Decimal("1.05"),
        "take_profit_steps": 3,
        "stop_loss_steps": 5,
        "max_inventory": Decimal(10_000),
        "recenter_trigger_bps": Decimal(200),
    }
    return GridShape(**{**fields, **changes})


def ladders(**changes: Any) -> Ladders:
    """The documented grid with exact quantities."""
    return plan_ladders(CENTER, shape(**changes), instrument())


def golden_ladders() -> Ladders:
    """The documented grid with quantities as its predecessor rounded them: 0.01361 on each side."""
    planned = ladders()
    return Ladders(
        symbol="BTCUSDT",
        center=CENTER,
        long=_with_quantities(planned.long),
        short=_with_quantities(planned.short),
    )


def _with_quantities(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    return tuple(
        Rung(
            position_side=rung.position_side,
            level=rung.level,
            limit_price=rung.limit_price,
            quantity=Decimal(quantity),
            take_profit_price=rung.take_profit_price,
            stop_loss_price=rung.stop_loss_price,
        )
        for rung, quantity in zip(rungs, QUANTITIES, strict=True)
    )


def quantities(rungs: Iterable[Rung]) -> list[Decimal]:
    return [rung.quantity for rung in rungs]


def levels(rungs: Iterable[Rung]) -> list[int]:
    return [rung.level for rung in rungs]


def candle(number: int, close: Decimal, **changes: Any) -> Candle:
    """A minute that opens and closes at one price."""
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "interval": MINUTE,
        "open_at": START + number * MINUTE,
        "open": close,
        "high": close * Decimal("1.0005"),
        "low": close * Decimal("0.9995"),
        "close": close,
        "volume": Decimal(1),
    }
    return Candle(**{**fields, **changes})


def march(count: int, growth: str = "1.001", start: Decimal = Decimal(100)) -> list[Candle]:
    """Minutes 1 to ``count``, each a constant factor above the one before."""
    return [candle(number, start * Decimal(growth) ** number) for number in range(1, count + 1)]
