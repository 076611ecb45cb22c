"""Permitting: whether a permit for an opening order could be issued now, by everything the store says."""

from collections.abc import Sequence
from decimal import Decimal

from hedge_pipeline.cycle.alarming import changes_of_incidents
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.cycle.judging import inputs_in_advance, judge
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.permits import Refusal, issue_permit
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.risk_events import risk_state_of
from hedge_pipeline.domain.trading_risk_state import breaker_is_open

LATELY = 500
"""Intents and updates looked back through for refusals."""
LEAST = Decimal(1)
"""USD: any permit at all."""


def why_closed(fund: Fund, orders: Sequence[KnownOrder] | None) -> str | None:
    """Why no opening order may rest, in one line; ``None``: a permit could be issued. What cannot be judged is closed.

    ``orders`` are those that rest; ``None``: not known.
    """
    try:
        return _why_closed(fund, orders)
    except Exception as error:  # noqa: BLE001  whatever keeps the gate from being judged closes it
        return f"the gate cannot be judged: {type(error).__name__}"


def _why_closed(fund: Fund, orders: Sequence[KnownOrder] | None) -> str | None:
    if not fund.trading.enabled:
        return "opening orders are not enabled"
    changes = changes_of_incidents(fund, orders)
    permit = issue_permit(
        judge(fund, inputs_in_advance(fund)),
        symbols=frozenset(strategy.symbol for strategy in fund.trading.strategies),
        notional_usd=LEAST,
        orders=1,
        incidents=[*fund.store.open_incidents(fund.account), *changes.opened],
        now=fund.now(),
    )
    if isinstance(permit, Refusal):
        return permit.message
    state = risk_state_of(
        fund.account,
        fund.recent(Intent, LATELY),
        fund.recent(OrderUpdate, LATELY),
        (),
        fund.trading.limits,
    )
    return "the circuit breaker is open" if breaker_is_open(state, fund.now()) else None
