"""Orders as the venue writes them: ordinary, conditional, and lists of both.

Source of field names and types: Binance USD-M documentation, "Query Order" and "Query Algo Order", and recorded answers. Money is
a string in the contract's own precision, an instant an integer of milliseconds.
"""

from decimal import ROUND_DOWN, Decimal
from typing import Any

from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.orders import Conditional, Order, OrderBook

_NO_PREVENTION = {"priceMatch": "NONE", "selfTradePreventionMode": "EXPIRE_MAKER", "goodTillDate": 0}


def order_row(order: Order, instrument: Instrument) -> dict[str, Any]:
    """One ordinary order, as its query answers and `openOrders` lists it."""
    places = instrument.price_precision
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": _written(order.price, places),
        "avgPrice": _written(order.average_price, places + 3),
        "origQty": _written(order.quantity, instrument.quantity_precision),
        "executedQty": _written(order.filled_quantity, instrument.quantity_precision),
        "cumQuote": _written(order.filled_quote, 5),
        "timeInForce": order.time_in_force,
        "type": order.order_type,
        "reduceOnly": not order.opens,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": _written(order.stop_price, places),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.original_type or order.order_type,
        **_NO_PREVENTION,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def placed_row(order: Order, instrument: Instrument) -> dict[str, Any]:
    """The answer to placing or canceling it: without the time it was made, with the executed quantity under two names."""
    row = order_row(order, instrument)
    del row["time"]
    return {**row, "cumQty": row["executedQty"]}


def conditional_row(conditional: Conditional, instrument: Instrument, book: OrderBook) -> dict[str, Any]:
    """One conditional order, with what became of the order it sent."""
    places = instrument.price_precision
    sent = book.orders.get(conditional.actual_order_id or 0)
    return {
        "algoId": conditional.algo_id,
        "clientAlgoId": conditional.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": conditional.order_type,
        "symbol": conditional.symbol,
        "side": conditional.side,
        "positionSide": conditional.position_side,
        "timeInForce": conditional.time_in_force,
        "quantity": _written(conditional.quantity, instrument.quantity_precision),
        "algoStatus": "TRIGGERED" if sent and sent.is_working else conditional.status,
        "actualOrderId": str(conditional.actual_order_id or ""),
        "actualPrice": _written(sent.average_price if sent else Decimal(0), places + 3),
        "actualQty": _written(sent.filled_quantity if sent else Decimal(0), instrument.quantity_precision),
        "actualType": sent.order_type if sent else "",
        "triggerPrice": _written(conditional.trigger_price, places),
        "price": _written(conditional.price, places),
        "icebergQuantity": None,
        "workingType": conditional.working_type,
        "closePosition": conditional.close_position,
        "priceProtect": conditional.price_protect,
        "reduceOnly": not conditional.opens,
        "createTime": conditional.created_ms,
        "updateTime": conditional.updated_ms,
        "triggerTime": conditional.triggered_ms,
        **_NO_PREVENTION,
    }


def _written(amount: Decimal, places: int) -> str:
    return f"{amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN):f}"
