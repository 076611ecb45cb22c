"""Outside: the fund's way to venue and price providers, each made when first asked.

Nothing outside is touched until a step needs it: a verdict needs the store alone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hedge_pipeline import local
from hedge_pipeline.adapters.absent_venue import AbsentOrders, AbsentVenue
from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.domain.trading.intents import Answered
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, TermsReading
from hedge_pipeline.key_guard import KeyGuard
from hedge_pipeline.ports import (
    Clock,
    OrderVenue,
    Pricer,
    PriceSource,
    Venue,
    VenueHistory,
)
from hedge_pipeline.settings import Profile, Settings


class Outside:
    """Venue and price providers, made when first asked, and again when the local servers have moved."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._guard = KeyGuard(settings, clock)
        self._venue_at = cache(self._make_venue)
        self._history_at = cache(self._make_history)
        self._orders_at = cache(self._make_orders)
        self._pricer_at = cache(self._make_pricer)

    @property
    def _venue(self) -> Venue:
        try:
            self._guard.refuse_dangerous_keys()
            return self._venue_at(self._address(self._settings.venue.base_url))
        except SourceUnavailable as absence:
            return AbsentVenue(account=self._settings.fund.account, clock=self._clock, reason=str(absence))

    @property
    def _history(self) -> VenueHistory:
        """Raises SourceUnavailable when there is no venue to ask."""
        self._guard.refuse_dangerous_keys()
        return self._history_at(self._address(self._settings.venue.base_url))

    @property
    def _orders(self) -> OrderVenue:
        try:
            self._guard.refuse_dangerous_keys()
            return self._orders_at(self._address(self._settings.venue.base_url))
        except SourceUnavailable as absence:
            return AbsentOrders(account=self._settings.fund.account, clock=self._clock, reason=str(absence))

    @property
    def _pricer(self) -> Pricer:
        prices, spot = self._settings.prices.coingecko_url, self._settings.venue.spot_url
        return self._pricer_at(self._address(prices), self._address(spot))

    def _make_venue(self, base_url: str) -> Venue:
        from hedge_pipeline.adapters.ccxt_venue import CcxtVenue

        settings = self._settings
        return CcxtVenue(
            **self._at_the_venue(base_url),
            symbols=settings.venue.symbols,
            numeraire=settings.venue.numeraire,
        )

    def _make_history(self, base_url: str) -> VenueHistory:
        from hedge_pipeline.adapters.ccxt_venue import CcxtVenueHistory

        return CcxtVenueHistory(**self._at_the_venue(base_url))

    def _make_orders(self, base_url: str) -> OrderVenue:
        from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue

        settings = self._settings
        return CcxtOrderVenue(**self._at_the_venue(base_url, trades=settings.secrets.venue_trade is not None))

    def _at_the_venue(self, base_url: str, *, trades: bool = False) -> dict[str, Any]:
        """What all of its clients are told alike; a client that ``trades`` has the trading key."""
        from hedge_pipeline.adapters.ccxt_venue import Credentials, VenueLimits

        settings = self._settings
        pair = settings.secrets.venue_trade if trades else settings.secrets.venue_read
        kind = "TRADE" if trades else "READ"
        return {
            "account": settings.fund.account,
            "base_url": base_url,
            "credentials": Credentials(
                api_key=pair.key.get_secret_value() if pair else None,
                secret=pair.secret.get_secret_value() if pair else None,
                settings=(f"HEDGE_VENUE_{kind}_KEY", f"HEDGE_VENUE_{kind}_SECRET"),
            ),
            "clock": self._clock,
            "limits": VenueLimits(
                request=timedelta(seconds=settings.venue.timeout_s),
                round_trip=settings.freshness.round_trip,
                recv_window=timedelta(milliseconds=settings.venue.recv_window_ms),
                weight_share=float(settings.venue.weight_fraction),
            ),
            "live": settings.profile is Profile.LIVE,
        }

    def _address(self, configured: str | None) -> str:
        """The configured address; in paper there is none, and the local servers are used."""
        return configured or local.for_this_process(self._settings.home).base_url

    def read_account(self) -> AccountReading:
        return self._venue.read_account()

    def read_marks(self, held: Sequence[str], assets: Sequence[str]) -> MarksReading:
        return self._venue.read_marks(held, assets)

    def read_instruments(self, held: Sequence[str]) -> InstrumentsReading:
        return self._venue.read_instruments(held)

    def read_income(self, since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        return self._venue.read_income(since)

    def income_between(self, since: datetime, until: datetime) -> tuple[IncomeRow, ...]:
        return self._history.income_between(since, until)

    def fills_between(self, symbol: str, since: datetime, until: datetime) -> tuple[Fill, ...]:
        return self._history.fills_between(symbol, since, until)

    def funding_rates_between(self, symbol: str, since: datetime, until: datetime) -> tuple[FundingRate, ...]:
        return self._history.funding_rates_between(symbol, since, until)

    def candles_between(
        self, symbol: str, interval: timedelta, since: datetime, until: datetime
    ) -> tuple[Candle, ...]:
        return self._history.candles_between(symbol, interval, since, until)

    def read_orders(self) -> OrdersReading:
        return self._orders.read_orders()

    def read_fills(self, symbol: str, after: str | None, since: datetime) -> tuple[Fill, ...]:
        return self._orders.read_fills(symbol, after, since)

    def name_of(self, venue_order_id: str, symbol: str) -> str | None:
        return self._orders.name_of(venue_order_id, symbol)

    def read_terms(self, symbols: Sequence[str]) -> TermsReading:
        return self._orders.read_terms(symbols)

    def read_candles(self, symbol: str, interval: timedelta, most: int) -> CandlesReading:
        return self._orders.read_candles(symbol, interval, most)

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        return self._orders.place(orders, within=within)

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        return self._orders.cancel(orders)

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        return self._orders.look_up(client_order_id, symbol, conditional=conditional)

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        return self._orders.set_countdown(symbol, countdown)

    def set_leverage(self, symbol: str, leverage: int) -> str | None:
        return self._orders.set_leverage(symbol, leverage)

    def _make_pricer(self, prices_url: str, spot_url: str) -> Pricer:
        from hedge_pipeline.adapters.prices import (
            CoinGeckoPrices,
            CrossRates,
            HttpPolicy,
            JsonHttp,
            SpotPrices,
        )
        from hedge_pipeline.adapters.prices.coingecko import DEMO_KEY_HEADER

        settings, key = self._settings, self._settings.secrets.coingecko_key
        policy = HttpPolicy(timeout=timedelta(seconds=settings.prices.timeout_s))
        coingecko = JsonHttp(
            source="coingecko",
            base_url=prices_url,
            clock=self._clock,
            policy=policy,
            key_header=DEMO_KEY_HEADER,
            key=key.get_secret_value() if key else None,
        )
        spot = JsonHttp(source="spot", base_url=spot_url, clock=self._clock, policy=policy)
        return self._pricer_of((SpotPrices(spot), CoinGeckoPrices(coingecko), CrossRates(coingecko)))

    def _pricer_of(self, sources: Sequence[PriceSource]) -> Pricer:
        from hedge_pipeline.adapters.prices import HoldingsPricer

        return HoldingsPricer(
            account=self._settings.fund.account, sources=sources, limits=self._settings.prices.limits()
        )

    def price(
        self, holdings: HoldingsReading | str, previous: PricesReading | None, now: Callable[[], datetime], /
    ) -> PricesReading:
        try:
            pricer = self._pricer
        except SourceUnavailable as absence:
            return self._pricer_of(())(str(absence), previous, now)
        return pricer(holdings, previous, now)
