"""Risk events: what the stored rows say was sent, refused and filled, folded into the state that the pre-trade rules ask.

Nothing is kept beside the rows, so a process that starts judges as the one before did. Events too old for any rule are left out
before they are folded: the same state follows from any history that reaches back far enough.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from hedge_pipeline.domain.client_order_ids import kind_of
from hedge_pipeline.domain.orders import OrderKind, reduces_position
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.trading_limits import TradingLimits
from hedge_pipeline.domain.trading_risk_state import (
    TradingEvent,
    TradingEventKind,
    TradingRiskState,
    fresh_state,
    record,
)

_REFUSALS = {Answer.REJECTED: TradingEventKind.REJECTED, Answer.DENIED: TradingEventKind.DENIED}
_FILLS = {OrderKind.ENTRY: TradingEventKind.ENTRY_FILLED, OrderKind.STOP_LOSS: TradingEventKind.STOP_FILLED}


def history_needed(limits: TradingLimits) -> timedelta:
    """How far back rows matter, before the newest of them."""
    return limits.longest_window + limits.breaker.cooldown


def risk_state_of(
    account: str,
    intents: Iterable[Intent],
    updates: Iterable[OrderUpdate],
    fills: Iterable[LedgerFill],
    limits: TradingLimits,
) -> TradingRiskState:
    """The state after these rows, in whatever order they are given; those of other accounts are not looked at.

    An entry counts as submitted from its intent on, answered or not, unless our own client refused it. Refusals count of every
    kind of order: a venue that takes no exits is no place to open anything. What was refused without an intent was never
    about to leave, and counts for nothing.
    """
    own = {intent.client_order_id: intent for intent in intents if intent.account == account}
    answers = [
        update
        for update in updates
        if update.account == account
        and (intent := own.get(update.client_order_id)) is not None
        and update.recorded_at >= intent.recorded_at
    ]
    events = [
        *_submitted(own.values(), answers),
        *_refused(answers),
        *_filled(fill for fill in fills if fill.account == account),
    ]
    events.sort(key=lambda event: (event.occurred_at, event.kind, event.client_order_id))
    state = fresh_state(account)
    if not events:
        return state
    horizon = events[-1].occurred_at - history_needed(limits)
    for event in events:
        if event.occurred_at > horizon:
            state = record(state, event, limits)
    return state


def _submitted(intents: Iterable[Intent], answers: Iterable[OrderUpdate]) -> Iterator[TradingEvent]:
    denied = {update.client_order_id for update in answers if update.answer is Answer.DENIED}
    for intent in intents:
        if intent.order.kind is OrderKind.ENTRY and intent.client_order_id not in denied:
            yield TradingEvent(
                kind=TradingEventKind.SUBMITTED,
                client_order_id=intent.client_order_id,
                symbol=intent.symbol,
                occurred_at=intent.recorded_at,
            )


def _refused(answers: Iterable[OrderUpdate]) -> Iterator[TradingEvent]:
    for update in answers:
        if kind := _REFUSALS.get(update.answer):
            yield TradingEvent(
                kind=kind,
                client_order_id=update.client_order_id,
                symbol=update.symbol,
                occurred_at=update.as_of,
            )


def _filled(fills: Iterable[LedgerFill]) -> Iterator[TradingEvent]:
    for fill in fills:
        if kind := _fill_kind(fill):
            yield TradingEvent(
                kind=kind,
                client_order_id=fill.client_order_id or fill.venue_order_id,
                symbol=fill.symbol,
                occurred_at=fill.filled_at,
            )


def _fill_kind(fill: LedgerFill) -> TradingEventKind | None:
    """By its order's kind. While nobody knows whose it was, an order that closed may have been a stop of ours."""
    if fill.origin is FillOrigin.OURS:
        kind = kind_of(fill.client_order_id) if fill.client_order_id else None
        return None if kind is None else _FILLS.get(kind)
    if fill.origin is not FillOrigin.UNKNOWN or fill.position_side is None:
        return None
    closes = reduces_position(fill.side, fill.position_side)
    return TradingEventKind.STOP_FILLED if closes else TradingEventKind.ENTRY_FILLED
