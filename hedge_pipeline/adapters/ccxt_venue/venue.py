"""The reading side of the venue: each method one attempt, each source with its own health.

A source that fails leaves ``None`` and its reason; the others are read all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from hedge_pipeline.adapters.ccxt_venue import income, market_payloads, payloads
from hedge_pipeline.adapters.ccxt_venue.client import Deadline, venue_time
from hedge_pipeline.adapters.ccxt_venue.endpoints import (
    ASSET_RATES,
    BALANCES,
    INCOME,
    MARKS,
    MODES,
    POSITIONS,
    Endpoint,
)
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials
from hedge_pipeline.adapters.ccxt_venue.facts import Fact, attempt
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.registry import shared_client
from hedge_pipeline.domain.account import AccountReading, AssetRate, IncomeRow, Mark, MarksReading
from hedge_pipeline.domain.instruments import Instrument, InstrumentsReading
from hedge_pipeline.domain.sources import ClockReading
from hedge_pipeline.ports import Clock

T = TypeVar("T")

_USD = "USD"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CcxtVenue:
    """``Venue`` of ports over ccxt's ``binanceusdm``. Cheap to make: the client behind it serves the process.

    Raises:
        InvalidSettings: without ``live``, ``base_url`` is neither loopback nor the venue's demo host.
    """

    def __init__(
        self,
        *,
        account: str,
        base_url: str,
        credentials: Credentials,
        symbols: Sequence[str],
        clock: Clock,
        numeraire: str = "USDT",
        limits: VenueLimits | None = None,
        live: bool = False,
    ) -> None:
        self._account = account
        self._symbols = frozenset(symbols)
        self._numeraire = numeraire
        self._clock = clock
        self._limits = limits or VenueLimits()
        self._client = shared_client(
            base_url=base_url, credentials=credentials, clock=clock, limits=self._limits, live=live
        )

    def read_account(self) -> AccountReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.account)
        clock, clock_health = attempt("clock", lambda: self._measured(deadline))
        # Without a clock the facts are still worth having, signed by an earlier reading; they just have no age.
        balances, balances_health = attempt(
            "balances", lambda: self._ask(BALANCES, deadline, payloads.account)
        )
        positions, positions_health = attempt(
            "positions", lambda: self._ask(POSITIONS, deadline, payloads.positions)
        )
        modes, modes_health = attempt("modes", lambda: self._ask(MODES, deadline, payloads.modes))
        assets, totals, account_positions = balances.value if balances else (None, None, None)
        hedge_mode, multi_assets_mode = modes.value if modes else (None, None)
        return AccountReading(
            account=self._account,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=balances.as_of if balances and clock else None,
            answered_at=balances.answered_at if balances and clock else None,
            clock=clock.value if clock else None,
            hedge_mode=hedge_mode,
            multi_assets_mode=multi_assets_mode,
            balances=assets,
            totals=totals,
            account_positions=account_positions,
            positions=positions.value if positions else None,
            sources=(clock_health, balances_health, positions_health, modes_health),
        )

    def read_marks(self, held: Sequence[str], assets: Sequence[str]) -> MarksReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.marks)
        symbols = self._symbols.union(held)
        marks, marks_health = attempt("marks", lambda: self._marks(symbols, deadline))
        rates, rates_health = attempt(
            "asset_rates", lambda: self._asset_rates({self._numeraire, *assets}, deadline)
        )
        return MarksReading(
            account=self._account,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=min(marks.as_of, rates.as_of) if marks and rates else None,
            marks=marks.value if marks else None,
            asset_rates=rates.value if rates else None,
            sources=(marks_health, rates_health),
        )

    def read_instruments(self, held: Sequence[str]) -> InstrumentsReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.instruments)
        found, health = attempt("instruments", lambda: self._instruments(self._symbols.union(held), deadline))
        return InstrumentsReading(
            account=self._account,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=found.as_of if found else None,
            instruments=found.value if found else None,
            sources=(health,),
        )

    def read_income(self, since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        """The venue keeps about three months: rows older than that are gone, without a word from it."""
        deadline = Deadline(self._clock, self._limits.income)
        asked_at = venue_time(self._client.recent_clock(deadline), self._clock.monotonic())

        def page(start: datetime, end: datetime, income_type: str | None) -> tuple[IncomeRow, ...]:
            params: dict[str, str | int] = {
                "startTime": _milliseconds(start),
                "endTime": _milliseconds(end),
                "limit": self._limits.income_page,
            }
            if income_type is not None:
                params["incomeType"] = income_type
            answer = self._client.get(INCOME, deadline, params)
            return payloads.income(answer.payload, account=self._account, recorded_at=self._clock.now())

        rows = income.read_all(
            page,
            since=_whole_millisecond(since),
            until=_whole_millisecond(asked_at),
            page_rows=self._limits.income_page,
        )
        return rows, asked_at

    def _measured(self, deadline: Deadline) -> Fact[ClockReading]:
        reading = self._client.measure_clock(deadline)
        return Fact(value=reading, as_of=reading.venue_at, answered_at=reading.venue_at)

    def _ask(self, endpoint: Endpoint, deadline: Deadline, parse: Callable[[object], T]) -> Fact[T]:
        answer = self._client.get(endpoint, deadline)
        reading = self._client.last_clock
        return Fact(
            value=parse(answer.payload),
            as_of=venue_time(reading, answer.started_s),
            answered_at=venue_time(reading, answer.ended_s),
        )

    def _marks(self, symbols: frozenset[str], deadline: Deadline) -> Fact[tuple[Mark, ...]]:
        marks = market_payloads.marks(self._client.get(MARKS, deadline).payload, symbols)
        return self._oldest(marks, [mark.as_of for mark in marks], deadline)

    def _asset_rates(self, assets: set[str], deadline: Deadline) -> Fact[tuple[AssetRate, ...]]:
        quoted = assets - {_USD}
        rates = market_payloads.asset_rates(self._client.get(ASSET_RATES, deadline).payload, quoted)
        fact = self._oldest(rates, [rate.as_of for rate in rates], deadline)
        if _USD not in assets:
            return fact
        usd = AssetRate(asset=_USD, usd=Decimal(1), as_of=fact.as_of)
        return replace(fact, value=tuple(sorted((*rates, usd), key=lambda rate: rate.asset)))

    def _oldest(self, value: T, stamps: Sequence[datetime], deadline: Deadline) -> Fact[T]:
        """Nothing asked for is true now, by the venue's clock."""
        as_of = min(stamps) if stamps else self._now(deadline)
        return Fact(value=value, as_of=as_of, answered_at=as_of)

    def _instruments(self, symbols: frozenset[str], deadline: Deadline) -> Fact[tuple[Instrument, ...]]:
        instruments, as_of = self._client.instruments(symbols, deadline)
        return Fact(value=instruments, as_of=as_of, answered_at=as_of)

    def _now(self, deadline: Deadline) -> datetime:
        return venue_time(self._client.recent_clock(deadline), self._clock.monotonic())


def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // income.MILLISECOND


def _whole_millisecond(instant: datetime) -> datetime:
    """Rounded down: stamps of the venue are whole milliseconds."""
    return _EPOCH + _milliseconds(instant) * income.MILLISECOND
