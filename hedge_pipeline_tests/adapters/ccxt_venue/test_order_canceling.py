"""Canceling and looking up: an order is gone, absent or unknown, and only by the venue's own word about this very order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.orders import KnownOrder, NewOrder, OrderStatus, TimeInForce
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    Trading,
    entry,
    market,
    stop,
    take_profit,
    trading_desk,
)
from hedge_pipeline_tests.adapters.ccxt_venue.test_order_outcomes import BODIES, UNCERTAIN

CANCEL, CANCEL_MANY, CANCEL_CONDITIONAL = (
    "DELETE /fapi/v1/order",
    "DELETE /fapi/v1/batchOrders",
    "DELETE /fapi/v1/algoOrder",
)
CANCELING = (CANCEL, CANCEL_MANY, CANCEL_CONDITIONAL)
LOOK_UP, LOOK_UP_CONDITIONAL = "GET /fapi/v1/order", "GET /fapi/v1/algoOrder"
WAYS = pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [
        (CANCEL, [entry("e1")]),
        (CANCEL_MANY, [entry("e1"), entry("e2", "58000")]),
        (CANCEL_CONDITIONAL, [stop("s1")]),
    ],
    ids=["one", "several", "conditional"],
)
LOOKS = pytest.mark.parametrize(
    ("endpoint", "order"),
    [(LOOK_UP, entry("e1")), (LOOK_UP_CONDITIONAL, stop("s1"))],
    ids=["ordinary", "conditional"],
)


@pytest.fixture(scope="module")
def one_desk() -> Iterator[Trading]:
    with trading_desk() as found:
        yield found


@pytest.fixture
def trading(one_desk: Trading) -> Trading:
    one_desk.start_over()
    one_desk.orders.place([market("m1", "0.1")])
    one_desk.venue.heard.clear()
    return one_desk


@pytest.fixture
def walking() -> Iterator[Trading]:
    """Its own desk: a path of prices begins once."""
    with trading_desk() as found:
        found.orders.place([market("m1", "0.1")])
        yield found


def placed(trading: Trading, orders: Sequence[NewOrder]) -> list[KnownOrder]:
    found = [answered.order for answered in trading.orders.place(orders)]
    assert None not in found
    return [order for order in found if order is not None]


def canceled(trading: Trading, orders: Sequence[KnownOrder]) -> list[Answer]:
    return [answered.answer for answered in trading.orders.cancel(orders)]


@WAYS
def test_a_canceled_order_is_gone_and_one_that_is_gone_is_absent(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    orders = placed(trading, wanted)
    answers = trading.orders.cancel(orders)
    assert [each.client_order_id for each in answers] == [order.client_order_id for order in wanted]
    assert [(each.answer, each.code, each.message) for each in answers] == [
        (Answer.CANCELED, None, "")
    ] * len(wanted)
    assert {each.order.status for each in answers if each.order} == {OrderStatus.CANCELED}
    assert not trading.working()

    again = trading.orders.cancel(orders)
    assert [(each.answer, each.code, each.order) for each in again] == [(Answer.ABSENT, -2011, None)] * len(
        wanted
    )
    assert len(trading.heard(*CANCELING)) == len(trading.heard(endpoint)) == 2


def test_ordinary_orders_of_a_symbol_are_canceled_in_tens_and_every_answer_is_in_its_place(
    trading: Trading,
) -> None:
    ordinary = placed(trading, [entry(f"e{number}", 59000 - number) for number in range(12)])
    others = placed(trading, [entry("x1", "2900", "0.5", symbol="ETHUSDT"), stop("s1"), take_profit("t1")])
    trading.orders.cancel([ordinary[3]])
    mixed = [others[1], *ordinary[:6], others[0], *ordinary[6:], others[2]]

    answers = trading.orders.cancel(mixed)

    assert [each.client_order_id for each in answers] == [order.client_order_id for order in mixed]
    assert [each.client_order_id for each in answers if each.answer is Answer.ABSENT] == ["e3"]
    assert [each.answer for each in answers].count(Answer.CANCELED) == len(mixed) - 1
    assert not trading.working()
    sizes = [params["orderidlist"].count(",") + 1 for params in trading.heard(CANCEL_MANY)]
    assert sorted(sizes) == [3, 10]


def test_an_order_whose_venue_id_is_not_known_is_canceled_by_ours(trading: Trading) -> None:
    orders = placed(trading, [entry("e1"), stop("s1")])
    pending = [replace(order, venue_order_id=None, status=OrderStatus.PENDING) for order in orders]
    answers = trading.orders.cancel(pending)
    assert [each.answer for each in answers] == [Answer.CANCELED] * 2
    assert [each.order.venue_order_id for each in answers if each.order] == [
        order.venue_order_id for order in orders
    ]
    assert trading.heard(CANCEL)[0]["origClientOrderId"] == "e1"
    assert trading.heard(CANCEL_CONDITIONAL)[0]["clientAlgoId"] == "s1"


def test_an_order_that_filled_before_its_cancel_is_absent_and_found_filled(walking: Trading) -> None:
    orders = placed(walking, [entry("e1", "59990")])
    walking.desk.walk("59980")
    assert canceled(walking, orders) == [Answer.ABSENT]
    found = walking.orders.look_up("e1", "BTCUSDT", conditional=False)
    assert found.order is not None
    assert (found.answer, found.order.status) == (Answer.ACCEPTED, OrderStatus.FILLED)
    assert found.order.filled_quantity == Decimal("0.010")


@WAYS
@pytest.mark.parametrize(
    ("status", "body"), [*BODIES, *[(s, {"code": c, "msg": "No."}) for s, c in UNCERTAIN]]
)
def test_what_cannot_be_believed_leaves_a_cancel_unknown(
    trading: Trading, endpoint: str, wanted: list[NewOrder], status: int, body: Any
) -> None:
    orders = placed(trading, wanted)
    content_type = "text/html" if str(body).startswith("<") else "application/json"
    trading.fault(endpoint, "respond", status=status, body=body, content_type=content_type)
    assert set(canceled(trading, orders)) == {Answer.UNKNOWN}
    assert len(trading.heard(*CANCELING)) == 1


@WAYS
@pytest.mark.parametrize(
    ("status", "code"), [(429, -1003), (401, -2015), (400, -1102), (503, -1008), (500, -2011), (200, -2011)]
)
def test_an_order_whose_cancel_is_refused_may_still_rest(
    trading: Trading, endpoint: str, wanted: list[NewOrder], status: int, code: int
) -> None:
    orders = placed(trading, wanted)
    trading.refuse(endpoint, status, code)
    answers = trading.orders.cancel(orders)
    assert {(each.answer, each.code) for each in answers} == {(Answer.UNKNOWN, code)}


@WAYS
def test_a_cancel_whose_answer_is_lost_is_unknown_and_then_absent(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    orders = placed(trading, wanted)
    trading.fault(endpoint, "lose_answer", times=1)
    assert set(canceled(trading, orders)) == {Answer.UNKNOWN}
    assert len(trading.heard(*CANCELING)) == 1
    assert set(canceled(trading, orders)) == {Answer.ABSENT}


@WAYS
def test_a_dropped_cancel_is_unknown_and_the_order_rests(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    orders = placed(trading, wanted)
    trading.fault(endpoint, "drop", times=1)
    assert set(canceled(trading, orders)) == {Answer.UNKNOWN}
    assert trading.working() == {order.client_order_id for order in wanted}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderId", 4),
        ("clientOrderId", "else"),
        ("symbol", "ETHUSDT"),
        ("status", "NEW"),
        ("status", "PARTIALLY_FILLED"),
    ],
)
def test_the_cancel_of_another_order_is_none_of_ours(trading: Trading, field: str, value: object) -> None:
    orders = placed(trading, [entry("e1")])
    trading.fault(CANCEL, "replace_field", path=field, value=value)
    assert canceled(trading, orders) == [Answer.UNKNOWN]


@pytest.mark.parametrize(("field", "value"), [("algoId", 4), ("clientAlgoId", "else"), ("code", "-1")])
def test_the_cancel_of_another_conditional_order_is_none_of_ours(
    trading: Trading, field: str, value: object
) -> None:
    orders = placed(trading, [stop("s1")])
    trading.fault(CANCEL_CONDITIONAL, "replace_field", path=field, value=value)
    assert canceled(trading, orders) == [Answer.UNKNOWN]


def test_a_canceled_conditional_order_may_be_answered_in_full(trading: Trading) -> None:
    """As the venue's documentation shows it; the paper venue answers as the venue does."""
    orders = placed(trading, [stop("s1")])
    body = {"algoId": int(str(orders[0].venue_order_id)), "clientAlgoId": "s1", "algoStatus": "CANCELED"}
    trading.fault(CANCEL_CONDITIONAL, "respond", body=body)
    assert canceled(trading, orders) == [Answer.CANCELED]


def test_answers_to_several_cancels_that_change_places_are_not_believed(trading: Trading) -> None:
    orders = placed(trading, [entry("e1"), entry("e2", "58000")])
    trading.fault(CANCEL_MANY, "replace_field", path="0.orderId", value=int(str(orders[1].venue_order_id)))
    assert canceled(trading, orders) == [Answer.UNKNOWN, Answer.CANCELED]


def test_nothing_to_cancel_asks_nothing(trading: Trading) -> None:
    assert trading.orders.cancel([]) == ()
    assert not trading.heard(*CANCELING)


def test_without_credentials_nothing_is_known_to_be_gone(trading: Trading) -> None:
    orders = placed(trading, [entry("e1")])
    (answered,) = trading.connected(keys=(None, None)).cancel(orders)
    assert answered.answer is Answer.UNKNOWN
    assert "no credentials" in answered.message


@LOOKS
def test_an_order_is_found_as_it_stands_and_no_other(
    trading: Trading, endpoint: str, order: NewOrder
) -> None:
    conditional = order.stop_price is not None
    missing = trading.orders.look_up(order.client_order_id, order.symbol, conditional=conditional)
    assert (missing.answer, missing.code, missing.order) == (Answer.ABSENT, -2013, None)

    (known,) = placed(trading, [order])
    found = trading.orders.look_up(order.client_order_id, order.symbol, conditional=conditional)
    assert (found.answer, found.order) == (Answer.ACCEPTED, known)

    trading.orders.cancel([known])
    gone = trading.orders.look_up(order.client_order_id, order.symbol, conditional=conditional)
    assert gone.order is not None
    assert (gone.answer, gone.order.status) == (Answer.ACCEPTED, OrderStatus.CANCELED)
    assert len(trading.heard(endpoint)) == 3


@LOOKS
@pytest.mark.parametrize(
    ("status", "body"),
    [
        *BODIES,
        *[
            (s, {"code": c, "msg": "No."})
            for s, c in [*UNCERTAIN, (429, -1003), (401, -2015), (500, -2013), (200, -2013)]
        ],
    ],
)
def test_what_cannot_be_believed_finds_nothing_and_excludes_nothing(
    trading: Trading, endpoint: str, order: NewOrder, status: int, body: Any
) -> None:
    trading.fault(endpoint, "respond", status=status, body=body)
    answered = trading.orders.look_up(
        order.client_order_id, order.symbol, conditional=order.stop_price is not None
    )
    assert (answered.answer, answered.order) == (Answer.UNKNOWN, None)
    assert answered.message
    assert len(trading.heard(endpoint)) == 1


@pytest.mark.parametrize(
    ("endpoint", "order", "field"),
    [
        (LOOK_UP, entry("e1"), "symbol"),
        (LOOK_UP, entry("e1"), "clientOrderId"),
        (LOOK_UP_CONDITIONAL, stop("s1"), "symbol"),
        (LOOK_UP_CONDITIONAL, stop("s1"), "clientAlgoId"),
    ],
)
def test_another_order_is_not_the_one_looked_up(
    trading: Trading, endpoint: str, order: NewOrder, field: str
) -> None:
    placed(trading, [order])
    trading.fault(endpoint, "replace_field", path=field, value="ETHUSDT")
    answered = trading.orders.look_up(
        order.client_order_id, order.symbol, conditional=order.stop_price is not None
    )
    assert answered.answer is Answer.UNKNOWN


@pytest.mark.parametrize("quantity", ["", None])
def test_a_conditional_order_that_finished_without_a_quantity_is_unknown(
    trading: Trading, quantity: str | None
) -> None:
    placed(trading, [stop("s1")])
    trading.fault(LOOK_UP_CONDITIONAL, "replace_field", path="algoStatus", value="FINISHED")
    trading.fault(LOOK_UP_CONDITIONAL, "replace_field", path="actualQty", value=quantity)
    answered = trading.orders.look_up("s1", "BTCUSDT", conditional=True)
    assert answered.answer is Answer.UNKNOWN
    assert "actualQty" in answered.message


@pytest.mark.parametrize(
    ("changes", "status", "filled"),
    [
        ({"algoStatus": "NEW"}, OrderStatus.NEW, "0"),
        ({"algoStatus": "TRIGGERING"}, OrderStatus.NEW, "0"),
        ({"algoStatus": "TRIGGERED", "actualQty": "0.004"}, OrderStatus.PARTIALLY_FILLED, "0.004"),
        ({"algoStatus": "FINISHED", "actualQty": "0.010"}, OrderStatus.FILLED, "0.010"),
        ({"algoStatus": "FINISHED", "actualQty": "0.004"}, OrderStatus.CANCELED, "0.004"),
        ({"algoStatus": "FINISHED", "actualQty": "0.000"}, OrderStatus.CANCELED, "0"),
        (
            {"algoStatus": "FINISHED", "actualQty": "0.007", "closePosition": True, "quantity": ""},
            OrderStatus.FILLED,
            "0.007",
        ),
        ({"algoStatus": "CANCELED"}, OrderStatus.CANCELED, "0"),
        ({"algoStatus": "REJECTED"}, OrderStatus.REJECTED, "0"),
        ({"algoStatus": "EXPIRED"}, OrderStatus.EXPIRED, "0"),
    ],
)
def test_the_states_of_a_conditional_order_become_those_of_an_order(
    trading: Trading, changes: dict[str, Any], status: OrderStatus, filled: str
) -> None:
    placed(trading, [stop("s1")])
    for path, value in changes.items():
        trading.fault(LOOK_UP_CONDITIONAL, "replace_field", path=path, value=value)
    found = trading.orders.look_up("s1", "BTCUSDT", conditional=True)
    assert found.order is not None
    assert (found.order.status, found.order.filled_quantity) == (status, Decimal(filled))
    assert found.order.stop_price == Decimal(50000)


def test_a_stop_that_triggered_is_found_filled(walking: Trading) -> None:
    placed(walking, [stop("s1", "59500", "0.1")])
    walking.desk.walk("59400")
    found = walking.orders.look_up("s1", "BTCUSDT", conditional=True)
    assert found.order is not None
    assert (found.order.status, found.order.filled_quantity) == (OrderStatus.FILLED, Decimal("0.1"))


def test_a_name_used_again_finds_the_newer_order(trading: Trading) -> None:
    (first,) = placed(trading, [entry("e1", time_in_force=TimeInForce.IOC)])
    (second,) = placed(trading, [entry("e1")])
    found = trading.orders.look_up("e1", "BTCUSDT", conditional=False)
    assert found.order == second != first


def test_a_countdown_is_armed_and_disarmed(trading: Trading) -> None:
    placed(trading, [entry("e1")])
    assert trading.orders.set_countdown("BTCUSDT", timedelta(seconds=30)) is None
    assert trading.orders.set_countdown("BTCUSDT", timedelta(0)) is None
    trading.desk.wait(31_000)
    assert trading.working() == {"e1"}
    assert trading.orders.set_countdown("BTCUSDT", timedelta(seconds=30)) is None
    trading.desk.wait(31_000)
    assert not trading.working()


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        '{"symbol": "ETHUSDT", "countdownTime": "30000"}',
        '{"symbol": "BTCUSDT", "countdownTime": "5"}',
    ],
)
def test_a_countdown_that_is_not_confirmed_has_failed(trading: Trading, body: str) -> None:
    trading.fault("POST /fapi/v1/countdownCancelAll", "respond", body=body)
    assert (
        trading.orders.set_countdown("BTCUSDT", timedelta(seconds=30))
        == "countdown: the answer does not confirm it"
    )


def test_a_countdown_says_why_it_failed(trading: Trading) -> None:
    trading.refuse("POST /fapi/v1/countdownCancelAll", 400, -1102, "Mandatory.")
    assert "Mandatory." in (trading.orders.set_countdown("BTCUSDT", timedelta(seconds=30)) or "")
    assert len(trading.heard("POST /fapi/v1/countdownCancelAll")) == 1


def test_leverage_is_set_and_its_refusal_told(trading: Trading) -> None:
    assert trading.orders.set_leverage("BTCUSDT", 7) is None
    assert trading.desk.core.instrument("BTCUSDT").leverage == 7
    assert "-4028" in (trading.orders.set_leverage("BTCUSDT", 5000) or "")
    trading.fault("POST /fapi/v1/leverage", "replace_field", path="leverage", value=20)
    assert trading.orders.set_leverage("BTCUSDT", 9) == "leverage: the answer does not confirm it"
