"""One bar planned and executed at peak: 40 rungs and 200 resting orders of ours.

A plan compares, screens and stresses 40 rungs against orders of which 30 fit, 10 moved and 160 belong nowhere; its peer is the
plain diff of two dicts of tuples, the floor of what any comparison costs. Then a bar with its store: 160 orders go and 40
are sent, under intents, permit and journal; its peer sends the same by the venue's adapter alone. Both speak over HTTP to
one paper venue in this process.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

from benchmarks.bench_reconciliation import (
    BOOK,
    as_dicts,
    percentiles,
    plain_diff,
    resting,
    wanted,
)
from benchmarks.sidebyside import seconds
from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, Credentials, VenueLimits
from hedge_pipeline.cycle import planning
from hedge_pipeline.cycle.order_reading import read_orders, read_terms
from hedge_pipeline.domain.account import MarksReading, PositionSide
from hedge_pipeline.domain.client_order_ids import OrderName, client_order_id
from hedge_pipeline.domain.grid import Ladders
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    opening_side,
)
from hedge_pipeline.domain.reconciliation import sort_orders
from hedge_pipeline.domain.trading.intents import Answer, Intent
from hedge_pipeline.domain.trading.planning import AccountFacts, plan_rows
from hedge_pipeline.domain.trading.plans import PlanRow
from hedge_pipeline.domain.trading_limits import RateLimit
from hedge_pipeline.paper.seed import PAPER_KEYS, AccountSeed
from hedge_pipeline.ports import OrderVenue
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests.cycle.turns import BTC, Turns, turns
from hedge_pipeline_tests.domain.order_examples import NOW, totals
from hedge_pipeline_tests.domain.trading import bar_examples as bars

ROUNDS = 7
CALLS = 200
PLAN_GOAL_US = 50_000
"""p95 of a plan, of which comparing has 100 us in its own benchmark."""
EXECUTE_GOAL = 2.0
"""Every batch is kept twice for certain: before it leaves, and when it is answered."""
LEVELS, STRAYS = 20, 80
"""Of each side."""
STEP_BPS = Decimal(20)
STOP_STEPS = 30
"""Behind the furthest rung and all strays, or the stress test wants no order at all."""
AWAY = Decimal("0.045")
"""Of the mark: behind the furthest rung, and inside the band of prices that the venue takes."""
OFTEN = RateLimit(count=10**6, window=timedelta(hours=1))
RICH = 10_000_000


def plans_in_time() -> bool:
    grid = with_far_stops(wanted())
    orders = resting(grid.rungs)
    facts = bars.symbol_facts(ladder=replace(bars.ladder(), ladders=grid))
    account = AccountFacts(
        account="main",
        as_of=NOW,
        inputs=bars.pretrade(resting=tuple(orders), nav_usd=Decimal(RICH), totals=totals(RICH)),
        intents={order.client_order_id: _intent(order) for order in orders},
        drawdown=Decimal(0),
    )

    def plan() -> PlanRow:
        (row,) = plan_rows([facts], account, bars.POLICY, now=NOW, recorded_at=NOW)
        return row

    row = plan()
    found = [len(row.keep), len(row.entries), len(row.cancel)]
    if found != [30, 10, 160]:
        vetoes = sorted({veto.reason for vetoed in row.vetoed for veto in vetoed.vetoes})
        raise SystemExit(f"keep, entries, cancel are {found}, vetoes {vetoes}: nothing to measure")
    rungs, live = as_dicts(grid, sort_orders(orders, BOOK).resting)
    pairs = [
        (
            percentiles(microseconds(plan)),
            percentiles(microseconds(lambda: plain_diff(rungs, live))),
        )
        for _ in range(ROUNDS)
    ]
    for name, side in (("plan", 0), ("two dicts", 1)):
        for label, cut in (("p50", 0), ("p95", 1)):
            values = [pair[side][cut] for pair in pairs]
            print(f"{name:<10} {label} {_spread(values, 'us')}")
    p95 = statistics.median(pair[0][1] for pair in pairs)
    met = p95 <= PLAN_GOAL_US
    print(f"p95 goal of a plan {PLAN_GOAL_US} us{'' if met else '   BEYOND'}")
    return met


def with_far_stops(grid: Ladders) -> Ladders:
    """No stop before the last rung: the stress test would want no order at all."""
    for side in PositionSide:
        rungs = tuple(replace(rung, stop_loss_price=_stop(rung.limit_price, side)) for rung in grid.of(side))
        grid = grid.with_side(side, rungs)
    return grid


def _stop(price: Decimal, side: PositionSide) -> Decimal:
    return (price * (1 - side.sign * Decimal("0.6"))).quantize(Decimal(1))


def microseconds(work: Callable[[], object]) -> list[float]:
    return [1e6 * seconds(work) for _ in range(CALLS)]


def _intent(order: KnownOrder) -> Intent:
    assert order.limit_price is not None
    sign = order.position_side.sign
    return bars.intent(
        replace(
            bars.order_of(wanted().rungs[0]),
            client_order_id=order.client_order_id,
            side=order.side,
            position_side=order.position_side,
            quantity=order.quantity,
            limit_price=order.limit_price,
        ),
        take_profit_price=order.limit_price * (1 + sign * Decimal("0.015")),
        stop_loss_price=_stop(order.limit_price, order.position_side),
    )


@contextmanager
def traded(home: Path) -> Iterator[Turns]:
    """A fund that wants 40 rungs, with caps that nothing meets."""
    policy = load_settings({"HEDGE_HOME": str(home)}).trading_policy()
    (strategy,) = policy.strategies
    shape = replace(
        strategy.shape, levels_long=LEVELS, levels_short=LEVELS, step_bps=STEP_BPS, stop_loss_steps=STOP_STEPS
    )
    placement = replace(strategy.placement, counter_levels=LEVELS)
    trading = {
        "strategies": (replace(strategy, shape=shape, placement=placement),),
        "limits": replace(policy.limits, burst=OFTEN, symbol_rate=OFTEN),
    }
    account = AccountSeed(balances={"USDT": Decimal(RICH)}, positions=())
    with turns(home, trading=trading, account=account) as found:
        # no limit of the client's own: a round sends more within ten seconds than the venue would take
        found.fund = replace(
            found.fund,
            orders=CcxtOrderVenue(
                account=found.fund.account,
                base_url=found.stage.control.base_url,
                credentials=Credentials(api_key="paper", secret=PAPER_KEYS["paper"]),
                clock=found.stage.clock,
                limits=VenueLimits(
                    weight_per_minute=10**9, orders_per_10_seconds=10**9, orders_per_minute=10**9
                ),
            ),
        )
        yield found


def strays(found: Turns) -> list[NewOrder]:
    """Orders of ours that no grid wants."""
    fund = found.fund
    marks = fund.latest(MarksReading)
    assert marks is not None
    assert marks.marks is not None
    mark_price = next(mark.mark_price for mark in marks.marks if mark.symbol == BTC)
    cycle = fund.now().replace(microsecond=0)
    return [
        NewOrder(
            client_order_id=client_order_id(
                fund.trading.book(fund.store.store_id, fund.account, BTC),
                OrderName(
                    kind=OrderKind.ENTRY, position_side=side, level=100 + number, cycle=cycle, attempt=0
                ),
            ),
            symbol=BTC,
            kind=OrderKind.ENTRY,
            side=opening_side(side),
            position_side=side,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTX,
            quantity=Decimal("0.002"),
            limit_price=(mark_price * (1 - side.sign * AWAY)).quantize(Decimal(1)),
            stop_price=None,
        )
        for side in PositionSide
        for number in range(STRAYS)
    ]


def placed(found: Turns, orders: Sequence[NewOrder]) -> None:
    answers = found.fund.orders.place(orders)
    if not_taken := [each.message for each in answers if each.answer is not Answer.ACCEPTED]:
        raise SystemExit(f"{len(not_taken)} of {len(answers)} orders were not taken: {not_taken[0]}")


def _alone(venue: OrderVenue, listed: Sequence[KnownOrder], sent: Sequence[NewOrder]) -> None:
    venue.cancel(listed)
    venue.place(sent)


def executes_in_time() -> bool:
    rounds = []
    with tempfile.TemporaryDirectory() as folder, traded(Path(folder)) as found:
        for _ in range(ROUNDS + 1):  # the first one for the caches
            found.wait()
            placed(found, strays(found))
            read_orders(found.fund)
            planning.read_candles(found.fund)
            planning.read_regimes(found.fund)
            read_terms(found.fund)
            planning.plan_ladders(found.fund)
            plan_s = seconds(lambda: planning.plan_orders(found.fund))
            execute_s = seconds(found.execute)
            (done,) = found.executions[-1].symbols
            if done.accepted < 1.8 * LEVELS or done.canceled != 2 * STRAYS:
                raise SystemExit(f"{done}: nothing to measure")
            sent = [each.order for each in found.fund.recent(Intent, done.accepted)]
            found.fund.orders.cancel(found.entries)
            placed(found, strays(found))
            listed = found.entries
            alone_s = seconds(partial(_alone, found.fund.orders, listed, sent))
            found.fund.orders.cancel(found.entries)
            read_orders(found.fund)
            rounds.append((plan_s, execute_s, alone_s))
    del rounds[0]
    ratio = statistics.median(execute / alone for _, execute, alone in rounds)
    for place, name in enumerate(("plan from the store", "execute", "adapter alone")):
        print(f"{name:<20} {_spread([1000 * each[place] for each in rounds], 'ms')}")
    met = ratio <= EXECUTE_GOAL
    print(f"ratio of executing {ratio:.2f}, goal {EXECUTE_GOAL}{'' if met else '   BEYOND'}")
    return met


def _spread(values: Sequence[float], unit: str) -> str:
    return (
        f"{statistics.median(values):8.1f} {unit}  [{min(values):.1f} .. {max(values):.1f}] of {len(values)}"
    )


def main() -> None:
    if not all([plans_in_time(), executes_in_time()]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
