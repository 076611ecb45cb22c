"""Trading risk state: what was sent and what came of it, as far as cooldowns, rates and the circuit breaker need to know.

It is one value without a clock of its own: what a rule says follows from the state and from now, so a process that starts with
the state of the one before judges as that one would have. Every event has a key and counts once, however often it is told.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hedge_pipeline.domain.trading_limits import RateLimit, TradingLimits


class TradingEventKind(StrEnum):
    """What the rules count."""

    SUBMITTED = "submitted"
    """Left for the venue, whatever it answered."""
    REJECTED = "rejected"
    """By the venue."""
    DENIED = "denied"
    """By our own client, before it left."""
    ENTRY_FILLED = "entry_filled"
    STOP_FILLED = "stop_filled"


FAILURES = frozenset({TradingEventKind.REJECTED, TradingEventKind.DENIED})
FILLS = frozenset({TradingEventKind.ENTRY_FILLED, TradingEventKind.STOP_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingEvent:
    """Something that happened to one order. Key: kind and client order id; of a fill, which may be partial, its time too."""

    kind: TradingEventKind
    client_order_id: str
    symbol: str
    occurred_at: datetime
    """By the venue's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingRiskState:
    """Recent events of one account, oldest first."""

    account: str
    events: tuple[TradingEvent, ...]
    breaker_open_until: datetime | None
    """``None``: it has not tripped, as far as any rule still cares."""


def fresh_state(account: str) -> TradingRiskState:
    """Of an account that has never traded. For one that has, a state that cannot be read is unknown, not fresh."""
    return TradingRiskState(account=account, events=(), breaker_open_until=None)


def record(state: TradingRiskState, event: TradingEvent, limits: TradingLimits) -> TradingRiskState:
    """Count ``event`` unless it is counted; trip the breaker if it is one failure too many.

    Failures from before the end of the last cooldown trip nothing again, nor do they prolong it. Of events that no limit looks back to the state forgets.
    """
    if any(_key(known) == _key(event) for known in state.events):
        return state
    horizon = event.occurred_at - limits.longest_window
    kept = [known for known in state.events if known.occurred_at > horizon]
    events = tuple(sorted([*kept, event], key=lambda known: known.occurred_at))
    recorded = replace(state, events=events)
    if event.kind not in FAILURES:
        return recorded
    since = state.breaker_open_until
    failures = count(
        recorded,
        limits.breaker.window,
        event.occurred_at,
        lambda known: known.kind in FAILURES and (since is None or known.occurred_at >= since),
    )
    if failures < limits.breaker.failures:
        return recorded
    return replace(recorded, breaker_open_until=event.occurred_at + limits.breaker.cooldown)


def breaker_is_open(state: TradingRiskState, now: datetime) -> bool:
    """While it is, opening orders are canceled and none is sent."""
    return state.breaker_open_until is not None and now < state.breaker_open_until


def count(
    state: TradingRiskState, window: timedelta, now: datetime, of: Callable[[TradingEvent], bool]
) -> int:
    """Events within the window that ends now. One that is ahead of us counts: when in doubt, it happened."""
    return sum(1 for event in state.events if event.occurred_at > now - window and of(event))


def submissions(state: TradingRiskState, rate: RateLimit, now: datetime, symbol: str | None = None) -> int:
    """Orders submitted within the window of the rate limit, of one symbol or of all."""
    return count(
        state,
        rate.window,
        now,
        lambda event: event.kind is TradingEventKind.SUBMITTED and symbol in {None, event.symbol},
    )


def last(state: TradingRiskState, kind: TradingEventKind, symbol: str | None = None) -> datetime | None:
    """When the newest event of the kind happened, of one symbol or of any."""
    return max(
        (
            event.occurred_at
            for event in state.events
            if event.kind is kind and symbol in {None, event.symbol}
        ),
        default=None,
    )


def _key(event: TradingEvent) -> tuple[TradingEventKind, str, datetime | None]:
    return event.kind, event.client_order_id, event.occurred_at if event.kind in FILLS else None
