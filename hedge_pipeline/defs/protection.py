"""Protection: what keeps every position covered and no opening order resting behind a closed gate, in every state.

It depends on nothing that the gate's checks could block; only the venue's account, its orders and its fills come before it.
"""

from datetime import datetime
from functools import partial

import dagster as dg

from hedge_pipeline import cycle
from hedge_pipeline.cycle import Fund
from hedge_pipeline.cycle.judging import inputs_in_advance
from hedge_pipeline.defs.account import accounts
from hedge_pipeline.defs.checks import judged, recent
from hedge_pipeline.defs.orders import fills, open_orders
from hedge_pipeline.defs.presentation import instants, listed, present, table, words
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.guarding import of_unknown_outcome, unprotected
from hedge_pipeline.domain.trading.intents import OrderUpdate
from hedge_pipeline.domain.trading.readings import OrdersReading
from hedge_pipeline.domain.trading.unwanted import opening_orders, orders_of_a_second_trader
from hedge_pipeline.domain.verdicts import TradingState

UPDATES = 500
"""How far back answers are looked for."""


@dg.asset(
    group_name="protection",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=[accounts, open_orders, fills],
    description=(
        "One protection cycle: orders of unknown outcome looked up, opening orders canceled unless the gate is ACTIVE, "
        "every position brought under its stops, the dead-man's switch set. One row says what covers what. It runs in "
        "every state; `problem` names what it could not do."
    ),
)
def exits(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.protecting import protect  # loading the definitions need not pay for it

    cover, now = protect(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "problem": words(cover.problem) if cover.problem else None,
                "cover": table(
                    cover.sides,
                    "symbol",
                    "position_side",
                    "position_quantity",
                    "stop_quantity",
                    "take_profit_quantity",
                    "has_backstop",
                    "problem",
                ),
                "placed": sum(len(side.placed) for side in cover.sides),
                "canceled": sum(len(side.canceled) for side in cover.sides),
                "canceled_entries": len(cover.canceled_entries),
                "armed": ", ".join(cover.armed) or None,
                **instants(now, as_of=cover.as_of),
            }
        )
    )


@dg.asset_check(asset=exits, blocking=True)
def every_position_has_its_stop(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The stops that rest cover each position to the last unit, and one more closes whatever is left. Clears with the next protection cycle that can place them; if it stays, close the position by hand."""
    cover = fund.latest(ExitCover)
    if cover is None:
        return judged(holds=False, description="no protection cycle has ever run")
    if cover.as_of is None:
        return judged(holds=False, description=f"positions are not known: {words(cover.problem or '')}")
    lacking = [words(line) for line in unprotected(cover)]
    return judged(holds=not lacking, description=listed(lacking))


@dg.asset_check(asset=exits, blocking=True)
def exits_are_recent(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Protection has looked at the positions lately, by the venue's stamp. If nothing is being written: is the daemon running, and does nobody else hold the account's lock?"""
    cover = fund.latest(ExitCover)
    return recent(cover.as_of if cover else None, fund.now(), fund.trading.silence)


@dg.asset_check(asset=exits, blocking=True)
def no_opening_order_rests_behind_a_closed_gate(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """While the gate is not ACTIVE none of our opening orders is known to rest. Each protection cycle cancels them again; if one stays, cancel it at the venue."""
    state = cycle.judge(fund, inputs_in_advance(fund)).state
    if state is TradingState.ACTIVE:
        return judged(holds=True, state=state)
    reading = fund.latest(OrdersReading)
    if reading is None or reading.orders is None:
        return judged(holds=False, description="what rests is not known", state=state)
    gone = _gone_since(fund, reading.recorded_at)
    resting = [
        f"{order.symbol} {order.position_side} {order.remaining_quantity:f} at {order.limit_price}"
        for order in opening_orders(
            reading.orders, partial(fund.trading.book, fund.store.store_id, fund.account)
        )
        if order.client_order_id not in gone
    ]
    return judged(holds=not resting, description=listed(resting), state=state)


def _gone_since(fund: Fund, instant: datetime) -> set[str]:
    """Orders that the venue has said can fill no more since the list was read."""
    return {
        update.client_order_id
        for update in fund.recent(OrderUpdate, UPDATES)
        if update.settled and update.recorded_at >= instant
    }


@dg.asset_check(asset=exits, blocking=True)
def no_order_is_of_unknown_outcome(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Of every order of ours the venue has said whether it rests, filled or never arrived. Each protection cycle asks again; nothing is opened in its symbol meanwhile."""
    unknown = unknown_outcomes(fund)
    return judged(holds=not unknown, description=listed(unknown))


def unknown_outcomes(fund: Fund) -> list[str]:
    """A line per order of ours of which nobody can say what became of it."""
    reading = fund.latest(OrdersReading)
    resting = {order.client_order_id for order in (reading.orders if reading else None) or ()}
    return [
        f"{intent.symbol} {intent.order.kind} {intent.client_order_id}"
        for intent in of_unknown_outcome(
            fund.store.unsettled(fund.account), fund.recent(OrderUpdate, UPDATES), resting
        )
    ]


@dg.asset_check(asset=exits, blocking=True)
def nobody_else_trades_in_our_name(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """No order in our form was made by another store. A failure is a second deployment on this account: stop one of the two, then cancel its orders."""
    reading = fund.last_known(OrdersReading, "orders")
    others = [
        f"{order.symbol} {order.side} {order.position_side}: {words(order.client_order_id)}"
        for order in orders_of_a_second_trader(
            (reading.orders if reading else None) or (),
            partial(fund.trading.book, fund.store.store_id, fund.account),
        )
    ]
    return judged(holds=not others, description=listed(others))
