"""From settings to a fund: the one place where adapters are chosen.

Nothing outside is touched until a step needs it: a verdict needs the store alone.
"""

from typing import TYPE_CHECKING

from hedge_pipeline.adapters.account_lock import FileAccountLock
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cycle import Fund
from hedge_pipeline.outlet import Outlet
from hedge_pipeline.outside import Outside
from hedge_pipeline.ports import (
    Clock,
    HoldingsSource,
    StateStore,
)
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
        orders=outside,
        lock=FileAccountLock(settings.home, settings.fund.account),
        trading=settings.trading_policy(),
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
