"""The stored rows give back what the rules remember: a process that starts anew judges as the one before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id
from hedge_pipeline.domain.market_data import Side
from hedge_pipeline.domain.orders import OrderKind, closing_side, opening_side
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.trading.risk_events import history_needed, risk_state_of
from hedge_pipeline.domain.trading_limits import BreakerLimit
from hedge_pipeline.domain.trading_risk_state import (
    TradingEventKind,
    TradingRiskState,
    breaker_is_open,
    fresh_state,
    last,
    submissions,
)
from hedge_pipeline_tests.domain.order_examples import NOW, SECOND, entry, stop, take_profit
from hedge_pipeline_tests.domain.trading_examples import LONG
from hedge_pipeline_tests.domain.trading_limit_examples import LIMITS, limits

KIND = TradingEventKind
BOOK = Book(store_id="store", strategy="grid", account="main", symbol="BTCUSDT")
ORDERS = {OrderKind.ENTRY: entry, OrderKind.STOP_LOSS: stop, OrderKind.TAKE_PROFIT: take_profit}
Rows = tuple[list[Intent], list[OrderUpdate], list[LedgerFill]]


def named(number: int, kind: OrderKind = OrderKind.ENTRY) -> str:
    cycle = NOW.replace(microsecond=0) + timedelta(seconds=number)
    return client_order_id(BOOK, OrderName(kind=kind, position_side=LONG, level=1, cycle=cycle, attempt=0))


def intent(
    number: int, second: float = 0, kind: OrderKind = OrderKind.ENTRY, account: str = "main"
) -> Intent:
    order = replace(ORDERS[kind](), client_order_id=named(number, kind))
    at = NOW + second * SECOND
    return Intent(
        account=account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        strategy="grid",
        recorded_at=at,
        cycle=at,
        decided_at=at,
        order=order,
        take_profit_price=None,
        stop_loss_price=None,
    )


def told(of: Intent, answer: Answer, after: float = 1) -> OrderUpdate:
    at = of.recorded_at + after * SECOND
    return OrderUpdate(
        account=of.account,
        client_order_id=of.client_order_id,
        symbol=of.symbol,
        recorded_at=at,
        as_of=at,
        answer=answer,
        status=None,
        venue_order_id=None,
        filled_quantity=None,
        settled=answer is not Answer.UNKNOWN,
        code=None,
        message="",
    )


def fill(number: int, second: float = 0, kind: OrderKind = OrderKind.ENTRY, **changes) -> LedgerFill:
    opens = kind is OrderKind.ENTRY
    fields = {
        "account": "main",
        "symbol": "BTCUSDT",
        "fill_id": f"{number}-{second}",
        "venue_order_id": str(number),
        "side": opening_side(LONG) if opens else closing_side(LONG),
        "position_side": LONG,
        "price": Decimal(100_000),
        "quantity": Decimal("0.001"),
        "realized_pnl": Decimal(0),
        "commission": Decimal(0),
        "commission_asset": "USDT",
        "maker": True,
        "filled_at": NOW + second * SECOND,
        "recorded_at": NOW + second * SECOND,
        "client_order_id": named(number, kind),
        "origin": FillOrigin.OURS,
    }
    return LedgerFill(**{**fields, **changes})


def state(
    intents: Sequence[Intent] = (),
    updates: Sequence[OrderUpdate] = (),
    fills: Sequence[LedgerFill] = (),
    by=LIMITS,
) -> TradingRiskState:
    return risk_state_of("main", intents, updates, fills, by)


def submitted(of: TradingRiskState, second: float = 60) -> int:
    return submissions(of, LIMITS.symbol_rate, NOW + second * SECOND)


@pytest.mark.finding("X-8")
def test_an_entry_counts_as_submitted_once_whatever_it_was_told():
    sent = [intent(number) for number in range(3)]
    updates = [
        told(sent[0], Answer.UNKNOWN), told(sent[0], Answer.ACCEPTED, 2), told(sent[0], Answer.CANCELED, 3),
        told(sent[1], Answer.REJECTED),
    ]  # fmt: skip

    assert submitted(state(sent, updates)) == 3, "the third may have left: nobody knows"


@pytest.mark.finding("X-8")
def test_what_our_own_client_refused_was_never_submitted():
    denied = intent(1)

    folded = state([denied], [told(denied, Answer.DENIED)])

    assert submitted(folded) == 0
    assert last(folded, KIND.DENIED) == NOW + SECOND


def test_exits_are_no_submissions():
    exits = [intent(1, kind=OrderKind.STOP_LOSS), intent(2, kind=OrderKind.TAKE_PROFIT)]

    assert submitted(state(exits, [told(each, Answer.ACCEPTED) for each in exits])) == 0


@pytest.mark.finding("S3-RISK-4")
@pytest.mark.parametrize(
    "answers",
    [[Answer.REJECTED] * 3, [Answer.DENIED] * 3, [Answer.REJECTED, Answer.DENIED, Answer.REJECTED]],
)
@pytest.mark.parametrize("kind", OrderKind)
def test_stored_rejects_and_denials_trip_the_breaker_until_its_cooldown_is_over(answers, kind: OrderKind):
    sent = [intent(number, number, kind) for number in range(3)]
    updates = [told(each, answer) for each, answer in zip(sent, answers, strict=True)]

    assert not breaker_is_open(state(sent, updates[:2]), NOW + 3 * SECOND)
    tripped = state(sent, updates)
    assert breaker_is_open(tripped, NOW + 3 * SECOND)
    assert not breaker_is_open(tripped, NOW + (3 + 300) * SECOND)


def test_what_was_withheld_without_an_intent_trips_nothing():
    """It was never about to leave."""
    withheld = [told(intent(number), Answer.DENIED) for number in range(9)]

    assert state([], withheld) == fresh_state("main")


def test_what_was_withheld_once_and_sent_later_counts_as_submitted():
    later = intent(1, 10)
    withheld = told(intent(1, 0), Answer.DENIED)

    folded = state([later], [withheld, told(later, Answer.ACCEPTED)])

    assert submitted(folded) == 1
    assert last(folded, KIND.DENIED) is None


@pytest.mark.finding("X-10")
def test_fills_start_the_cooldowns_of_their_orders_kind():
    folded = state(
        fills=[
            fill(1, 1),
            fill(2, 2, OrderKind.STOP_LOSS),
            fill(3, 3, OrderKind.TAKE_PROFIT),
            fill(4, 4, origin=FillOrigin.FOREIGN, client_order_id="web_1"),
        ]
    )

    assert last(folded, KIND.ENTRY_FILLED) == NOW + SECOND
    assert last(folded, KIND.STOP_FILLED) == NOW + 2 * SECOND
    assert len(folded.events) == 2


@pytest.mark.finding("X-10")
def test_a_stop_placed_long_ago_starts_its_cooldown_when_it_fills():
    """Its intent is older than any window: the id of the fill tells what it was."""
    assert last(state(fills=[fill(1, 5, OrderKind.STOP_LOSS)]), KIND.STOP_FILLED) == NOW + 5 * SECOND


@pytest.mark.parametrize(("side", "kind"), [(Side.SELL, KIND.STOP_FILLED), (Side.BUY, KIND.ENTRY_FILLED)])
def test_a_fill_of_which_nobody_knows_the_order_cools_down_as_what_it_may_have_been(side: Side, kind):
    unknown = fill(1, side=side, origin=FillOrigin.UNKNOWN, client_order_id=None)

    assert last(state(fills=[unknown]), kind) == NOW


def test_other_accounts_rows_are_not_looked_at():
    other = intent(1, account="other")

    assert state([other], [told(other, Answer.REJECTED)], [fill(1, account="other")]) == fresh_state("main")


def _rows(seconds: Sequence[tuple[float, str]]) -> Rows:
    intents, updates, fills = [], [], []
    for number, (second, what) in enumerate(seconds):
        if what in {"entry", "stop"}:
            fills.append(fill(number, second, OrderKind.ENTRY if what == "entry" else OrderKind.STOP_LOSS))
            continue
        sent = intent(number, second)
        intents.append(sent)
        if what != "lost":
            updates.append(told(sent, Answer(what), 0))
    return intents, updates, fills


EVENTS = st.lists(
    st.tuples(
        st.integers(-12_000, 0).map(float),
        st.sampled_from(["entry", "stop", "lost", "accepted", "rejected", "denied", "unknown"]),
    ),
    max_size=40,
)
NARROW = limits(
    breaker=BreakerLimit(failures=2, window=timedelta(seconds=600), cooldown=timedelta(seconds=60))
)


@pytest.mark.finding("X-10")
@given(events=EVENTS, by=st.sampled_from([LIMITS, NARROW]))
def test_more_history_than_is_needed_changes_nothing(events, by):
    assume(events)
    newest = max(second for second, _ in events)
    oldest = newest - history_needed(by).total_seconds()
    recent = [each for each in events if each[0] > oldest]
    older = [each for each in events if each[0] <= oldest]

    assert state(*_rows([*recent, *older]), by) == state(*_rows(recent), by)


def test_an_old_failure_does_not_decide_at_which_of_many_later_ones_the_breaker_trips():
    """Every second failure trips it: told from an older one on, it would be the others."""
    recent = [(100.0 * number, "rejected") for number in range(37)]
    needed = history_needed(NARROW).total_seconds()
    older = (recent[-1][0] - needed - 10, "rejected")

    assert state(*_rows([*recent, older]), by=NARROW) == state(*_rows(recent), by=NARROW)


@pytest.mark.finding("X-10")
@given(events=EVENTS, cut=st.integers(0, 40), order=st.randoms(use_true_random=False))
def test_a_process_that_starts_anew_judges_as_the_one_before(events, cut: int, order):
    """The one before folded as it went, in order; the new one folds what is stored, in any order."""
    intents, updates, fills = _rows(events)
    whole = state(intents, updates, fills)
    for rows in (intents, updates, fills):
        order.shuffle(rows)

    assert state([*intents, *intents[:cut]], [*updates, *updates[:cut]], fills) == whole


@given(events=EVENTS, at=st.integers(0, 600))
def test_the_state_is_that_of_every_row_told_one_by_one(events, at: int):
    """Of the rules that look back by a window; nothing they ask for is left out."""
    now = NOW + at * SECOND
    folded = state(*_rows(events))

    for rate in (LIMITS.symbol_rate, LIMITS.burst):
        within = [
            what
            for second, what in events
            if what in {"lost", "accepted", "rejected", "unknown"} and _at(second) > now - rate.window
        ]
        assert submissions(folded, rate, now) == len(within)
    stops = [_at(second) for second, what in events if what == "stop"]
    if stops and max(stops) > now - LIMITS.stop_cooldown:
        assert last(folded, KIND.STOP_FILLED) == max(stops)


def _at(second: float) -> datetime:
    return NOW + second * SECOND
