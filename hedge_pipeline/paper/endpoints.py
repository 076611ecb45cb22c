"""Everything the venue serves: who answers at which method and path, who must sign, and who must be allowed to trade."""

from collections.abc import Callable
from typing import Any

from hedge_pipeline.paper import futures, history, keys, leverage, market_data, modes, prices, trading

Handler = Callable[..., Any]

ACCOUNT = "GET /fapi/v3/account"
INCOME = "GET /fapi/v1/income"
KEY_PERMISSIONS = "GET /sapi/v1/account/apiRestrictions"
NEW_ORDERS = "POST /fapi/v1/batchOrders"

PUBLIC: dict[str, Handler] = {
    "GET /fapi/v1/time": market_data.server_time,
    "GET /fapi/v1/exchangeInfo": market_data.exchange_info,
    "GET /fapi/v1/premiumIndex": market_data.premium_index,
    "GET /fapi/v1/fundingInfo": market_data.funding_info,
    "GET /fapi/v1/assetIndex": market_data.asset_index,
    "GET /fapi/v1/fundingRate": history.funding_rates,
    "GET /fapi/v1/klines": market_data.price_klines,
    "GET /fapi/v1/markPriceKlines": market_data.mark_price_klines,
    "GET /api/v3/time": market_data.server_time,
    "GET /api/v3/ticker/price": prices.spot_ticker,
    "GET /api/v3/simple/price": prices.simple_price,
}
SIGNED: dict[str, Handler] = {
    ACCOUNT: futures.account,
    "GET /fapi/v3/positionRisk": futures.position_risk,
    INCOME: futures.income,
    "GET /fapi/v1/userTrades": history.user_trades,
    "GET /fapi/v1/accountConfig": modes.account_config,
    "GET /fapi/v1/symbolConfig": modes.symbol_config,
    "GET /fapi/v1/leverageBracket": leverage.leverage_brackets,
    "GET /fapi/v1/positionSide/dual": modes.position_mode,
    "GET /fapi/v1/multiAssetsMargin": modes.multi_assets_mode,
    KEY_PERMISSIONS: keys.api_restrictions,
    "GET /fapi/v1/order": trading.query_order,
    "GET /fapi/v1/openOrder": trading.query_open_order,
    "GET /fapi/v1/openOrders": trading.open_orders,
    "GET /fapi/v1/allOrders": trading.all_orders,
    "GET /fapi/v1/forceOrders": trading.forced_orders,
    "GET /fapi/v1/algoOrder": trading.query_conditional,
    "GET /fapi/v1/openAlgoOrders": trading.open_conditionals,
    "GET /fapi/v1/allAlgoOrders": trading.all_conditionals,
}
TRADING: dict[str, Handler] = {
    "POST /fapi/v1/order": trading.new_order,
    NEW_ORDERS: trading.new_orders,
    "POST /fapi/v1/algoOrder": trading.new_conditional,
    "POST /fapi/v1/countdownCancelAll": trading.countdown_cancel_all,
    "POST /fapi/v1/leverage": leverage.change_leverage,
    "POST /fapi/v1/marginType": modes.change_margin_type,
    "POST /fapi/v1/positionSide/dual": modes.change_position_mode,
    "DELETE /fapi/v1/order": trading.cancel_order,
    "DELETE /fapi/v1/batchOrders": trading.cancel_orders,
    "DELETE /fapi/v1/allOpenOrders": trading.cancel_all_orders,
    "DELETE /fapi/v1/algoOrder": trading.cancel_conditional,
    "DELETE /fapi/v1/algoOpenOrders": trading.cancel_all_conditionals,
}
"""Signed too, by a key that may trade."""
ENDPOINTS = {**PUBLIC, **SIGNED, **TRADING}
PATHS = {endpoint.partition(" ")[2] for endpoint in ENDPOINTS}
