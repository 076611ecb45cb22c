"""A stub that answers anything, a venue that reads it, and a clock that can be moved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials, VenueLimits
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline_tests.adapters.ccxt_venue.stub import StubVenue, serving

KEY, SECRET = "K3yOfTheFundNobodyMaySee", "S3cretOfTheFundNobodyMaySee"

FAST = VenueLimits(retry_pause=timedelta(milliseconds=1))
"""The real limits, which a busy machine does not reach, without the pause before a retry."""
HASTY = VenueLimits(
    request=timedelta(seconds=0.4), account=timedelta(seconds=1.2), retry_pause=timedelta(milliseconds=1)
)
"""For venues that are silent: how long a test waits for them."""

MakeVenue = Callable[..., CcxtVenue]


@dataclass(eq=False)
class MovableClock:
    """The machine's clocks, moved by hand, apart from each other."""

    elapsed_s: float = 0.0
    wall_jump: timedelta = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=self.elapsed_s) + self.wall_jump

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.elapsed_s

    def boot_id(self) -> str:
        return "one-boot"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def stub() -> Iterator[StubVenue]:
    with serving() as venue:
        yield venue


@pytest.fixture
def make_venue(stub: StubVenue, clock: MovableClock) -> MakeVenue:
    def make(
        *,
        limits: VenueLimits = FAST,
        credentials: Credentials | None = None,
        symbols: tuple[str, ...] = ("BTCUSDT",),
    ) -> CcxtVenue:
        return CcxtVenue(
            account="main",
            base_url=stub.base_url,
            credentials=credentials or Credentials(KEY, SECRET),
            symbols=symbols,
            clock=clock,
            limits=limits,
        )

    return make


@pytest.fixture
def venue(make_venue: MakeVenue) -> CcxtVenue:
    return make_venue()
