"""What each request weighs, and the budget of a minute: the venue counts as Binance does, not as its clients assume."""

from collections.abc import Callable, Mapping

Params = Mapping[str, str]

_MINUTE_MS = 60_000
_SPOT_LIMITS = {"api": 6000, "sapi": 12_000}
_COUNTED_IN = {"sapi": "X-SAPI-USED-IP-WEIGHT-1M"}


def _klines(params: Params) -> int:
    text = params.get("limit", "500")
    asked = int(text) if text.isdigit() else 500
    return next(weight for bound, weight in ((100, 1), (500, 2), (1001, 5), (10**9, 10)) if asked < bound)


def _one_or_all(one: int, every: int) -> Callable[[Params], int]:
    return lambda params: one if "symbol" in params else every


WEIGHTS: dict[str, int | Callable[[Params], int]] = {
    "GET /fapi/v1/time": 1,
    "GET /fapi/v1/exchangeInfo": 1,
    "GET /fapi/v3/account": 5,
    "GET /fapi/v3/positionRisk": 5,
    "GET /fapi/v1/premiumIndex": _one_or_all(1, 10),
    "GET /fapi/v1/fundingInfo": 0,
    "GET /fapi/v1/assetIndex": _one_or_all(1, 10),
    "GET /fapi/v1/klines": _klines,
    "GET /fapi/v1/markPriceKlines": _klines,
    "GET /fapi/v1/fundingRate": 0,
    "GET /fapi/v1/userTrades": 5,
    "GET /fapi/v1/income": 30,
    "GET /fapi/v1/accountConfig": 5,
    "GET /fapi/v1/symbolConfig": 5,
    "GET /fapi/v1/leverageBracket": 1,
    "GET /fapi/v1/positionSide/dual": 30,
    "GET /fapi/v1/multiAssetsMargin": 30,
    "GET /api/v3/time": 1,
    "GET /api/v3/ticker/price": _one_or_all(2, 4),
    "GET /sapi/v1/account/apiRestrictions": 1,
    "GET /fapi/v1/order": 1,
    "GET /fapi/v1/openOrder": 1,
    "GET /fapi/v1/openOrders": _one_or_all(1, 40),
    "GET /fapi/v1/allOrders": 5,
    "GET /fapi/v1/forceOrders": _one_or_all(20, 50),
    "GET /fapi/v1/algoOrder": 1,
    "GET /fapi/v1/openAlgoOrders": _one_or_all(1, 40),
    "GET /fapi/v1/allAlgoOrders": 5,
    "POST /fapi/v1/order": 0,
    "POST /fapi/v1/batchOrders": 5,
    "POST /fapi/v1/algoOrder": 0,
    "POST /fapi/v1/countdownCancelAll": 10,
    "POST /fapi/v1/leverage": 1,
    "POST /fapi/v1/marginType": 1,
    "POST /fapi/v1/positionSide/dual": 1,
    "DELETE /fapi/v1/order": 1,
    "DELETE /fapi/v1/batchOrders": 1,
    "DELETE /fapi/v1/allOpenOrders": 1,
    "DELETE /fapi/v1/algoOrder": 1,
    "DELETE /fapi/v1/algoOpenOrders": 1,
}
"""Source: "Request Weight" of each page of the Binance documentation. The price provider counts nothing here."""


class Weights:
    """Weight spent in the current minute, futures, spot and its key administration apart. `limit` None counts without refusing."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._minute = -1
        self._used = {"fapi": 0, "api": 0, "sapi": 0}

    def spend(self, endpoint: str, params: Params, now_ms: int) -> tuple[dict[str, str], int]:
        """The header that reports the weight used, and the seconds to wait if this request is one too many."""
        weight = WEIGHTS.get(endpoint)
        if weight is None:
            return {}, 0
        if now_ms // _MINUTE_MS != self._minute:
            self._minute = now_ms // _MINUTE_MS
            self._used = dict.fromkeys(self._used, 0)
        market = endpoint.split("/")[1]
        self._used[market] += weight if isinstance(weight, int) else weight(params)
        limit = None if self._limit is None else _SPOT_LIMITS.get(market, self._limit)
        over = limit is not None and self._used[market] > limit
        wait_s = (_MINUTE_MS - now_ms % _MINUTE_MS + 999) // 1000 if over else 0
        return {_COUNTED_IN.get(market, "X-MBX-USED-WEIGHT-1M"): str(self._used[market])}, wait_s
