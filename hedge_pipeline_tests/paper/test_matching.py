"""Orders meet the path of prices: who trades, when, at which price, and what is left."""

from decimal import Decimal

import pytest

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.fills import REGULAR_FEES
from hedge_pipeline_tests.paper.price_path import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_resting_order_trades_at_its_limit_when_the_price_reaches_it(desk: Desk):
    placed = desk.limit("BUY LONG", 59_900)
    desk.walk(59_950)
    assert desk.order(placed)["status"] == "NEW"
    desk.walk(59_800)

    order = desk.order(placed)
    assert (order["status"], order["executedQty"], order["avgPrice"]) == ("FILLED", "0.100", "59900.00000")
    assert desk.held("LONG") == Decimal("0.1")
    (trade,) = desk.core.trades
    assert trade.maker
    assert trade.commission == 5990 * REGULAR_FEES.maker


def test_one_step_reaches_orders_in_the_order_of_their_prices(desk: Desk):
    for price in (59_700, 59_900, 59_800, 59_500):
        desk.limit("BUY LONG", price, "0.01")
    for price in (60_300, 60_100, 60_200):
        desk.limit("SELL SHORT", price, "0.01")
    desk.walk(59_600, 60_250)

    assert [t.price for t in desk.core.trades] == [59_900, 59_800, 59_700, 60_100, 60_200]


def test_an_arriving_limit_order_trades_at_the_better_price_of_the_market(desk: Desk):
    placed = desk.limit("BUY LONG", 60_100)

    assert placed["status"] == "FILLED"
    (trade,) = desk.core.trades
    assert trade.price == 60_000
    assert not trade.maker
    assert trade.commission == 6000 * REGULAR_FEES.taker


def test_a_market_order_trades_at_once_and_whole_however_its_fills_are_cut():
    desk = Desk(partial_share="1")
    placed = desk.market("SELL SHORT", "0.5")

    assert (placed["status"], placed["executedQty"]) == ("FILLED", "0.500")
    assert len(desk.core.trades) == 2
    assert desk.held("SHORT") == Decimal("0.5")


def test_a_post_only_order_rests(desk: Desk):
    assert desk.limit("BUY LONG", "59999.9", timeInForce="GTX")["status"] == "NEW"


@pytest.mark.parametrize(("tif", "status"), [("GTC", "PARTIALLY_FILLED"), ("IOC", "EXPIRED")])
def test_what_is_not_filled_at_once_rests_or_expires(tif: str, status: str):
    desk = Desk(partial_share="1")
    placed = desk.limit("BUY LONG", 60_000, timeInForce=tif)

    assert placed["status"] == status
    assert 0 < Decimal(placed["executedQty"]) < Decimal("0.1")


@pytest.mark.parametrize(("tif", "taken"), [("IOC", "EXPIRED"), ("GTC", "NEW")])
def test_an_order_away_from_the_market_has_nothing_to_take(desk: Desk, tif: str, taken: str):
    assert desk.limit("BUY LONG", 59_000, timeInForce=tif)["status"] == taken
    assert desk.core.trades == []


def test_all_or_nothing_is_all_or_refused(desk: Desk):
    assert desk.limit("BUY LONG", 60_000, timeInForce="FOK")["status"] == "FILLED"
    assert desk.refusal(desk.limit, "BUY LONG", 59_999, timeInForce="FOK") == -5021
    desk.core.order_book.partial_share = Decimal(1)
    assert desk.refusal(desk.limit, "BUY LONG", 60_000, timeInForce="FOK") == -5021


def test_a_partly_filled_order_goes_on_while_the_price_stays():
    desk = Desk(partial_share="1")
    placed = desk.limit("BUY LONG", 59_900)
    filled = []
    for _ in range(40):
        desk.walk(59_900)
        filled.append(Decimal(desk.order(placed)["executedQty"]))

    assert 0 < filled[0] < filled[1] < Decimal("0.1") == filled[-1]
    assert desk.order(placed)["status"] == "FILLED"


@pytest.mark.parametrize(
    ("way", "kind", "trigger", "before", "after"),
    [
        ("SELL LONG", "STOP_MARKET", 59_000, 59_001, 59_000),
        ("SELL LONG", "TAKE_PROFIT_MARKET", 61_000, 60_999, 61_000),
        ("BUY SHORT", "STOP_MARKET", 61_000, 60_999, 61_000),
        ("BUY SHORT", "TAKE_PROFIT_MARKET", 59_000, 59_001, 59_000),
        ("BUY LONG", "STOP_MARKET", 61_000, 60_999, 61_000),
    ],
)
def test_a_conditional_order_is_sent_when_the_mark_reaches_its_trigger(
    desk: Desk, way: str, kind: str, trigger: int, before: int, after: int
):
    desk.market("BUY LONG")
    desk.market("SELL SHORT")
    placed = desk.conditional(way, kind, trigger)
    desk.walk(trigger, mark=before)
    assert desk.algo(placed)["algoStatus"] == "NEW"
    desk.walk(60_500, mark=after)

    algo = desk.algo(placed)
    assert (algo["algoStatus"], algo["actualQty"], algo["actualPrice"]) == (
        "FINISHED",
        "0.100",
        "60500.00000",
    )
    sent = desk.order({"orderId": algo["actualOrderId"]})
    assert (sent["type"], sent["origType"], sent["status"]) == ("MARKET", kind, "FILLED")


def test_a_conditional_order_may_watch_the_last_price(desk: Desk):
    desk.market("BUY LONG")
    placed = desk.conditional("SELL LONG", "STOP_MARKET", 59_000, workingType="CONTRACT_PRICE")
    desk.walk(59_000, mark=60_000)

    assert desk.algo(placed)["algoStatus"] == "FINISHED"


def test_a_take_profit_with_a_limit_rests_at_it(desk: Desk):
    desk.market("BUY LONG")
    placed = desk.conditional(
        "SELL LONG", "TAKE_PROFIT", 60_500, price=61_000, timeInForce="GTC", priceProtect="true"
    )
    desk.walk(60_600)
    assert desk.algo(placed)["algoStatus"] == "TRIGGERED"
    desk.walk(61_000)

    assert desk.algo(placed)["algoStatus"] == "FINISHED"
    assert desk.core.trades[-1].price == 61_000
    assert desk.held("LONG") == 0


def test_a_stop_for_the_whole_position_closes_what_there_is_by_then(desk: Desk):
    desk.market("BUY LONG", "0.1")
    placed = desk.conditional("SELL LONG", "STOP_MARKET", 59_000, closePosition="true")
    desk.market("BUY LONG", "0.234")
    desk.walk(58_900)

    assert desk.algo(placed)["actualQty"] == "0.334"
    assert desk.held("LONG") == 0
    assert ("BTCUSDT", "LONG") not in desk.core.positions


def test_a_trigger_closes_no_more_than_is_left_and_expires_where_nothing_is(desk: Desk):
    desk.market("BUY LONG", "0.06")
    first = desk.conditional("SELL LONG", "STOP_MARKET", 59_000, quantity="0.1")
    second = desk.conditional("SELL LONG", "STOP_MARKET", 58_900, quantity="0.1")
    desk.walk(58_800)

    assert desk.algo(first)["actualQty"] == "0.060"
    assert desk.algo(second)["algoStatus"] == "EXPIRED"


def test_price_protection_holds_an_order_back_where_mark_and_last_are_far_apart(desk: Desk):
    desk.market("BUY LONG")
    placed = desk.conditional("SELL LONG", "STOP_MARKET", 57_000, priceProtect="true")
    desk.walk(60_000, mark=56_000)

    assert desk.algo(placed)["algoStatus"] == "EXPIRED"
    assert desk.held("LONG") == Decimal("0.1")


def test_a_trigger_the_account_cannot_carry_is_rejected():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    placed = desk.conditional("BUY LONG", "STOP_MARKET", 61_000, quantity="0.2")
    desk.walk(61_000)

    assert desk.algo(placed)["algoStatus"] == "REJECTED"
    assert desk.held("LONG") == Decimal("0.1")


def test_resting_closes_that_no_longer_fit_expire_the_newest_first(desk: Desk):
    desk.market("BUY LONG", "0.1")
    older = desk.limit("SELL LONG", 61_000, "0.06")
    newer = desk.limit("SELL LONG", 62_000, "0.04")
    desk.market("SELL LONG", "0.03")

    assert desk.order(older)["status"] == "NEW"
    assert desk.order(newer)["status"] == "EXPIRED"
    desk.market("SELL LONG", "0.07")
    assert desk.order(older)["status"] == "EXPIRED"


def test_a_side_is_listed_while_it_holds_something_or_orders_of_it_rest(desk: Desk):
    listed = desk.core.positions
    placed = desk.limit("BUY LONG", 59_000)
    assert listed["BTCUSDT", "LONG"].quantity == 0
    desk.ask(trading.cancel_order, orderId=placed["orderId"])
    assert not listed

    desk.market("BUY LONG")
    desk.limit("SELL LONG", 61_000)
    desk.walk(61_000)
    assert not listed


def test_an_account_asked_once_has_the_fills_of_one_asked_all_the_time():
    often, seldom = (Desk(partial_share="0.5") for _ in range(2))
    prices = [60_000 + 40 * ((7 * n) % 11) - 200 for n in range(90)]
    for desk in (often, seldom):
        for n in range(8):
            desk.limit("BUY LONG", 59_900 - 10 * n, "0.013")
            desk.limit("SELL SHORT", 60_100 + 10 * n, "0.013")
        for second, price in enumerate(prices, start=1):
            desk.player.state("BTCUSDT", second, Decimal(price), Decimal(price))
    for _ in range(180):
        often.wait(500)
    seldom.wait(90_000)

    assert len(often.core.trades) > 16
    assert often.core.trades == seldom.core.trades
    assert often.core.ledger.rows == seldom.core.ledger.rows
