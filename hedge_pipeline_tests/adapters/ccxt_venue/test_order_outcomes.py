"""Every way in which placing an order can end without an order: refused, never left, or of unknown outcome. Sent once, always."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, Credentials
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST, MovableClock
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    KEYS,
    PLACE,
    PLACE_CONDITIONAL,
    PLACE_MANY,
    PLACING,
    Trading,
    entry,
    market,
    stop,
    take_profit,
    trading_desk,
)

CLOCK = "GET /fapi/v1/time"
ONE, MANY, CONDITIONAL = [entry("e1")], [entry("e1"), entry("e2", "58000")], [stop("s1")]
CALLS = pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [(PLACE, ONE), (PLACE_MANY, MANY), (PLACE_CONDITIONAL, CONDITIONAL)],
    ids=["one", "several", "conditional"],
)
HASTY = replace(FAST, request=timedelta(seconds=0.3))

CERTAIN = [
    (429, -1003),
    (418, -1003),
    (400, -1003),
    (400, -1015),
    (429, -1015),
    (400, -1102),
    (400, -1106),
    (400, -1111),
    (400, -1121),
    (401, -2014),
    (401, -2015),
    (400, -1022),
    (400, -2018),
    (400, -2019),
    (400, -2021),
    (400, -2022),
    (400, -2025),
    (400, -2027),
    (400, -4014),
    (400, -4061),
    (400, -4062),
    (400, -4067),
    (400, -4068),
    (400, -4120),
    (400, -4131),
    (400, -4164),
    (400, -4400),
    (400, -4401),
    (400, -5022),
    (503, -1008),
    (500, -1008),
    (400, -1008),
]
"""HTTP status and code of refusals that say that nothing was done."""
UNCERTAIN = [
    (408, -1007),
    (400, -1007),
    (400, -1006),
    (400, -1000),
    (400, -1001),
    (500, -1000),
    (503, -1000),
    (503, -1001),
    (500, -2019),
    (504, -1007),
    (200, -2019),
    (200, 200),
]
BODIES: list[tuple[int, Any]] = [
    (200, ""),
    (200, "{}"),
    (200, "[]"),
    (200, "null"),
    (200, "true"),
    (200, "<html>maintenance</html>"),
    (200, '{"orderId": 1'),
    (200, '{"orderId": 1, "orderId": 2}'),
    (200, '[{"code": -2019, "msg": "No."}]'),
    (204, ""),
    (302, ""),
    (400, ""),
    (401, "{}"),
    (403, "<html>forbidden</html>"),
    (404, "<html>not found</html>"),
    (451, "{}"),
    (500, ""),
    (502, "<html>bad gateway</html>"),
    (503, "<html>unavailable</html>"),
    (503, '{"msg": "Unknown error, please check your request or try again later."}'),
    (504, ""),
]
"""Statuses and bodies that say nothing about the order."""


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


@CALLS
@pytest.mark.parametrize(("status", "code"), CERTAIN)
def test_a_refusal_of_the_venue_is_certain(
    trading: Trading, endpoint: str, wanted: list[NewOrder], status: int, code: int
) -> None:
    trading.refuse(endpoint, status, code, "It is so.")
    answers = trading.orders.place(wanted)
    assert [(each.answer, each.code, each.order) for each in answers] == [
        (Answer.REJECTED, code, None)
    ] * len(wanted)
    assert all("It is so." in each.message for each in answers)
    assert len(trading.heard(*PLACING)) == 1


@CALLS
@pytest.mark.parametrize(("status", "code"), UNCERTAIN)
def test_a_code_that_leaves_the_execution_open_is_unknown(
    trading: Trading, endpoint: str, wanted: list[NewOrder], status: int, code: int
) -> None:
    trading.refuse(endpoint, status, code)
    assert {each.answer for each in trading.orders.place(wanted)} == {Answer.UNKNOWN}
    assert len(trading.heard(*PLACING)) == 1


@CALLS
@pytest.mark.parametrize(("status", "body"), BODIES)
def test_an_answer_that_cannot_be_believed_is_unknown(
    trading: Trading, endpoint: str, wanted: list[NewOrder], status: int, body: Any
) -> None:
    content_type = "text/html" if body.startswith("<") else "application/json"
    trading.fault(endpoint, "respond", status=status, body=body, content_type=content_type)
    answers = trading.orders.place(wanted)
    assert {each.answer for each in answers} == {Answer.UNKNOWN}
    assert all(each.message and each.order is None for each in answers)
    assert len(trading.heard(*PLACING)) == 1


@CALLS
def test_a_dropped_request_is_unknown_and_not_repeated(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    trading.fault(endpoint, "drop")
    assert {each.answer for each in trading.orders.place(wanted)} == {Answer.UNKNOWN}
    assert len(trading.heard(*PLACING)) == 1
    assert not trading.working()


@CALLS
def test_a_lost_answer_is_unknown_and_the_order_is_found_later(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    trading.fault(endpoint, "lose_answer", times=1)
    assert {each.answer for each in trading.orders.place(wanted)} == {Answer.UNKNOWN}
    assert len(trading.heard(*PLACING)) == 1
    names = {order.client_order_id for order in wanted}
    assert trading.working() == names
    for order in wanted:
        found = trading.orders.look_up(
            order.client_order_id, order.symbol, conditional=order.stop_price is not None
        )
        assert found.answer is Answer.ACCEPTED
        assert found.order is not None
        assert found.order.client_order_id == order.client_order_id


@CALLS
def test_an_answer_that_comes_too_late_is_unknown(
    trading: Trading, endpoint: str, wanted: list[NewOrder]
) -> None:
    hasty = trading.connected(limits=HASTY)
    trading.fault(endpoint, "delay", seconds=1.0)
    answers = hasty.place(wanted)
    assert {each.answer for each in answers} == {Answer.UNKNOWN}
    assert all("no " in each.message and "0.3 s" in each.message for each in answers)
    assert len(trading.heard(*PLACING)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clientOrderId", "somebody-else"),
        ("symbol", "ETHUSDT"),
        ("side", "SELL"),
        ("positionSide", "SHORT"),
        ("positionSide", "BOTH"),
        ("status", "PERHAPS"),
        ("executedQty", "5"),
        ("origQty", "NaN"),
        ("orderId", None),
        ("orderId", -5),
        ("price", 59000.5),
    ],
)
def test_an_answer_about_another_order_says_nothing_about_ours(
    trading: Trading, field: str, value: object
) -> None:
    trading.fault(PLACE, "replace_field", path=field, value=value)
    answered = trading.place(entry("e1"))
    assert (answered.answer, answered.order) == (Answer.UNKNOWN, None)
    assert answered.message


@pytest.mark.parametrize("field", ["clientAlgoId", "symbol", "algoStatus", "algoId", "closePosition"])
def test_an_answer_about_another_conditional_order_says_nothing_about_ours(
    trading: Trading, field: str
) -> None:
    trading.fault(PLACE_CONDITIONAL, "replace_field", path=field, value="else")
    assert trading.place(stop("s1")).answer is Answer.UNKNOWN


def test_answers_of_a_batch_in_another_order_are_not_believed(trading: Trading) -> None:
    trading.fault(PLACE_MANY, "replace_field", path="0.clientOrderId", value="e2")
    trading.fault(PLACE_MANY, "replace_field", path="1.clientOrderId", value="e1")
    assert {each.answer for each in trading.orders.place(MANY)} == {Answer.UNKNOWN}


def test_a_batch_answered_short_is_unknown_as_a_whole(trading: Trading) -> None:
    trading.fault(PLACE_MANY, "remove_field", path="1")
    assert {each.answer for each in trading.orders.place(MANY)} == {Answer.UNKNOWN}


def test_a_leg_of_unknown_execution_is_unknown_alone(trading: Trading) -> None:
    trading.fault(PLACE_MANY, "reject_leg", leg=1, code=-1007, message="Timeout waiting for response.")
    assert [each.answer for each in trading.orders.place(MANY)] == [Answer.ACCEPTED, Answer.UNKNOWN]


def test_without_credentials_nothing_leaves(trading: Trading) -> None:
    keyless = trading.connected(keys=(None, None))
    (answered,) = keyless.place(ONE)
    assert (answered.answer, answered.code) == (Answer.DENIED, None)
    assert "no credentials" in answered.message
    assert not trading.heard(*PLACING)


def test_without_the_venues_clock_nothing_leaves(trading: Trading) -> None:
    trading.fault(CLOCK, "respond", status=503, body="")
    fresh = trading.connected(limits=replace(FAST, round_trip=timedelta(seconds=1.5)))
    (answered,) = fresh.place(ONE)
    assert answered.answer is Answer.DENIED
    assert "clock" in answered.message
    assert not trading.heard(*PLACING)


def test_a_clock_that_stops_answering_keeps_no_order_back(trading: Trading) -> None:
    trading.fault(CLOCK, "respond", status=503, body="")
    trading.desk.now_ms += 300_000
    assert trading.place(entry("e1")).answer is Answer.ACCEPTED


def test_a_clock_that_stops_answering_hides_no_order(trading: Trading) -> None:
    trading.place(entry("e1"))
    trading.fault(CLOCK, "respond", status=503, body="")
    trading.desk.now_ms += 300_000
    reading = trading.orders.read_orders()
    assert [order.client_order_id for order in reading.orders or ()] == ["e1"]
    assert reading.as_of == trading.clock.now()


def test_a_venue_that_hangs_costs_a_call_no_more_than_its_limit() -> None:
    limits = replace(HASTY, request=timedelta(seconds=0.4), trading=timedelta(seconds=0.6))
    with trading_desk() as trading:
        orders = trading.connected(limits=limits, clock=MovableClock())
        for endpoint in PLACING:
            trading.fault(endpoint, "delay", seconds=2.0)
        started = time.monotonic()
        answers = orders.place([stop("s1"), take_profit("t1"), entry("e1"), entry("e2", "58000")])
        assert time.monotonic() - started < 2.0
    assert [each.answer for each in answers] == [Answer.UNKNOWN, Answer.UNKNOWN, Answer.DENIED, Answer.DENIED]
    assert "no time was left" in answers[3].message


def test_a_stamp_out_of_time_is_sent_again_with_the_clock_measured_anew(trading: Trading) -> None:
    trading.venue.clock_offset_ms = 30_000
    assert trading.place(entry("e1")).answer is Answer.ACCEPTED
    assert [len(trading.heard(PLACE)), len(trading.heard(CLOCK))] == [2, 1]
    assert trading.working() == {"e1"}


def test_a_stamp_refused_twice_is_rejected(trading: Trading) -> None:
    trading.refuse(PLACE, 400, -1021)
    answered = trading.place(entry("e1"))
    assert (answered.answer, answered.code) == (Answer.REJECTED, -1021)
    assert len(trading.heard(PLACE)) == 2


def test_where_nobody_listens_nothing_has_left() -> None:
    with trading_desk() as trading:
        orders = trading.orders
        trading.place(entry("e1"))
    (answered,) = orders.place(ONE)
    assert answered.answer is Answer.DENIED
    assert "NetworkError" in answered.message


def test_a_connection_that_is_taken_and_closed_is_unknown(trading: Trading) -> None:
    """Unlike one that is refused: what it carried may have been read."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            for reply in (b'{"serverTime": %d}' % trading.desk.now_ms, None):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    if reply:
                        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(reply) + reply)

        listener = threading.Thread(target=take, daemon=True)
        listener.start()
        orders = CcxtOrderVenue(
            account="main",
            base_url=f"http://127.0.0.1:{server.getsockname()[1]}",
            credentials=Credentials(*KEYS),
            clock=trading.clock,
            limits=FAST,
        )
        (answered,) = orders.place(ONE)
        listener.join(timeout=5)
    assert answered.answer is Answer.UNKNOWN


def test_a_throttled_account_is_left_alone_until_the_venue_allows(trading: Trading) -> None:
    trading.fault(PLACE, "rate_limit", retry_after_s=30, times=1)
    first = trading.place(entry("e1"))
    assert (first.answer, first.code) == (Answer.REJECTED, -1003)

    second = trading.place(entry("e1"))
    assert second.answer is Answer.DENIED
    assert "closed for another 30 s" in second.message
    assert len(trading.heard(*PLACING)) == 1

    trading.desk.now_ms += 31_000
    assert trading.place(entry("e1")).answer is Answer.ACCEPTED


@pytest.mark.finding("S3-SEC-3")
def test_no_message_carries_a_secret(trading: Trading) -> None:
    leak = f"apiKey={KEYS[0]} {KEYS[1]} signature=0123abcd for this request"
    trading.refuse(PLACE, 400, -1022, leak)
    trading.fault(PLACE_MANY, "reject_leg", leg=0, code=-1022, message=leak)
    trading.fault(PLACE_MANY, "replace_field", path="1.clientOrderId", value=KEYS[1])
    trading.fault(PLACE_CONDITIONAL, "drop")
    asked = ([entry("e1")], [entry("e2"), entry("e3", "58000")], [stop("s1")])
    messages = [each.message for orders in asked for each in trading.orders.place(orders)]
    assert len(messages) == 4
    assert all(messages)
    for secret in (KEYS[1], "0123abcd", "timestamp="):
        assert not any(secret in message for message in messages)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from([200, 200, 201, 301, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503]),
    body=st.one_of(
        st.text(max_size=30),
        st.dictionaries(
            st.sampled_from(["code", "msg", "orderId", "clientOrderId", "symbol", "status"]),
            st.one_of(st.integers(-5000, 5000), st.text(max_size=8), st.none(), st.just("e1")),
        ),
        st.lists(st.dictionaries(st.just("code"), st.integers(-5000, 200)), max_size=3),
    ),
)
def test_whatever_comes_back_nothing_but_our_order_is_accepted(
    trading: Trading, status: int, body: Any
) -> None:
    trading.venue.clear_faults()
    trading.desk.now_ms += 130_000
    trading.fault(PLACE, "respond", status=status, body=body)
    trading.venue.heard.clear()
    answered = trading.place(entry("e1"))
    code = body.get("code") if isinstance(body, dict) else None
    assert answered.answer in {Answer.UNKNOWN, Answer.REJECTED}
    if answered.answer is Answer.REJECTED:
        assert status == 429 or (type(code) is int and code < 0)
    assert len(trading.heard(PLACE)) == (2 if code == -1021 and 400 <= status < 500 else 1)
