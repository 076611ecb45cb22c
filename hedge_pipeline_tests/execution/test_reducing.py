"""Reducing needs no permit in any state, and closes no more than there is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderKind
from hedge_pipeline.domain.trading.intents import Answer, OrderUpdate
from hedge_pipeline.execution import ExitPrices, reduce
from hedge_pipeline.execution.reducing import why_it_may_not_reduce
from hedge_pipeline_tests.domain.order_examples import entry, incident, position, rests, stop, take_profit
from hedge_pipeline_tests.domain.trading_examples import LONG, SHORT
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.execution.desks import STRATEGY, DeskStage
from hedge_pipeline_tests.fakes_orders import Fault

SL, TP = OrderKind.STOP_LOSS, OrderKind.TAKE_PROFIT


@pytest.fixture
def holding(stage: DeskStage) -> DeskStage:
    """LONG 0.01."""
    stage.venue.held["BTCUSDT", LONG] = Decimal("0.01")
    return stage


def reduced(stage: DeskStage, orders: list[NewOrder], **changes) -> list[OrderUpdate]:
    told = {
        "positions": stage.venue.positions,
        "resting": stage.venue.working,
        "strategy": STRATEGY,
        "cycle": NOON,
    }
    return reduce(stage.desk, orders, **{**told, **changes})


def test_exits_go_out_under_a_halt_and_with_an_unreadable_journal(holding: DeskStage):
    holding.journal.append(incident(account=holding.account))
    holding.is_readable = False

    updates = reduced(holding, [holding.exit(SL, "0.01", 97_000), holding.exit(TP, "0.01", 101_000)])

    assert [update.answer for update in updates] == [Answer.ACCEPTED] * 2
    assert [intent.decided_at for intent in holding.intents] == [None, None]
    assert holding.updates == updates


def test_the_intent_is_stored_first_with_the_lot_it_leaves(holding: DeskStage):
    order = holding.exit(SL, "0.01", 97_000)
    seen: list[bool] = []

    def looks(request: str, id_: str) -> None:
        seen.append(holding.desk.intent_of(id_) is not None)

    holding.venue.fault = looks
    prices = {order.client_order_id: ExitPrices(Decimal(101_000), Decimal(97_000))}
    reduced(holding, [order], prices=prices)

    assert seen == [True]
    (intent,) = holding.intents
    assert intent.take_profit_price == 101_000
    assert intent.stop_loss_price == 97_000


def test_more_than_the_position_is_not_sent(holding: DeskStage):
    (update,) = reduced(holding, [holding.exit(TP, "0.011", 101_000)])

    assert (update.answer, holding.venue.submitted) == (Answer.DENIED, [])
    assert "closes 0.011, and 0.01 are left of a LONG position of 0.01 in BTCUSDT" in update.message
    assert holding.intents == []


def test_resting_and_earlier_take_profits_leave_less(holding: DeskStage):
    reduced(holding, [holding.exit(TP, "0.006", 101_000)])

    two = [holding.exit(TP, "0.003", 101_000, level=2), holding.exit(TP, "0.002", 101_000, level=3)]
    updates = {update.client_order_id: update.answer for update in reduced(holding, two)}

    assert [updates[order.client_order_id] for order in two] == [Answer.ACCEPTED, Answer.DENIED]


def test_a_stop_waits_beside_the_one_it_will_replace_and_one_closes_whatever_is_left(holding: DeskStage):
    reduced(holding, [holding.exit(SL, "0.01", 97_000)])

    updates = reduced(
        holding, [holding.exit(SL, "0.01", 97_500, attempt=1), holding.exit(SL, None, 95_000, level=0)]
    )

    assert [update.answer for update in updates] == [Answer.ACCEPTED] * 2


def test_stops_and_other_closes_leave_each_other_the_whole_position():
    assert why_it_may_not_reduce(take_profit(), [position()], [rests(stop())]) is None
    assert why_it_may_not_reduce(stop(), [position()], [rests(take_profit())]) is None


def test_stops_of_one_call_close_the_position_once(holding: DeskStage):
    (denied, accepted) = reduced(
        holding, [holding.exit(SL, "0.006", 97_000), holding.exit(SL, "0.006", 96_000, level=2)]
    )

    assert (denied.answer, accepted.answer) == (Answer.DENIED, Answer.ACCEPTED)


def test_what_is_not_known_proves_nothing():
    assert "positions are not known" in str(why_it_may_not_reduce(take_profit(), None, []))
    assert "resting orders are not known" in str(why_it_may_not_reduce(take_profit(), [position()], None))
    assert why_it_may_not_reduce(stop(), [position()], None) is None
    assert why_it_may_not_reduce(stop(quantity=None), None, None) is None
    assert "of a LONG position of 0 in" in str(why_it_may_not_reduce(stop(), [], []))
    assert why_it_may_not_reduce(stop(), [position("NaN")], []) is not None


def test_an_opening_order_is_never_taken_for_a_reducing_one(holding: DeskStage):
    (update,) = reduced(holding, [holding.entry(1).order])

    assert (update.answer, holding.venue.submitted) == (Answer.DENIED, [])
    assert "BUY LONG opens: it needs a permit" in update.message


def test_a_lost_answer_is_looked_up_and_an_id_is_sent_once(holding: DeskStage):
    order = holding.exit(SL, "0.01", 97_000)
    holding.venue.fault = lambda request, _: Fault.ANSWER_LOST if request == "place" else None

    (first,) = reduced(holding, [order])
    (second,) = reduced(holding, [order])

    assert (first.answer, second.answer) == (Answer.ACCEPTED, Answer.DENIED)
    assert not second.settled
    assert holding.venue.accepted == [order.client_order_id]


QUANTITIES = st.integers(1, 9).map(lambda thousandths: Decimal(thousandths) / 1000)
RESTING = st.one_of(
    st.builds(take_profit, QUANTITIES, held=st.sampled_from([LONG, SHORT])),
    st.builds(stop, QUANTITIES, held=st.sampled_from([LONG, SHORT])),
    st.builds(entry, QUANTITIES, held=st.sampled_from([LONG, SHORT])),
).map(rests)


@given(
    held=QUANTITIES,
    resting=st.lists(RESTING, max_size=4),
    asked=st.lists(st.builds(take_profit, QUANTITIES, held=st.sampled_from([LONG, SHORT])), max_size=5),
)
def test_what_is_proven_never_closes_more_than_there_is(
    held: Decimal, resting: list[KnownOrder], asked: list[NewOrder]
):
    proven: list[NewOrder] = []
    for order in asked:
        if why_it_may_not_reduce(order, [position(held)], resting, earlier=proven) is None:
            proven.append(order)

    assert {order.position_side for order in proven} <= {LONG}
    closes = [o for o in resting if o.reduces_position and o.position_side is LONG and o.stop_price is None]
    already = sum((order.quantity for order in closes), Decimal(0))
    assert sum((order.quantity or 0 for order in proven), Decimal(0)) <= max(held - already, Decimal(0))
