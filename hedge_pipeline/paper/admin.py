"""The venue's back door, under `/paper/`: what a market, another screen and bad luck would do to it.

Guarded by a random token in a header, so that neither another user of the machine nor a web page can drive it.
"""

import hmac
import json
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from aiohttp import web

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.ledger import Income
from hedge_pipeline.paper.liquidation import deleverage
from hedge_pipeline.paper.order_wire import order_row
from hedge_pipeline.paper.orders import Restriction
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.positions import PositionSide
from hedge_pipeline.paper.requests import Refusal, money, written
from hedge_pipeline.paper.state import StateUnusable
from hedge_pipeline.paper.venue import PaperVenue

TOKEN_HEADER = "X-Paper-Token"  # noqa: S105 - the name of a header

Body = dict[str, Any]
Action = Callable[[PaperVenue, Body], Any]


class InvalidRequest(ValueError):
    """A parameter is missing or unusable; the message names it."""


def _status(venue: PaperVenue, body: Body) -> Any:
    def describe(core: Core, now_ms: int) -> Body:
        return {
            "now_ms": now_ms,
            "clock_offset_ms": venue.clock_offset_ms,
            "path_ms": core.market.path_at(now_ms),
            "symbols": list(core.instruments),
            "multi_assets": core.multi_assets,
            "hedge_mode": core.hedge_mode,
            "balances": {asset: money(balance) for asset, balance in core.ledger.balances.items()},
            "income_rows": len(core.ledger.rows),
            "open_orders": sum(1 for _ in core.order_book.working()),
            "restriction": core.order_book.restriction,
            "distance": {symbol: str(distance) for symbol, distance in core.order_book.distance.items()},
            "faults": [standing.described() for standing in venue.faults],
        }

    return venue.act(describe)


def _deposit(venue: PaperVenue, body: Body) -> Any:
    asset, amount = _text(body, "asset"), _decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.deposit(asset, amount, now_ms=now_ms)))


def _withdraw(venue: PaperVenue, body: Body) -> Any:
    asset, amount = _text(body, "asset"), _decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.withdraw(asset, amount, now_ms=now_ms)))


def _realize(venue: PaperVenue, body: Body) -> Any:
    symbol, amount = _text(body, "symbol"), _decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.realize(symbol, amount, now_ms=now_ms)))


def _commission(venue: PaperVenue, body: Body) -> Any:
    symbol, asset, amount = _text(body, "symbol"), _text(body, "asset"), _decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.charge_commission(symbol, asset, amount, now_ms=now_ms)))


def _convert(venue: PaperVenue, body: Body) -> Any:
    source, source_amount = _text(body, "source"), _decimal(body, "source_amount")
    target, target_amount = _text(body, "target"), _decimal(body, "target_amount")
    rows = venue.act(
        lambda core, now_ms: core.convert(source, source_amount, target, target_amount, now_ms=now_ms)
    )
    return [_row(row) for row in rows]


def _book(venue: PaperVenue, body: Body) -> Any:
    income_type, asset, amount = _text(body, "income_type"), _text(body, "asset"), _decimal(body, "amount")
    symbol = str(body.get("symbol", ""))
    return _row(
        venue.act(lambda core, now_ms: core.book(income_type, asset, amount, now_ms=now_ms, symbol=symbol))
    )


def _move_price(venue: PaperVenue, body: Body) -> Any:
    symbol, factor = _text(body, "symbol"), _decimal(body, "factor")
    venue.act(lambda core, now_ms: core.move_price(symbol, factor, now_ms=now_ms))
    return {}


def _set_mode(venue: PaperVenue, body: Body) -> Any:
    modes = {name: body.get(name) for name in ("multi_assets", "hedge_mode")}
    if unknown := set(body) - set(modes):
        raise InvalidRequest(f"{sorted(unknown)}: only multi_assets and hedge_mode can be set")
    for name, mode in modes.items():
        if mode not in {None, True, False}:
            raise InvalidRequest(f"{name}: {mode!r} is neither true nor false")
    venue.act(lambda core, _: core.set_mode(**modes))
    return {}


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
    symbol, distance = _text(body, "symbol"), _decimal(body, "distance")
    if not distance.is_finite() or not 0 <= distance < 1:
        raise InvalidRequest(f"distance: {distance} is no fraction from 0 to 1")

    def act(core: Core, now_ms: int) -> None:
        core.order_book.distance[core.instrument(symbol).symbol] = distance
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
    symbol, quantity = _text(body, "symbol"), _decimal(body, "quantity")
    side: Any = body.get("position_side")
    if side not in get_args(PositionSide):
        raise InvalidRequest(f"position_side: {side!r} is neither LONG nor SHORT")

    def act(core: Core, now_ms: int) -> Any:
        instrument = core.instrument(symbol)
        return order_row(deleverage(core, symbol, side, quantity, now_ms=now_ms), instrument)

    return venue.act(act)


def _place(venue: PaperVenue, body: Body) -> Any:
    params = {name: _text(body, name) for name in body}

    def act(core: Core, now_ms: int) -> Any:
        named = {"newClientOrderId": f"web_{core.order_book.next_order_id}", **params}
        return trading.new_order(core, now_ms, named)

    return _unless_refused(venue, act)


def _cancel(venue: PaperVenue, body: Body) -> Any:
    params = {name: _text(body, name) for name in body}
    return _unless_refused(venue, lambda core, now_ms: trading.cancel_order(core, now_ms, params))


def _unless_refused(venue: PaperVenue, act: Callable[[Core, int], Any]) -> Any:
    try:
        return venue.act(act)
    except Refusal as refusal:
        raise InvalidRequest("{code}: {msg}".format_map(refusal.body)) from None


def _set_clock_offset(venue: PaperVenue, body: Body) -> Any:
    seconds = body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidRequest(f"seconds: {seconds!r} is not a number")
    venue.clock_offset_ms = round(seconds * 1000)
    return {"clock_offset_ms": venue.clock_offset_ms}


def _set_fault(venue: PaperVenue, body: Body) -> Any:
    parameters = dict(body)
    endpoint, kind, times = _text(parameters, "endpoint"), _text(parameters, "kind"), parameters.get("times")
    parameters = {k: v for k, v in parameters.items() if k not in {"endpoint", "kind", "times"}}
    return venue.set_fault(endpoint, effect(kind, parameters), times=times).described()


def _list_faults(venue: PaperVenue, body: Body) -> Any:
    return [standing.described() for standing in venue.faults]


def _clear_faults(venue: PaperVenue, body: Body) -> Any:
    return {"cleared": venue.clear_faults(endpoint=body.get("endpoint"), fault_id=body.get("id"))}


def _stop(venue: PaperVenue, body: Body) -> Any:
    venue.stopping.set()
    return {}


ACTIONS: dict[tuple[str, str], Action] = {
    ("GET", "/paper/status"): _status,
    ("POST", "/paper/deposit"): _deposit,
    ("POST", "/paper/withdraw"): _withdraw,
    ("POST", "/paper/realize"): _realize,
    ("POST", "/paper/commission"): _commission,
    ("POST", "/paper/convert"): _convert,
    ("POST", "/paper/book"): _book,
    ("POST", "/paper/price"): _move_price,
    ("POST", "/paper/mode"): _set_mode,
    ("POST", "/paper/restriction"): _restrict,
    ("POST", "/paper/distance"): _set_distance,
    ("POST", "/paper/countdown"): _set_countdown,
    ("POST", "/paper/deleverage"): _deleverage,
    ("POST", "/paper/order"): _place,
    ("DELETE", "/paper/order"): _cancel,
    ("POST", "/paper/clock"): _set_clock_offset,
    ("GET", "/paper/faults"): _list_faults,
    ("POST", "/paper/faults"): _set_fault,
    ("DELETE", "/paper/faults"): _clear_faults,
    ("POST", "/paper/stop"): _stop,
}


def add_routes(app: web.Application, venue: PaperVenue) -> None:
    async def admin(request: web.Request) -> web.Response:
        token = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(token.encode(), venue.admin_token.encode()):
            return _answer(403, {"error": f"{TOKEN_HEADER} is missing or not this venue's"})
        action = ACTIONS.get((request.method, request.path))
        if action is None:
            return _answer(
                404, {"error": f"{request.method} {request.path} is not an action of the paper venue"}
            )
        try:
            body = json.loads(await request.text() or "{}")
            if not isinstance(body, dict):
                raise InvalidRequest("the body is not a JSON object")
            return _answer(200, action(venue, body))
        except UnknownSymbol as error:
            return _answer(400, {"error": f"symbol: {error} is not listed or priced here"})
        except ValueError as error:
            return _answer(400, {"error": str(error)})
        except StateUnusable as error:
            return _answer(503, {"error": f"it may have happened and is not kept: {error}"})

    app.router.add_route("*", "/paper/{path:.*}", admin)


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, text=written(body), content_type="application/json")


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"{name}: is missing or not a text")
    return value


def _decimal(body: Body, name: str) -> Decimal:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidRequest(f"{name}: is missing, or neither a whole number nor a decimal written as a text")
    try:
        return Decimal(value)
    except InvalidOperation:
        raise InvalidRequest(f"{name}: {value!r} is not a number") from None


def _row(row: Income) -> Body:
    return {
        "income_type": row.income_type,
        "asset": row.asset,
        "amount": money(row.amount),
        "symbol": row.symbol,
        "time_ms": row.time_ms,
        "tran_id": row.tran_id,
    }
