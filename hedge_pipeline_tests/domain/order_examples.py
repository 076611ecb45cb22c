"""Orders, positions and verdicts of a small account on BTCUSDT at 100,000."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.account import AccountTotals, Position, PositionSide
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    TimeInForce,
    closing_side,
    opening_side,
)
from hedge_pipeline.domain.verdicts import Breach, BreachKind, GateDecision, Incident, TradingState
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, START

SECOND = timedelta(seconds=1)
NOW = START + timedelta(hours=12)


def decision(**changes: Any) -> GateDecision:
    fields: dict[str, Any] = {
        "account": "main",
        "decided_at": NOW - SECOND,
        "recorded_at": NOW - SECOND,
        "state": TradingState.ACTIVE,
        "dormant": False,
        "valid_until": NOW + timedelta(seconds=60),
        "limits_fingerprint": "0123456789ab",
        "breaches": (),
        "nav_ordinal": 1,
        "peak_ordinal": 1,
    }
    return GateDecision(**{**fields, **changes})


def breach(reason: str, ceiling: TradingState = TradingState.HALTED) -> Breach:
    return Breach(
        rule="some_rule_holds", reason=reason, kind=BreachKind.LIMIT, ceiling=ceiling, latches=False,
        message="it does not", threshold="0.20", observation="0.40", age=None, source=None, remedy="look",
    )  # fmt: skip


def incident(**changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "account": "main",
        "key": "operator_halt",
        "opened_at": NOW,
        "closed_at": None,
        "latched": True,
        "ceiling": TradingState.HALTED,
        "reason": "kill_switch",
        "message": "told to",
        "remedy": "hedge rearm",
        "holds_until": None,
        "closed_by": None,
    }
    return Incident(**{**fields, **changes})


def entry(
    quantity: Any = "0.01", price: Any = "99500", held: PositionSide = LONG, **changes: Any
) -> NewOrder:
    """An opening order about to be sent."""
    fields: dict[str, Any] = {
        "client_order_id": "hp-1",
        "symbol": "BTCUSDT",
        "kind": OrderKind.ENTRY,
        "side": opening_side(held),
        "position_side": held,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTX,
        "quantity": Decimal(quantity),
        "limit_price": Decimal(price),
        "stop_price": None,
    }
    return NewOrder(**{**fields, **changes})


def take_profit(quantity: Any = "0.01", price: Any = "101000", held: PositionSide = LONG) -> NewOrder:
    return entry(
        quantity,
        price,
        held,
        kind=OrderKind.TAKE_PROFIT,
        side=closing_side(held),
        time_in_force=TimeInForce.GTC,
    )


def stop(quantity: Any = "0.01", price: Any = "97000", held: PositionSide = LONG) -> NewOrder:
    """``None`` closes whatever is left."""
    return replace(
        entry(held=held),
        kind=OrderKind.STOP_LOSS,
        side=closing_side(held),
        order_type=OrderType.STOP_MARKET,
        time_in_force=None,
        quantity=None if quantity is None else Decimal(quantity),
        limit_price=None,
        stop_price=Decimal(price),
    )


def rests(order: NewOrder, **changes: Any) -> KnownOrder:
    """The same order on the venue's books; a stop that closes whatever is left states no quantity there."""
    fields: dict[str, Any] = {
        "client_order_id": order.client_order_id,
        "venue_order_id": "1",
        "symbol": order.symbol,
        "side": order.side,
        "position_side": order.position_side,
        "order_type": order.order_type,
        "status": OrderStatus.NEW,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "quantity": order.quantity or Decimal(0),
        "filled_quantity": Decimal(0),
    }
    return KnownOrder(**{**fields, **changes})


def position(quantity: Any = "0.01", held: PositionSide = LONG, **changes: Any) -> Position:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "position_side": held,
        "quantity": Decimal(quantity),
        "entry_price": CENTER,
        "mark_price": CENTER,
        "unrealized_pnl": Decimal(0),
        "margin_asset": "USDT",
        "liquidation_price": None,
        "updated_at": NOW,
    }
    return Position(**{**fields, **changes})


def totals(balance: Any = 10_000, maintenance: Any = 0) -> AccountTotals:
    return AccountTotals(
        wallet_balance=Decimal(balance),
        unrealized_pnl=Decimal(0),
        margin_balance=Decimal(balance),
        maintenance_margin=Decimal(maintenance),
    )
