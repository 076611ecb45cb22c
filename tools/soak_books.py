"""What the venue's own books say of orders, executions and positions, with whose they are."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from hedge_pipeline.domain.client_order_ids import OrderName
from hedge_pipeline.domain.trading.fill_origins import FORCED
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.readings import FillOrigin
from hedge_pipeline.paper.orders import Conditional, Order
from hedge_pipeline.paper.trades import Trade
from tools.soak_sent import name_of
from tools.soak_stage import SoakStage

ZERO = Decimal(0)


def bears(stage: SoakStage, order: Order | Conditional) -> OrderName | None:
    text = order.client_order_id if isinstance(order, Order) else order.client_algo_id
    return name_of(stage, text, order.symbol)


def openings(stage: SoakStage) -> list[Order]:
    """Ours that rest."""
    return [order for order in stage.core.order_book.working() if order.opens and bears(stage, order)]


def unknown(stage: SoakStage) -> list[Intent]:
    """Unsettled intents of which nothing rests: they count as resting until the venue has told."""
    book = stage.core.order_book
    live = {order.client_order_id for order in book.working()}
    live |= {conditional.client_algo_id for conditional in book.waiting()}
    return [intent for intent in stage.other.store.unsettled("main") if intent.client_order_id not in live]


def lacking(stage: SoakStage) -> Iterator[tuple[tuple[str, str], str]]:
    book = stage.core.order_book
    for (symbol, side), position in stage.core.positions.items():
        stops, takes, levels, backstops = ZERO, ZERO, Counter[int](), 0
        for conditional in book.waiting(symbol):
            name = bears(stage, conditional)
            if name is None or conditional.position_side != side or conditional.opens:
                continue
            stops += conditional.quantity
            backstops += conditional.close_position
            levels[name.level] += 1
        for order in book.working(symbol):
            if not order.opens and order.position_side == side and bears(stage, order):
                takes += order.remaining_quantity
        if stops != position.quantity:
            yield (symbol, side), f"{symbol} {side}: {position.quantity} held, {stops} under stops"
        if backstops != bool(position.quantity):
            yield (symbol, side), f"{symbol} {side}: {position.quantity} held, {backstops} backstops"
        if takes > position.quantity:
            yield (symbol, side), f"{symbol} {side}: {position.quantity} held, {takes} to be taken"
        if any(count > 1 for count in levels.values()):
            yield (symbol, side), f"{symbol} {side}: stops by level {dict(levels)}"


def origin_of(stage: SoakStage, trade: Trade) -> FillOrigin:
    order = stage.core.order_book.orders[trade.order_id]
    forced = next((origin for prefix, origin in FORCED if order.client_order_id.startswith(prefix)), None)
    if bears(stage, order):
        return FillOrigin.OURS
    is_second_store = order.client_order_id.startswith("hp-")
    return forced or (FillOrigin.OTHER_STORE if is_second_store else FillOrigin.FOREIGN)
