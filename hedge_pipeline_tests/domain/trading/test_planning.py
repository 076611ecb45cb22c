"""From what is wanted, rests and is known to the orders of one bar: never beyond a cap, never twice, never on a guess."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.client_order_ids import MOST_ATTEMPT, Book, recognize
from hedge_pipeline.domain.exposure import exposure
from hedge_pipeline.domain.increments import directed_price, refusal, sendable_quantity
from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderStatus, TimeInForce
from hedge_pipeline.domain.trading import planning
from hedge_pipeline.domain.trading.planning import AccountFacts, plan_rows, working_orders
from hedge_pipeline.domain.trading.plans import PlannedEntry, PlanRow
from hedge_pipeline.domain.trading_limits import TradingLimits
from hedge_pipeline.domain.trading_risk_state import TradingEvent, TradingEventKind, fresh_state, record
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline_tests.domain.order_examples import (
    NOW,
    SECOND,
    breach,
    decision,
    position,
    rests,
    stop,
    totals,
)
from hedge_pipeline_tests.domain.trading.bar_examples import (
    BOOK,
    CYCLE,
    POLICY,
    STRATEGY,
    grid,
    intent,
    ladder,
    order_of,
    plan,
    pretrade,
    resting,
    symbol_facts,
)
from hedge_pipeline_tests.domain.trading_examples import CENTER, LONG, MINUTE, SHORT, instrument, shape
from hedge_pipeline_tests.domain.trading_limit_examples import limits, symbol_limits

NAV = 100_000
WANTED = grid()
FOREIGN = replace(rests(order_of(WANTED.long[0])), client_order_id="web_1")


def keys(entries: Iterable[PlannedEntry]) -> list[tuple[Any, int]]:
    return [(entry.rung.position_side, entry.rung.level) for entry in entries]


def reasons(row: PlanRow) -> set[str]:
    return {veto.reason for vetoed in row.vetoed for veto in vetoed.vetoes}


def ids(orders: Iterable[KnownOrder]) -> list[str]:
    return [order.client_order_id for order in orders]


def test_an_empty_book_gets_every_rung_the_closest_first():
    row = plan()

    assert keys(row.entries) == [(side, level) for level in range(1, 7) for side in (LONG, SHORT)]
    assert (row.keep, row.cancel, row.waiting, row.vetoed, row.withheld) == ((), (), (), (), None)
    assert (row.as_of, row.cycle, row.decided_at) == (NOW, CYCLE, decision().decided_at)


def test_entries_are_post_only_orders_named_by_book_rung_cycle_and_attempt():
    entry = plan(symbol_facts(attempts={(LONG, 1): 2})).entries[0]
    name = recognize(entry.order.client_order_id, BOOK).name

    assert name is not None
    assert (name.kind, name.position_side, name.level) == (entry.order.kind, LONG, 1)
    assert (name.cycle, name.attempt) == (CYCLE, 3)
    assert entry.order.time_in_force is TimeInForce.GTX
    assert (entry.order.limit_price, entry.order.quantity) == (Decimal(99_500), Decimal("0.02"))
    assert (entry.rung.take_profit_price, entry.rung.stop_loss_price) == (Decimal(101_000), Decimal(97_000))
    patient = replace(POLICY, sending=replace(POLICY.sending, post_only=False))
    assert {each.order.time_in_force for each in plan(policy=patient).entries} == {TimeInForce.GTC}


def test_a_rung_named_as_often_as_names_go_waits_for_the_next_bar():
    row = plan(symbol_facts(attempts={(SHORT, 3): MOST_ATTEMPT}))

    assert row.entries == ()
    assert row.withheld is not None
    assert "wait for the next bar" in row.withheld


@pytest.mark.finding("X-18")
def test_what_rests_as_wanted_stays_and_nothing_is_sent_twice():
    there = resting(WANTED.rungs)
    row = plan(resting=there)

    assert (row.entries, row.cancel, row.vetoed) == ((), (), ())
    assert sorted(row.keep) == sorted(ids(there))


@pytest.mark.finding("X-18")
def test_an_order_that_is_not_acknowledged_counts_and_holds_its_rung():
    sent = [intent(order_of(rung)) for rung in WANTED.long]
    row = plan(resting=working_orders((), sent), intents=sent)

    assert keys(row.entries) == [(SHORT, level) for level in range(1, 7)]
    assert sorted(row.waiting) == sorted(each.client_order_id for each in sent)
    full = symbol_limits(max_side_quantity=sum((rung.quantity for rung in WANTED.long), Decimal(0)))
    more = replace(WANTED.long[0], level=7, limit_price=Decimal(90_000))
    crowded = symbol_facts(ladder=replace(ladder(), ladders=WANTED.with_side(LONG, (*WANTED.long, more))))
    assert "symbol_cap" in reasons(
        plan(crowded, replace(POLICY, limits=full), resting=working_orders((), sent), intents=sent)
    )


def test_what_the_venue_lists_is_right_where_the_journal_says_pending():
    order = order_of(WANTED.long[0])
    partly = rests(order, status=OrderStatus.PARTIALLY_FILLED, filled_quantity=Decimal("0.01"))

    assert working_orders((partly,), [intent(order)]) == (partly,)
    assert working_orders(None, [intent(order)]) is None
    assert working_orders((replace(partly, status=OrderStatus.FILLED),), []) == ()


def test_an_order_off_its_rung_is_replaced_after_all_that_is_new():
    moved = rests(order_of(WANTED.long[0], limit_price=Decimal(98_900)))
    row = plan(resting=(moved,))

    assert keys(row.entries)[-1] == (LONG, 1)
    assert row.entries[-1].replaces == moved.client_order_id
    assert [each.replaces for each in row.entries[:-1]] == [None] * 11
    assert row.cancel == (), "whoever sends the successor makes way for it"


def test_what_fits_no_rung_goes_and_what_is_not_ours_stays():
    beyond = rests(order_of(replace(WANTED.long[0], level=9)))
    others = Book(store_id="another store", strategy="hedge_grid_v1", account="main", symbol="BTCUSDT")
    theirs = rests(order_of(WANTED.long[1], book=others))
    row = plan(resting=(beyond, FOREIGN, theirs))

    assert row.cancel == (beyond.client_order_id,)
    assert (row.keep, len(row.entries)) == ((), 12)


@pytest.mark.finding("S3-RISK-3")
@pytest.mark.parametrize(
    "closed",
    [
        {"decision": None},
        {"decision": decision(state=TradingState.REDUCING, breaches=(breach("daily_loss_limit"),))},
        {"decision": decision(state=TradingState.HALTED, breaches=(breach("nav_drawdown_limit"),))},
        {"decision": decision(dormant=True)},
        {"decision": decision(valid_until=NOW)},
        {"decision": decision(decided_at=NOW + SECOND)},
    ],
)
def test_behind_a_closed_gate_nothing_is_opened_and_nothing_left_to_rest(closed: dict[str, Any]):
    there = resting(WANTED.long[:2])
    row = plan(resting=(*there, FOREIGN), **closed)

    assert row.entries == ()
    assert sorted(row.cancel) == sorted(ids(there))
    assert len(row.vetoed) == 10


@pytest.mark.finding("S3-LIFE-1")
def test_every_stage_comes_in_its_documented_order(monkeypatch: pytest.MonkeyPatch):
    """Sorted, compared, screened, stressed: each is called through, and notes that it was."""
    order: list[str] = []

    def noting(name: str) -> None:
        stage = getattr(planning, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            order.append(name)
            return stage(*args, **kwargs)

        monkeypatch.setattr(planning, name, noted)

    for stage in ("sort_orders", "reconcile", "screen", "stressed"):
        noting(stage)

    plan()
    assert order == ["sort_orders", "reconcile", "screen", "stressed", "stressed"]


def test_an_open_breaker_cancels_and_sends_nothing():
    state = fresh_state("main")
    for number in range(3):
        rejected = TradingEvent(
            kind=TradingEventKind.REJECTED,
            client_order_id=f"hp-{number}",
            symbol="BTCUSDT",
            occurred_at=NOW - SECOND,
        )
        state = record(state, rejected, limits())
    there = resting(WANTED.long[:1])
    row = plan(resting=there, state=state)

    assert (row.entries, row.cancel) == ((), tuple(ids(there)))
    assert "circuit_breaker" in reasons(row)


@pytest.mark.parametrize(
    ("symbol", "policy", "told"),
    [
        (symbol_facts(), replace(POLICY, enabled=False), "not enabled"),
        (symbol_facts(ladder=None), POLICY, "no ladders were planned"),
        (symbol_facts(ladder=ladder(cycle=CYCLE - MINUTE)), POLICY, "no ladders were planned"),
        (symbol_facts(ladder=ladder(mark=None)), POLICY, "funding is not known"),
    ],
)
def test_where_nothing_is_wanted_what_rests_goes(symbol: Any, policy: Any, told: str):
    there = resting(WANTED.rungs)
    row = plan(symbol, policy, resting=(*there, FOREIGN))

    assert (row.entries, row.vetoed, row.keep) == ((), (), ())
    assert sorted(row.cancel) == sorted(ids(there))
    assert row.withheld is not None
    assert told in row.withheld


def test_an_obstacle_opens_nothing_and_still_cancels_what_is_unwanted():
    kept, moved = resting(WANTED.long[:1]), rests(order_of(WANTED.short[0], limit_price=Decimal(110_000)))
    beyond = rests(order_of(replace(WANTED.long[0], level=9)))
    row = plan(symbol_facts(obstacle="an order of unknown outcome"), resting=(*kept, moved, beyond))

    assert (row.entries, row.withheld) == ((), "an order of unknown outcome")
    assert row.keep == tuple(ids(kept))
    assert sorted(row.cancel) == sorted(ids([moved, beyond]))


def test_without_the_list_of_what_rests_nothing_is_planned():
    row = plan(resting=None)

    assert (row.entries, row.keep, row.cancel, row.vetoed) == ((), (), (), ())
    assert row.withheld == "what rests at the venue is not known"


UNKNOWN_INPUTS = [each.name for each in fields(pretrade()) if each.name not in {"resting", "decision"}]


@pytest.mark.parametrize("unknown", UNKNOWN_INPUTS)
def test_whatever_is_not_known_opens_nothing_and_keeps_no_unwanted_order(unknown: str):
    kept, beyond = resting(WANTED.long[:1]), rests(order_of(replace(WANTED.long[0], level=9)))
    known: dict[str, Any] = {unknown: None}
    row = plan(resting=(*kept, beyond), **known)

    assert row.entries == ()
    assert len(row.vetoed) == 11
    assert row.cancel == (beyond.client_order_id,)
    assert row.keep == tuple(ids(kept)), "what cannot be tested says nothing against what rests"


@pytest.mark.parametrize("unknown", ["atr", "brackets"])
def test_what_the_stress_test_needs_is_needed(unknown: str):
    row = plan(symbol_facts(**{unknown: None}))

    assert (row.entries, reasons(row)) == ((), {"stress_unavailable"})
    assert reasons(plan(drawdown=None)) == {"stress_unavailable"}


def test_a_side_that_could_not_be_survived_is_not_opened_and_not_left_to_rest():
    """A position ten times the account: its last rungs would liquidate it. The other side is not concerned."""
    held = position("2", LONG)
    stops = rests(replace(stop("2", "96000"), client_order_id="stop"))
    there = resting(WANTED.long[:2])
    wide = replace(POLICY, limits=symbol_limits(max_side_quantity=Decimal(100), max_side_exposure=Decimal(50),
                                                max_exposure=Decimal(50)))  # fmt: skip
    wide = replace(wide, limits=replace(wide.limits, max_account_exposure=Decimal(50),
                   buckets=(replace(wide.limits.buckets[0], max_exposure=Decimal(50)),)))  # fmt: skip
    row = plan(policy=wide, positions=(held,), resting=(*there, stops), totals=totals(20_000))

    assert {side for side, _ in keys(row.entries)} == {SHORT}
    assert {each.entry.rung.position_side for each in row.vetoed} == {LONG}
    assert reasons(row) == {"margin_ratio", "nav_drawdown_limit", "stop_beyond_liquidation"}
    assert sorted(row.cancel) == sorted(ids(there))
    assert row.keep == ()


def test_what_is_to_go_is_not_part_of_the_stress_test():
    """An order of a grid that has moved on would be stopped before the new grid's last rung."""
    old = order_of(WANTED.long[0], limit_price=Decimal(99_900))
    sent = [intent(old, stop_loss_price=Decimal(98_000))]
    row = plan(resting=[rests(old)], intents=sent)

    assert len(row.entries) == 12
    assert row.entries[-1].replaces == old.client_order_id
    stays = replace(FOREIGN, limit_price=Decimal(110_000))
    assert reasons(plan(resting=[stays])) == {"stop_before_last_rung"}


def test_a_side_that_is_survived_only_without_more_keeps_what_rests():
    strict = replace(POLICY, stress=replace(POLICY.stress, max_drawdown=Decimal("0.004")))
    there = resting(WANTED.long[:1])
    row = plan(policy=strict, resting=there)

    assert row.entries == ()
    assert row.keep == tuple(ids(there))
    assert reasons(row) == {"nav_drawdown_limit"}


def test_a_position_without_a_stop_is_not_enlarged():
    held = position("0.05", LONG)
    backstop = rests(replace(stop(None, "95000"), client_order_id="backstop"))

    assert {side for side, _ in keys(plan(positions=(held,)).entries)} == {SHORT}
    assert len(plan(positions=(held,), resting=(backstop,)).entries) == 12


def test_what_is_replaced_counts_until_it_is_gone_and_goes_if_its_successor_may_not_follow():
    side = sum((rung.quantity for rung in WANTED.long), Decimal(0))
    tight = replace(POLICY, limits=symbol_limits(max_side_quantity=side))
    moved = [rests(order_of(rung, limit_price=rung.limit_price - 100)) for rung in WANTED.long]
    row = plan(policy=tight, resting=moved)

    assert {key[0] for key in keys(row.entries)} == {SHORT}
    assert sorted(row.cancel) == sorted(ids(moved))
    assert len(plan(policy=tight).entries) == 12, "in the next bar they are gone"


def test_entries_of_one_symbol_count_for_the_next():
    other = replace(STRATEGY, name="second", symbol="ETHUSDT")
    book = replace(BOOK, strategy="second", symbol="ETHUSDT")
    rungs = replace(WANTED, symbol="ETHUSDT")
    two = [
        symbol_facts(),
        symbol_facts(strategy=other, book=book, ladder=replace(ladder(), ladders=rungs)),
    ]
    venue = (instrument(), instrument(symbol="ETHUSDT", base_asset="ETH"))
    known = pretrade(
        instruments=venue,
        mark_prices={"BTCUSDT": CENTER, "ETHUSDT": CENTER},
        leverages={"BTCUSDT": Decimal(3), "ETHUSDT": Decimal(3)},
    )
    account = AccountFacts(account="main", as_of=NOW, inputs=known, intents={}, drawdown=Decimal(0))
    capped = replace(POLICY, limits=limits(max_account_exposure=Decimal("0.30")))
    rows = plan_rows(two, account, capped, now=NOW, recorded_at=NOW)

    assert [(row.symbol, len(row.entries)) for row in rows] == [("BTCUSDT", 12), ("ETHUSDT", 1)]
    assert reasons(rows[1]) == {"portfolio_cap"}


def tight_limits() -> st.SearchStrategy[TradingLimits]:
    """Around what the grid wants: 0.136 of each side, 13.6 % of NAV."""

    def made(
        side: Decimal, both: Decimal, account: Decimal, quantity: Decimal, order: Decimal
    ) -> TradingLimits:
        symbol = replace(
            limits().symbols[0],
            max_side_exposure=side,
            max_exposure=both,
            max_side_quantity=quantity,
            max_order_notional_usd=order,
        )
        return limits(symbols=(symbol,), max_account_exposure=account)

    return st.builds(
        made,
        st.decimals("0.05", "0.4", places=3),
        st.decimals("0.05", "0.8", places=3),
        st.decimals("0.05", "0.8", places=3),
        st.decimals("0.05", "0.4", places=3),
        st.sampled_from([Decimal(2_200), Decimal(10_000)]),
    )


books = st.lists(
    st.tuples(
        st.sampled_from(WANTED.rungs),
        st.sampled_from([0, 50, 700]),
        st.sampled_from([OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING]),
        st.integers(0, 3),
    ),
    max_size=6,
)


def book(found: Any) -> tuple[KnownOrder, ...]:
    """Ours, in place or off it, several of one rung, acknowledged or not; and a person's."""
    orders = {}
    for rung, off, status, attempt in found:
        order = order_of(rung, attempt, limit_price=rung.limit_price - off * rung.position_side.sign)
        part = rung.quantity / 2 if status is OrderStatus.PARTIALLY_FILLED else Decimal(0)
        orders[order.client_order_id] = rests(order, status=status, filled_quantity=part)
    return (*orders.values(), FOREIGN)


@pytest.mark.finding("S3-RISK-1")
@pytest.mark.finding("X-17")
@given(
    found=books,
    by=tight_limits(),
    held=st.decimals(0, "0.1", places=3),
    scale=st.sampled_from(["0.001", "0.02", "0.03"]),
)
def test_entries_fit_the_venue_and_stay_within_every_cap_whatever_of_them_is_carried_out(
    found: Any, by: TradingLimits, held: Decimal, scale: str
):
    strategy = replace(STRATEGY, shape=shape(base_quantity=Decimal(scale), max_inventory=Decimal(10**6)))
    there, positions = book(found), (position(held, LONG), position(held / 2, SHORT))
    stops = tuple(
        rests(replace(stop(each.quantity, price, each.position_side), client_order_id=f"sl-{price}"))
        for each, price in zip(positions, (96_900, 103_100), strict=True)
        if each.quantity
    )
    venue, loose = (
        instrument(),
        replace(POLICY.stress, max_drawdown=Decimal("0.99"), max_margin_ratio=Decimal("0.99")),
    )
    row = plan(
        symbol_facts(strategy=strategy, ladder=ladder(strategy)),
        replace(POLICY, limits=by, stress=loose),
        positions=positions,
        resting=(*there, *stops),
    )

    known = keys(row.entries)
    assert len(set(known)) == len(known), "one entry per rung"
    pending = {
        recognize(order.client_order_id, BOOK).name for order in there if order.status is OrderStatus.PENDING
    }
    assert not {(name.position_side, name.level) for name in pending if name} & set(known)
    for entry in row.entries:
        order = entry.order
        assert order.quantity is not None
        assert order.limit_price is not None
        assert sendable_quantity(order.quantity, venue) == order.quantity
        assert directed_price(order.limit_price, order.side, venue) == order.limit_price
        assert refusal(order.limit_price, order.quantity, venue) is None
    touched = {*row.keep, *row.cancel, *row.waiting, *(each.replaces for each in row.entries)}
    assert touched - {None} <= set(ids(there)) - {FOREIGN.client_order_id}
    if row.entries:
        assert_within(by, positions, (*there, *stops), [entry.order for entry in row.entries])


def assert_within(by: TradingLimits, positions: Any, there: Any, sent: list[NewOrder]) -> None:
    """Everything sent while nothing that was to be canceled went, which is the most there can be."""
    whole = exposure(positions, there, sent, {"BTCUSDT": CENTER})
    assert whole is not None
    caps = by.of("BTCUSDT")
    assert caps is not None
    assert whole.notional_usd <= by.max_account_exposure * NAV
    assert whole.of_symbols(["BTCUSDT"]) <= caps.max_exposure * NAV
    for side in {order.position_side for order in sent}:
        assert whole.of("BTCUSDT", side).quantity <= caps.max_side_quantity
        assert whole.of("BTCUSDT", side).notional_usd <= caps.max_side_exposure * NAV
    for order in sent:
        assert order.quantity is not None
        assert order.quantity * max(order.limit_price or CENTER, CENTER) <= caps.max_order_notional_usd


@pytest.mark.finding("S3-PERF-2")
def test_a_bar_lists_the_orders_once_and_reads_each_id_once():
    there = resting(WANTED.rungs)
    recognize.cache_clear()
    plan(resting=there)

    assert recognize.cache_info().misses == len(there)


def test_a_plan_carried_out_leaves_nothing_to_do():
    first = plan()
    sent = tuple(rests(entry.order) for entry in first.entries)
    second = plan(resting=sent)

    assert (second.entries, second.cancel, second.vetoed) == ((), (), ())
    assert sorted(second.keep) == sorted(ids(sent))


def test_a_bar_is_over_with_its_cycle():
    later = plan(symbol_facts(cycle=CYCLE + MINUTE, ladder=ladder()))

    assert later.entries == ()
    assert (
        later.withheld
        == f"no ladders were planned at {(CYCLE + timedelta(minutes=1)).isoformat()}: plan them first"
    )
