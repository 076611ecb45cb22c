"""The unsigned endpoints of USD-M futures: clock, contracts, marks, funding terms, asset index and klines.

Source of field names and types: Binance USD-M documentation, "Market Data", and recorded answers. Prices are strings,
instants are integers of milliseconds.
"""

import functools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.margin import AssetRate
from hedge_pipeline.paper.order_counts import ORDER_LIMITS
from hedge_pipeline.paper.player import Bar, Series, UnknownSymbol
from hedge_pipeline.paper.requests import Refusal, integer, invalid_symbol, limit, mandatory, money
from hedge_pipeline.paper.seed import ASSET_BUFFERS

Params = Mapping[str, str]

INTERVALS_MS: dict[str, int] = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
}
_NEVER_DELIVERED_MS = 4_133_404_800_000
_AUTO_EXCHANGE = {"USDT": "-10000", "BNB": "-0.1", "BTC": "-0.001", "ETH": "-0.01", "USDC": "-10000"}


def server_time(core: Core, now_ms: int, params: Params) -> Any:
    return {"serverTime": now_ms}


def exchange_info(core: Core, now_ms: int, params: Params) -> Any:
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            *(
                {"rateLimitType": "ORDERS", "interval": o.name, "intervalNum": o.number, "limit": o.most}
                for o in ORDER_LIMITS
            ),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": _AUTO_EXCHANGE.get(asset, "0")}
            for asset in ASSET_BUFFERS
        ],
        "symbols": [_contract(instrument) for instrument in core.instruments.values()],
    }


def _contract(i: Instrument) -> dict[str, Any]:
    return {
        "symbol": i.symbol,
        "pair": i.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER_DELIVERED_MS,
        "onboardDate": i.onboarded_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": i.base,
        "quoteAsset": i.quote,
        "marginAsset": i.margin_asset,
        "pricePrecision": i.price_precision,
        "quantityPrecision": i.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.020000",
        "marketTakeBound": f"{i.price_band:.2f}",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": str(i.min_price),
                "maxPrice": str(i.max_price),
                "tickSize": str(i.price_increment),
            },
            _lot("LOT_SIZE", i, i.max_quantity),
            _lot("MARKET_LOT_SIZE", i, i.max_market_quantity),
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": str(i.minimum_notional)},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{1 + i.price_band:.4f}",
                "multiplierDown": f"{1 - i.price_band:.4f}",
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def _lot(name: str, i: Instrument, most: Decimal) -> dict[str, str]:
    step = str(i.size_increment)
    return {"filterType": name, "minQty": step, "maxQty": str(most), "stepSize": step}


def premium_index(core: Core, now_ms: int, params: Params) -> Any:
    symbol = params.get("symbol")
    if symbol is not None:
        return _premium(core, now_ms, _listed(core, symbol))
    return [_premium(core, now_ms, symbol) for symbol in core.instruments]


def _premium(core: Core, now_ms: int, symbol: str) -> dict[str, Any]:
    quote = core.market.quote(symbol, now_ms)
    return {
        "symbol": symbol,
        "markPrice": money(quote.mark_price),
        "indexPrice": money(quote.index_price),
        "estimatedSettlePrice": money(quote.index_price),
        "lastFundingRate": money(core.market.funding(symbol, now_ms).rate),
        "interestRate": "0.00010000",
        "nextFundingTime": core.next_funding_ms(symbol, now_ms),
        "time": quote.time_ms,
    }


def funding_info(core: Core, now_ms: int, params: Params) -> Any:
    """Contracts whose terms depart from eight hours and ±2 %, and no others."""
    rows = []
    for symbol, instrument in core.instruments.items():
        hours = core.market.funding(symbol, now_ms).interval_hours
        if hours != 8 or instrument.funding_is_adjusted:
            rows.append(
                {
                    "symbol": symbol,
                    "adjustedFundingRateCap": money(instrument.funding_cap),
                    "adjustedFundingRateFloor": money(-instrument.funding_cap),
                    "fundingIntervalHours": hours,
                    "disclaimer": False,
                }
            )
    return rows


def asset_index(core: Core, now_ms: int, params: Params) -> Any:
    rates = {f"{asset}USD": rate for asset, rate in core.rates(now_ms).items()}
    symbol = params.get("symbol")
    if symbol is None:
        return [_asset_rate(name, rate) for name, rate in rates.items()]
    if symbol not in rates:
        raise invalid_symbol()
    return _asset_rate(symbol, rates[symbol])


def _asset_rate(symbol: str, rate: AssetRate) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "time": rate.time_ms,
        "index": money(rate.index),
        "bidBuffer": money(rate.bid_buffer),
        "askBuffer": money(rate.ask_buffer),
        "bidRate": money(rate.bid),
        "askRate": money(rate.ask),
        "autoExchangeBidBuffer": money(rate.bid_buffer / 2),
        "autoExchangeAskBuffer": money(rate.ask_buffer / 2),
        "autoExchangeBidRate": money(rate.index * (1 - rate.bid_buffer / 2)),
        "autoExchangeAskRate": money(rate.index * (1 + rate.ask_buffer / 2)),
    }


def klines(core: Core, now_ms: int, params: Params, *, series: Series) -> Any:
    """Bars on wall-clock minutes; the last one is unfinished.

    Without a start the most recent ones up to the end (default: now); with one, the first ones from it on.
    """
    symbol = _listed(core, params.get("symbol"))
    if "interval" not in params:
        raise mandatory("interval")
    interval = INTERVALS_MS.get(params["interval"])
    if interval is None:
        raise Refusal(400, -1120, "Invalid interval.")
    most = limit(params, default=500, most=1500)
    start, end = integer(params, "startTime"), integer(params, "endTime")
    last = min(now_ms if end is None else end, now_ms)
    newest = last - last % interval
    if start is None:
        opens = range(newest - (most - 1) * interval, newest + 1, interval)
    else:
        oldest = -(-start // interval) * interval
        opens = range(oldest, min(newest, oldest + (most - 1) * interval) + 1, interval)
    bars = core.market.bars(symbol, series, opens, interval_ms=interval, now_ms=now_ms)
    places = max(-int(core.instrument(symbol).price_increment.normalize().as_tuple().exponent), 2)
    return [
        _traded(start, interval, bar, places) if series == "last" else _marked(start, interval, bar)
        for start, bar in bars
    ]


price_klines = functools.partial(klines, series="last")
mark_price_klines = functools.partial(klines, series="mark")


def _traded(start: int, interval: int, bar: Bar, places: int) -> list[Any]:
    turnover = bar.volume * (bar.high + bar.low + bar.close) / 3
    prices = [f"{price:.{places}f}" for price in (bar.open, bar.high, bar.low, bar.close)]
    return [
        start,
        *prices,
        f"{bar.volume:.3f}",
        start + interval - 1,
        f"{turnover:.5f}",
        int(bar.volume) + 1 if bar.volume else 0,
        f"{bar.volume / 2:.3f}",
        f"{turnover / 2:.5f}",
        "0",
    ]


def _marked(start: int, interval: int, bar: Bar) -> list[Any]:
    prices = [money(price) for price in (bar.open, bar.high, bar.low, bar.close)]
    return [start, *prices, "0", start + interval - 1, "0", interval // 1000, "0", "0", "0"]


def _listed(core: Core, symbol: str | None) -> str:
    if symbol is None:
        raise mandatory("symbol")
    try:
        return core.instrument(symbol).symbol
    except UnknownSymbol:
        raise invalid_symbol() from None
