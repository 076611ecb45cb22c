"""The venue's past, by ranges: each read is the whole range or a reason why not, never a part.

A range includes its start and not its end, so that days laid end to end hold every row once. It must be over, and young
enough for the venue to have kept it: older rows are gone without a word from it.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hedge_pipeline.adapters.ccxt_venue import history_payloads, history_reads, income, payloads
from hedge_pipeline.adapters.ccxt_venue.client import Deadline, venue_time
from hedge_pipeline.adapters.ccxt_venue.endpoints import (
    CANDLES,
    FILLS,
    FUNDING_RATES,
    INCOME_HISTORY,
    Endpoint,
)
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.ranges import milliseconds, read_range, windows
from hedge_pipeline.adapters.ccxt_venue.registry import shared_client
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.market_data import STEPS, Candle, Fill, FundingRate
from hedge_pipeline.ports import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JITTER = timedelta(seconds=1)
_LONGEST_FUNDING_INTERVAL = timedelta(hours=8)
_SHORTEST_FUNDING_INTERVAL = timedelta(hours=1)


class CcxtVenueHistory:
    """``VenueHistory`` of ports over the same client as ``CcxtVenue``: one budget, of which this takes the smaller part.

    Raises:
        InvalidSettings: without ``live``, ``base_url`` is neither loopback nor the venue's demo host.
    """

    def __init__(
        self,
        *,
        account: str,
        base_url: str,
        credentials: Credentials,
        clock: Clock,
        limits: VenueLimits | None = None,
        live: bool = False,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """``wait`` passes seconds; the machine's own unless given."""
        self._account = account
        self._clock = clock
        self._limits = limits or VenueLimits()
        self._client = shared_client(
            base_url=base_url, credentials=credentials, clock=clock, limits=self._limits, live=live
        )
        self._wait = wait or threading.Event().wait
        self._asked_s: dict[str, float] = {}

    def income_between(self, since: datetime, until: datetime) -> tuple[IncomeRow, ...]:
        deadline = self._begin("income", since, until, kept=True)

        def page(start: datetime, end: datetime, income_type: str | None) -> tuple[IncomeRow, ...]:
            params: dict[str, Any] = {
                "startTime": milliseconds(start),
                "endTime": milliseconds(end),
                "limit": self._limits.income_page,
            }
            if income_type is not None:
                params["incomeType"] = income_type
            answer = self._ask(INCOME_HISTORY, deadline, params)
            return payloads.income(answer, account=self._account, recorded_at=self._clock.now())

        return income.read_all(
            page,
            since=_instant(milliseconds(since)),
            until=_instant(milliseconds(until) - 1),
            page_rows=self._limits.income_page,
        )

    def fills_between(self, symbol: str, since: datetime, until: datetime) -> tuple[Fill, ...]:
        deadline = self._begin("fills", since, until, kept=True)
        limit = self._limits.fills_page

        def ask(**params: int) -> tuple[Fill, ...]:
            answer = self._ask(FILLS, deadline, {"symbol": symbol, "limit": limit, **params})
            return history_payloads.fills(
                answer, account=self._account, symbol=symbol, recorded_at=self._clock.now()
            )

        return history_reads.fills_within(
            ask, first_ms=milliseconds(since), last_ms=milliseconds(until) - 1, limits=self._limits
        )

    def funding_rates_between(self, symbol: str, since: datetime, until: datetime) -> tuple[FundingRate, ...]:
        deadline = self._begin("funding_rates", since, until)
        limit = self._limits.funding_rates_page
        # One settlement before the range gives the first its interval; stamps jitter across its ends.
        first_ms = milliseconds(since - _LONGEST_FUNDING_INTERVAL - _JITTER)
        last_ms = milliseconds(until + _JITTER)

        def page(start: int, end: int) -> tuple[FundingRate, ...]:
            params = {"symbol": symbol, "startTime": start, "endTime": end, "limit": limit}
            return history_payloads.funding_rates(self._ask(FUNDING_RATES, deadline, params), symbol=symbol)

        def crowded(rows: tuple[FundingRate, ...]) -> tuple[FundingRate, ...]:
            raise SourceMalformed(
                "funding_rates", f"{len(rows)} settlements at {rows[0].funded_at.isoformat()}"
            )

        found = [
            row
            for first, last in windows(first_ms, last_ms, _SHORTEST_FUNDING_INTERVAL * (limit - 1))
            for row in read_range(
                page,
                source="funding_rates",
                stamp=lambda row: row.funded_at,
                first_ms=first,
                last_ms=last,
                page_rows=limit,
                crowded=crowded,
            )
        ]
        found.sort(key=lambda row: row.funded_at)
        return tuple(row for row in _with_intervals(found) if since <= row.funded_at < until)

    def candles_between(
        self, symbol: str, interval: timedelta, since: datetime, until: datetime
    ) -> tuple[Candle, ...]:
        if interval not in history_reads.INTERVALS:
            raise ValueError(f"interval: {interval} is none of {', '.join(STEPS)}")
        length = interval // income.MILLISECOND
        last_close = _instant(-(-milliseconds(until) // length) * length)
        deadline = self._begin("candles", since, last_close)

        def ask(params: dict[str, str | int]) -> tuple[Candle, ...]:
            answer = self._ask(CANDLES, deadline, params)
            return history_payloads.candles(answer, symbol=symbol, interval=interval)

        return history_reads.candles_within(
            ask,
            symbol,
            interval,
            first_ms=milliseconds(since),
            last_ms=milliseconds(until) - 1,
            limits=self._limits,
        )

    def _begin(self, source: str, since: datetime, until: datetime, *, kept: bool = False) -> Deadline:
        """Refuse what cannot be answered in full. ``kept``: the venue forgets it."""
        if since >= until:
            raise ValueError(f"since: {since.isoformat()} is not before {until.isoformat()}")
        deadline = Deadline(self._clock, self._limits.history)
        now = self._now(deadline)
        if until > now - self._limits.final_after:
            raise SourceUnavailable(
                source,
                f"the range ends at {until.isoformat()}, which is not final at the venue's {now.isoformat()}",
            )
        if kept and since < now - self._limits.retention:
            raise SourceUnavailable(
                source,
                f"the range begins at {since.isoformat()}, and the venue keeps only {self._limits.retention.days} days",
            )
        return deadline

    def _now(self, deadline: Deadline) -> datetime:
        return venue_time(self._client.recent_clock(deadline), self._clock.monotonic())

    def _ask(self, endpoint: Endpoint, deadline: Deadline, params: dict[str, Any]) -> object:
        """Once there is weight for it, and its turn."""
        due_s = self._asked_s.get(endpoint.source, float("-inf")) + endpoint.spacing_s
        wait_s = max(self._client.room_in_s(endpoint), due_s - self._clock.monotonic())
        if wait_s > 0:
            if wait_s >= deadline.remaining_s():
                raise SourceUnavailable(
                    endpoint.source, f"the venue has no room for it for another {wait_s:.0f} s"
                )
            self._wait(wait_s)
        self._asked_s[endpoint.source] = self._clock.monotonic()
        return self._client.get(endpoint, deadline, params).payload


def _with_intervals(rows: list[FundingRate]) -> list[FundingRate]:
    """Rows of whole seconds, each with the time since the one before."""
    whole = [replace(row, funded_at=_whole_second(row.funded_at)) for row in rows]
    history_reads.refuse_repeated("funding_rates", [row.funded_at.isoformat() for row in whole])
    known = whole[:1]
    for before, row in pairwise(whole):
        apart = row.funded_at - before.funded_at
        known.append(replace(row, interval=apart if apart <= _LONGEST_FUNDING_INTERVAL else None))
    return known


def _whole_second(instant: datetime) -> datetime:
    return (instant + timedelta(milliseconds=500)).replace(microsecond=0)


def _instant(stamp_ms: int) -> datetime:
    return _EPOCH + stamp_ms * income.MILLISECOND
