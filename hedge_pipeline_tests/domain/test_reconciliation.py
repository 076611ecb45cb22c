"""From wanted rungs and resting orders to what changes: by level, within tolerance, and never what is not ours."""

import statistics
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id, recognize
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import (
    KnownOrder,
    OrderKind,
    OrderStatus,
    OrderType,
    closing_side,
    opening_side,
)
from hedge_pipeline.domain.placement import filter_placeable
from hedge_pipeline.domain.reconciliation import (
    OrderPlan,
    SortedOrders,
    Tolerance,
    reconcile,
    sort_orders,
)
from hedge_pipeline_tests.domain.trading_examples import (
    CENTER,
    LONG,
    SHORT,
    START,
    golden_ladders,
    instrument,
    ladders,
)

BOOK = Book(store_id="0123456789abcdef", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
TOLERANCE = Tolerance(price_bps=Decimal(1), quantity=Decimal("0.01"))
WANTED = filter_placeable(golden_ladders(), CENTER, instrument()).ladders
MINUTE = timedelta(minutes=1)


def named(
    position_side: PositionSide,
    level: int,
    kind: OrderKind = OrderKind.ENTRY,
    minute: int = 0,
    attempt: int = 0,
) -> str:
    return client_order_id(
        BOOK,
        OrderName(
            kind=kind,
            position_side=position_side,
            level=level,
            cycle=START + minute * MINUTE,
            attempt=attempt,
        ),
    )


def order(
    position_side: PositionSide, level: int, price: Any, quantity: Any = "0.002", **changes: Any
) -> KnownOrder:
    """One of our entries, resting."""
    minute, attempt = changes.pop("minute", 0), changes.pop("attempt", 0)
    fields: dict[str, Any] = {
        "client_order_id": named(position_side, level, minute=minute, attempt=attempt),
        "venue_order_id": "1",
        "symbol": "BTCUSDT",
        "side": opening_side(position_side),
        "position_side": position_side,
        "order_type": OrderType.LIMIT,
        "status": OrderStatus.NEW,
        "limit_price": Decimal(price),
        "stop_price": None,
        "quantity": Decimal(quantity),
        "filled_quantity": Decimal(0),
    }
    return KnownOrder(**{**fields, **changes})


def resting(rungs: Iterable[Rung], **changes: Any) -> list[KnownOrder]:
    """An order for each rung, as wanted."""
    return [
        order(rung.position_side, rung.level, rung.limit_price, rung.quantity, **changes) for rung in rungs
    ]


def plan(
    orders: Iterable[KnownOrder], wanted: Ladders = WANTED, tolerance: Tolerance = TOLERANCE
) -> OrderPlan:
    return reconcile(wanted, sort_orders(orders, BOOK), tolerance)


def keys(rungs: Iterable[Rung]) -> list[tuple[PositionSide, int]]:
    return [(rung.position_side, rung.level) for rung in rungs]


def test_an_empty_book_gets_every_rung():
    wanted = plan([])

    assert len(wanted.create) == 12
    assert (wanted.keep, wanted.replace, wanted.cancel) == ((), (), ())


def test_the_documented_book_is_brought_to_its_rungs():
    foreign = order(LONG, 1, 99_500, client_order_id="web_1")
    unreadable = order(LONG, 1, 94_000, client_order_id=named(LONG, 1)[:-3])
    live = [
        order(LONG, 1, 99_500),
        order(LONG, 2, 99_009),
        order(LONG, 9, 95_000),
        order(SHORT, 1, 100_500, "0.00205"),
        foreign,
        unreadable,
    ]
    planned = plan(live)

    assert keys(planned.create) == [(LONG, level) for level in (3, 4, 5, 6)] + [
        (SHORT, level) for level in (2, 3, 4, 5, 6)
    ]
    assert [entry.order for entry in planned.cancel] == [live[2], unreadable]
    assert [(match.rung, match.entry.order) for match in planned.replace] == [(WANTED.short[0], live[3])]
    assert WANTED.short[0].limit_price == 100_500
    assert WANTED.short[0].quantity == Decimal("0.002")
    assert [match.entry.order for match in planned.keep] == live[:2]
    assert sort_orders(live, BOOK).foreign == (foreign,)


@pytest.mark.finding("X-18")
def test_leaving_out_a_near_rung_touches_no_other_order():
    """Told apart by their place in the ladder, five orders would be replaced."""
    without_the_nearest = filter_placeable(ladders(), Decimal(99_200), instrument()).ladders
    planned = plan(resting(WANTED.rungs), without_the_nearest)

    assert keys(match.rung for match in planned.replace) == []
    assert [entry.key for entry in planned.cancel] == [(LONG, 1)]
    assert planned.create == ()


@pytest.mark.finding("X-18")
def test_an_order_that_was_sent_and_not_acknowledged_is_not_sent_again():
    pending = resting(WANTED.long, status=OrderStatus.PENDING, venue_order_id=None)
    planned = plan(pending)

    assert keys(planned.create) == keys(WANTED.short)
    assert [entry.order for entry in planned.waiting] == pending
    assert (planned.replace, planned.cancel) == ((), ())


@pytest.mark.finding("X-18")
def test_nothing_is_created_beside_a_pending_order_of_another_price():
    pending = order(LONG, 1, 99_000, status=OrderStatus.PENDING, attempt=1)
    wrong, right = order(LONG, 1, 98_000), order(LONG, 1, 99_500)

    replaced = plan([wrong, pending])
    assert ([entry.order for entry in replaced.cancel], replaced.replace) == ([wrong], ())
    assert (LONG, 1) not in keys(replaced.create)
    kept = plan([right, pending])
    assert ([match.entry.order for match in kept.keep], kept.cancel) == ([right], ())


@pytest.mark.finding("X-18")
@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED])
@pytest.mark.parametrize("journal_first", [True, False])
def test_what_the_venue_states_of_a_pending_order_counts_instead(status: OrderStatus, journal_first):
    known = [
        order(LONG, 1, 99_500, status=OrderStatus.PENDING, venue_order_id=None),
        order(LONG, 1, 99_500, status=status),
    ]
    planned = plan(known if journal_first else known[::-1])

    assert planned.waiting == ()
    assert ((LONG, 1) in keys(planned.create)) is (status is OrderStatus.FILLED)


@pytest.mark.parametrize(
    "status", [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED]
)
def test_an_order_that_has_ended_holds_no_rung(status: OrderStatus):
    assert len(plan(resting(WANTED.rungs, status=status)).create) == 12


def test_a_partly_filled_order_goes_on_waiting_for_its_rest():
    partly = order(LONG, 1, 99_500, status=OrderStatus.PARTIALLY_FILLED, filled_quantity=Decimal("0.0015"))

    assert [match.entry.order for match in plan([partly]).keep] == [partly]


@pytest.mark.finding("S3-QUAL-3")
@pytest.mark.parametrize(
    ("price", "quantity", "tolerance", "kept"),
    [
        ("12500", "1", Tolerance(price_bps=Decimal(2000), quantity=Decimal(0)), True),
        ("12500", "1", Tolerance(price_bps=Decimal("1999.9"), quantity=Decimal(0)), False),
        ("10000", "1", Tolerance(price_bps=Decimal(0), quantity=Decimal(0)), True),
        ("10000", "1.25", Tolerance(price_bps=Decimal(0), quantity=Decimal("0.2")), True),
        ("10000", "1.25", Tolerance(price_bps=Decimal(0), quantity=Decimal("0.19")), False),
        ("10000", "0.8", Tolerance(price_bps=Decimal(0), quantity=Decimal("0.25")), True),
    ],
)
def test_the_tolerances_are_settings_and_their_bounds_are_inside(
    price: str, quantity: str, tolerance: Tolerance, kept
):
    rung = replace(WANTED.long[0], limit_price=Decimal(10_000), quantity=Decimal(1))
    wanted = Ladders(symbol="BTCUSDT", center=Decimal(20_000), long=(rung,), short=())
    planned = plan([order(LONG, 1, price, quantity)], wanted, tolerance)

    assert (len(planned.keep), len(planned.replace)) == (int(kept), int(not kept))


@pytest.mark.parametrize("changes", [{"price_bps": Decimal(-1)}, {"quantity": Decimal("-0.01")}])
def test_a_tolerance_is_a_distance(changes: dict[str, Any]):
    with pytest.raises(InvalidState, match="write 0 or more"):
        replace(TOLERANCE, **changes)


def test_of_several_orders_of_one_rung_the_newest_that_fits_stays():
    old, newer, wrong = (
        order(LONG, 1, 99_500),
        order(LONG, 1, 99_501, minute=1),
        order(LONG, 1, 90_000, minute=2),
    )
    planned = plan([old, newer, wrong])

    assert [match.entry.order for match in planned.keep] == [newer]
    assert {entry.order for entry in planned.cancel} == {old, wrong}
    assert planned.replace == ()


def test_of_several_orders_that_do_not_fit_one_is_replaced_and_the_others_go():
    one, other = order(LONG, 1, 90_000), order(LONG, 1, 91_000, attempt=1)
    planned = plan([one, other])

    assert [match.entry.order for match in planned.replace] == [other]
    assert [entry.order for entry in planned.cancel] == [one]


def test_exits_are_told_apart_and_left_alone():
    stop = order(
        LONG, 1, 97_000, side=closing_side(LONG), client_order_id=named(LONG, 1, OrderKind.STOP_LOSS)
    )
    unreadable = replace(stop, client_order_id=named(LONG, 1)[:-1])
    sorted_orders = sort_orders([stop, unreadable], BOOK)

    assert (sorted_orders.exits, sorted_orders.resting) == ((stop, unreadable), ())
    assert plan([stop, unreadable]).cancel == ()


@pytest.mark.finding("S3-HEDGE-3")
@pytest.mark.parametrize(
    "contradiction",
    [
        order(LONG, 1, 99_500, client_order_id=named(SHORT, 1)),
        order(LONG, 1, 99_500, client_order_id=named(LONG, 1, OrderKind.TAKE_PROFIT)),
        order(LONG, 1, 99_500, client_order_id=named(LONG, 1) + "x"),
    ],
)
def test_an_opening_order_that_contradicts_its_id_is_canceled(contradiction: KnownOrder):
    planned = plan([contradiction])

    assert [entry.order for entry in planned.cancel] == [contradiction]
    assert len(planned.create) == 12


def test_an_opening_order_without_a_limit_price_fits_no_rung():
    assert len(plan([order(LONG, 1, 99_500, limit_price=None, order_type=OrderType.MARKET)]).replace) == 1


@pytest.mark.parametrize(
    ("stranger", "list_name"),
    [
        ({"client_order_id": "web_123"}, "foreign"),
        ({"client_order_id": ""}, "foreign"),
        (
            {
                "client_order_id": client_order_id(
                    replace(BOOK, store_id="another"),
                    OrderName(kind=OrderKind.ENTRY, position_side=LONG, level=1, cycle=START, attempt=0),
                )
            },
            "other_store",
        ),
        (
            {
                "client_order_id": client_order_id(
                    replace(BOOK, strategy="another"),
                    OrderName(kind=OrderKind.ENTRY, position_side=LONG, level=1, cycle=START, attempt=0),
                )
            },
            "other_book",
        ),
        ({"symbol": "ETHUSDT"}, "other_book"),
    ],
)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("status", [OrderStatus.NEW, OrderStatus.PENDING])
def test_what_is_not_ours_is_shown_and_never_touched(
    stranger: dict[str, str], list_name: str, side: Side, status: OrderStatus
):
    theirs = order(LONG, 1, 1, side=side, status=status, **stranger)

    sorted_orders: SortedOrders = sort_orders([theirs], BOOK)
    assert getattr(sorted_orders, list_name) == (theirs,)
    assert not sorted_orders.resting + sorted_orders.pending
    assert not sorted_orders.exits
    assert plan([theirs]) == plan([])


@pytest.mark.finding("S3-PERF-2")
def test_each_id_is_read_once_however_often_its_order_is_listed():
    recognize.cache_clear()
    for _ in range(3):
        plan(resting(WANTED.rungs))

    assert recognize.cache_info().misses == len(WANTED.rungs)


prices = st.sampled_from([Decimal(price) for price in (97_000, 99_000, 99_500, 99_501, 100_500, 101_000)])
known_orders = st.lists(
    st.builds(
        order,
        st.sampled_from([LONG, SHORT]),
        st.integers(0, 8),
        prices,
        st.sampled_from(["0.001", "0.002", "0.00201"]),
        minute=st.integers(0, 3),
        attempt=st.integers(0, 2),
        status=st.sampled_from(OrderStatus),
    ),
    max_size=25,
    unique_by=lambda one: one.client_order_id,
)
some_rungs = st.builds(
    lambda longs, shorts: replace(
        WANTED,
        long=tuple(rung for rung in WANTED.long if rung.level in longs),
        short=tuple(rung for rung in WANTED.short if rung.level in shorts),
    ),
    st.sets(st.integers(1, 6)),
    st.sets(st.integers(1, 6)),
)


@given(known_orders, some_rungs)
def test_every_order_and_every_rung_is_answered_exactly_once(orders: list[KnownOrder], wanted: Ladders):
    planned = plan(orders, wanted)
    matches = planned.keep + planned.replace

    answered = [match.entry for match in matches] + list(planned.cancel + planned.waiting)
    assert len(answered) == len({entry.order.client_order_id for entry in answered})
    assert {entry.order for entry in answered} == {one for one in orders if one.status.is_working}
    covered = keys([match.rung for match in matches] + list(planned.create))
    assert len(covered) == len(set(covered))
    awaited = {entry.key for entry in planned.waiting}
    assert set(keys(wanted.rungs)) - awaited <= set(covered) <= set(keys(wanted.rungs))
    assert awaited.isdisjoint(keys([match.rung for match in planned.replace] + list(planned.create)))


@given(known_orders, some_rungs)
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(orders: list[KnownOrder], wanted: Ladders):
    planned = plan(orders, wanted)
    gone = {entry.order for entry in planned.cancel} | {match.entry.order for match in planned.replace}
    placed = resting([match.rung for match in planned.replace] + list(planned.create), minute=9)

    assert plan([one for one in orders if one not in gone] + placed, wanted).changes_nothing


@pytest.mark.finding("S3-PERF-3")
def test_the_comparison_at_peak_stays_far_below_its_budget():
    """200 orders against 40 rungs: 5 ms at the 95th percentile is the budget, a fiftieth of which is needed."""
    grid = ladders(levels_long=20, levels_short=20, max_inventory=Decimal("1e9"))
    wanted = filter_placeable(grid, CENTER, instrument()).ladders
    orders = resting(wanted.rungs) + [order(LONG, level, 50_000) for level in range(100, 260)]
    ours = sort_orders(orders, BOOK)
    planned = reconcile(wanted, ours, TOLERANCE)
    took = []
    for _ in range(200):
        began = time.perf_counter()
        reconcile(wanted, ours, TOLERANCE)
        took.append(time.perf_counter() - began)

    assert (len(ours.resting), len(planned.keep), len(planned.cancel)) == (200, 40, 160)
    assert statistics.quantiles(took, n=20)[-1] < 0.005
