"""The endpoints that tell of the past: settled funding rates and the account's own trades.

Source of field names, windows and limits: Binance USD-M documentation, "Get Funding Rate History" and "Account Trade List",
and recorded answers.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hedge_pipeline.paper.core import HOUR_MS, Core
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.requests import Refusal, integer, invalid_symbol, limit, mandatory, money
from hedge_pipeline.paper.trades import Trade

Params = Mapping[str, str]

DAY_MS = 86_400_000
KEPT_MS = 90 * DAY_MS
"""How long the venue remembers what an account did."""
_MINUTE_MS = 60_000
_LONGEST_TRADES_MS = 7 * DAY_MS


def funding_rates(core: Core, now_ms: int, params: Params) -> Any:
    """Settlements, oldest first, both ends of the range included; the first ones from a start on, else the most recent.

    Nothing is told of hours in which the market was not yet walked or recorded.
    """
    most = limit(params, default=100, most=1000)
    start, end = _range(params)
    symbols = list(core.instruments) if "symbol" not in params else [_listed(core, params["symbol"])]
    rows = [row for symbol in symbols for row in _settlements(core, symbol, now_ms, start, end, most)]
    rows.sort(key=lambda row: row["fundingTime"])
    return rows[-most:] if start is None else rows[:most]


def _settlements(
    core: Core, symbol: str, now_ms: int, start: int | None, end: int | None, most: int
) -> list[dict[str, Any]]:
    last = min(now_ms if end is None else end, now_ms)
    first = max(start or 0, core.instrument(symbol).onboarded_ms)
    hours = range(-(-first // HOUR_MS) * HOUR_MS, last + 1, HOUR_MS)
    found: list[dict[str, Any]] = []
    for instant in hours if start is not None else reversed(hours):
        if len(found) == most:
            break
        funding = core.market.funding(symbol, instant)
        if (instant // HOUR_MS) % funding.interval_hours == 0 and _was_walked(core, symbol, instant):
            mark = core.market.quote(symbol, instant).mark_price
            found.append(
                {
                    "symbol": symbol,
                    "fundingTime": instant,
                    "fundingRate": money(funding.rate),
                    "markPrice": money(mark),
                }
            )
    return found


def _was_walked(core: Core, symbol: str, instant_ms: int) -> bool:
    return bool(
        core.market.bars(symbol, "mark", [instant_ms - _MINUTE_MS], interval_ms=_MINUTE_MS, now_ms=instant_ms)
    )


def user_trades(core: Core, now_ms: int, params: Params) -> Any:
    """The account's trades of one symbol, oldest first: from an id on, from a start on, or the most recent.

    A window is at most seven days; trades older than three months are gone.
    """
    symbol = _listed(core, params.get("symbol"))
    most = limit(params, default=500, most=1000)
    from_id, order_id = integer(params, "fromId"), integer(params, "orderId")
    start, end = _range(params)
    if from_id is not None and (start is not None or end is not None):
        raise Refusal(400, -1128, "Combination of optional parameters invalid.")
    last = (now_ms if start is None else start + _LONGEST_TRADES_MS) if end is None else end
    oldest = last - _LONGEST_TRADES_MS if start is None else start
    if last - oldest > _LONGEST_TRADES_MS:
        raise Refusal(400, -4165, "Invalid time interval.")
    if from_id is not None:
        oldest = 0
    rows = sorted(
        (
            trade
            for trade in core.trades
            if trade.symbol == symbol
            and max(oldest, now_ms - KEPT_MS) <= trade.time_ms <= min(last, now_ms)
            and (from_id is None or trade.trade_id >= from_id)
            and order_id in {None, trade.order_id}
        ),
        key=lambda trade: trade.trade_id,
    )
    recent = start is None and from_id is None
    return [_traded(core, trade) for trade in (rows[-most:] if recent else rows[:most])]


def _traded(core: Core, trade: Trade) -> dict[str, Any]:
    instrument = core.instruments[trade.symbol]
    places = instrument.price_precision
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": trade.side,
        "price": f"{trade.price:.{places}f}",
        "qty": f"{trade.quantity:.{instrument.quantity_precision}f}",
        "realizedPnl": money(trade.realized_pnl) if trade.realized_pnl else "0",
        "marginAsset": instrument.margin_asset,
        "quoteQty": f"{(trade.price * trade.quantity).quantize(Decimal('0.00001'))}",
        "commission": money(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": trade.time_ms,
        "positionSide": trade.position_side,
        "maker": trade.maker,
        "buyer": trade.side == "BUY",
    }


def _range(params: Params) -> tuple[int | None, int | None]:
    start, end = integer(params, "startTime"), integer(params, "endTime")
    if start is not None and end is not None and start > end:
        raise Refusal(400, -1023, "Start time is greater than end time.")
    return start, end


def _listed(core: Core, symbol: str | None) -> str:
    if symbol is None:
        raise mandatory("symbol")
    try:
        return core.instrument(symbol).symbol
    except UnknownSymbol:
        raise invalid_symbol() from None
