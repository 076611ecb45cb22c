"""Execution: what is sent of the plans, and by whose word.

Orders leave only in a whole, fresh run of the trading job, under a permit of this instant; that the checks before it passed is
one more reason, not the only one.
"""

from typing import TYPE_CHECKING

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs import account, market, nav, planning, protection, risk
from hedge_pipeline.defs.checks import judged
from hedge_pipeline.defs.gated import GATED
from hedge_pipeline.defs.launching import authority
from hedge_pipeline.defs.market import candles, funding_rates
from hedge_pipeline.defs.orders import fills, open_orders
from hedge_pipeline.defs.planning import ladders, order_plans, regimes
from hedge_pipeline.defs.presentation import instants, listed, present, table, words
from hedge_pipeline.defs.protection import exits, unknown_outcomes

if TYPE_CHECKING:
    from hedge_pipeline.domain.trading.executing import Execution


@dg.asset(
    group_name="trading",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=[*GATED, exits, candles, funding_rates, regimes, ladders, order_plans],
    description=(
        "What was sent, canceled and answered. Orders leave only in a whole, fresh run of `trading_job`; launched any "
        "other way this sends nothing, and `sent` says why."
    ),
)
def order_executions(
    context: dg.AssetExecutionContext, fund: dg.ResourceParam[Fund]
) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.executing import execute_plans  # loading the definitions need not pay for it

    executed = execute_plans(
        fund,
        authority(context, assets=[asset.key for asset in CHAIN], checks=[spec.key for spec in proofs()]),
    )
    if executed.refused is not None:
        context.log.warning("nothing is sent: %s", executed.refused)
    now = fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sent": _sent(executed),
                "symbols": table(
                    executed.symbols,
                    "symbol",
                    "sent",
                    "accepted",
                    "rejected",
                    "denied",
                    "unknown",
                    "canceled",
                    "why",
                ),
                **instants(now, executed_at=now),
            }
        )
    )


def _sent(executed: "Execution") -> str:
    """How many orders left, or why none did."""
    if count := sum(symbol.sent for symbol in executed.symbols):
        return f"{count} orders"
    whys = [executed.refused] if executed.refused else [symbol.why or "" for symbol in executed.symbols]
    return f"nothing, because {'; '.join(words(why) for why in whys if why) or 'there is nothing to send'}"


@dg.asset_check(asset=order_executions, blocking=True)
def every_order_was_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """The venue has told of every order sent whether it rests, filled or was refused. Protection asks again until it has; nothing is opened in that symbol meanwhile."""
    unknown = unknown_outcomes(fund)
    return judged(holds=not unknown, description=listed(unknown))


TRADING: list[dg.AssetsDefinition] = [
    candles,
    funding_rates,
    regimes,
    ladders,
    order_plans,
    order_executions,
]
"""What adds risk, in order: each depends on every gated asset directly."""
CHAIN: list[dg.AssetsDefinition] = [*GATED, open_orders, fills, *TRADING]
"""All that one run of the trading job computes."""


def proofs() -> list[dg.AssetCheckSpec]:
    """The blocking checks that stand between the fund and an opening order."""
    before = {asset.key for asset in (*GATED, exits, *TRADING[:-1])}
    return [
        spec
        for check in dg.load_asset_checks_from_modules([account, nav, risk, market, planning, protection])
        for spec in check.check_specs
        if spec.blocking and spec.asset_key in before
    ]
