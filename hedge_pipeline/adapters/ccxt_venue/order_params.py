"""Orders in the venue's parameters. Hedge mode: both directions are named, ``reduceOnly`` never.

Source: Binance USD-M documentation, "New Order" and "New Algo Order".
"""

import re
from decimal import Decimal

from hedge_pipeline.domain.orders import NewOrder, OrderType

_CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


def is_conditional(order: NewOrder) -> bool:
    """Whether it goes to the venue's service for conditional orders."""
    return order.order_type is OrderType.STOP_MARKET


def fault(order: NewOrder) -> str | None:
    """Why the venue cannot be given this order."""
    if not _CLIENT_ORDER_ID.fullmatch(order.client_order_id):
        return "client_order_id: must be 1 to 36 letters, digits or any of . : / _ -"
    return None


def ordinary(order: NewOrder) -> dict[str, str]:
    params = {
        **_direction(order),
        "type": order.order_type.value,
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "RESULT",
    }
    if order.quantity is not None:
        params["quantity"] = _plain(order.quantity)
    if order.limit_price is not None:
        params["price"] = _plain(order.limit_price)
    if order.time_in_force is not None:
        params["timeInForce"] = order.time_in_force.value
    return params


def conditional(order: NewOrder) -> dict[str, str]:
    """Without a quantity it closes the position, whatever that is by then."""
    params = {
        **_direction(order),
        "algoType": "CONDITIONAL",
        "type": order.order_type.value,
        "clientAlgoId": order.client_order_id,
        "workingType": "MARK_PRICE",
        "priceProtect": "TRUE",
    }
    if order.stop_price is not None:
        params["triggerPrice"] = _plain(order.stop_price)
    if order.quantity is None:
        params["closePosition"] = "true"
    else:
        params["quantity"] = _plain(order.quantity)
    return params


def _direction(order: NewOrder) -> dict[str, str]:
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "positionSide": order.position_side.value,
    }


def _plain(amount: Decimal) -> str:
    """All digits, no exponent, no zeros at the end, which the venue counts as precision."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
