"""One account's ports and policy, and how a step survives that another process was first."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from hedge_pipeline.domain.account import AccountReading, IncomeRow
from hedge_pipeline.domain.errors import ConcurrentAppend
from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.nav import IncomeBaseline
from hedge_pipeline.domain.prices import PriceLimits
from hedge_pipeline.domain.sources import ClockReading, venue_now
from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.domain.verdicts import IncidentChanges
from hedge_pipeline.ports import (
    AccountLock,
    Clock,
    History,
    HoldingsSource,
    OrderVenue,
    Pricer,
    Publisher,
    StateStore,
    Venue,
    VenueHistory,
)

Row = TypeVar("Row")

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
ATTEMPTS = 5
"""How often a step starts again when another process appended first."""


@dataclass(frozen=True, kw_only=True)
class Fund:
    """One account's ports and policy: what every step works on."""

    account: str
    store: StateStore
    venue: Venue
    holdings: HoldingsSource
    price: Pricer
    price_limits: PriceLimits
    clock: Clock
    limits: RiskLimits
    numeraire: str
    publisher: Publisher
    history: History
    venue_history: VenueHistory
    orders: OrderVenue
    lock: AccountLock
    """Whoever sends orders holds it: the trading job, the protection cycle, an operator's flatten."""
    trading: TradingPolicy
    symbols: tuple[str, ...] = ()
    """What is traded; the past of others is kept where the account had any."""
    hot_days: int = 14
    """Closed days whose every row stays in the state store."""
    env: str = "dev"
    """Deployment environment: a segment of every published path, checked on every read."""
    uncounted: frozenset[str] = frozenset()
    self_inception: bool = False
    """Whether the first accepted NAV of an empty store is the baseline without a person saying so: paper only."""
    two_people: bool = True
    """Whether an order that loosens a guard needs a second person: everywhere but in paper."""

    def latest(self, table: type[Row]) -> Row | None:
        return self.store.latest(table, self.account)

    def recent(self, table: type[Row], limit: int) -> list[Row]:
        """Newest first."""
        return self.store.rows(table, self.account, limit=limit, newest_first=True)

    def last_known(self, table: type[Row], field: str) -> Row | None:
        """The newest row in which that field is known."""
        return self.store.latest_known(table, self.account, field)

    def clock_reading(self) -> ClockReading | None:
        """The last time the venue told its time."""
        newest = self.store.columns(AccountReading, self.account, "clock", limit=1, newest_first=True)
        if newest and newest[0][0] is not None:
            told: ClockReading = newest[0][0]
            return told
        reading = self.last_known(AccountReading, "clock")
        return reading.clock if reading else None

    def now(self) -> datetime:
        """The venue's time, carried forward by the monotonic clock; our wall clock before any reading."""
        return venue_now(
            self.clock_reading(),
            wall=self.clock.now(),
            monotonic_s=self.clock.monotonic(),
            boot_id=self.clock.boot_id(),
        )

    def pending_income(self, baseline: IncomeBaseline | None) -> list[tuple[int, IncomeRow]]:
        """Row id and row of the income that no accepted snapshot has absorbed."""
        through_at, through_seq = (baseline.through_at, baseline.through_seq) if baseline else (BEGINNING, 0)
        return self.store.income_outside(self.account, through_at=through_at, through_seq=through_seq)


def retried(step: Callable[[], Row]) -> Row:
    """Do it, again from the start whenever another process has appended first, a few times over.

    Raises:
        ConcurrentAppend: other processes kept appending first; nothing was written.
    """
    for _ in range(ATTEMPTS - 1):
        with suppress(ConcurrentAppend):
            return step()
    return step()


def append_with_incidents(fund: Fund, row: object, changes: IncidentChanges, *, at: datetime) -> None:
    """The row and what it does to the incidents, in one transaction.

    Raises:
        ConcurrentAppend: somebody else opened or closed one of them first; nothing was written.
    """
    over = [replace(incident, closed_at=at, closed_by=closed_by) for incident, closed_by in changes.closed]
    fund.store.append(row, *changes.opened, closing=over)
