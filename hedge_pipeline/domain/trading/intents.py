"""Intents and what became of them: stored before anything is sent, and after every answer.

An intent without an update was perhaps sent, by a process that died: it counts as resting until the venue has told, by its
client order id. An order is settled once an update says that it can fill no more.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order about to be sent: a row of ``intents``. Key: account, client_order_id."""

    account: str
    client_order_id: str
    symbol: str
    strategy: str
    recorded_at: datetime
    cycle: datetime
    """When the candle closed that caused it; of an exit, the tick that wanted it."""
    decided_at: datetime | None
    """Of the gate's decision whose permit covered it; ``None``: it reduces and needed none."""
    order: NewOrder
    take_profit_price: Decimal | None
    """Where what this order enters is to be left; of exits, of the lot they leave."""
    stop_loss_price: Decimal | None


class Answer(StrEnum):
    """What is known of one request about one order."""

    ACCEPTED = "accepted"
    """The venue has it, or had it: ``order`` says how it stands."""
    REJECTED = "rejected"
    """The venue refused it for certain: nothing rests."""
    DENIED = "denied"
    """It never left: our own client refused it."""
    CANCELED = "canceled"
    """The venue confirmed that it is gone."""
    ABSENT = "absent"
    """The venue knows no such order, asked several times."""
    UNKNOWN = "unknown"
    """No answer that can be believed: it may rest, have filled, or never have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The venue's answer about one order, from the adapter."""

    client_order_id: str
    symbol: str
    answer: Answer
    order: KnownOrder | None
    """As the venue states it; ``None`` unless it did."""
    code: int | None
    """The venue's error code."""
    message: str
    """In one line, without secrets; empty when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """What was learned of one order of ours: a row of ``order_executions``."""

    account: str
    client_order_id: str
    symbol: str
    recorded_at: datetime
    as_of: datetime
    """The venue's time when it was asked."""
    answer: Answer
    status: OrderStatus | None
    venue_order_id: str | None
    filled_quantity: Decimal | None
    settled: bool
    """Whether it can fill no more, so nobody looks it up again."""
    code: int | None
    message: str


def update_of(answered: Answered, *, account: str, recorded_at: datetime, as_of: datetime) -> OrderUpdate:
    order = answered.order
    return OrderUpdate(
        account=account,
        client_order_id=answered.client_order_id,
        symbol=answered.symbol,
        recorded_at=recorded_at,
        as_of=as_of,
        answer=answered.answer,
        status=order.status if order else None,
        venue_order_id=order.venue_order_id if order else None,
        filled_quantity=order.filled_quantity if order else None,
        settled=_settled(answered),
        code=answered.code,
        message=answered.message,
    )


def pending_order(intent: Intent) -> KnownOrder:
    """The intent as an order that counts as resting."""
    order = intent.order
    return KnownOrder(
        client_order_id=order.client_order_id,
        venue_order_id=None,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        order_type=order.order_type.value,
        status=OrderStatus.PENDING,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        quantity=order.quantity or Decimal(0),
        filled_quantity=Decimal(0),
    )


def _settled(answered: Answered) -> bool:
    if answered.answer in {Answer.REJECTED, Answer.DENIED, Answer.CANCELED, Answer.ABSENT}:
        return True
    return (
        answered.answer is Answer.ACCEPTED
        and answered.order is not None
        and not answered.order.status.is_working
    )
