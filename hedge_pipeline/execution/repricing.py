"""Repricing: the next attempt of a post-only order that would have traded at once, a little further from mark."""

from dataclasses import replace

from hedge_pipeline.domain.client_order_ids import MOST_ATTEMPT, Book, client_order_id, recognize
from hedge_pipeline.domain.increments import directed_price, refusal
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.trading.plans import PlannedEntry
from hedge_pipeline.domain.trading.policy import SendingRule


def repriced(
    entry: PlannedEntry, retry: int, *, book: Book, instrument: Instrument, rule: SendingRule
) -> NewOrder | None:
    """The order of retry 1, 2, …, named anew; ``None``: there is none.

    A buyer goes down and a seller up, each retry as far again from the first price, and never further from the rung's price
    than the rule allows.
    """
    order, name = entry.order, recognize(entry.order.client_order_id, book).name
    if (
        order.limit_price is None
        or order.quantity is None
        or name is None
        or retry > rule.retry_attempts
        or name.attempt + retry > MOST_ATTEMPT
    ):
        return None
    steps = retry * rule.retry_steps * instrument.price_increment
    away = order.limit_price + (-steps if order.side is Side.BUY else steps)
    price = directed_price(away, order.side, instrument)
    own = entry.rung.limit_price
    if price <= 0 or abs(price - own) * 10_000 > rule.retry_max_deviation_bps * own:
        return None
    if refusal(price, order.quantity, instrument) is not None:
        return None
    attempt = replace(name, attempt=name.attempt + retry)
    return replace(order, client_order_id=client_order_id(book, attempt), limit_price=price)
