"""Planning: from a bar's candles to the orders that are to be sent, one row per symbol and step. Nothing here sends any."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import dagster as dg

from hedge_pipeline.cycle import Fund
from hedge_pipeline.defs.checks import judged
from hedge_pipeline.defs.gated import GATED
from hedge_pipeline.defs.ladder_plot import ladder_plot
from hedge_pipeline.defs.market import candles, funding_rates
from hedge_pipeline.defs.orders import fills, open_orders
from hedge_pipeline.defs.presentation import instants, listed, markdown, present, table, words
from hedge_pipeline.defs.protection import exits
from hedge_pipeline.domain.account import AccountReading, MarksReading
from hedge_pipeline.domain.exposure import exposure
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import OrdersReading

Row = TypeVar("Row")

OWNERS = ["team:trading"]


@dg.asset(
    group_name="trading",
    owners=OWNERS,
    kinds={"python"},
    deps=[*GATED, candles],
    description=(
        "Whether each symbol trends up, down or sideways, told from its finished candles alone. Candles that cannot be "
        "believed give no regime, and `fault` says why."
    ),
)
def regimes(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.planning import read_regimes  # loading the definitions need not pay for it

    rows, now = read_regimes(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "regimes": table(
                    [row.reading for row in rows],
                    "symbol",
                    "regime",
                    "close",
                    "ema_fast",
                    "ema_slow",
                    "adx",
                    "atr",
                    "is_warm",
                    "fault",
                    "detail",
                ),
                **instants(now, as_of=_oldest(row.reading.as_of for row in rows)),
            }
        )
    )


@dg.asset_check(asset=regimes)
def every_regime_is_known(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Each strategy's candles could be believed and every indicator has its value. Clears with the candles; a symbol without a regime opens nothing, the others go on."""
    unknown = [
        f"**{row.symbol}**: {words(row.reading.detail or 'indicators are not warm yet')}"
        for row in _newest(fund, RegimeRow)
        if row.reading.regime is None or not row.reading.is_warm
    ]
    return judged(holds=not unknown, description=listed(unknown))


@dg.asset(
    group_name="trading",
    owners=OWNERS,
    kinds={"python"},
    deps=[*GATED, regimes, funding_rates],
    description=(
        "What the grid wants to have resting of each symbol, after the regime's placement and the funding guard. Where "
        "nothing is wanted, `withheld` says why."
    ),
)
def ladders(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.planning import plan_ladders  # loading the definitions need not pay for it

    rows, now = plan_ladders(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "rungs": sum(len(row.ladders.rungs) for row in rows if row.ladders),
                "left_out": sum(len(row.left_out) for row in rows),
                "ladders": table(
                    rows, "symbol", "cycle", "mid_price", "center", "funding", "funding_detail", "withheld"
                ),
                **{f"{row.symbol}_ladder": ladder_plot(row.ladders, row.mid_price) for row in rows},
                **instants(now, as_of=_oldest(row.as_of for row in rows)),
            }
        )
    )


@dg.asset_check(asset=ladders)
def every_symbol_has_its_ladders(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Everything a ladder is made of was known. What was not is named, and clears as that does; a symbol without ladders opens nothing, the others go on."""
    withheld = [
        f"**{row.symbol}**: {words(row.withheld)}" for row in _newest(fund, LadderRow) if row.withheld
    ]
    return judged(holds=not withheld, description=listed(withheld))


@dg.asset(
    group_name="trading",
    owners=OWNERS,
    kinds={"python"},
    deps=[*GATED, exits, open_orders, fills, candles, funding_rates, regimes, ladders],
    description=(
        "What is to be done with each symbol's orders: kept, canceled, sent, and vetoed with every rule that says no. It "
        "sends nothing. `hedge explain` says the same in words."
    ),
)
def order_plans(fund: dg.ResourceParam[Fund]) -> dg.MaterializeResult[None]:
    from hedge_pipeline.cycle.planning import plan_orders  # loading the definitions need not pay for it

    rows, now = plan_orders(fund), fund.now()
    return dg.MaterializeResult(
        metadata=present(
            {
                "plan": markdown(listed(map(_briefly, rows))),
                "entries": table(
                    [entry.order for row in rows for entry in row.entries],
                    "symbol",
                    "side",
                    "position_side",
                    "quantity",
                    "limit_price",
                ),
                "vetoes": table(
                    [veto for row in rows for vetoed in row.vetoed for veto in vetoed.vetoes],
                    "symbol",
                    "position_side",
                    "reason",
                    "threshold",
                    "observation",
                ),
                "proposed_exposure_usd": _proposed_usd(fund, rows),
                **instants(now, as_of=_oldest(row.as_of for row in rows)),
            }
        )
    )


def _briefly(row: PlanRow) -> str:
    counts = {
        "kept": row.keep,
        "to cancel": row.cancel,
        "to send": row.entries,
        "vetoed": row.vetoed,
        "not acknowledged": row.waiting,
    }
    told = ", ".join(f"{len(rows)} {name}" for name, rows in counts.items() if rows) or "nothing to do"
    return f"**{row.symbol}**: {told}" + (f"; withheld: {words(row.withheld)}" if row.withheld else "")


def _proposed_usd(fund: Fund, rows: Iterable[PlanRow]) -> Decimal | None:
    """What everything held, resting and planned would be worth together; ``None`` while some of it is unknown."""
    account, marks = fund.last_known(AccountReading, "positions"), fund.latest(MarksReading)
    orders = fund.latest(OrdersReading)
    if account is None or marks is None or marks.marks is None or orders is None:
        return None
    whole = exposure(
        account.positions,
        orders.orders,
        [entry.order for row in rows for entry in row.entries],
        {mark.symbol: mark.mark_price for mark in marks.marks},
    )
    return whole.notional_usd if whole else None


@dg.asset_check(asset=order_plans, blocking=True)
def plans_are_within_limits(fund: dg.ResourceParam[Fund]) -> dg.AssetCheckResult:
    """Counted anew from the rows: each entry within its order's and symbol's caps, and all that is held, rests and is planned within the account's. A failure is a defect of this program: nothing is sent, report it with the plan's row."""
    rows = _newest(fund, PlanRow)
    if not any(row.entries for row in rows):
        return judged(holds=True, entries=0)
    broken = list(_beyond_limits(fund, rows))
    return judged(holds=not broken, description=listed(broken), entries=sum(len(row.entries) for row in rows))


def _beyond_limits(fund: Fund, rows: Iterable[PlanRow]) -> Iterator[str]:
    limits, snapshot = fund.trading.limits, fund.latest(NavSnapshot)
    nav = snapshot.nav_usd if snapshot and snapshot.accepted else None
    whole = _proposed_usd(fund, rows)
    if nav is None or whole is None:
        yield "NAV, positions, orders or marks are not known"
    elif whole > limits.max_account_exposure * nav:
        yield f"account: {whole:.2f} USD, the cap is {limits.max_account_exposure} of NAV"
    for row in rows:
        caps = limits.of(row.symbol)
        for entry in row.entries:
            order, name = entry.order, f"{row.symbol} {entry.order.position_side} {entry.order.limit_price}"
            worth = (order.quantity or 0) * (order.limit_price or 0)
            if caps is None or order.symbol != row.symbol or order.reduces_position or not worth:
                yield f"{name}: not an opening order of a symbol that may be traded"
            elif worth > caps.max_order_notional_usd or (nav and worth > limits.max_order_exposure * nav):
                yield f"{name}: worth {worth:.2f} USD, more than one order may be"


def _newest(fund: Fund, table: type[Row]) -> list[Row]:
    """The latest row of each strategy's symbol."""
    rows = (fund.store.latest(table, fund.account, symbol=each.symbol) for each in fund.trading.strategies)
    return [row for row in rows if row is not None]


def _oldest(stamps: Iterable[datetime | None]) -> datetime | None:
    return min((stamp for stamp in stamps if stamp is not None), default=None)
