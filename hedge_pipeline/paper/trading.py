"""Trading on the venue: the requests that place, find and cancel orders.

They take the core, the instant and the parameters, as the reading endpoints do; they act at that instant, so let time pass up to
it first: `walk.advance`.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.liquidation import FORCED
from hedge_pipeline.paper.matching import (
    cancel,
    cancel_everything,
    end_conditional,
    place,
    place_conditional,
)
from hedge_pipeline.paper.order_requests import conditional_of, listed, order_of, refused
from hedge_pipeline.paper.order_wire import conditional_row, order_row, placed_row
from hedge_pipeline.paper.orders import Conditional, Order
from hedge_pipeline.paper.requests import Refusal, integer, limit, mandatory

Params = Mapping[str, str]
_Kind = TypeVar("_Kind", Order, Conditional)

_MOST_PLACED, _MOST_CANCELED = 5, 10
_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


def new_order(core: Core, now_ms: int, params: Params) -> Any:
    order = place(core, order_of(core, params, now_ms=now_ms), now_ms=now_ms)
    return placed_row(order, core.instrument(order.symbol))


def new_orders(
    core: Core, now_ms: int, params: Params, *, refusals: Mapping[int, Refusal] | None = None
) -> Any:
    """Up to five, answered in the order they were sent, each with its order or its refusal.

    `refusals` are those given whatever the order, by its place in the batch.
    """
    legs = _listed_values(params, "batchOrders")
    if not legs or len(legs) > _MOST_PLACED:
        raise refused(-4082, "Invalid number of batch place orders.")
    if not all(isinstance(leg, dict) for leg in legs):
        raise mandatory("batchOrders")
    refusals = refusals or {}
    return [
        refusals[position].body
        if position in refusals
        else _one_of_many(lambda p: new_order(core, now_ms, p), _texts(leg))
        for position, leg in enumerate(legs)
    ]


def query_order(core: Core, now_ms: int, params: Params) -> Any:
    order = _found(core, params)
    if order is None:
        raise refused(-2013, "Order does not exist.")
    return order_row(order, core.instrument(order.symbol))


def query_open_order(core: Core, now_ms: int, params: Params) -> Any:
    order = _found(core, params)
    if order is None or not order.is_working:
        raise refused(-2013, "Order does not exist.")
    return order_row(order, core.instrument(order.symbol))


def open_orders(core: Core, now_ms: int, params: Params) -> Any:
    symbol = listed(core, params).symbol if "symbol" in params else None
    return [order_row(o, core.instrument(o.symbol)) for o in core.order_book.working(symbol)]


def all_orders(core: Core, now_ms: int, params: Params) -> Any:
    """Orders of one symbol, oldest first, those that are done included: from an id on, or the most recent."""
    instrument = listed(core, params)
    orders = _asked_for(core.order_book.orders, instrument.symbol, "orderId", now_ms, params)
    return [order_row(o, instrument) for o in orders]


def forced_orders(core: Core, now_ms: int, params: Params) -> Any:
    """What the venue closed by itself, oldest first, the most recent ones: liquidations, deleveraging, or either alone."""
    symbol = listed(core, params).symbol if "symbol" in params else None
    kind = params.get("autoCloseType")
    if kind not in {None, *FORCED}:
        raise refused(-1130, "Data sent for parameter 'autoCloseType' is not valid.")
    prefixes = tuple(FORCED.values()) if kind is None else FORCED[kind]
    rows = [
        order_row(o, core.instrument(o.symbol))
        for o in core.order_book.orders.values()
        if symbol in {None, o.symbol} and o.client_order_id.startswith(prefixes)
    ]
    return rows[-limit(params, default=50, most=100) :]


def cancel_order(core: Core, now_ms: int, params: Params) -> Any:
    order = _found(core, params)
    if order is None or not order.is_working:
        raise refused(-2011, "Unknown order sent.")
    return placed_row(cancel(core, order, now_ms=now_ms), core.instrument(order.symbol))


def cancel_orders(core: Core, now_ms: int, params: Params) -> Any:
    """Up to ten of one symbol; both spellings of the lists' names are known."""
    symbol = listed(core, params).symbol
    by_name = {name.lower(): name for name in params}
    if "orderidlist" in by_name:
        single, wanted = "orderId", _listed_values(params, by_name["orderidlist"])
    elif "origclientorderidlist" in by_name:
        single, wanted = "origClientOrderId", _listed_values(params, by_name["origclientorderidlist"])
    else:
        raise refused(
            -1102, "Param 'origClientOrderIdList' or 'orderIdList' must be sent, but both were empty/null!"
        )
    if not wanted or len(wanted) > _MOST_CANCELED:
        raise refused(-4083, "Invalid number of batch cancel orders.")
    return [
        _one_of_many(lambda p: cancel_order(core, now_ms, p), {"symbol": symbol, single: str(w)})
        for w in wanted
    ]


def cancel_all_orders(core: Core, now_ms: int, params: Params) -> Any:
    """All ordinary orders of a symbol; conditional ones stay."""
    symbol = listed(core, params).symbol
    cancel_everything(core, symbol.__eq__, now_ms=now_ms, conditionals=False)
    return dict(_DONE)


def new_conditional(core: Core, now_ms: int, params: Params) -> Any:
    asked = conditional_of(core, params, now_ms=now_ms)
    return _conditional(core, place_conditional(core, asked, now_ms=now_ms))


def query_conditional(core: Core, now_ms: int, params: Params) -> Any:
    found = _found_conditional(core, params)
    if found is None:
        raise refused(-2013, "Order does not exist.")
    return _conditional(core, found)


def open_conditionals(core: Core, now_ms: int, params: Params) -> Any:
    symbol = listed(core, params).symbol if "symbol" in params else None
    return [_conditional(core, c) for c in core.order_book.waiting(symbol)]


def all_conditionals(core: Core, now_ms: int, params: Params) -> Any:
    """Conditional orders of one symbol, as `all_orders` lists ordinary ones."""
    asked = _asked_for(core.order_book.conditionals, listed(core, params).symbol, "algoId", now_ms, params)
    return [_conditional(core, c) for c in asked]


def cancel_conditional(core: Core, now_ms: int, params: Params) -> Any:
    found = _found_conditional(core, params)
    if found is None or not found.is_working:
        raise refused(-2011, "Unknown order sent.")
    ended = end_conditional(core, found, now_ms=now_ms)
    return {"algoId": ended.algo_id, "clientAlgoId": ended.client_algo_id, "code": "200", "msg": "success"}


def cancel_all_conditionals(core: Core, now_ms: int, params: Params) -> Any:
    for conditional in list(core.order_book.waiting(listed(core, params).symbol)):
        end_conditional(core, conditional, now_ms=now_ms)
    return dict(_DONE)


def countdown_cancel_all(core: Core, now_ms: int, params: Params) -> Any:
    """Cancel a symbol's orders once so many milliseconds have passed without another call; 0 disarms."""
    symbol = listed(core, params).symbol
    countdown = integer(params, "countdownTime")
    if countdown is None or countdown < 0:
        raise mandatory("countdownTime")
    core.order_book.countdowns.pop(symbol, None)
    if countdown:
        core.order_book.countdowns[symbol] = now_ms + countdown
    core.revision += 1
    return {"symbol": symbol, "countdownTime": str(countdown)}


def _conditional(core: Core, conditional: Conditional) -> dict[str, Any]:
    return conditional_row(conditional, core.instrument(conditional.symbol), core.order_book)


def _asked_for(
    kept: Mapping[int, _Kind], symbol: str, identifier: str, now_ms: int, params: Params
) -> list[_Kind]:
    most = limit(params, default=500, most=1000)
    first = integer(params, identifier)
    start, end = integer(params, "startTime") or 0, integer(params, "endTime")
    found = [
        order
        for number, order in kept.items()
        if order.symbol == symbol
        and number >= (first or 0)
        and start <= order.created_ms <= (now_ms if end is None else end)
    ]
    return found[-most:] if first is None else found[:most]


def _found(core: Core, params: Params) -> Order | None:
    """By the venue's identifier, else the most recent by ours, which may have been used again."""
    symbol, order_id = listed(core, params).symbol, integer(params, "orderId")
    name = params.get("origClientOrderId")
    if order_id is None and name is None:
        raise refused(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    found = [
        o
        for o in core.order_book.orders.values()
        if o.symbol == symbol
        and (o.order_id == order_id if order_id is not None else o.client_order_id == name)
    ]
    return found[-1] if found else None


def _found_conditional(core: Core, params: Params) -> Conditional | None:
    algo_id, name = integer(params, "algoId"), params.get("clientAlgoId")
    if algo_id is None and name is None:
        raise refused(-1102, "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!")
    found = [
        c
        for c in core.order_book.conditionals.values()
        if (c.algo_id == algo_id if algo_id is not None else c.client_algo_id == name)
    ]
    return found[-1] if found else None


def _listed_values(params: Params, name: str) -> list[Any]:
    try:
        values = json.loads(params.get(name, ""))
    except ValueError:
        raise mandatory(name) from None
    if not isinstance(values, list):
        raise mandatory(name)
    return values


def _texts(leg: Mapping[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in leg.items()}


def _one_of_many(request: Any, params: Params) -> Any:
    try:
        return request(params)
    except Refusal as refusal:
        return refusal.body
