"""The answers of history, believed field by field or refused by name: candles, funding rates, fills."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from hedge_pipeline.adapters.ccxt_venue.wire import (
    Amount,
    Identifier,
    Name,
    NonNegative,
    Payload,
    Price,
    Rate,
    Stamp,
    parse,
    refuse_duplicates,
)
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate, Side

_KLINE = ("openTime", "open", "high", "low", "close", "volume")


class _Kline(Payload):
    open_time: Stamp
    open: Price
    high: Price
    low: Price
    close: Price
    volume: NonNegative

    @model_validator(mode="after")
    def _extremes_hold(self) -> Self:
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError("high and low do not hold open and close")
        return self


class _FundingRate(Payload):
    symbol: Name
    funding_time: Stamp
    funding_rate: Rate


class _Trade(Payload):
    symbol: Name
    id: Annotated[Identifier, Field(pattern=r"^[0-9]{1,19}$")]
    order_id: Identifier
    side: Literal["BUY", "SELL"]
    position_side: Literal["LONG", "SHORT", "BOTH"]
    price: Price
    qty: Price
    realized_pnl: Amount
    commission: Amount
    commission_asset: Name
    maker: bool
    time: Stamp


_KLINES = TypeAdapter(list[_Kline])
_FUNDING_RATES = TypeAdapter(list[_FundingRate])
_TRADES = TypeAdapter(list[_Trade])


def candles(raw: object, *, symbol: str, interval: timedelta) -> tuple[Candle, ...]:
    """In the venue's order; the answer itself names neither symbol nor interval."""
    rows = [_named(number, row) for number, row in enumerate(raw)] if isinstance(raw, list) else raw
    return tuple(
        Candle(
            symbol=symbol,
            interval=interval,
            open_at=row.open_time,
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
        )
        for row in parse("candles", _KLINES.validate_python, rows)
    )


def _named(number: int, row: object) -> dict[str, object]:
    if not isinstance(row, list) or len(row) < len(_KLINE):
        raise SourceMalformed("candles", f"{number}: is no list of at least {len(_KLINE)} fields")
    return dict(zip(_KLINE, row, strict=False))


def funding_rates(raw: object, *, symbol: str) -> tuple[FundingRate, ...]:
    """In the venue's order and with its exact stamps, the interval not yet known."""
    rows = parse("funding_rates", _FUNDING_RATES.validate_python, raw)
    _refuse_others("funding_rates", symbol, (row.symbol for row in rows))
    return tuple(
        FundingRate(symbol=row.symbol, funded_at=row.funding_time, rate=row.funding_rate, interval=None)
        for row in rows
    )


def fills(raw: object, *, account: str, symbol: str, recorded_at: datetime) -> tuple[Fill, ...]:
    """In the venue's order."""
    rows = parse("fills", _TRADES.validate_python, raw)
    _refuse_others("fills", symbol, (row.symbol for row in rows))
    refuse_duplicates("fills", "id", (row.id for row in rows))
    return tuple(
        Fill(
            account=account,
            symbol=row.symbol,
            fill_id=row.id,
            venue_order_id=row.order_id,
            side=Side(row.side),
            position_side=None if row.position_side == "BOTH" else PositionSide(row.position_side),
            price=row.price,
            quantity=row.qty,
            realized_pnl=row.realized_pnl,
            commission=row.commission,
            commission_asset=row.commission_asset,
            maker=row.maker,
            filled_at=row.time,
            recorded_at=recorded_at,
        )
        for row in rows
    )


def _refuse_others(source: str, symbol: str, found: Iterable[str]) -> None:
    for number, other in enumerate(found):
        if other != symbol:
            raise SourceMalformed(source, f"{number}.symbol: is not {symbol}, which was asked for")
