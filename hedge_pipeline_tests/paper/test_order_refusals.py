"""What the venue does not take, by its own codes; nothing is changed by a refusal."""

from decimal import Decimal

import pytest

from hedge_pipeline.paper import trading
from hedge_pipeline_tests.paper.price_path import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"symbol": "NONEUSDT"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "TRAILING_STOP_MARKET"}, -4120),
        ({"timeInForce": "GTD"}, -1115),
        ({"positionSide": "BOTH"}, -4061),
        ({"reduceOnly": "true"}, -1106),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "a b"}, -4015),
        ({"price": "-1"}, -1102),
        ({"price": "sixty"}, -1102),
        ({"price": "0"}, -4001),
        ({"price": "9000000"}, -4002),
        ({"price": "1"}, -4013),
        ({"price": "59999.05"}, -4014),
        ({"price": "59999.001"}, -1111),
        ({"price": "63000.1"}, -4016),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "1001"}, -4005),
        ({"quantity": "0.001"}, -4164),
        ({"quantity": "17"}, -2019),
        ({"timeInForce": "GTX", "price": "60000"}, -5022),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused(desk: Desk, changed: dict[str, str], code: int):
    order = {"way": "BUY LONG", "price": "59000", "quantity": "0.1", **changed}

    assert desk.refusal(desk.limit, **order) == code


def test_the_price_band_of_a_seller_lies_below_the_mark(desk: Desk):
    assert desk.refusal(desk.limit, "SELL SHORT", "56999.9", timeInForce="IOC") == -4024
    assert desk.limit("SELL SHORT", "57000", timeInForce="IOC")["status"] == "FILLED"


@pytest.mark.parametrize("missing", ["side", "type", "quantity", "price", "timeInForce"])
def test_what_is_missing_is_named(desk: Desk, missing: str):
    order = {
        "side": "BUY",
        "positionSide": "LONG",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "59000",
        "quantity": "0.1",
    }
    del order[missing]

    assert desk.refusal(desk.ask, trading.new_order, **order) == -1102


def test_a_market_order_has_no_price_and_no_time_in_force(desk: Desk):
    assert desk.refusal(desk.market, "BUY LONG", price="60000") == -1106
    assert desk.refusal(desk.market, "BUY LONG", timeInForce="GTC") == -1106
    assert desk.refusal(desk.market, "BUY LONG", "121") == -4005


def test_every_order_names_a_side_the_account_does_not_know_in_one_way_mode(desk: Desk):
    desk.core.set_mode(hedge_mode=False)

    assert desk.refusal(desk.limit, "BUY LONG", 59_000) == -4061


def test_no_more_can_be_closed_than_the_position(desk: Desk):
    assert desk.refusal(desk.market, "SELL LONG") == -2022
    desk.market("BUY LONG", "0.1")
    assert desk.refusal(desk.market, "SELL LONG", "0.101") == -2022
    assert desk.refusal(desk.market, "BUY SHORT", "0.1") == -2022


def test_resting_closes_leave_less_to_close_for_others_that_rest(desk: Desk):
    desk.market("BUY LONG", "0.1")
    desk.limit("SELL LONG", 61_000, "0.06")

    assert desk.refusal(desk.limit, "SELL LONG", 62_000, "0.041") == -2022
    desk.limit("SELL LONG", 62_000, "0.04")
    assert desk.market("SELL LONG", "0.1")["status"] == "FILLED"


def test_a_close_may_be_smaller_than_the_minimum_notional(desk: Desk):
    desk.market("BUY LONG", "0.1")

    assert desk.market("SELL LONG", "0.001")["status"] == "FILLED"


def test_resting_orders_reserve_margin():
    desk = Desk(balance="1000")
    desk.limit("BUY LONG", 59_000, "0.1")

    assert desk.refusal(desk.limit, "SELL SHORT", 61_000, "0.1") == -2019


def test_a_position_stays_within_its_leverage(desk: Desk):
    desk.core.ledger.book("TRANSFER", "USDT", Decimal(10**9), time_ms=desk.now_ms)

    for _ in range(31):
        desk.market("BUY LONG", "120")
    assert desk.refusal(desk.market, "BUY LONG", "120") == -2027


def test_a_client_order_id_is_unique_among_open_orders_only(desk: Desk):
    placed = desk.limit("BUY LONG", 59_000, newClientOrderId="mine")
    assert desk.refusal(desk.limit, "BUY LONG", 58_000, newClientOrderId="mine") == -4116
    desk.ask(trading.cancel_order, origClientOrderId="mine")

    again = desk.limit("BUY LONG", 58_000, newClientOrderId="mine")
    assert again["orderId"] != placed["orderId"]
    assert desk.ask(trading.query_order, origClientOrderId="mine")["orderId"] == again["orderId"]


def test_a_symbol_holds_two_hundred_orders():
    desk = Desk(balance="10000000")
    for _ in range(200):
        desk.limit("BUY LONG", 59_000, "0.002")

    assert desk.refusal(desk.limit, "BUY LONG", 59_000, "0.002") == -2025


def test_a_thin_book_stops_market_orders_at_the_price_band(desk: Desk):
    desk.market("BUY LONG")
    desk.core.order_book.distance["BTCUSDT"] = Decimal("0.06")

    assert desk.refusal(desk.market, "SELL LONG") == -4131
    assert desk.limit("SELL LONG", 57_000, timeInForce="IOC")["status"] == "EXPIRED"
    desk.core.order_book.distance["BTCUSDT"] = Decimal("0.04")
    assert desk.limit("SELL LONG", 57_000, timeInForce="IOC")["avgPrice"] == "57600.00000"


@pytest.mark.parametrize("code", [-4400, -4401])
def test_a_restricted_account_may_only_reduce(desk: Desk, code: int):
    desk.market("BUY LONG")
    desk.core.order_book.restriction = -4400 if code == -4400 else -4401

    assert desk.refusal(desk.limit, "BUY LONG", 59_000) == code
    assert desk.refusal(desk.conditional, "SELL SHORT", "STOP_MARKET", 59_000) == code
    desk.conditional("SELL LONG", "STOP_MARKET", 59_000)
    assert desk.market("SELL LONG")["status"] == "FILLED"


@pytest.mark.parametrize(
    ("kind", "changed", "code"),
    [
        ("STOP_MARKET", {"triggerPrice": "60000"}, -2021),
        ("TAKE_PROFIT_MARKET", {"triggerPrice": "59000"}, -2021),
        ("STOP_MARKET", {"triggerPrice": "58999.05"}, -4014),
        ("STOP_MARKET", {"triggerPrice": ""}, -1102),
        ("STOP_MARKET", {"algoType": "VP"}, -1102),
        ("STOP_MARKET", {"workingType": "INDEX"}, -4084),
        ("STOP_MARKET", {"priceProtect": "maybe"}, -1102),
        ("STOP_MARKET", {"closePosition": "true", "quantity": "0.1"}, -4137),
        ("STOP_MARKET", {"closePosition": "true", "positionSide": "SHORT"}, -4138),
        ("STOP", {"closePosition": "true", "price": "58000"}, -4136),
        ("STOP", {"price": "58000", "timeInForce": "GTD"}, -1115),
        ("LIMIT", {}, -1116),
    ],
)
def test_a_conditional_order_that_breaks_a_rule_is_refused(
    desk: Desk, kind: str, changed: dict[str, str], code: int
):
    assert desk.refusal(desk.conditional, "SELL LONG", kind, 59_000, **changed) == code


def test_one_stop_and_one_take_profit_close_a_position_whole(desk: Desk):
    desk.conditional("SELL LONG", "STOP_MARKET", 59_000, closePosition="true")
    desk.conditional("SELL LONG", "TAKE_PROFIT_MARKET", 61_000, closePosition="true")
    desk.conditional("BUY SHORT", "STOP_MARKET", 61_000, closePosition="true")

    assert desk.refusal(desk.conditional, "SELL LONG", "STOP_MARKET", 58_000, closePosition="true") == -4130


def test_conditional_orders_are_counted_and_named_apart(desk: Desk):
    for n in range(200):
        desk.conditional("SELL LONG", "STOP_MARKET", 59_000, clientAlgoId=f"stop-{n}")
        if n == 0:
            assert (
                desk.refusal(desk.conditional, "SELL LONG", "STOP_MARKET", 58_000, clientAlgoId="stop-0")
                == -4116
            )

    assert desk.refusal(desk.conditional, "SELL LONG", "STOP_MARKET", 58_000) == -4045
