"""Rungs compared with resting orders at peak, beside a plain diff of two dicts of tuples.

40 rungs against 200 of our own orders, of which 30 fit, 10 have another price and 160 belong to no rung. The peer knows
neither tolerances, duplicates nor unacknowledged orders: it is the floor of what any comparison costs. Telling the orders
apart before, once per snapshot, is printed beside, with ids read before and new ones, and has no goal.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id, recognize
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus, OrderType, opening_side
from hedge_pipeline.domain.placement import filter_placeable
from hedge_pipeline.domain.reconciliation import Entry, SortedOrders, Tolerance, reconcile, sort_orders
from hedge_pipeline_tests.domain.trading_examples import CENTER, START, instrument, ladders

ROUNDS = 7
CALLS = 2000
GOAL_US = 100
BOOK = Book(store_id="0123456789abcdef", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
TOLERANCE = Tolerance(price_bps=Decimal(1), quantity=Decimal("0.01"))

Priced = dict[tuple[str, int], tuple[Decimal, Decimal]]


def wanted() -> Ladders:
    grid = ladders(levels_long=20, levels_short=20, max_inventory=Decimal("1e9"))
    return filter_placeable(grid, CENTER, instrument()).ladders


def known(position_side: PositionSide, level: int, price: Decimal, quantity: Decimal) -> KnownOrder:
    name = OrderName(kind=OrderKind.ENTRY, position_side=position_side, level=level, cycle=START, attempt=0)
    return KnownOrder(
        client_order_id=client_order_id(BOOK, name),
        venue_order_id="1",
        symbol="BTCUSDT",
        side=opening_side(position_side),
        position_side=position_side,
        order_type=OrderType.LIMIT,
        status=OrderStatus.NEW,
        limit_price=price,
        stop_price=None,
        quantity=quantity,
        filled_quantity=Decimal(0),
    )


def resting(rungs: tuple[Rung, ...]) -> list[KnownOrder]:
    moved = [replace(rung, limit_price=rung.limit_price + 100) for rung in rungs[:10]]
    strays = [(side, level) for side in PositionSide for level in range(100, 180)]
    return [
        *(known(r.position_side, r.level, r.limit_price, r.quantity) for r in [*moved, *rungs[10:]]),
        *(known(side, level, Decimal(50_000), Decimal("0.002")) for side, level in strays),
    ]


def plain_diff(rungs: Priced, orders: Priced) -> tuple[list[tuple[str, int]], ...]:
    """Create, cancel and replace by key, equal or not."""
    create = [key for key in rungs if key not in orders]
    cancel = [key for key in orders if key not in rungs]
    return create, cancel, [key for key, value in rungs.items() if orders.get(key, value) != value]


def microseconds(work: Callable[[], object]) -> list[float]:
    took = []
    for _ in range(CALLS):
        began = time.perf_counter_ns()
        work()
        took.append((time.perf_counter_ns() - began) / 1000)
    return took


def percentiles(took: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(took, n=20)
    return cuts[9], cuts[18]


def as_dicts(grid: Ladders, entries: tuple[Entry, ...]) -> tuple[Priced, Priced]:
    orders = ((entry.key, entry.order) for entry in entries)
    return (
        {(str(r.position_side), r.level): (r.limit_price, r.quantity) for r in grid.rungs},
        {
            (str(key[0]), key[1]): (order.limit_price, order.quantity)
            for key, order in orders
            if key is not None and order.limit_price is not None
        },
    )


def with_new_ids(orders: list[KnownOrder]) -> SortedOrders:
    recognize.cache_clear()
    return sort_orders(orders, BOOK)


def main() -> None:
    grid = wanted()
    orders = resting(grid.rungs)
    ours = sort_orders(orders, BOOK)
    plan = reconcile(grid, ours, TOLERANCE)
    found = [len(part) for part in (plan.keep, plan.replace, plan.create, plan.cancel)]
    if found != [30, 10, 0, 160] or len(ours.resting) != 200:
        raise SystemExit(f"keep, replace, create, cancel are {found}: nothing to measure")
    rungs, live = as_dicts(grid, ours.resting)
    rounds = [
        (
            percentiles(microseconds(lambda: reconcile(grid, ours, TOLERANCE))),
            percentiles(microseconds(lambda: plain_diff(rungs, live))),
        )
        for _ in range(ROUNDS)
    ]
    own, peer = [mine for mine, _ in rounds], [other for _, other in rounds]
    p95 = statistics.median(tail for _, tail in own)
    ratio = statistics.median(mine[0] / other[0] for mine, other in rounds)
    again = statistics.median(microseconds(lambda: sort_orders(orders, BOOK)))
    new = statistics.median(microseconds(lambda: with_new_ids(orders)))
    print(
        f"40 rungs, {len(orders)} orders, {ROUNDS} rounds of {CALLS} calls; medians of rounds [least .. most]"
    )
    for name, side in (("reconcile", own), ("two dicts", peer)):
        for label, index in (("p50", 0), ("p95", 1)):
            values = [one[index] for one in side]
            print(
                f"{name:<10} {label} {statistics.median(values):7.1f} us  [{min(values):.1f} .. {max(values):.1f}]"
            )
    print(f"ratio of p50 {ratio:.2f}; p95 goal {GOAL_US} us{'' if p95 <= GOAL_US else '   BEYOND'}")
    print(f"telling {len(orders)} orders apart, once per snapshot: {again:.0f} us, with new ids {new:.0f} us")
    if p95 > GOAL_US:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
