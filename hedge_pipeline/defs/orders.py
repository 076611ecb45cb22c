"""What rests at the venue and what was filled: read in every state, because protection needs both."""

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.account import HEALTH, accounts
from hedge_pipeline.defs.checks import all_answered
from hedge_pipeline.defs.presentation import instants, present, table
from hedge_pipeline.domain.trading.readings import FillsReading, LedgerFill, OrdersReading


@dg.asset(
    group_name="venue",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=[accounts],
    description=(
        "Everything that rests, ordinary and conditional, of every symbol, anybody's. Half a list says nothing: when a "
        "part fails, nothing is known, and `sources` says why."
    ),
)
def open_orders(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.order_reading import read_orders  # loading the definitions need not pay for it

    reading, now = read_orders(fund), fund.now()
    orders = reading.orders or ()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "opening": sum(not order.reduces_position for order in orders)
                if reading.orders is not None
                else None,
                "reducing": sum(order.reduces_position for order in orders)
                if reading.orders is not None
                else None,
                "orders": table(
                    orders,
                    "symbol",
                    "side",
                    "position_side",
                    "order_type",
                    "quantity",
                    "limit_price",
                    "stop_price",
                    "status",
                ),
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=open_orders)
def every_order_list_answered(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Ordinary and conditional orders were both listed in the latest attempt. Clears with the next good one; until then nothing is opened and the last known exits stand."""
    reading = fund.latest(OrdersReading)
    return all_answered(reading.sources if reading else None)


@dg.asset(
    group_name="venue",
    owners=["team:trading"],
    kinds={"ccxt", "binance"},
    deps=[accounts],
    description=(
        "Executions on the account, each with whose it was: ours, a person's, another deployment's, or the venue's own "
        "(liquidation, deleveraging, settlement). The venue's past of closed days is `history/fills`."
    ),
)
def fills(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.order_reading import read_fills  # loading the definitions need not pay for it

    reading, now = read_fills(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "sources": table(reading.sources, *HEALTH, now=now),
                "rows_read": reading.rows_read,
                "rows_new": reading.rows_new,
                "newest": table(
                    fund.recent(LedgerFill, 5),
                    "filled_at",
                    "symbol",
                    "side",
                    "position_side",
                    "quantity",
                    "price",
                    "origin",
                ),
                **instants(now, as_of=reading.as_of),
            }
        )
    )


@dg.asset_check(asset=fills)
def fills_were_read(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Every symbol's executions were read in the latest attempt. Clears with the next good one; exits follow the position meanwhile, and nothing is opened."""
    reading = fund.latest(FillsReading)
    return all_answered(reading.sources if reading else None)
