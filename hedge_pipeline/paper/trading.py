"""Trading on the venue: time passing over its orders, and the requests that place, find and cancel them.

Requests take the core, the instant and the parameters, as the reading endpoints do; they act at that instant, so `advance` to it
first. Orders meet the path once a second of the wall clock, on whole seconds, whoever asks and however often: an account asked
once an hour has the fills of one asked all the time.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hedge_pipeline.paper.core import HOUR_MS, Core
from hedge_pipeline.paper.liquidation import FORCED, is_far, liquidate
from hedge_pipeline.paper.matching import (
    cancel,
    cancel_everything,
    end_conditional,
    match,
    place,
    place_conditional,
)
from hedge_pipeline.paper.order_requests import conditional_of, listed, order_of, refused
from hedge_pipeline.paper.order_wire import conditional_row, order_row, placed_row
from hedge_pipeline.paper.orders import Conditional, Order
from hedge_pipeline.paper.requests import Refusal, integer, limit, mandatory

Params = Mapping[str, str]

STEP_MS = 1000
COVER_STEP_MS = 60_000
"""How often margins are looked at, unless they are far from used up."""
_MOST_PLACED, _MOST_CANCELED = 5, 10
_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


def advance(core: Core, now_ms: int) -> None:
    """Let everything due by now happen: funding, countdowns, fills, triggers, liquidation."""
    for instant in _instants(core, now_ms):
        _fund(core, instant)
        _end_countdowns(core, instant)
        for symbol in sorted(_symbols_with_orders(core)):
            match(core, symbol, now_ms=instant)
        if instant % COVER_STEP_MS == 0 and not is_far(core, instant):
            liquidate(core, now_ms=instant)
    _fund(core, now_ms)
    _end_countdowns(core, now_ms)
    core.order_book.walked_until_ms = now_ms
    core.order_book.forget(now_ms)


def _instants(core: Core, now_ms: int) -> Iterator[int]:
    """Whole seconds in which something can happen: minutes where no order rests, hours (of funding) where margins are far from
    used up or the path stood still.
    """
    last = core.order_book.walked_until_ms
    if last is None:
        return
    path = core.market.path_at(last)
    instant = last
    while True:
        next_hour = instant + HOUR_MS - instant % HOUR_MS
        if core.market.path_at(next_hour) == path:
            step = HOUR_MS
        elif _symbols_with_orders(core):
            step = STEP_MS
        else:
            step = HOUR_MS if is_far(core, next_hour) else COVER_STEP_MS
        instant += step - instant % step
        if instant > now_ms:
            return
        before, path = path, core.market.path_at(instant)
        if path != before or instant % HOUR_MS == 0:
            yield instant


def _fund(core: Core, now_ms: int) -> None:
    """Funding alone is no reason to look at margins that are far from used up."""
    revision = core.revision
    core.advance(now_ms)
    if core.covered and core.covered[0] == revision:
        core.covered = core.revision, core.covered[1]


def _symbols_with_orders(core: Core) -> set[str]:
    return {o.symbol for o in core.order_book.working()} | {c.symbol for c in core.order_book.waiting()}


def _end_countdowns(core: Core, now_ms: int) -> None:
    ended = {symbol for symbol, at_ms in core.order_book.countdowns.items() if at_ms <= now_ms}
    if not ended:
        return
    for symbol in ended:
        del core.order_book.countdowns[symbol]
    core.revision += 1
    spares = core.order_book.countdown_spares_conditionals
    cancel_everything(core, ended.__contains__, now_ms=now_ms, conditionals=not spares)


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


def open_orders(core: Core, now_ms: int, params: Params) -> Any:
    symbol = listed(core, params).symbol if "symbol" in params else None
    return [order_row(o, core.instrument(o.symbol)) for o in core.order_book.working(symbol)]


def all_orders(core: Core, now_ms: int, params: Params) -> Any:
    """Orders of one symbol, oldest first, those that are done included: from an id on, or the most recent."""
    instrument = listed(core, params)
    most = limit(params, default=500, most=1000)
    first = integer(params, "orderId")
    start, end = integer(params, "startTime") or 0, integer(params, "endTime")
    rows = [
        order_row(o, instrument)
        for o in core.order_book.orders.values()
        if o.symbol == instrument.symbol
        and o.order_id >= (first or 0)
        and start <= o.created_ms <= (now_ms if end is None else end)
    ]
    return rows[-most:] if first is None else rows[:most]


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
