"""The part of the back door that bears on orders: restrictions, thin books, forced closing, somebody else's orders."""

from collections.abc import Callable
from typing import Any, get_args

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.admin_params import Action, Body, InvalidRequest, decimal, fraction, text
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.liquidation import deleverage, settle_contract
from hedge_pipeline.paper.order_wire import order_row
from hedge_pipeline.paper.orders import Restriction
from hedge_pipeline.paper.positions import PositionSide
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline.paper.venue import PaperVenue


def _restrict(venue: PaperVenue, body: Body) -> Any:
    code, known = body.get("code"), get_args(Restriction)
    if code not in (None, *known):
        raise InvalidRequest(f"code: {code!r} is neither {' nor '.join(map(str, known))}, nor left out")

    def act(core: Core, now_ms: int) -> None:
        core.order_book.restriction = code
        core.revision += 1

    venue.act(act)
    return {}


def _set_distance(venue: PaperVenue, body: Body) -> Any:
    symbol, distance = text(body, "symbol"), fraction(body, "distance")

    def act(core: Core, now_ms: int) -> None:
        core.order_book.distance[core.instrument(symbol).symbol] = distance
        core.revision += 1

    venue.act(act)
    return {}


def _set_partial_fills(venue: PaperVenue, body: Body) -> Any:
    share = fraction(body, "share")

    def act(core: Core, now_ms: int) -> None:
        core.order_book.partial_share = share
        core.revision += 1

    venue.act(act)
    return {}


def _set_countdown(venue: PaperVenue, body: Body) -> Any:
    spares = body.get("spares_conditionals")
    if not isinstance(spares, bool):
        raise InvalidRequest(f"spares_conditionals: {spares!r} is neither true nor false")

    def act(core: Core, now_ms: int) -> None:
        core.order_book.countdown_spares_conditionals = spares
        core.revision += 1

    venue.act(act)
    return {}


def _deleverage(venue: PaperVenue, body: Body) -> Any:
    symbol, quantity = text(body, "symbol"), decimal(body, "quantity")
    side: Any = body.get("position_side")
    if side not in get_args(PositionSide):
        raise InvalidRequest(f"position_side: {side!r} is neither LONG nor SHORT")

    def act(core: Core, now_ms: int) -> Any:
        instrument = core.instrument(symbol)
        return order_row(deleverage(core, symbol, side, quantity, now_ms=now_ms), instrument)

    return venue.act(act)


def _settle(venue: PaperVenue, body: Body) -> Any:
    symbol = text(body, "symbol")

    def act(core: Core, now_ms: int) -> Any:
        instrument = core.instrument(symbol)
        return [order_row(order, instrument) for order in settle_contract(core, symbol, now_ms=now_ms)]

    return venue.act(act)


def _place(venue: PaperVenue, body: Body) -> Any:
    params = {name: text(body, name) for name in body}

    def act(core: Core, now_ms: int) -> Any:
        if "algoType" in params:
            named = {"clientAlgoId": f"web_{core.order_book.next_algo_id}", **params}
            return trading.new_conditional(core, now_ms, named)
        named = {"newClientOrderId": f"web_{core.order_book.next_order_id}", **params}
        return trading.new_order(core, now_ms, named)

    return _unless_refused(venue, act)


def _cancel(venue: PaperVenue, body: Body) -> Any:
    params = {name: text(body, name) for name in body}
    cancel = trading.cancel_conditional if {"algoId", "clientAlgoId"} & set(params) else trading.cancel_order
    return _unless_refused(venue, lambda core, now_ms: cancel(core, now_ms, params))


def _unless_refused(venue: PaperVenue, act: Callable[[Core, int], Any]) -> Any:
    try:
        return venue.act(act)
    except Refusal as refusal:
        raise InvalidRequest("{code}: {msg}".format_map(refusal.body)) from None


TRADING_ACTIONS: dict[tuple[str, str], Action] = {
    ("POST", "/paper/restriction"): _restrict,
    ("POST", "/paper/distance"): _set_distance,
    ("POST", "/paper/partial_fills"): _set_partial_fills,
    ("POST", "/paper/countdown"): _set_countdown,
    ("POST", "/paper/deleverage"): _deleverage,
    ("POST", "/paper/settlement"): _settle,
    ("POST", "/paper/order"): _place,
    ("DELETE", "/paper/order"): _cancel,
}
