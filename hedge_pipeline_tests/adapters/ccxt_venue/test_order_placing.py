"""Orders that the venue takes or refuses: what goes over the wire, and that each has its own answer, in its place."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue import order_params
from hedge_pipeline.domain.orders import NewOrder, OrderStatus, TimeInForce
from hedge_pipeline.domain.trading.intents import Answer, Answered
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    LONG,
    PLACE,
    PLACE_CONDITIONAL,
    PLACE_MANY,
    PLACING,
    SHORT,
    Trading,
    entry,
    legs,
    market,
    stop,
    take_profit,
    trading_desk,
)

NOT_BUSINESS = {"timestamp", "recvWindow", "signature"}


@pytest.fixture
def trading() -> Iterator[Trading]:
    with trading_desk() as found:
        yield found


def sent(params: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in NOT_BUSINESS}


def verdicts(answers: tuple[Answered, ...]) -> list[tuple[str, Answer, int | None]]:
    return [(each.client_order_id, each.answer, each.code) for each in answers]


@pytest.mark.parametrize("within", [timedelta(0), timedelta(seconds=-1)])
def test_nothing_leaves_once_its_time_is_over(trading: Trading, within: timedelta) -> None:
    trading.place(entry("e1"))

    answers = trading.orders.place([entry("e2", "58000"), entry("e3", "57000")], within=within)

    assert {answered.answer for answered in answers} == {Answer.DENIED}
    assert trading.working() == {"e1"}


def test_a_limit_order_rests_under_our_name(trading: Trading) -> None:
    answered = trading.place(entry("e1", "59000.10", "0.0100"))

    assert (answered.answer, answered.code, answered.message) == (Answer.ACCEPTED, None, "")
    assert answered.order is not None
    assert answered.order.status is OrderStatus.NEW
    assert (answered.order.limit_price, answered.order.quantity) == (Decimal("59000.1"), Decimal("0.01"))
    assert answered.order.stop_price is None
    assert trading.working() == {"e1"}
    assert [sent(params) for params in trading.heard(*PLACING)] == [
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "positionSide": "LONG",
            "type": "LIMIT",
            "quantity": "0.01",
            "price": "59000.1",
            "timeInForce": "GTX",
            "newClientOrderId": "e1",
            "newOrderRespType": "RESULT",
        }
    ]


def test_a_market_order_is_answered_once_it_has_filled(trading: Trading) -> None:
    answered = trading.place(market("m1"))
    assert answered.order is not None
    assert answered.answer is Answer.ACCEPTED
    assert (answered.order.status, answered.order.filled_quantity) == (OrderStatus.FILLED, Decimal("0.050"))
    assert "price" not in trading.heard(PLACE)[0]


def test_a_stop_is_a_protected_conditional_order_on_the_mark_price(trading: Trading) -> None:
    trading.place(market("m1"))
    answered = trading.place(stop("s1", "50000", "0.050"))

    assert answered.answer is Answer.ACCEPTED
    assert answered.order is not None
    assert answered.order.venue_order_id == str(next(iter(trading.desk.core.order_book.conditionals)))
    assert (answered.order.stop_price, answered.order.quantity) == (Decimal(50000), Decimal("0.05"))
    assert sent(trading.heard(PLACE_CONDITIONAL)[0]) == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "LONG",
        "algoType": "CONDITIONAL",
        "type": "STOP_MARKET",
        "quantity": "0.05",
        "triggerPrice": "50000",
        "workingType": "MARK_PRICE",
        "priceProtect": "TRUE",
        "clientAlgoId": "s1",
    }


def test_a_stop_of_the_whole_position_names_no_quantity(trading: Trading) -> None:
    trading.place(market("m1", position_side=SHORT))
    answered = trading.place(stop("s1", "70000", None, position_side=SHORT))
    assert answered.order is not None
    assert (answered.answer, answered.order.quantity) == (Answer.ACCEPTED, Decimal(0))
    params = trading.heard(PLACE_CONDITIONAL)[0]
    assert params["closePosition"] == "true"
    assert "quantity" not in params


def test_ordinary_orders_go_in_fives_and_conditional_ones_alone(trading: Trading) -> None:
    trading.place(market("m1", "0.1"))
    wanted = [
        *[entry(f"e{number}", 59000 - number) for number in range(7)],
        stop("s1", 50000),
        stop("s2", 49000),
        take_profit("t1"),
    ]
    answers = trading.orders.place(wanted)
    assert [each.client_order_id for each in answers] == [order.client_order_id for order in wanted]
    assert {each.answer for each in answers} == {Answer.ACCEPTED}
    assert trading.working() == {order.client_order_id for order in wanted}
    assert [len(legs(params)) for params in trading.heard(PLACE_MANY)] == [5, 2]
    assert len(trading.heard(PLACE_CONDITIONAL)) == 2
    assert len(trading.heard(PLACE)) == 2


def test_what_reduces_is_sent_before_what_opens(trading: Trading) -> None:
    trading.place(market("m1", "0.1"))
    trading.venue.heard.clear()
    trading.orders.place([entry("e1"), take_profit("t1"), stop("s1")])
    names = [params.get("newClientOrderId") or params["clientAlgoId"] for params in trading.heard(*PLACING)]
    assert names == ["s1", "t1", "e1"]


@pytest.mark.parametrize("refused", range(5))
def test_a_refused_order_of_a_batch_is_told_by_its_place(trading: Trading, refused: int) -> None:
    trading.fault(PLACE_MANY, "reject_leg", leg=refused, code=-2019)
    answers = trading.orders.place([entry(f"e{number}", 59000 - number) for number in range(5)])
    expected = [
        (
            f"e{number}",
            Answer.REJECTED if number == refused else Answer.ACCEPTED,
            -2019 if number == refused else None,
        )
        for number in range(5)
    ]
    assert verdicts(answers) == expected
    assert trading.working() == {f"e{number}" for number in range(5) if number != refused}


def test_several_refusals_of_one_batch_keep_their_own_reasons(trading: Trading) -> None:
    answers = trading.orders.place(
        [
            entry("e0"),
            entry("e1", "61000"),
            entry("e2", "58000.01"),
            entry("e3", quantity="0.001"),
            entry("e4", "58000"),
        ]
    )
    assert verdicts(answers) == [
        ("e0", Answer.ACCEPTED, None),
        ("e1", Answer.REJECTED, -5022),
        ("e2", Answer.REJECTED, -4014),
        ("e3", Answer.REJECTED, -4164),
        ("e4", Answer.ACCEPTED, None),
    ]
    assert all(each.message for each in answers if each.answer is Answer.REJECTED)


def test_a_post_only_order_that_comes_back_expired_was_refused(trading: Trading) -> None:
    trading.fault(PLACE, "replace_field", path="status", value="EXPIRED")
    answered = trading.place(entry("e1"))
    assert (answered.answer, answered.code) == (Answer.REJECTED, -5022)
    assert answered.order is not None
    assert answered.order.status is OrderStatus.EXPIRED


def test_an_order_that_may_take_and_expires_was_accepted(trading: Trading) -> None:
    answered = trading.place(entry("e1", time_in_force=TimeInForce.IOC))
    assert answered.order is not None
    assert (answered.answer, answered.order.status) == (Answer.ACCEPTED, OrderStatus.EXPIRED)


@pytest.mark.parametrize("order", [entry("e1"), stop("s1")], ids=["ordinary", "conditional"])
def test_an_id_that_is_taken_is_looked_up_and_found(trading: Trading, order: NewOrder) -> None:
    trading.place(market("m1"))
    first = trading.place(order)
    again = trading.place(order)
    assert (again.answer, again.order) == (Answer.ACCEPTED, first.order)
    assert len(trading.working()) == 1


def test_an_id_that_is_taken_in_a_batch_is_looked_up_and_found(trading: Trading) -> None:
    first = trading.place(entry("e1"))
    answers = trading.orders.place([entry("e0", "58000"), entry("e1"), entry("e2", "58100")])
    assert {each.answer for each in answers} == {Answer.ACCEPTED}
    assert answers[1].order == first.order


def test_one_id_twice_in_a_call_is_one_order(trading: Trading) -> None:
    first, second = trading.orders.place([entry("e1"), entry("e1")])
    assert first.answer is second.answer is Answer.ACCEPTED
    assert first.order == second.order
    assert len(trading.desk.core.order_book.orders) == 1


def test_an_id_said_to_be_taken_that_nobody_finds_is_unknown(trading: Trading) -> None:
    trading.refuse(PLACE, 400, -4116)
    answered = trading.place(entry("e1"))
    assert (answered.answer, answered.code) == (Answer.UNKNOWN, -4116)


@pytest.mark.parametrize("name", ["", "a" * 37, "ä1", "a b", "a&b", 'a"b', "a\n"])
def test_a_name_the_venue_could_not_carry_never_leaves(trading: Trading, name: str) -> None:
    good = entry("e1")
    answers = trading.orders.place([replace(good, client_order_id=name), good])
    assert [each.answer for each in answers] == [Answer.DENIED, Answer.ACCEPTED]
    assert "client_order_id" in answers[0].message
    assert len(trading.heard(*PLACING)) == 1


def test_nothing_to_place_asks_nothing_of_the_order_endpoints(trading: Trading) -> None:
    assert trading.orders.place([]) == ()
    assert not trading.heard(*PLACING)


@pytest.mark.finding("S3-HEDGE-3")
def test_every_order_names_its_position_side_and_none_is_reduce_only(trading: Trading) -> None:
    for position_side in (LONG, SHORT):
        trading.place(market(f"m-{position_side}", "0.1", position_side=position_side))
    trading.orders.place(
        [
            entry("e1"),
            entry("e2", "61000", position_side=SHORT),
            take_profit("t1"),
            take_profit("t2", "55000", position_side=SHORT),
            stop("s1"),
            stop("s2", 70000, position_side=SHORT),
            stop("s3", 48000, None),
        ]
    )
    asked = [
        *trading.heard(PLACE, PLACE_CONDITIONAL),
        *(leg for batch in trading.heard(PLACE_MANY) for leg in legs(batch)),
    ]
    assert len(asked) == 9
    assert all(params["positionSide"] in {"LONG", "SHORT"} for params in asked)
    assert not any("reduceonly" in {name.lower() for name in params} for params in asked)


@given(
    st.decimals(min_value=Decimal("1e-9"), max_value=Decimal("1e9"), places=9),
    st.decimals(min_value=Decimal("1e-9"), max_value=Decimal("1e9"), places=9),
)
def test_amounts_are_written_digit_by_digit_without_exponent(price: Decimal, quantity: Decimal) -> None:
    params = order_params.ordinary(entry("e1", price, quantity))
    for text, amount in ((params["price"], price), (params["quantity"], quantity)):
        assert Decimal(text) == amount
        assert set(text) <= set("0123456789.")
        assert text == text.rstrip(".0" if "." in text else "")


@given(st.integers(min_value=-6, max_value=12))
def test_an_exponent_never_reaches_the_wire(exponent: int) -> None:
    params = order_params.conditional(stop("s1", Decimal((0, (5,), exponent)), Decimal((0, (1,), exponent))))
    assert "E" not in params["triggerPrice"] + params["quantity"]
    assert Decimal(params["quantity"]) == Decimal((0, (1,), exponent))
