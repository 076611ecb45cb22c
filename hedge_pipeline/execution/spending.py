"""Spending: what a permit covers of a batch at this moment, with the journal of incidents read again."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.permits import Refusal, TradingPermit, spend
from hedge_pipeline.execution.desk import Desk


def spend_each(
    desk: Desk, permit: TradingPermit, orders: Sequence[NewOrder], mark_prices: Mapping[str, Decimal]
) -> tuple[TradingPermit, dict[str, Refusal]]:
    """What is left of the permit once they are submitted, and by client order id why one may not be."""
    incidents, now = desk.incidents(), desk.now()
    refused = {}
    for order in orders:
        left = spend(
            permit,
            order,
            account=desk.account,
            mark_price=mark_prices.get(order.symbol),
            incidents=incidents,
            now=now,
        )
        if isinstance(left, Refusal):
            refused[order.client_order_id] = left
        else:
            permit = left
    return permit, refused
