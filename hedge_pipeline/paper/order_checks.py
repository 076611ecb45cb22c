"""What the account and the market must allow before an order is taken, each with the refusal the venue gives.

Source of codes and messages: Binance USD-M documentation, "Error Codes" and "Filters".
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.fills import position_of
from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.market import Quote
from hedge_pipeline.paper.order_requests import refused
from hedge_pipeline.paper.orders import Conditional, Order, Side
from hedge_pipeline.paper.positions import PositionSide, value
from hedge_pipeline.paper.requests import money

MOST_ORDERS = 200
"""Resting per symbol; conditional ones over all symbols."""
_ZERO = Decimal(0)
_RESTRICTIONS = {
    -4400: "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed, please try again later.",
    -4401: "Compliance restricted account permission: can only place reduceOnly order.",
}


def taker_price(core: Core, symbol: str, side: Side, last_price: Decimal) -> Decimal:
    """What a taker of this side trades at: the last price, or as far beyond it as the book was made thin."""
    distance = core.order_book.distance.get(symbol, _ZERO)
    increment = core.instrument(symbol).price_increment
    away = last_price * (1 + distance if side == "BUY" else 1 - distance) / increment
    return away.to_integral_value(rounding=ROUND_CEILING if side == "BUY" else ROUND_FLOOR) * increment


def check_order(core: Core, order: Order, quote: Quote, *, now_ms: int) -> None:
    """Whether this ordinary order is taken now.

    Raises:
        Refusal: it is not, and nothing has changed.
    """
    instrument = core.instrument(order.symbol)
    _check_restriction(core, opens=order.opens)
    if any(o.client_order_id == order.client_order_id for o in core.order_book.working()):
        raise refused(-4116, "ClientOrderId is duplicated.")
    if sum(1 for _ in core.order_book.working(order.symbol)) >= MOST_ORDERS:
        raise refused(-2025, "Reach max open order limit.")
    taken_at = taker_price(core, order.symbol, order.side, quote.last_price)
    check_band(order, instrument, quote.mark_price, taken_at)
    if order.time_in_force == "GTX" and order.is_reached(quote.last_price):
        raise refused(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected. "
            "The order will not be recorded in the order history",
        )
    if order.opens:
        check_opening(core, order, order.price or taken_at, now_ms=now_ms)
    else:
        check_closing(core, order)


def check_conditional(core: Core, asked: Conditional, quote: Quote) -> None:
    """Whether this conditional order is taken now.

    Raises:
        Refusal: it is not, and nothing has changed.
    """
    _check_restriction(core, opens=asked.opens)
    waiting = list(core.order_book.waiting())
    if any(c.client_algo_id == asked.client_algo_id for c in waiting):
        raise refused(-4116, "ClientOrderId is duplicated.")
    if len(waiting) >= MOST_ORDERS:
        raise refused(-4045, "Reach max stop order limit.")
    if asked.is_triggered(watched_price(asked, quote)):
        raise refused(-2021, "Order would immediately trigger.")
    same = (asked.symbol, asked.side, asked.position_side)
    twins = (c for c in waiting if c.close_position and (c.symbol, c.side, c.position_side) == same)
    is_stop = asked.order_type == "STOP_MARKET"
    if asked.close_position and any((c.order_type == "STOP_MARKET") == is_stop for c in twins):
        raise refused(
            -4130,
            "An open stop or take profit order with GTE and closePosition in the direction is existing.",
        )


def watched_price(conditional: Conditional, quote: Quote) -> Decimal:
    return quote.mark_price if conditional.working_type == "MARK_PRICE" else quote.last_price


def check_band(order: Order, instrument: Instrument, mark_price: Decimal, taken_at: Decimal) -> None:
    """A buyer's price may not lie too far above the mark, a seller's not too far below it: PERCENT_PRICE."""
    highest, lowest = mark_price * (1 + instrument.price_band), mark_price * (1 - instrument.price_band)
    if order.order_type == "MARKET":
        if taken_at > highest if order.side == "BUY" else taken_at < lowest:
            raise refused(
                -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
            )
    elif order.side == "BUY" and order.price > highest:
        raise refused(-4016, f"Limit price can't be higher than {money(highest)}.")
    elif order.side == "SELL" and order.price < lowest:
        raise refused(-4024, f"Limit price can't be lower than {money(lowest)}.")


def check_opening(core: Core, order: Order, price: Decimal, *, now_ms: int) -> None:
    instrument = core.instrument(order.symbol)
    notional = price * order.remaining_quantity
    least = instrument.minimum_notional
    if notional < least:
        raise refused(
            -4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        )
    worth = core.account(now_ms).assets.get(instrument.margin_asset)
    if notional / instrument.leverage > (worth.available_balance if worth else _ZERO):
        raise refused(-2019, "Margin is insufficient.")
    mark = core.market.quote(order.symbol, now_ms).mark_price
    held = value(position_of(core, order.symbol, order.position_side), instrument, mark).notional
    resting = core.order_book.resting_notional(order.symbol, order.position_side)
    if abs(held) + resting + notional > instrument.maximum_notional:
        raise refused(-2027, "Exceeded the maximum allowable position at current leverage.")


def check_closing(core: Core, order: Order) -> None:
    """An order may close what there is; one that rests, what other resting closes leave of it.

    The venue words it as if `reduceOnly` had been sent.
    """
    left = closable(core, order.symbol, order.position_side)
    if order.order_type == "LIMIT" and order.time_in_force in {"GTC", "GTX"}:
        resting = core.order_book.resting_closes(order.symbol, order.position_side)
        left -= sum((o.remaining_quantity for o in resting), _ZERO)
    if order.quantity > left:
        raise refused(-2022, "ReduceOnly Order is rejected.")


def closable(core: Core, symbol: str, position_side: PositionSide) -> Decimal:
    return position_of(core, symbol, position_side).quantity


def _check_restriction(core: Core, *, opens: bool) -> None:
    code = core.order_book.restriction
    if code is not None and opens:
        raise refused(code, _RESTRICTIONS[code])
