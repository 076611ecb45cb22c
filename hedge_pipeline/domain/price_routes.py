"""Which sources price a well-known asset, and in which currency each source speaks."""

import re
from types import MappingProxyType

from hedge_pipeline.domain.prices import USD, AssetClass, PriceRoute

_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]+")
PROVIDERS = ("coingecko", "spot", "fx", "manual", "fixed")
FIXED_USD = "fixed:usd"
"""US dollars in cash are worth one dollar by definition. Nothing else is fixed: stablecoins are at market."""

SPOT_QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "EUR", "BTC", "ETH", "BNB")
"""What a spot pair may be quoted in: each has a route of its own below."""

_CRYPTO = {
    "ADA": "cardano",
    "AVAX": "avalanche-2",
    "BNB": "binancecoin",
    "BTC": "bitcoin",
    "DOGE": "dogecoin",
    "DOT": "polkadot",
    "ETH": "ethereum",
    "LINK": "chainlink",
    "LTC": "litecoin",
    "PAXG": "pax-gold",
    "SOL": "solana",
    "TRX": "tron",
    "XRP": "ripple",
}
"""Asset → CoinGecko id, of those the spot venue quotes in USDT too."""

_COINGECKO_ONLY = {
    "DAI": "dai",
    "FDUSD": "first-digital-usd",
    "TUSD": "true-usd",
    "USDC": "usd-coin",
    "USDE": "ethena-usde",
    "USDT": "tether",
    "XAUT": "tether-gold",
}
"""Stablecoins are priced in dollars, never against one another: pairs of them hide a common fall."""

_FIAT = ("AUD", "BRL", "CAD", "CHF", "CNY", "EUR", "GBP", "HKD", "JPY", "SGD", "TRY", "ZAR")


def _default_routes() -> dict[str, PriceRoute]:
    routes = [
        PriceRoute(
            asset=asset,
            asset_class=AssetClass.CRYPTO,
            sources=(f"spot:{asset}USDT", f"coingecko:{coin}"),
            cross_check=f"coingecko:{coin}",
        )
        for asset, coin in _CRYPTO.items()
    ]
    routes += [
        PriceRoute(asset=asset, asset_class=AssetClass.CRYPTO, sources=(f"coingecko:{coin}",))
        for asset, coin in _COINGECKO_ONLY.items()
    ]
    routes += [PriceRoute(asset=code, asset_class=AssetClass.FX, sources=(f"fx:{code}",)) for code in _FIAT]
    routes.append(PriceRoute(asset=USD, asset_class=AssetClass.FX, sources=(FIXED_USD,)))
    return {route.asset: route for route in routes}


DEFAULT_ROUTES = MappingProxyType(_default_routes())


def split_source(source: str) -> tuple[str, str]:
    """Provider and identifier of ``provider:identifier``."""
    provider, _, identifier = source.partition(":")
    return provider, identifier


def spot_quote_asset(symbol: str) -> str | None:
    """The asset a spot pair is quoted in; ``None`` when it is none of ``SPOT_QUOTE_ASSETS``."""
    return next((quote for quote in SPOT_QUOTE_ASSETS if symbol.endswith(quote) and symbol != quote), None)


def fault_of_source(source: str, asset: str) -> str | None:
    """What is wrong with a source someone wrote for ``asset``, and the remedy; ``None``: nothing."""
    provider, identifier = split_source(source)
    if provider not in PROVIDERS or not _IDENTIFIER.fullmatch(identifier):
        return f"'{source}' is not provider:identifier with a provider of {', '.join(PROVIDERS)}"
    if provider == "fixed" and (identifier, asset) != ("usd", USD):
        return f"'{source}' cannot price {asset}: only USD is fixed; everything else is at market"
    if provider == "spot" and spot_quote_asset(identifier) is None:
        return f"'{source}' is quoted in none of {', '.join(SPOT_QUOTE_ASSETS)}; use such a pair"
    if provider == "spot" and spot_quote_asset(identifier) == asset:
        return f"'{source}' is quoted in {asset} itself"
    return None
