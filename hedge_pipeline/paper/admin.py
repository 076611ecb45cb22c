"""The venue's back door, under `/paper/`: what a market, another screen and bad luck would do to it.

Guarded by a random token in a header, so that neither another user of the machine nor a web page can drive it.
"""

import hmac
import json
import math
from typing import Any

from aiohttp import web

from hedge_pipeline.paper.admin_params import Action, Body, InvalidRequest, decimal, text
from hedge_pipeline.paper.admin_trading import TRADING_ACTIONS
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.effects import effect
from hedge_pipeline.paper.ledger import Income
from hedge_pipeline.paper.player import UnknownSymbol
from hedge_pipeline.paper.requests import money, written
from hedge_pipeline.paper.state import StateUnusable
from hedge_pipeline.paper.venue import PaperVenue

TOKEN_HEADER = "X-Paper-Token"  # noqa: S105 - the name of a header


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
            "partial_fills": str(core.order_book.partial_share),
            "distance": {symbol: str(distance) for symbol, distance in core.order_book.distance.items()},
            "faults": [standing.described() for standing in venue.faults],
        }

    return venue.act(describe)


def _deposit(venue: PaperVenue, body: Body) -> Any:
    asset, amount = text(body, "asset"), decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.deposit(asset, amount, now_ms=now_ms)))


def _withdraw(venue: PaperVenue, body: Body) -> Any:
    asset, amount = text(body, "asset"), decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.withdraw(asset, amount, now_ms=now_ms)))


def _realize(venue: PaperVenue, body: Body) -> Any:
    symbol, amount = text(body, "symbol"), decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.realize(symbol, amount, now_ms=now_ms)))


def _commission(venue: PaperVenue, body: Body) -> Any:
    symbol, asset, amount = text(body, "symbol"), text(body, "asset"), decimal(body, "amount")
    return _row(venue.act(lambda core, now_ms: core.charge_commission(symbol, asset, amount, now_ms=now_ms)))


def _convert(venue: PaperVenue, body: Body) -> Any:
    source, source_amount = text(body, "source"), decimal(body, "source_amount")
    target, target_amount = text(body, "target"), decimal(body, "target_amount")
    rows = venue.act(
        lambda core, now_ms: core.convert(source, source_amount, target, target_amount, now_ms=now_ms)
    )
    return [_row(row) for row in rows]


def _book(venue: PaperVenue, body: Body) -> Any:
    income_type, asset, amount = text(body, "income_type"), text(body, "asset"), decimal(body, "amount")
    symbol = str(body.get("symbol", ""))
    return _row(
        venue.act(lambda core, now_ms: core.book(income_type, asset, amount, now_ms=now_ms, symbol=symbol))
    )


def _move_price(venue: PaperVenue, body: Body) -> Any:
    symbol, factor = text(body, "symbol"), decimal(body, "factor")
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


def _set_clock_offset(venue: PaperVenue, body: Body) -> Any:
    seconds = body.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidRequest(f"seconds: {seconds!r} is not a number")
    venue.clock_offset_ms = round(seconds * 1000)
    return {"clock_offset_ms": venue.clock_offset_ms}


def _set_fault(venue: PaperVenue, body: Body) -> Any:
    parameters = dict(body)
    endpoint, kind, times = text(parameters, "endpoint"), text(parameters, "kind"), parameters.get("times")
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
    **TRADING_ACTIONS,
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


def _row(row: Income) -> Body:
    return {
        "income_type": row.income_type,
        "asset": row.asset,
        "amount": money(row.amount),
        "symbol": row.symbol,
        "time_ms": row.time_ms,
        "tran_id": row.tran_id,
    }
