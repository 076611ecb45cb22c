"""Opening orders leave under a permit or not at all, and are on record before they do."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import ConcurrentAppend
from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.trading.intents import Answer, Intent
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline_tests.domain.order_examples import incident
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT
from hedge_pipeline_tests.execution.conftest import Stages
from hedge_pipeline_tests.execution.desks import DeskStage, ids
from hedge_pipeline_tests.fakes_orders import Fault

LEVELS = (1, 2, 3, 4, 5, 6)


def faults(by_id: dict[str, Fault], request: str = "place"):
    return lambda asked, id_: by_id.get(id_) if asked == request else None


def test_a_ladder_goes_out_in_batches_of_five_and_rests(stage: DeskStage):
    entries = [stage.entry(level, side) for side in (LONG, SHORT) for level in LEVELS]

    updates = stage.open(entries)

    assert [len(sent) for request, sent in stage.venue.requests if request == "place"] == [5, 5, 2]
    assert ids(updates) == [entry.order.client_order_id for entry in entries] == stage.venue.accepted
    assert {(update.answer, update.status) for update in updates} == {(Answer.ACCEPTED, OrderStatus.NEW)}
    assert stage.updates == updates
    assert len(stage.unsettled) == 12, "they may still fill"


def test_an_intent_says_where_what_it_enters_is_left_and_under_which_decision(stage: DeskStage):
    planned, permit = stage.entry(2), stage.permit()
    stage.open([planned], permit)

    (intent,) = stage.intents
    assert intent.order == planned.order
    assert intent.take_profit_price == planned.rung.take_profit_price == Decimal(100_500)
    assert intent.stop_loss_price == planned.rung.stop_loss_price == Decimal(96_500)
    assert intent.decided_at == permit.decided_at
    assert intent.cycle == stage.clock.now()


def test_every_intent_is_stored_before_its_order_leaves(stage: DeskStage):
    seen: list[bool] = []

    def looks(request: str, id_: str) -> None:
        if request == "place":
            seen.append(stage.desk.intent_of(id_) is not None)

    stage.venue.fault = looks
    stage.open([stage.entry(level) for level in LEVELS])

    assert seen == [True] * 6


@pytest.mark.parametrize("ceiling", [TradingState.HALTED, TradingState.REDUCING])
def test_a_halt_journaled_after_the_permit_was_issued_counts_at_once(stage: DeskStage, ceiling: TradingState):
    permit = stage.permit()
    stage.journal.append(incident(account=stage.account, ceiling=ceiling))

    updates = stage.open([stage.entry(1), stage.entry(2)], permit)

    assert stage.venue.submitted == []
    assert {update.answer for update in updates} == {Answer.DENIED}
    assert "incident_open: operator_halt" in updates[0].message
    assert stage.updates == updates
    assert stage.unsettled == []


def test_a_halt_journaled_between_two_batches_stops_the_second(stage: DeskStage):
    def halts(request: str, id_: str) -> None:
        if request == "place" and not stage.journal:
            stage.journal.append(incident(account=stage.account))

    stage.venue.fault = halts
    updates = stage.open([stage.entry(level) for level in LEVELS])

    assert len(stage.venue.accepted) == 5
    assert [update.answer for update in updates] == [Answer.ACCEPTED] * 5 + [Answer.DENIED]


def test_a_journal_that_cannot_be_read_stops_everything(stage: DeskStage):
    stage.is_readable = False

    (update,) = stage.open([stage.entry(1)])

    assert (update.answer, stage.venue.submitted) == (Answer.DENIED, [])
    assert "incidents_unknown" in update.message


def test_what_leaves_leaves_within_the_permits_life(stages: Stages):
    slow = stages(takes_s=4)

    updates = slow.open([slow.entry(level, side) for side in (LONG, SHORT) for level in LEVELS])

    answers = [update.answer for update in updates]
    assert answers == [Answer.ACCEPTED] * 10 + [Answer.DENIED] * 2
    assert "permit_expired" in updates[-1].message


def test_the_countdown_runs_before_the_first_entry_leaves(stage: DeskStage):
    stage.open([stage.entry(level) for level in LEVELS])

    assert [request for request, _ in stage.venue.requests] == ["set_countdown", "place", "place"]
    assert stage.venue.countdowns.keys() == {"BTCUSDT"}


def test_without_a_countdown_no_entry_leaves(stage: DeskStage):
    stage.venue.fault = lambda request, _: Fault.REQUEST_LOST if request == "set_countdown" else None

    updates = stage.open([stage.entry(level) for level in LEVELS])

    assert {update.answer for update in updates} == {Answer.DENIED}
    assert all("the countdown could not be set" in update.message for update in updates)
    assert stage.venue.submitted == []


def test_a_permit_covers_so_many_orders_and_so_much_notional(stage: DeskStage):
    entries = [stage.entry(level) for level in LEVELS]
    few = stage.open(entries[:3], stage.permit(orders=2))
    little = stage.open(entries[3:], stage.permit(notional_usd=Decimal(300)))

    assert [update.answer for update in few] == [Answer.ACCEPTED, Answer.ACCEPTED, Answer.DENIED]
    assert [update.answer for update in little] == [Answer.ACCEPTED, Answer.DENIED, Answer.DENIED]


def test_without_a_mark_price_or_for_another_symbol_nothing_is_sent(stage: DeskStage):
    (unpriced,) = stage.open([stage.entry(1)], mark_prices={})
    (other,) = stage.open([stage.entry(2)], stage.permit(symbols=frozenset({"ETHUSDT"})))

    assert {unpriced.answer, other.answer} == {Answer.DENIED}
    assert stage.venue.submitted == []


@pytest.mark.finding("X-18")
def test_an_id_that_was_stored_before_is_never_sent_again(stage: DeskStage):
    entry = stage.entry(1)
    stage.open([entry])
    stage.venue.fill(entry.order.client_order_id)

    (update,) = stage.open([entry])

    assert stage.venue.accepted == [entry.order.client_order_id]
    assert (update.answer, update.settled) == (Answer.DENIED, False)
    assert "stored before" in update.message
    assert len(stage.unsettled) == 1, "that says nothing about the order itself"


@pytest.mark.finding("X-18")
def test_a_symbol_with_an_order_of_unknown_outcome_takes_no_further_one(stage: DeskStage):
    lost = stage.entry(1)
    stage.venue.fault = faults({lost.order.client_order_id: Fault.REQUEST_LOST})
    elsewhere = stage.entry(1, symbol="ETHUSDT")

    updates = stage.open([*(stage.entry(level) for level in LEVELS), elsewhere])

    assert [update.answer for update in updates] == [
        Answer.ABSENT, *[Answer.ACCEPTED] * 4, Answer.DENIED, Answer.ACCEPTED,
    ]  # fmt: skip
    assert not updates[0].settled
    assert "another order of BTCUSDT is not known" in updates[5].message


@pytest.mark.finding("X-18")
def test_an_intent_that_a_dead_process_left_closes_its_symbol(stage: DeskStage):
    left = stage.entry(1)
    stage.store.append(_intent(stage, left))

    btc, eth = stage.open([stage.entry(2), stage.entry(1, symbol="ETHUSDT")])

    assert (btc.answer, eth.answer) == (Answer.DENIED, Answer.ACCEPTED)


def test_a_lost_answer_is_looked_up_at_once(stage: DeskStage):
    entries = [stage.entry(level) for level in LEVELS]
    stage.venue.fault = faults({entries[2].order.client_order_id: Fault.ANSWER_LOST})

    updates = stage.open(entries)

    assert [update.answer for update in updates] == [Answer.ACCEPTED] * 6
    told = [update.answer for update in stage.updates if update.client_order_id == ids(updates)[2]]
    assert told == [Answer.UNKNOWN, Answer.ACCEPTED]


def test_an_order_that_the_venue_calls_a_duplicate_is_looked_up_not_forgotten(stage: DeskStage):
    entry = stage.entry(1)
    stage.venue.place([entry.order])

    (update,) = stage.open([entry])

    assert (update.answer, update.status) == (Answer.ACCEPTED, OrderStatus.NEW)
    assert stage.venue.accepted == [entry.order.client_order_id]


def test_one_refusal_in_a_batch_is_told_of_its_own_order(stage: DeskStage):
    entries = [stage.entry(level) for level in LEVELS]
    stage.venue.fault = faults({entries[1].order.client_order_id: Fault.REFUSED})

    updates = stage.open(entries)

    refused = [update for update in updates if update.answer is Answer.REJECTED]
    assert ids(refused) == [entries[1].order.client_order_id]
    assert refused[0].code == -2019
    assert len(stage.venue.accepted) == 5


def test_an_id_of_another_strategy_or_kind_is_not_sent(stage: DeskStage):
    (update,) = stage.open([stage.entry(1)], strategy="another")

    assert (update.answer, stage.venue.submitted) == (Answer.DENIED, [])
    assert "of no entry of another on BTCUSDT" in update.message


def test_a_process_that_stood_still_does_not_go_on_with_what_others_gave_up(stage: DeskStage):
    """Between its intents and the request; the permit alone would last longer."""

    def stands_still() -> tuple[()]:
        stage.clock.pass_by(6)
        return ()

    stalled = replace(stage, desk=replace(stage.desk, incidents=stands_still))
    (update,) = stalled.open([stage.entry(1)])

    assert (update.answer, stage.venue.submitted) == (Answer.DENIED, [])
    assert "too long ago" in update.message
    assert stage.unsettled == []


def test_an_intent_stored_by_somebody_else_meanwhile_keeps_the_batch_from_being_sent(stage: DeskStage):
    entry = stage.entry(1)
    twice = [entry, replace(entry, rung=stage.entry(2).rung)]

    with pytest.raises(ConcurrentAppend):
        stage.open(twice)

    assert stage.venue.submitted == []


@given(
    sides=st.lists(st.tuples(st.sampled_from([LONG, SHORT]), st.integers(1, 6)), unique=True, max_size=12),
    orders=st.integers(1, 12),
    notional=st.integers(1, 3000),
    age=st.floats(0, 12),
    takes=st.floats(0, 4),
    halted_at=st.none() | st.integers(0, 3),
    unreadable_at=st.none() | st.integers(0, 3),
    outcomes=st.lists(st.sampled_from([None, None, *Fault]), max_size=16),
)
def test_nothing_is_opened_that_no_permit_covers(
    stages: Stages, sides, orders, notional, age, takes, halted_at, unreadable_at, outcomes
):
    """Whatever happens: bounded in number, notional and time, never under an incident, and always on record first."""
    stage = stages(takes_s=takes)
    permit = stage.permit(orders=orders, notional_usd=Decimal(notional))
    stage.clock.pass_by(age)
    batches_read: list[None] = []
    left = list(outcomes)

    def read():
        batches_read.append(None)
        if unreadable_at is not None and len(batches_read) > unreadable_at:
            return None
        return (
            [incident(account=stage.account)]
            if halted_at is not None and len(batches_read) > halted_at
            else []
        )

    def outcome(request: str, id_: str) -> Fault | None:
        if request != "place":
            return None
        assert stage.desk.intent_of(id_) is not None
        assert stage.clock.now() - timedelta(seconds=takes) < permit.expires_at
        stops = [at for at in (halted_at, unreadable_at) if at is not None]
        assert len(batches_read) <= min(stops, default=99)
        return left.pop() if left else None

    stage.venue.fault = outcome
    desk = replace(stage.desk, incidents=read)
    staged = replace(stage, desk=desk)
    staged.open([stage.entry(level, side) for side, level in sides], permit)

    sent = stage.venue.submitted
    assert len(sent) <= orders
    worth = [
        (order.quantity or 0) * max(order.limit_price or 0, stage.venue.marks[order.symbol]) for order in sent
    ]
    assert sum(worth) <= notional
    assert len({order.client_order_id for order in sent}) == len(sent)
    assert len(set(stage.venue.accepted)) == len(stage.venue.accepted)


def _intent(stage: DeskStage, planned) -> Intent:
    return Intent(
        account=stage.account,
        client_order_id=planned.order.client_order_id,
        symbol=planned.order.symbol,
        strategy="grid",
        recorded_at=stage.clock.now(),
        cycle=stage.clock.now(),
        decided_at=stage.clock.now(),
        order=planned.order,
        take_profit_price=None,
        stop_loss_price=None,
    )
