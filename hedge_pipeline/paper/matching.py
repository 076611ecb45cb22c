"""Orders against the path of prices: what trades at an instant, at which price, and how much of it.

The market is as deep as it has to be at the last price, which is bid and ask alike: an order rests while its limit is not
reached and trades when it is, a resting one at its limit as maker, an arriving one at the market's price as taker. Of all
executions a share, drawn from the seed, fills only a part of what remains; the rest waits for the next instant. So the same
orders at the same instants of the same path give the same fills.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.fills import fill, position_of
from hedge_pipeline.paper.market import Quote
from hedge_pipeline.paper.order_checks import (
    check_band,
    check_conditional,
    check_opening,
    check_order,
    closable,
    taker_price,
    watched_price,
)
from hedge_pipeline.paper.order_requests import refused
from hedge_pipeline.paper.orders import Conditional, ConditionalStatus, Order, OrderBook, OrderStatus
from hedge_pipeline.paper.positions import PositionSide
from hedge_pipeline.paper.requests import Refusal

_ZERO = Decimal(0)
_WHOLE = Decimal(2) ** 32
_TRIGGER_PROTECTION = Decimal("0.05")
"""Largest distance of mark from last price, a fraction, at which a protected order is still sent: `triggerProtect`."""


def drawn_quantity(book: OrderBook, order: Order, increment: Decimal) -> Decimal:
    """How much of an order its next execution fills: all that remains, or between a quarter and three quarters of it."""
    name = f"{book.seed}/{order.order_id}/{order.fills}".encode()
    digest = hashlib.blake2b(name, digest_size=8).digest()
    chance, share = (Decimal(int.from_bytes(half)) / _WHOLE for half in (digest[:4], digest[4:]))
    remaining = order.remaining_quantity
    if chance >= book.partial_share:
        return remaining
    part = remaining * (Decimal("0.25") + share / 2) / increment
    return max(part.to_integral_value(rounding=ROUND_FLOOR) * increment, increment)


def place(core: Core, order: Order, *, now_ms: int) -> Order:
    """Take an order: what trades at once has traded when this returns.

    Raises:
        Refusal: it is not taken, and nothing has changed.
    """
    quote = core.market.quote(order.symbol, now_ms)
    check_order(core, order, quote, now_ms=now_ms)
    if order.time_in_force == "FOK" and not _fills_whole(core, order, quote):
        raise refused(
            -5021,
            "Due to the order could not be filled immediately, the FOK order has been rejected. "
            "The order will not be recorded in the order history",
        )
    core.order_book.new_order_id()
    return _send(core, order, quote, now_ms=now_ms)


def place_conditional(core: Core, asked: Conditional, *, now_ms: int) -> Conditional:
    """Raises Refusal where it is not taken; nothing has changed then."""
    check_conditional(core, asked, core.market.quote(asked.symbol, now_ms))
    core.order_book.new_algo_id()
    core.order_book.keep_conditional(asked)
    core.revision += 1
    settle(core, asked.symbol, asked.position_side, now_ms=now_ms)
    return asked


def match(core: Core, symbol: str, *, now_ms: int) -> None:
    """Let the market reach its price of this instant: resting orders in the order of their prices, then the triggers."""
    quote = core.market.quote(symbol, now_ms)
    reached = [o for o in core.order_book.working(symbol) if o.is_reached(quote.last_price)]
    for order in sorted(reached, key=lambda o: (-o.price if o.side == "BUY" else o.price, o.order_id)):
        quantity = drawn_quantity(core.order_book, order, core.instrument(symbol).size_increment)
        fill(core, order, price=order.price, quantity=quantity, maker=True, now_ms=now_ms)
        _list_position(core, symbol, order.position_side, now_ms=now_ms)
    waiting = sorted(core.order_book.waiting(symbol), key=lambda c: (c.trigger_price, c.algo_id))
    falling = [c for c in reversed(waiting) if _falls(c)]
    for conditional in [c for c in waiting if not _falls(c)] + falling:
        if conditional.is_triggered(watched_price(conditional, quote)):
            _trigger(core, conditional, quote, now_ms=now_ms)


def cancel(core: Core, order: Order, *, now_ms: int, status: OrderStatus = "CANCELED") -> Order:
    order = replace(order, status=status, updated_ms=now_ms)
    core.order_book.keep(order)
    core.revision += 1
    _list_position(core, order.symbol, order.position_side, now_ms=now_ms)
    return order


def end_conditional(
    core: Core, conditional: Conditional, *, now_ms: int, status: ConditionalStatus = "CANCELED"
) -> Conditional:
    conditional = replace(conditional, status=status, updated_ms=now_ms)
    core.order_book.keep_conditional(conditional)
    core.revision += 1
    _list_position(core, conditional.symbol, conditional.position_side, now_ms=now_ms)
    return conditional


def cancel_everything(
    core: Core,
    concerns: Callable[[str], bool],
    *,
    now_ms: int,
    conditionals: bool,
    status: OrderStatus = "CANCELED",
) -> None:
    """Cancel the ordinary orders of the symbols this concerns, and the conditional ones if wanted."""
    for order in [o for o in core.order_book.working() if concerns(o.symbol)]:
        cancel(core, order, now_ms=now_ms, status=status)
    for conditional in [c for c in core.order_book.waiting() if conditionals and concerns(c.symbol)]:
        end_conditional(core, conditional, now_ms=now_ms)


def _falls(conditional: Conditional) -> bool:
    """Whether it waits for the price to come down to it."""
    return (conditional.side == "SELL") == (conditional.order_type in {"STOP", "STOP_MARKET"})


def _fills_whole(core: Core, order: Order, quote: Quote) -> bool:
    increment = core.instrument(order.symbol).size_increment
    trades = order.is_reached(taker_price(core, order.symbol, order.side, quote.last_price))
    return trades and drawn_quantity(core.order_book, order, increment) == order.quantity


def _send(core: Core, order: Order, quote: Quote, *, now_ms: int) -> Order:
    """Let a checked order trade as taker, and rest or end with what remains."""
    core.order_book.keep(order)
    core.revision += 1
    increment = core.instrument(order.symbol).size_increment
    price = taker_price(core, order.symbol, order.side, quote.last_price)
    if order.order_type == "MARKET":
        while order.is_working:
            quantity = (
                order.remaining_quantity if order.fills else drawn_quantity(core.order_book, order, increment)
            )
            order = fill(core, order, price=price, quantity=quantity, maker=False, now_ms=now_ms)
    elif order.time_in_force == "GTX":
        if order.is_reached(quote.last_price):
            order = cancel(core, order, now_ms=now_ms, status="EXPIRED")
    elif order.is_reached(price) and (order.time_in_force != "FOK" or _fills_whole(core, order, quote)):
        quantity = drawn_quantity(core.order_book, order, increment)
        order = fill(core, order, price=price, quantity=quantity, maker=False, now_ms=now_ms)
    if order.is_working and order.time_in_force in {"IOC", "FOK"}:
        order = cancel(core, order, now_ms=now_ms, status="EXPIRED")
    settle(core, order.symbol, order.position_side, now_ms=now_ms)
    return core.order_book.orders[order.order_id]


def _trigger(core: Core, conditional: Conditional, quote: Quote, *, now_ms: int) -> None:
    """Send its order. What it would close beyond the position is left out; with nothing to close it expires."""
    quantity = conditional.quantity
    if not conditional.opens:
        left = closable(core, conditional.symbol, conditional.position_side)
        quantity = left if conditional.close_position else min(quantity, left)
    apart = abs(quote.mark_price - quote.last_price) > quote.last_price * _TRIGGER_PROTECTION
    if not quantity or (conditional.price_protect and apart):
        end_conditional(core, conditional, now_ms=now_ms, status="EXPIRED")
        return
    order = _sent_by(core, conditional, quantity, now_ms=now_ms)
    instrument = core.instrument(order.symbol)
    price = taker_price(core, order.symbol, order.side, quote.last_price)
    try:
        check_band(order, instrument, quote.mark_price, price)
        if order.opens:
            check_opening(core, order, order.price or price, now_ms=now_ms)
    except Refusal:
        end_conditional(core, conditional, now_ms=now_ms, status="REJECTED")
        return
    core.order_book.keep_conditional(
        replace(
            conditional,
            status="FINISHED",
            triggered_ms=now_ms,
            updated_ms=now_ms,
            actual_order_id=core.order_book.new_order_id(),
        )
    )
    _send(core, order, quote, now_ms=now_ms)


def _sent_by(core: Core, conditional: Conditional, quantity: Decimal, *, now_ms: int) -> Order:
    return Order(
        order_id=core.order_book.next_order_id,
        client_order_id=conditional.client_algo_id,
        symbol=conditional.symbol,
        side=conditional.side,
        position_side=conditional.position_side,
        order_type="LIMIT" if conditional.price else "MARKET",
        time_in_force=conditional.time_in_force,
        quantity=quantity,
        price=conditional.price,
        created_ms=now_ms,
        updated_ms=now_ms,
        original_type=conditional.order_type,
        stop_price=conditional.trigger_price,
        close_position=conditional.close_position,
    )


def settle(core: Core, symbol: str, position_side: PositionSide, *, now_ms: int) -> None:
    """Let resting closes that no longer fit into the position expire; the older ones have the first claim."""
    left = closable(core, symbol, position_side)
    for order in core.order_book.resting_closes(symbol, position_side):
        if order.remaining_quantity > left:
            cancel(core, order, now_ms=now_ms, status="EXPIRED")
        else:
            left -= order.remaining_quantity
    _list_position(core, symbol, position_side, now_ms=now_ms)


def _list_position(core: Core, symbol: str, position_side: PositionSide, *, now_ms: int) -> None:
    """A side is listed while it holds something, or orders of it rest."""
    key = symbol, position_side
    resting = any(o.position_side == position_side for o in core.order_book.working(symbol))
    if resting or any(c.position_side == position_side for c in core.order_book.waiting(symbol)):
        core.positions.setdefault(key, replace(position_of(core, *key), updated_ms=now_ms))
    elif not position_of(core, *key).quantity:
        core.positions.pop(key, None)
