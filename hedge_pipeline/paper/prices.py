"""Prices off the futures venue: the spot ticker, and a price provider that answers in the form of CoinGecko."""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.requests import Refusal, invalid_symbol, money
from hedge_pipeline.paper.seed import PROVIDER_ASSETS, PROVIDER_CURRENCIES, SPOT_PAIRS

Params = Mapping[str, str]

_AS_WRITTEN = Context(
    prec=15, rounding=ROUND_HALF_EVEN
)  # what a JSON number carries through a double unharmed


class ProviderRefusal(Exception):
    """A provider's own error: HTTP status and body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def spot_ticker(core: Core, now_ms: int, params: Params) -> Any:
    """One symbol, a JSON list of symbols, or all. Spot trades at the index. It carries no time of its own."""
    if "symbol" in params and "symbols" in params:
        raise Refusal(400, -1101, "Too many parameters; expected '1' and received '2'.")
    if "symbol" in params:
        return _spot(core, now_ms, params["symbol"])
    return [_spot(core, now_ms, symbol) for symbol in _several(params)]


def _several(params: Params) -> list[str]:
    if "symbols" not in params:
        return list(SPOT_PAIRS)
    try:
        symbols = json.loads(params["symbols"])
    except ValueError:
        symbols = None
    if not isinstance(symbols, list) or not symbols or not all(isinstance(s, str) for s in symbols):
        raise Refusal(
            400, -1100, "Illegal characters found in parameter 'symbols'; legal range is '[\"A\",\"B\"]'."
        )
    return symbols


def _spot(core: Core, now_ms: int, symbol: str) -> dict[str, str]:
    if symbol not in SPOT_PAIRS:
        raise invalid_symbol()
    rates = [core.market.usd_rate(asset, now_ms) for asset in SPOT_PAIRS[symbol]]
    base, quote = rates
    if base is None or quote is None:
        raise invalid_symbol()
    return {"symbol": symbol, "price": money(base.index_price / quote.index_price)}


def simple_price(core: Core, now_ms: int, params: Params) -> Any:
    """Rates of assets in currencies; an identifier or a currency it does not know is simply absent.

    Source: CoinGecko `/simple/price`, and recorded answers for the errors.
    """
    for name in ("ids", "vs_currencies"):
        if not params.get(name):
            raise ProviderRefusal(422, {"error": f"Missing parameter {name}"})
    currencies = {
        c: PROVIDER_CURRENCIES[c] for c in _listed(params["vs_currencies"]) if c in PROVIDER_CURRENCIES
    }
    return {
        identifier: _provided(core, now_ms, PROVIDER_ASSETS[identifier], currencies, params)
        for identifier in _listed(params["ids"])
        if identifier in PROVIDER_ASSETS
    }


def _listed(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]


def _provided(
    core: Core, now_ms: int, asset: str, currencies: Mapping[str, str], params: Params
) -> dict[str, float | int]:
    worth = core.market.usd_rate(asset, now_ms)
    body: dict[str, float | int] = {}
    if worth is None:
        return body
    for name, currency in currencies.items():
        unit = core.market.usd_rate(currency, now_ms)
        if unit is not None:
            body[name] = _rounded(worth.index_price / unit.index_price, params.get("precision"))
    if params.get("include_last_updated_at") == "true":
        body["last_updated_at"] = worth.time_ms // 1000
    return body


def _rounded(price: Decimal, precision: str | None) -> float:
    """A JSON number with `full` precision, so many decimal places, or six significant digits when none is asked for."""
    if precision == "full":
        return float(_AS_WRITTEN.plus(price))
    if precision is None:
        return float(Context(prec=6).plus(price))
    if not precision.isdigit() or int(precision) > 18:
        raise ProviderRefusal(422, {"error": "Invalid precision"})
    return float(round(_AS_WRITTEN.plus(price), int(precision)))
