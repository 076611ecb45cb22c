"""Last traded prices of spot pairs, in the currency each pair is quoted in.

Source: Binance spot REST API, "Symbol price ticker": weight 4 for a list of symbols and for all of them;
one unknown symbol fails the whole request (-1121); ``symbolStatus`` (since October 2025) leaves out pairs
that do not trade, whose last price would otherwise look new for ever. The answer carries no time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hedge_pipeline.adapters.prices.http import JsonHttp, Refused, Session, cut_short
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.price_routes import spot_quote_asset
from hedge_pipeline.domain.prices import PriceAnswer, ProviderPrice, stated_price

PUBLIC_URL = "https://data-api.binance.vision"
"""Market data only: needs no key and carries none."""
PATH = "/api/v3/ticker/price"
LISTED_SYMBOLS = 100
"""Above this, all pairs are asked for: the same weight, and no overlong address."""
UNKNOWN_SYMBOL = -1121


@dataclass(slots=True)
class SpotPrices:
    """Spot pairs by symbol."""

    http: JsonHttp
    name: str = "spot"

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        symbols = sorted(set(identifiers))
        try:
            with self.http.session() as session:
                listed = self._ask(session, symbols)
        except SourceUnavailable as error:
            return cut_short({}, error, symbols)
        return PriceAnswer(said={symbol: _price_of(listed, symbol) for symbol in symbols})

    def _ask(self, session: Session, symbols: list[str]) -> dict[str, object]:
        """Prices by symbol. If a symbol is unknown, all pairs are asked for, so that it costs only itself."""
        trading = {"symbolStatus": "TRADING"}
        if len(symbols) > LISTED_SYMBOLS:
            return self._listed(session.get(PATH, trading))
        query = {"symbols": json.dumps(symbols, separators=(",", ":")), **trading}
        try:
            return self._listed(session.get(PATH, query))
        except Refused as refusal:
            if refusal.code != UNKNOWN_SYMBOL:
                raise
            return self._listed(session.get(PATH, trading))

    def _listed(self, answer: Any) -> dict[str, object]:
        try:
            rows = [(row["symbol"], row["price"]) for row in answer]
            listed = dict(rows)
        except (TypeError, KeyError):
            raise SourceMalformed(self.name, "an answer that is no list of symbols and prices") from None
        if len(listed) != len(rows):
            raise SourceMalformed(self.name, "an answer that lists a symbol twice")
        return listed


def _price_of(listed: dict[str, object], symbol: str) -> ProviderPrice | str:
    currency = spot_quote_asset(symbol)
    if currency is None:
        return f"no known quote asset in '{symbol}'"
    if symbol not in listed:
        return f"no trading pair '{symbol}' in the answer"
    stated = stated_price(listed[symbol], currency, None)
    return f"price of '{symbol}': {stated}" if isinstance(stated, str) else stated
