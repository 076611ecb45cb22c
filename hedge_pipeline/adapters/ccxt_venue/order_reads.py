"""What trading reads of the venue: what rests, new fills, terms of symbols, finished candles.

Of the two lists of what rests the conditional one is asked for first: an order that triggers between the two is in both, never
in neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hedge_pipeline.adapters.ccxt_venue import history_payloads, history_reads, order_payloads, terms_payloads
from hedge_pipeline.adapters.ccxt_venue.client import Deadline, VenueClient, venue_time
from hedge_pipeline.adapters.ccxt_venue.endpoints import (
    BRACKETS,
    FUNDING_INTERVALS,
    NEW_CANDLES,
    NEW_FILLS,
    OPEN_CONDITIONALS,
    OPEN_ORDERS,
    ORDER,
    SYMBOL_CONFIGS,
    Endpoint,
    candles_weight,
)
from hedge_pipeline.adapters.ccxt_venue.facts import Fact, attempt
from hedge_pipeline.adapters.ccxt_venue.income import MILLISECOND
from hedge_pipeline.adapters.ccxt_venue.limits import VenueLimits
from hedge_pipeline.adapters.ccxt_venue.order_answers import NO_SUCH_ORDER
from hedge_pipeline.adapters.ccxt_venue.outcomes import Failure
from hedge_pipeline.adapters.ccxt_venue.ranges import milliseconds
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.market_data import STEPS, Candle, Fill
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, SymbolTerms, TermsReading
from hedge_pipeline.ports import Clock

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class OrderReads:
    """The reading half of ``OrderVenue``."""

    def __init__(self, *, account: str, client: VenueClient, clock: Clock, limits: VenueLimits) -> None:
        self._account = account
        self._client = client
        self._clock = clock
        self._limits = limits

    def read_orders(self) -> OrdersReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.orders)
        conditionals, conditionals_health = attempt(
            "conditionals", lambda: self._ask(OPEN_CONDITIONALS, deadline, order_payloads.conditionals)
        )
        orders, orders_health = attempt(
            "orders", lambda: self._ask(OPEN_ORDERS, deadline, order_payloads.orders)
        )
        both = None
        if orders and conditionals:
            sent = {(order.symbol, order.client_order_id) for order in orders.value}
            waiting = [
                order for order in conditionals.value if (order.symbol, order.client_order_id) not in sent
            ]
            both = (*orders.value, *waiting)
        return OrdersReading(
            account=self._account,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=conditionals.as_of if orders and conditionals else None,
            orders=both,
            sources=(orders_health, conditionals_health),
        )

    def read_fills(self, symbol: str, after: str | None, since: datetime) -> tuple[Fill, ...]:
        deadline = Deadline(self._clock, self._limits.fills)
        now = self._now(deadline)
        limit = self._limits.fills_page

        def ask(**params: int) -> tuple[Fill, ...]:
            answer = self._client.get(NEW_FILLS, deadline, {"symbol": symbol, "limit": limit, **params})
            return history_payloads.fills(
                answer.payload, account=self._account, symbol=symbol, recorded_at=self._clock.now()
            )

        if after is not None:
            return history_reads.fills_behind(ask, after, limits=self._limits)
        if since < now - self._limits.retention:
            raise SourceUnavailable(
                "fills",
                f"asked for since {since.isoformat()}, and the venue keeps only {self._limits.retention.days} days",
            )
        return history_reads.fills_within(
            ask, first_ms=milliseconds(since), last_ms=milliseconds(now), limits=self._limits
        )

    def name_of(self, venue_order_id: str, symbol: str) -> str | None:
        deadline = Deadline(self._clock, self._limits.fills)
        self._client.usable_clock(deadline)
        outcome = self._client.once(ORDER, deadline, {"symbol": symbol, "orderId": venue_order_id})
        if isinstance(outcome, Failure):
            if outcome.refused and outcome.code == NO_SUCH_ORDER:
                return None
            raise SourceUnavailable(ORDER.source, outcome.reason)
        order = order_payloads.order(outcome.payload)
        if (order.venue_order_id, order.symbol) != (venue_order_id, symbol):
            raise SourceMalformed(ORDER.source, "the answer is about another order")
        return order.client_order_id

    def read_terms(self, symbols: Sequence[str]) -> TermsReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.terms)
        configs, configs_health = attempt(
            "symbol_configs",
            lambda: self._ask(SYMBOL_CONFIGS, deadline, lambda raw: terms_payloads.configs(raw, symbols)),
        )
        brackets, brackets_health = attempt(
            "brackets",
            lambda: self._ask(BRACKETS, deadline, lambda raw: terms_payloads.brackets(raw, symbols)),
        )
        intervals, intervals_health = attempt(
            "funding_intervals",
            lambda: self._ask(
                FUNDING_INTERVALS, deadline, lambda raw: terms_payloads.funding_intervals(raw, symbols)
            ),
        )
        terms = None
        if brackets:
            terms = tuple(
                SymbolTerms(
                    symbol=symbol,
                    brackets=tiers,
                    funding_interval=intervals.value[symbol] if intervals else None,
                )
                for symbol, tiers in brackets.value.items()
            )
        return TermsReading(
            account=self._account,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=configs.as_of if configs and brackets and intervals else None,
            configs=configs.value if configs else None,
            terms=terms,
            sources=(configs_health, brackets_health, intervals_health),
        )

    def read_candles(self, symbol: str, interval: timedelta, most: int) -> CandlesReading:
        attempted_at = self._clock.now()
        deadline = Deadline(self._clock, self._limits.candles)
        found, health = attempt("candles", lambda: self._candles(symbol, interval, most, deadline))
        return CandlesReading(
            account=self._account,
            symbol=symbol,
            interval=interval,
            attempted_at=attempted_at,
            recorded_at=self._clock.now(),
            as_of=found.as_of if found else None,
            candles=found.value if found else None,
            sources=(health,),
        )

    def _candles(
        self, symbol: str, interval: timedelta, most: int, deadline: Deadline
    ) -> Fact[tuple[Candle, ...]]:
        if interval not in history_reads.INTERVALS:
            raise SourceUnavailable("candles", f"interval: {interval} is none of {', '.join(STEPS)}")
        now = self._now(deadline)
        length = interval // MILLISECOND
        open_ms = ((now - _EPOCH) // interval) * length

        def ask(params: dict[str, str | int]) -> tuple[Candle, ...]:
            endpoint = replace(NEW_CANDLES, weight=candles_weight(int(params["limit"])))
            answer = self._client.get(endpoint, deadline, params)
            return history_payloads.candles(answer.payload, symbol=symbol, interval=interval)

        found = history_reads.candles_within(
            ask, symbol, interval, first_ms=open_ms - most * length, last_ms=open_ms - 1, limits=self._limits
        )
        if not found:
            raise SourceUnavailable("candles", f"the venue has no finished ones of {symbol}")
        return Fact(value=found, as_of=found[-1].open_at + interval, answered_at=now)

    def _now(self, deadline: Deadline) -> datetime:
        return venue_time(self._client.usable_clock(deadline), self._clock.monotonic())

    def _ask(
        self,
        endpoint: Endpoint,
        deadline: Deadline,
        parse: Callable[[object], T],
    ) -> Fact[T]:
        reading = self._client.usable_clock(deadline)
        answer = self._client.get(endpoint, deadline)
        return Fact(
            value=parse(answer.payload),
            as_of=venue_time(reading, answer.started_s),
            answered_at=venue_time(reading, answer.ended_s),
        )
