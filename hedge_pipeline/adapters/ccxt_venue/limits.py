"""How long a read may take and how much may be asked: figures that settings may change."""

from dataclasses import dataclass
from datetime import timedelta

from hedge_pipeline.adapters.ccxt_venue.endpoints import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLimits:
    """Bounds of both sides. Durations of reads include their retries.

    The four reads of one valuation together stay below 25 s, whatever hangs: the daemon waits a minute for a heartbeat.
    """

    request: timedelta = timedelta(seconds=3)
    """One HTTP request, from connecting to the last byte."""
    account: timedelta = timedelta(seconds=8)
    marks: timedelta = timedelta(seconds=5)
    instruments: timedelta = timedelta(seconds=3)
    income: timedelta = timedelta(seconds=7)
    retry_pause: timedelta = timedelta(milliseconds=250)
    """Before the one retry of a read that timed out, was dropped or met a server error."""
    round_trip: timedelta = timedelta(seconds=2)
    """Of the clock request; a longer one tells no time."""
    clock_age: timedelta = timedelta(seconds=60)
    """How long a measured clock serves reads that do not measure it themselves."""
    recv_window: timedelta = timedelta(seconds=5)
    """The venue refuses a signed request that arrives later than this after its stamp."""
    instruments_age: timedelta = timedelta(hours=1)
    """How long this process keeps the venue's list of instruments."""
    weight_per_minute: int = 2400
    """The venue's limit per address."""
    weight_share: float = 0.8
    """Part of it open to reads that can wait; the rest is kept for cancels, stops, flatten and the account."""
    answer_bytes: int = 32_000_000
    income_page: int = 1000
    """Rows the venue returns at most."""
    history: timedelta = timedelta(seconds=90)
    """One range of history, with waiting for the next minute's weight."""
    history_share: float = 0.5
    """Part of the weight open to history."""
    candles_page: int = 1500
    fills_page: int = 1000
    funding_rates_page: int = 1000
    fills_window: timedelta = timedelta(days=7)
    """The longest stretch of fills the venue answers for."""
    retention: timedelta = timedelta(days=90)
    """How long the venue keeps income and fills: three months."""
    final_after: timedelta = timedelta(seconds=60)
    """When a row stamped now can be read for certain: lists lag behind the account."""

    orders: timedelta = timedelta(seconds=8)
    """Listing what rests."""
    fills: timedelta = timedelta(seconds=8)
    """New fills of one symbol."""
    terms: timedelta = timedelta(seconds=8)
    candles: timedelta = timedelta(seconds=8)
    trading: timedelta = timedelta(seconds=20)
    """Placing or canceling all that one call names."""
    orders_per_10_seconds: int = 300
    """The venue's limits per account, shared with whatever else trades on it."""
    orders_per_minute: int = 1200

    def ceiling(self, endpoint: Endpoint) -> float:
        """Weight of a minute up to which it may be asked."""
        return self.weight_per_minute * self.share(endpoint)

    def share(self, endpoint: Endpoint) -> float:
        """Part of the venue's limits open to it."""
        if endpoint.essential:
            return 1.0
        return self.history_share if endpoint.history else self.weight_share
