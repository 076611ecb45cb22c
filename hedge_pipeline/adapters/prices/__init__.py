"""Prices of what the fund holds off the venue: the providers, and the order in which they are asked."""

from hedge_pipeline.adapters.prices.coingecko import CoinGeckoPrices, CrossRates
from hedge_pipeline.adapters.prices.http import HttpPolicy, JsonHttp
from hedge_pipeline.adapters.prices.routing import HoldingsPricer
from hedge_pipeline.adapters.prices.spot import SpotPrices

__all__ = ["CoinGeckoPrices", "CrossRates", "HoldingsPricer", "HttpPolicy", "JsonHttp", "SpotPrices"]
