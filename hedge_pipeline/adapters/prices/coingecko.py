"""Prices of coins and rates of fiat currencies from CoinGecko, or from anything that answers in its form.

Source: docs.coingecko.com, "Coin Price by IDs": an answer is keyed by id and an unknown id is absent, so
what came back is compared with what was asked. Both sources may share one ``JsonHttp``, and with it the
provider's rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context
from typing import Any

from hedge_pipeline.adapters.prices.http import JsonHttp, cut_short
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.prices import USD, PriceAnswer, ProviderPrice, stated_price

PUBLIC_URL = "https://api.coingecko.com"
PATH = "/api/v3/simple/price"
DEMO_KEY_HEADER = "x-cg-demo-api-key"
PRO_KEY_HEADER = "x-cg-pro-api-key"
CHUNK = 100
"""Identifiers per request: keeps the address below what proxies cut off."""

_FIRST_S, _LAST_S = 1_420_070_400, 4_102_444_800
"""From 2015 to 2100: what lies outside was stamped in another unit, or not at all."""
_RATE = Context(prec=15)
"""A cross of two JSON doubles is not known better than this."""


@dataclass(slots=True)
class CoinGeckoPrices:
    """Coins in USD, by CoinGecko's identifiers."""

    http: JsonHttp
    name: str = "coingecko"

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        said: dict[str, ProviderPrice | str] = {}
        left = sorted(set(identifiers))
        try:
            with self.http.session() as session:
                while left:
                    chunk = left[:CHUNK]
                    coins = _coins(self.name, session.get(PATH, _query(chunk, ["usd"])))
                    said |= {coin: _price_in(coins, coin, "usd") for coin in chunk}
                    left = left[CHUNK:]
        except SourceUnavailable as error:
            return cut_short(said, error, left)
        return PriceAnswer(said=said)


@dataclass(slots=True)
class CrossRates:
    """Fiat currencies in USD: one liquid coin priced in both, one price divided by the other.

    CoinGecko converts its dollar price into every other currency with its own exchange rates, so the coin
    cancels out. The stamp is the coin's: CoinGecko states none for its exchange rates.
    """

    http: JsonHttp
    name: str = "fx"
    coin: str = "tether"

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        codes = sorted(set(identifiers))
        currencies = ["usd", *(code.lower() for code in codes)]
        try:
            with self.http.session() as session:
                coins = _coins(self.name, session.get(PATH, _query([self.coin], currencies)))
        except SourceUnavailable as error:
            return cut_short({}, error, codes)
        return PriceAnswer(said={code: self._rate(coins, code.lower()) for code in codes})

    def _rate(self, coins: Mapping[str, Any], code: str) -> ProviderPrice | str:
        in_usd, in_code = (_price_in(coins, self.coin, currency) for currency in ("usd", code))
        if isinstance(in_usd, str):
            return in_usd
        if isinstance(in_code, str):
            return in_code
        return stated_price(_RATE.divide(in_usd.price, in_code.price), USD, in_usd.as_of)


def _query(coins: Sequence[str], currencies: Sequence[str]) -> dict[str, str]:
    return {
        "ids": ",".join(coins),
        "vs_currencies": ",".join(currencies),
        "include_last_updated_at": "true",
        "precision": "full",
    }


def _coins(source: str, answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise SourceMalformed(source, f"an answer that is no object but {type(answer).__name__}")
    return answer


def _price_in(coins: Mapping[str, Any], coin: str, currency: str) -> ProviderPrice | str:
    """One coin's price in one currency, with the provider's stamp; without a stamp its age is unknown."""
    facts = coins.get(coin)
    if facts is None:
        return f"no coin '{coin}' in the answer; take the identifier from CoinGecko's /coins/list"
    if not isinstance(facts, dict) or facts.get(currency) is None:
        return f"no price of '{coin}' in {currency} in the answer"
    stamp = facts.get("last_updated_at")
    if type(stamp) is not int or not _FIRST_S <= stamp < _LAST_S:
        return f"no usable last_updated_at for '{coin}' in the answer"
    stated = stated_price(facts[currency], USD, datetime.fromtimestamp(stamp, UTC))
    return f"'{coin}' in {currency}: {stated}" if isinstance(stated, str) else stated
