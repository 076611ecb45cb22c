"""Signed and public requests to one venue by one key, one at a time, each bounded in time.

A read ends in an answer or in a ``SourceUnavailable`` whose text carries no secret. It is sent once more, once, if
the first attempt met a timeout, a dropped connection or a server error and time is left; a refusal (4xx) is final.
What changes something is sent once, whatever comes of it, and ends in an answer or in a ``Failure``.
One client serves a process: it knows the venue's clock, the address's budget and the list of instruments.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hedge_pipeline.adapters.ccxt_venue import market_payloads, payloads
from hedge_pipeline.adapters.ccxt_venue.budget import RateBudget, retry_after
from hedge_pipeline.adapters.ccxt_venue.endpoints import CLOCK, INSTRUMENTS, Endpoint
from hedge_pipeline.adapters.ccxt_venue.exchange import Credentials, LastAnswer, build_exchange
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.order_counts import OrderCounts
from hedge_pipeline.adapters.ccxt_venue.outcomes import TOO_MANY_ORDERS, Answer, Failure, failure_of
from hedge_pipeline.adapters.redaction import one_line
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.sources import ClockReading
from hedge_pipeline.ports import Clock

_MOST_HANGING = 4
NO_TIME = Failure(reason="no time was left to ask", left=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """The list of instruments as once read."""

    read_s: float
    as_of: datetime
    payload: object
    names: frozenset[str]


class Deadline:
    """Seconds left of a read that may take several requests."""

    def __init__(self, clock: Clock, limit: timedelta) -> None:
        self._clock = clock
        self._until_s = clock.monotonic() + limit.total_seconds()

    def remaining_s(self) -> float:
        return self._until_s - self._clock.monotonic()


class VenueClient:
    """Thread-safe: requests wait for each other, within their own deadline."""

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Credentials,
        clock: Clock,
        limits: VenueLimits,
        budget: RateBudget,
    ) -> None:
        self._base_url = base_url
        self._credentials = credentials
        self._clock = clock
        self._limits = limits
        self._budget = budget
        self._orders = OrderCounts(limits.orders_per_10_seconds, limits.orders_per_minute)
        self._turn = threading.Lock()
        self._exchange: Any = None
        self._hanging: list[threading.Thread] = []
        self._reading: ClockReading | None = None
        self._listed: _Listed | None = None

    def get(self, endpoint: Endpoint, deadline: Deadline, params: Mapping[str, Any] | None = None) -> Answer:
        """Raises SourceUnavailable or SourceMalformed, with ``endpoint.source``."""
        failure = NO_TIME
        for last in (False, True):
            result = self._in_turn(endpoint, deadline, dict(params or {}), failure)
            if isinstance(result, Answer):
                return result
            failure = result
            pause = failure.pause_s or self._limits.retry_pause.total_seconds()
            if last or not failure.transient or pause >= deadline.remaining_s():
                break
            threading.Event().wait(pause)
        kind = SourceMalformed if failure.malformed else SourceUnavailable
        raise kind(endpoint.source, failure.reason)

    def once(self, endpoint: Endpoint, deadline: Deadline, params: Mapping[str, Any]) -> Answer | Failure:
        """One request, never repeated: for what changes something, and where the venue's refusal is itself an answer."""
        return self._in_turn(endpoint, deadline, dict(params), NO_TIME)

    def measure_clock(self, deadline: Deadline, endpoint: Endpoint = CLOCK) -> ClockReading:
        """Ask the venue's time; signed reads use it until the next measurement.

        Raises:
            SourceUnavailable: no answer, or a round trip too long to tell the time.
        """
        answer = self.get(endpoint, deadline)
        venue_at = payloads.server_time(answer.payload)
        round_trip = timedelta(seconds=answer.ended_s - answer.started_s)
        if round_trip > self._limits.round_trip:
            raise SourceUnavailable(
                CLOCK.source,
                f"the round trip took {round_trip.total_seconds():.3f} s, "
                f"more than {self._limits.round_trip.total_seconds():g} s",
            )
        reading = ClockReading(
            venue_at=venue_at,
            local_at=answer.started_at + round_trip / 2,
            monotonic_s=(answer.started_s + answer.ended_s) / 2,
            boot_id=self._clock.boot_id(),
            round_trip=round_trip,
        )
        self._reading = reading
        return reading

    @property
    def last_clock(self) -> ClockReading:
        """The last measurement, however old. There is one once a signed read has been answered."""
        if self._reading is None:
            raise SourceUnavailable(CLOCK.source, "has not been read yet")
        return self._reading

    def recent_clock(self, deadline: Deadline) -> ClockReading:
        """The last measurement, or a new one if that is too old."""
        reading, now_s = self._reading, self._clock.monotonic()
        if reading is None or now_s - reading.monotonic_s > self._limits.clock_age.total_seconds():
            return self.measure_clock(deadline)
        return reading

    def usable_clock(self, deadline: Deadline) -> ClockReading:
        """A recent measurement, or else the last one however old: it is carried on by a clock that does not jump.

        Raises:
            SourceUnavailable: there is none, and none can be had.
        """
        try:
            return self.recent_clock(deadline)
        except SourceUnavailable:
            if self._reading is None:
                raise
            return self._reading

    def instruments(
        self, symbols: frozenset[str], deadline: Deadline
    ) -> tuple[tuple[Instrument, ...], datetime]:
        """Instruments of the symbols, and the venue's time when its list was asked for.

        The list is asked for once in ``instruments_age``, and anew for a symbol it does not hold; one that could
        not be believed is not kept.
        """
        listed, now_s = self._listed, self._clock.monotonic()
        young = listed is not None and now_s - listed.read_s <= self._limits.instruments_age.total_seconds()
        if listed is None or not young or not listed.names.issuperset(symbols):
            reading = self.recent_clock(deadline)
            answer = self.get(INSTRUMENTS, deadline)
            listed = _Listed(
                read_s=answer.started_s,
                as_of=venue_time(reading, answer.started_s),
                payload=answer.payload,
                names=market_payloads.symbol_names(answer.payload),
            )
        instruments = market_payloads.instruments(listed.payload, symbols)
        self._listed = listed
        return instruments, listed.as_of

    def room_in_s(self, endpoint: Endpoint) -> float:
        """Seconds until the address's budget has room for it; 0: it has."""
        ceiling = self._limits.ceiling(endpoint)
        return self._budget.room_in_s(endpoint.weight, ceiling, now_s=self._clock.monotonic())

    def _in_turn(
        self, endpoint: Endpoint, deadline: Deadline, params: dict[str, Any], earlier: Failure
    ) -> Answer | Failure:
        remaining = deadline.remaining_s()
        if remaining <= 0:
            return earlier
        if not self._turn.acquire(timeout=remaining):
            return Failure(reason="another request to this venue did not end in time", left=False)
        try:
            refusal = self._refusal(endpoint)
            seconds = min(self._limits.request.total_seconds(), deadline.remaining_s())
            if refusal is not None:
                return Failure(reason=refusal, left=False)
            if seconds <= 0:
                return earlier
            return self._attempt(endpoint, params, seconds)
        finally:
            self._turn.release()

    def _refusal(self, endpoint: Endpoint) -> str | None:
        """Why this may not be sent now."""
        if endpoint.signed and (missing := self._credentials.missing):
            return f"no credentials: set {' and '.join(missing)}"
        if endpoint.signed and self._reading is None:
            return "cannot be signed: the venue's clock has not been read yet"
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= _MOST_HANGING:
            return f"{len(self._hanging)} earlier requests still hang"
        now_s = self._clock.monotonic()
        share = self._limits.share(endpoint)
        return self._orders.refusal(endpoint.orders, share, now_s=now_s) or self._budget.refusal(
            endpoint.weight, self._limits.ceiling(endpoint), now_s=now_s
        )

    def _attempt(self, endpoint: Endpoint, params: dict[str, Any], seconds: float) -> Answer | Failure:
        if self._exchange is None:
            self._exchange = build_exchange(
                self._base_url,
                self._credentials,
                venue_ms=self._venue_ms,
                recv_window_ms=round(self._limits.recv_window.total_seconds() * 1000),
                answer_bytes=self._limits.answer_bytes,
            )
        exchange = self._exchange
        exchange.timeout = max(1, int(seconds * 1000))
        exchange.last_answer.forget()
        # In a thread, since no timeout of a socket bounds name resolution, or an answer that drips.
        result: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        thread = threading.Thread(
            target=lambda: result.put(_outcome(lambda: getattr(exchange, endpoint.method)(params))),
            name=f"venue-{endpoint.source}",
            daemon=True,
        )
        started_at, started_s = self._clock.now(), self._clock.monotonic()
        thread.start()
        try:
            outcome: _Outcome | None = result.get(timeout=seconds + 0.1)
        except queue.Empty:
            exchange.abandoned.set()
            self._hanging.append(thread)
            self._exchange = None
            outcome = None
        ended_s = self._clock.monotonic()
        answered = exchange.last_answer
        minute_ends_s = self._minute_ends_s(ended_s)
        self._budget.spend(endpoint.weight, answered.headers, now_s=ended_s, minute_ends_s=minute_ends_s)
        if endpoint.orders:
            self._orders.spend(endpoint.orders, answered.headers, now_s=ended_s, minute_ends_s=minute_ends_s)
        if outcome is None:
            reason = f"no complete answer within {seconds:.1f} s ({endpoint.path})"
            return Failure(reason=reason, transient=True)
        if outcome.error is not None:
            return self._failure(endpoint, outcome.error, answered, seconds)
        if answered.unreadable is not None:
            reason = self.clean(f"the answer is not JSON: {answered.unreadable}")
            return Failure(reason=reason, malformed=True, status=answered.status)
        return Answer(payload=outcome.payload, started_s=started_s, ended_s=ended_s, started_at=started_at)

    def _failure(self, endpoint: Endpoint, error: Exception, answered: LastAnswer, seconds: float) -> Failure:
        import ccxt

        status = answered.status
        if answered.code == TOO_MANY_ORDERS:
            self._orders.close(retry_after(answered.headers), now_s=self._clock.monotonic())
        elif status in {418, 429} or isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            self._budget.close(status or 429, answered.headers, now_s=self._clock.monotonic())
        silent = f"no answer within {seconds:.1f} s ({endpoint.path})"
        return failure_of(error, answered, silent, self.clean)

    def clean(self, text: str) -> str:
        """On one line, without secrets."""
        return one_line(text, self._credentials.secrets)

    def _venue_ms(self) -> int:
        return int(venue_time(self.last_clock, self._clock.monotonic()).timestamp() * 1000)

    def _minute_ends_s(self, now_s: float) -> float:
        """End of the venue's running minute; a minute from now while its clock is unknown."""
        if self._reading is None:
            return now_s + 60.0
        return now_s + 60.0 - venue_time(self._reading, now_s).timestamp() % 60.0


def venue_time(reading: ClockReading, monotonic_s: float) -> datetime:
    """The venue's time at an instant of the reading's boot, which may lie before it."""
    return reading.venue_at + timedelta(seconds=monotonic_s - reading.monotonic_s)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a call returned or raised. The exception stays a value: its chain holds signed addresses."""

    payload: Any
    error: Exception | None


def _outcome(call: Callable[[], Any]) -> _Outcome:
    try:
        return _Outcome(call(), None)
    except Exception as error:  # noqa: BLE001  # ccxt raises whatever its parsing trips over
        return _Outcome(None, error)
