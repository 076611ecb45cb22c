"""Reducing: needs no permit, in no state of the gate; needs proof that the order closes no more than there is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from hedge_pipeline.domain.account import Position
from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderKind
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.execution.desk import Desk
from hedge_pipeline.execution.sending import batches, send

ZERO = Decimal(0)


class ExitPrices(NamedTuple):
    """Where the lot that an exit leaves is to be left."""

    take_profit_price: Decimal | None
    stop_loss_price: Decimal | None


def reduce(
    desk: Desk,
    orders: Sequence[NewOrder],
    *,
    positions: Sequence[Position] | None,
    resting: Sequence[KnownOrder] | None,
    strategy: str,
    cycle: datetime,
    prices: Mapping[str, ExitPrices] | None = None,
    lookups: int = 1,
) -> list[OrderUpdate]:
    """Send them in order; one update each, those that were not sent first: DENIED, with what could not be proven.

    Args:
        positions: as the venue states them; ``None``: not known.
        resting: every working order, with those of ours that are not acknowledged; ``None``: not known.
        prices: by client order id; without, an exit's own price is all that is known of its lot.

    Raises:
        ConcurrentAppend: somebody else stored an intent of the same id meanwhile; the batch was not sent.
        StoreUnavailable: what was sent without an update is settled later.
    """
    proven: list[NewOrder] = []
    updates: list[OrderUpdate] = []
    for order in orders:
        if repetition := desk.repetition(order):
            updates.append(repetition)
        elif unproven := why_it_may_not_reduce(order, positions, resting, earlier=proven):
            denial = desk.denial(order, unproven)
            desk.store.append(denial)
            updates.append(denial)
        else:
            proven.append(order)
    for batch in batches(proven):
        intents = [_intent(desk, order, strategy, cycle, prices or {}) for order in batch]
        desk.store.append(*intents)
        updates += send(desk, intents, lookups)
    return updates


def why_it_may_not_reduce(
    order: NewOrder,
    positions: Sequence[Position] | None,
    resting: Sequence[KnownOrder] | None,
    *,
    earlier: Sequence[NewOrder] = (),
) -> str | None:
    """What cannot be proven, in one line; ``None``: it reduces.

    A stop waits beside the one it will replace, so resting stops count nothing against it: the position bounds it, together
    with ``earlier`` stops of the same call. Any other close has what the position leaves beside resting and earlier ones.
    """
    if not order.reduces_position:
        return f"{order.side} {order.position_side} opens: it needs a permit"
    if order.quantity is None:
        return None
    if positions is None:
        return "the positions are not known, so nothing proves that it reduces"
    is_stop = order.stop_price is not None
    if resting is None and not is_stop:
        return "the resting orders are not known, so nothing proves how much is left to close"
    side = (order.symbol, order.position_side)
    held = sum((each.quantity for each in positions if (each.symbol, each.position_side) == side), ZERO)
    closing = sum(
        (
            each.quantity or ZERO
            for each in earlier
            if (each.symbol, each.position_side) == side and (each.stop_price is not None) is is_stop
        ),
        ZERO,
    )
    if not is_stop:
        closing += sum(
            (
                each.remaining_quantity
                for each in resting or ()
                if each.reduces_position
                and each.stop_price is None
                and (each.symbol, each.position_side) == side
            ),
            ZERO,
        )
    left = held - closing
    if left.is_finite() and order.quantity <= left:
        return None
    return (
        f"it closes {order.quantity:f}, and {left:f} are left of a {order.position_side} position of {held:f} in "
        f"{order.symbol}"
    )


def _intent(
    desk: Desk, order: NewOrder, strategy: str, cycle: datetime, prices: Mapping[str, ExitPrices]
) -> Intent:
    own = ExitPrices(
        take_profit_price=order.limit_price if order.kind is OrderKind.TAKE_PROFIT else None,
        stop_loss_price=order.stop_price,
    )
    lot = prices.get(order.client_order_id, own)
    return Intent(
        account=desk.account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        strategy=strategy,
        recorded_at=desk.clock.now(),
        cycle=cycle,
        decided_at=None,
        order=order,
        take_profit_price=lot.take_profit_price,
        stop_loss_price=lot.stop_loss_price,
    )
