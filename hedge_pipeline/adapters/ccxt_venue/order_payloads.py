"""Orders as the venue states them, believed field by field or refused by name: ordinary ones and conditional ones.

A conditional order is told by its ``stop_price``; an ordinary one has none, also when a conditional one sent it. Statuses of
both become one vocabulary. Source: Binance USD-M documentation, "Query Order", "Query Algo Order", "Event: Algo Order Update".
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from hedge_pipeline.adapters.ccxt_venue.wire import (
    Identifier,
    Name,
    NonNegative,
    Payload,
    parse,
    refuse_duplicates,
)
from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus

ZERO = Decimal(0)

_EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
"""Taken out since it would have traded with an order of the same account."""


def _nothing(value: object) -> object:
    return "0" if value is None or value == "" else value


def _unstated(value: object) -> object:
    return None if value == "" else value


OrNothing = Annotated[NonNegative, BeforeValidator(_nothing)]
"""Empty or null where it does not apply."""
VenueOrderId = Annotated[Identifier, Field(pattern=r"^[0-9]{1,20}$")]


class _Stated(Payload):
    symbol: Name
    side: Literal["BUY", "SELL"]
    position_side: Literal["LONG", "SHORT"]


class _Order(_Stated):
    order_id: VenueOrderId
    client_order_id: Name
    type: Name
    status: Literal[
        "NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"
    ]
    price: NonNegative
    orig_qty: NonNegative
    executed_qty: NonNegative

    @model_validator(mode="after")
    def _filled_within_ordered(self) -> Self:
        if self.executed_qty > self.orig_qty:
            raise ValueError("executedQty: is more than origQty")
        return self


class _Conditional(_Stated):
    algo_id: VenueOrderId
    client_algo_id: Name
    order_type: Name
    algo_status: Literal["NEW", "TRIGGERING", "TRIGGERED", "FINISHED", "CANCELED", "REJECTED", "EXPIRED"]
    quantity: OrNothing
    close_position: bool
    trigger_price: OrNothing
    price: OrNothing
    actual_qty: Annotated[NonNegative | None, BeforeValidator(_unstated)] = None
    """Filled by the order it sent; some answers leave it out until there is one."""

    @model_validator(mode="after")
    def _finished_with_a_quantity(self) -> Self:
        if self.algo_status == "FINISHED" and self.actual_qty is None:
            raise ValueError("actualQty: must be stated of what has finished")
        return self

    @property
    def filled(self) -> Decimal:
        return self.actual_qty or ZERO

    @property
    def status(self) -> OrderStatus:
        match self.algo_status:
            case "FINISHED":
                whole = self.filled > 0 and (self.close_position or self.filled >= self.quantity)
                return OrderStatus.FILLED if whole else OrderStatus.CANCELED
            case "TRIGGERING" | "TRIGGERED":
                return OrderStatus.PARTIALLY_FILLED if self.filled > 0 else OrderStatus.NEW
            case known:
                return OrderStatus(known)


_ORDERS = TypeAdapter(list[_Order])
_CONDITIONALS = TypeAdapter(list[_Conditional])


def orders(raw: object) -> tuple[KnownOrder, ...]:
    rows = parse("orders", _ORDERS.validate_python, raw)
    refuse_duplicates("orders", "orderId", (row.order_id for row in rows))
    return tuple(map(_known, rows))


def conditionals(raw: object) -> tuple[KnownOrder, ...]:
    rows = parse("conditionals", _CONDITIONALS.validate_python, raw)
    refuse_duplicates("conditionals", "algoId", (row.algo_id for row in rows))
    return tuple(map(_known_conditional, rows))


def order(raw: object) -> KnownOrder:
    return _known(parse("order", _Order.model_validate, raw))


def conditional(raw: object) -> KnownOrder:
    return _known_conditional(parse("conditional", _Conditional.model_validate, raw))


class _Ended(Payload):
    """A canceled conditional order: the documentation shows all of it, the venue answers the names alone."""

    algo_id: VenueOrderId
    client_algo_id: Name
    code: Any = None
    algo_status: Any = None

    @model_validator(mode="after")
    def _confirmed(self) -> Self:
        if self.algo_status != "CANCELED" and str(self.code) != "200":
            raise ValueError("code: confirms nothing")
        return self


def ended_conditional(raw: object) -> tuple[str, str]:
    """The venue's and the client's id of the one that is gone."""
    row = parse("conditional", _Ended.model_validate, raw)
    return row.algo_id, row.client_algo_id


class Refusal(Payload):
    """One order of several that the venue did not do."""

    code: Annotated[int, Field(lt=0)]
    msg: Annotated[str, Field(max_length=2000)]


def refusal(raw: object) -> Refusal | None:
    """``None``: it is none, whatever else it is."""
    try:
        return Refusal.model_validate(raw)
    except ValidationError:
        return None


def _known(row: _Order) -> KnownOrder:
    return KnownOrder(
        client_order_id=row.client_order_id,
        venue_order_id=row.order_id,
        symbol=row.symbol,
        side=Side(row.side),
        position_side=PositionSide(row.position_side),
        order_type=row.type,
        status=OrderStatus.EXPIRED if row.status == _EXPIRED_IN_MATCH else OrderStatus(row.status),
        limit_price=row.price or None,
        stop_price=None,
        quantity=row.orig_qty,
        filled_quantity=row.executed_qty,
    )


def _known_conditional(row: _Conditional) -> KnownOrder:
    return KnownOrder(
        client_order_id=row.client_algo_id,
        venue_order_id=row.algo_id,
        symbol=row.symbol,
        side=Side(row.side),
        position_side=PositionSide(row.position_side),
        order_type=row.order_type,
        status=row.status,
        limit_price=row.price or None,
        stop_price=row.trigger_price,
        quantity=ZERO if row.close_position else row.quantity,
        filled_quantity=row.filled,
    )
