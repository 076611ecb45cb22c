"""Executing a bar's plans: under the account's lock, on the word of a trading run, each symbol under a permit of this instant."""

from collections.abc import Sequence

from hedge_pipeline.cycle.desks import desk_of
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.cycle.judging import judge
from hedge_pipeline.cycle.trading_facts import instrument_of, instruments_of, marks_of, newest, open_orders
from hedge_pipeline.domain.permits import Refusal, issue_permit
from hedge_pipeline.domain.trading.authority import RunAuthority, authority_refusal
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.executing import (
    Execution,
    SymbolExecution,
    permit_size,
    plan_refusal,
    symbol_execution,
)
from hedge_pipeline.domain.trading.intents import OrderUpdate
from hedge_pipeline.domain.trading.plans import PlanRow
from hedge_pipeline.domain.trading.policy import StrategyPolicy
from hedge_pipeline.execution import Desk, cancel, open_entries


def execute_plans(fund: Fund, authority: RunAuthority | None) -> Execution:
    """Cancel what the newest plans cancel, then open what they open; what is not sent says why.

    Raises:
        StoreUnavailable: what was sent without an update is looked up later.
    """
    refused = authority_refusal(authority, fund.clock.now(), by_hand=fund.trading.by_hand)
    if refused is not None:
        return Execution(refused=refused, symbols=())
    with fund.lock.hold() as held:
        if not held:
            return Execution(refused="another process is sending orders on this account", symbols=())
        desk = desk_of(fund)
        return Execution(
            refused=None,
            symbols=tuple(_executed(fund, desk, strategy) for strategy in fund.trading.strategies),
        )


def _executed(fund: Fund, desk: Desk, strategy: StrategyPolicy) -> SymbolExecution:
    plan = newest(fund, PlanRow, strategy.symbol)
    cycle = cycle_at(fund.now(), strategy.bar)
    canceled = _canceled(fund, desk, plan) if plan is not None and plan.cycle == cycle else []
    opened, why = _opened(fund, desk, strategy, plan)
    return symbol_execution(strategy.symbol, opened, canceled, why)


def _canceled(fund: Fund, desk: Desk, plan: PlanRow) -> Sequence[OrderUpdate]:
    reading = open_orders(fund)
    listed = (reading.orders if reading else None) or ()
    return cancel(desk, [order for order in listed if order.client_order_id in plan.cancel])


def _opened(
    fund: Fund, desk: Desk, strategy: StrategyPolicy, plan: PlanRow | None
) -> tuple[Sequence[OrderUpdate], str | None]:
    refused = plan_refusal(
        plan,
        cycle=cycle_at(fund.now(), strategy.bar),
        bar=strategy.bar,
        instrument=instrument_of(fund, strategy.symbol),
        recorded_now=fund.clock.now(),
    )
    if plan is None or refused is not None:
        return (), refused
    mark_prices = {symbol: mark.mark_price for symbol, mark in marks_of(fund).items()}
    notional, count = permit_size(plan.entries, mark_prices, fund.trading.sending.retry_attempts)
    permit = issue_permit(
        judge(fund),
        symbols=frozenset({strategy.symbol}),
        notional_usd=notional,
        orders=count,
        incidents=desk.incidents(),
        now=fund.now(),
    )
    if isinstance(permit, Refusal):
        return (), f"no permit: {permit.message}"
    return open_entries(
        desk,
        plan.entries,
        permit,
        cycle=plan.cycle,
        strategy=strategy.name,
        mark_prices=mark_prices,
        rule=fund.trading.sending,
        instruments=instruments_of(fund) or (),
    ), None
