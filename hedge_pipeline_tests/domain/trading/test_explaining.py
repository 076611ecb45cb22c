"""For one symbol: what was wanted, planned, sent and withheld, and why, in a few lines."""

from decimal import Decimal

from hedge_pipeline.domain.orders import OrderStatus
from hedge_pipeline.domain.trading.explaining import account_of, told
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline_tests.domain.trading.bar_examples import CYCLE, grid, ladder, plan, resting, symbol_facts
from hedge_pipeline_tests.domain.trading.test_executing import update
from hedge_pipeline_tests.domain.trading_examples import MINUTE

HEAD = "BTCUSDT, bar that closed at 2026-11-20T12:00:00+00:00: "


def test_each_entry_is_told_with_what_became_of_it():
    row = plan()
    first, second, third = (entry.order.client_order_id for entry in row.entries[:3])
    updates = [
        update(Answer.UNKNOWN, client_order_id=first, status=None),
        update(Answer.ACCEPTED, client_order_id=first),
        update(Answer.REJECTED, client_order_id=second, status=None, code=-5022, message="would take"),
        update(
            Answer.ACCEPTED,
            client_order_id=third,
            status=OrderStatus.PARTIALLY_FILLED,
            filled_quantity=Decimal("0.007"),
        ),
    ]
    account = account_of("BTCUSDT", ladder(), row, updates)

    assert [fate.answer for fate in account.planned[:4]] == [
        Answer.ACCEPTED,
        Answer.REJECTED,
        Answer.ACCEPTED,
        None,
    ]
    lines = list(told(account))
    assert lines[0] == (
        f"{HEAD}12 rungs wanted, 0 orders kept, 12 to open, 0 vetoed, 0 to cancel, 0 not acknowledged"
    )
    assert lines[1:5] == [
        "  LONG 1, 0.020 at 99500: accepted, NEW",
        "  SHORT 1, 0.020 at 100500: rejected, code -5022, would take",
        "  LONG 2, 0.021 at 99000: accepted, PARTIALLY_FILLED, 0.007 filled",
        "  SHORT 2, 0.021 at 101000: not sent, or its answer is not known yet",
    ]


def test_vetoes_are_told_with_limit_and_figure():
    account = account_of("BTCUSDT", ladder(), plan(leverages={"BTCUSDT": Decimal(50)}), [])

    assert len(account.vetoed) == 12
    assert (
        "  LONG 1, 0.020 at 99500 vetoed: leverage_cap (leverage_is_within_its_cap): 50x, allowed 4x"
        in told(account)
    )


def test_what_is_withheld_is_told_by_whoever_withheld_it_last():
    cold = ladder(regime=None)
    assert account_of("BTCUSDT", cold, plan(symbol_facts(ladder=cold)), []).withheld == cold.withheld
    assert account_of("BTCUSDT", ladder(), plan(symbol_facts(obstacle="wait")), []).withheld == "wait"
    later = ladder(cycle=CYCLE + MINUTE, regime=None)
    assert account_of("BTCUSDT", later, plan(), []).withheld == later.withheld
    unplanned = account_of("BTCUSDT", ladder(), None, [])
    assert unplanned.withheld == "the ladders of 2026-11-20T12:00:00+00:00 have no plan yet"
    assert list(told(account_of("BTCUSDT", None, None, []))) == ["BTCUSDT: nothing was planned yet"]


def test_kept_canceled_waiting_and_left_out_are_told():
    there = resting(grid().long[:2])
    row = plan(resting=there)
    crossed = ladder(center=Decimal(100_800))
    account = account_of("BTCUSDT", crossed, row, [])

    assert set(account.kept) == {order.client_order_id for order in there}
    assert account.left_out == ("LONG 1 at 100296: it would trade at once: the price is 100000",)
    assert list(told(account))[-1] == f"  not placed: {account.left_out[0]}"
