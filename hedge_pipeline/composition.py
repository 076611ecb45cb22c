"""From settings to a fund: the one place where adapters are chosen.

Nothing outside is touched until a step needs it: a verdict needs the store alone.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from hedge_pipeline import local
from hedge_pipeline.adapters.absent_venue import AbsentVenue
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate
from hedge_pipeline.domain.prices import PricesReading
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.key_guard import KeyGuard
from hedge_pipeline.outlet import Outlet
from hedge_pipeline.ports import Clock, HoldingsSource, Pricer, PriceSource, StateStore, Venue, VenueHistory
from hedge_pipeline.settings import Profile, Settings

if TYPE_CHECKING:
    from hedge_pipeline.adapters.history.sql import Sql


def build_fund(settings: Settings, *, clock: Clock | None = None, store: StateStore | None = None) -> Fund:
    """The fund these settings describe. Creates or migrates the state store.

    Raises:
        StoreUnavailable: the state store cannot be opened.
    """
    clock = clock or SystemClock()
    outside = Outside(settings, clock)
    return Fund(
        account=settings.fund.account,
        store=store or open_store(settings, create=True),
        venue=outside,
        holdings=holdings_of(settings, clock),
        price=outside.price,
        price_limits=settings.prices.limits(),
        clock=clock,
        limits=settings.limits(),
        numeraire=settings.venue.numeraire,
        publisher=Outlet(settings, clock),
        history=HistoryFiles(settings.history_folder),
        venue_history=outside,
        symbols=settings.venue.symbols,
        hot_days=settings.history.hot_days,
        env=str(settings.env),
        uncounted=frozenset(settings.venue.uncounted_assets),
        self_inception=settings.profile is Profile.PAPER,
        two_people=settings.profile is not Profile.PAPER,
    )


def open_store(settings: Settings, *, create: bool, read_only: bool = False) -> SqlStateStore:
    """The state store of these settings; one made in another profile or environment is refused.

    Raises:
        InvalidSettings: it was made for something else.
        StoreUnavailable: absent and not to be created, at another level, or out of reach.
    """
    return open_state_store(
        settings.state_url.get_secret_value(),
        create=create,
        read_only=read_only,
        purpose=purpose_of(settings),
    )


def purpose_of(settings: Settings) -> str:
    """What a state store of these settings is made for; it is refused to every other."""
    return f"{settings.profile} × {settings.env}"


def holdings_of(settings: Settings, clock: Clock) -> HoldingsSource:
    """Where these settings say what is kept off the venue."""
    return HoldingsFiles(folder=settings.holdings_folder, clock=clock)


def uses_local_servers(settings: Settings) -> bool:
    """Whether some server has no address of its own, which only paper allows."""
    addresses = (settings.venue.base_url, settings.venue.spot_url, settings.prices.coingecko_url)
    return None in addresses


def open_fund(settings: Settings, *, read_only: bool) -> Fund:
    """The fund over the store that is there, neither made nor migrated: works with everything else stopped.

    Raises:
        StoreUnavailable: there is no store, or it is at another migration level.
    """
    store = open_store(settings, create=False, read_only=read_only)
    return build_fund(settings, store=store)


def open_sql(settings: Settings) -> "Sql":
    """SQL over closed days and, once a query names one, the live tables of the store that is there."""
    from hedge_pipeline.adapters.history.sql import Sql
    from hedge_pipeline.adapters.state_store.tables import TABLE_NAMES

    return Sql(
        HistoryFiles(settings.history_folder),
        store=lambda: open_store(settings, create=False, read_only=True),
        live={name: row_class for row_class, name in TABLE_NAMES.items()},
        account=settings.fund.account,
    )


class Outside:
    """Venue and price providers, made when first asked, and again when the local servers have moved."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._guard = KeyGuard(settings, clock)
        self._venue_at = cache(self._make_venue)
        self._history_at = cache(self._make_history)
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

    def _at_the_venue(self, base_url: str) -> dict[str, Any]:
        """What both readers are told alike."""
        from hedge_pipeline.adapters.ccxt_venue import Credentials, VenueLimits

        settings = self._settings
        pair = settings.secrets.venue_read
        return {
            "account": settings.fund.account,
            "base_url": base_url,
            "credentials": Credentials(
                api_key=pair.key.get_secret_value() if pair else None,
                secret=pair.secret.get_secret_value() if pair else None,
                settings=("HEDGE_VENUE_READ_KEY", "HEDGE_VENUE_READ_SECRET"),
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
