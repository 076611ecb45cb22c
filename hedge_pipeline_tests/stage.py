"""A fund on a stage: the real adapters over HTTP against a paper venue in this process, under one clock the test moves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hedge_pipeline import cycle
from hedge_pipeline.adapters.account_lock import FileAccountLock
from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, CcxtVenue, CcxtVenueHistory, Credentials
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.adapters.prices import (
    CoinGeckoPrices,
    CrossRates,
    HoldingsPricer,
    HttpPolicy,
    JsonHttp,
    SpotPrices,
)
from hedge_pipeline.composition import open_store
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.prices import PriceLimits
from hedge_pipeline.domain.verdicts import GateDecision
from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT, AccountSeed
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline.ports import Publisher
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests.fakes import MemoryPublisher

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class MovedClock:
    """``Clock`` of ports that stands still until it is moved; ``skew`` is what the wall clock alone is wrong by."""

    at: datetime = NOON
    skew: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.at + self.skew

    def monotonic(self) -> float:
        return (self.at - NOON).total_seconds() + 10_000.0

    def boot_id(self) -> str:
        return "the test's boot"

    def milliseconds(self) -> int:
        return round(self.at.timestamp() * 1000)

    def pass_by(self, span: timedelta) -> None:
        self.at += span


@dataclass
class Stage:
    """What a test drives."""

    fund: Fund
    control: Control
    venue: PaperVenue
    clock: MovedClock
    home: Path
    cadence: timedelta = field(default=timedelta(seconds=30))

    def beat(self, times: int = 1) -> GateDecision:
        """Let a cadence pass and do one whole cycle, ``times`` over."""
        for _ in range(times - 1):
            self.clock.pass_by(self.cadence)
            cycle.run_cycle(self.fund)
        self.clock.pass_by(self.cadence)
        return cycle.run_cycle(self.fund)

    @property
    def nav(self) -> NavSnapshot:
        snapshot = self.fund.latest(NavSnapshot)
        assert snapshot is not None
        return snapshot


@contextmanager
def staged(
    home: Path,
    *,
    world: World | None = None,
    account: AccountSeed = DEFAULT_ACCOUNT,
    start: datetime = NOON,
    holdings: Mapping[str, str] | None = None,
    limits: Mapping[str, Any] | None = None,
    trading: Mapping[str, Any] | None = None,
    pace: Decimal = Decimal(1),
    state_url: str | None = None,
    publisher: Publisher | None = None,
) -> Iterator[Stage]:
    """A stage with its own home directory. ``holdings`` are file texts by name; ``limits`` and ``trading`` replace parts of the policies."""
    clock = MovedClock(at=start)
    home.mkdir(parents=True, exist_ok=True)
    for name, text in (holdings or {"treasury.toml": "", "reserves.toml": ""}).items():
        (home / name).write_text(text)
    core = open_core(world or World(seed=7), now_ms=clock.milliseconds(), account=account, pace=pace)
    venue = PaperVenue(core, clock.milliseconds, weight_limit=None)
    settings = load_settings(
        {"HEDGE_HOME": str(home), **({"HEDGE_STATE_URL": state_url} if state_url else {})}
    )
    store = open_store(settings, create=True)
    with serve(venue) as url, Control(url, venue.admin_token) as control:
        policy = HttpPolicy(timeout=timedelta(seconds=1), requests_per_second=10_000, attempts=1)
        http = {
            name: JsonHttp(source=name, base_url=url, clock=clock, policy=policy)
            for name in ("spot", "coingecko")
        }
        fund = Fund(
            account="main",
            store=store,
            venue=CcxtVenue(
                account="main",
                base_url=url,
                credentials=Credentials(api_key="paper", secret="paper-secret"),
                symbols=settings.venue.symbols,
                clock=clock,
            ),
            holdings=HoldingsFiles(folder=home, clock=clock),
            price=HoldingsPricer(
                account="main",
                sources=(
                    SpotPrices(http["spot"]),
                    CoinGeckoPrices(http["coingecko"]),
                    CrossRates(http["coingecko"]),
                ),
                limits=PriceLimits(),
            ),
            price_limits=PriceLimits(),
            clock=clock,
            limits=replace(settings.limits(), **(limits or {})),
            numeraire="USDT",
            publisher=publisher or MemoryPublisher(),
            history=HistoryFiles(home / "history"),
            venue_history=CcxtVenueHistory(
                account="main",
                base_url=url,
                credentials=Credentials(api_key="paper", secret="paper-secret"),
                clock=clock,
            ),
            orders=CcxtOrderVenue(
                account="main",
                base_url=url,
                credentials=Credentials(api_key="paper", secret="paper-secret"),
                clock=clock,
            ),
            lock=FileAccountLock(home, "main"),
            trading=replace(settings.trading_policy(), **(trading or {})),
            symbols=settings.venue.symbols,
            self_inception=True,
            two_people=False,
        )
        yield Stage(fund=fund, control=control, venue=venue, clock=clock, home=home)
    store.close()
