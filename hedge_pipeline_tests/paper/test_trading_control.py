"""What the administrator does to a trading account: restrictions, thin books, forced closing, another screen's orders."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.control import Control, ControlRefused
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HTTP, MINUTE_MS, ManualClock
from hedge_pipeline_tests.paper.test_orders import BTC, grid_order, held, priced

MANUAL = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "positionSide": "LONG",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "40000",
    "quantity": "0.01",
}


@pytest.fixture(autouse=True)
def whole_fills(core: Core) -> None:
    core.order_book.partial_share = Decimal(0)


@pytest.mark.parametrize("code", [-4400, -4401])
def test_a_restricted_account_may_only_reduce(client: Any, control: Control, code: int):
    control.restrict(code)
    with pytest.raises(ccxt.ExchangeError, match=str(code)):
        client.create_order(BTC, "market", "buy", 0.1, None, {"positionSide": "LONG"})

    assert client.create_order(BTC, "market", "sell", 0.1, None, {"positionSide": "LONG"})["filled"] == 0.1
    assert control.status()["restriction"] == code
    control.restrict(None)
    assert client.create_order(BTC, "market", "buy", 0.1, None, {"positionSide": "LONG"})["filled"] == 0.1


def test_in_a_thin_book_takers_pay_more(client: Any, control: Control, core: Core, clock: ManualClock):
    control.set_distance("BTCUSDT", "0.01")
    last = core.market.quote("BTCUSDT", clock()).last_price
    bought = client.create_order(BTC, "market", "buy", 0.1, None, {"positionSide": "LONG"})
    sold = client.create_order(BTC, "market", "sell", 0.1, None, {"positionSide": "LONG"})

    assert abs(Decimal(bought["info"]["avgPrice"]) / last - Decimal("1.01")) < Decimal("1e-5")
    assert abs(Decimal(sold["info"]["avgPrice"]) / last - Decimal("0.99")) < Decimal("1e-5")


@pytest.mark.parametrize(("spares", "left"), [(False, 0), (True, 1)])
def test_a_countdown_may_spare_conditional_orders(
    client: Any, control: Control, core: Core, clock: ManualClock, *, spares: bool, left: int
):
    control.set_countdown(spares_conditionals=spares)
    params = {"positionSide": "LONG", "triggerPrice": priced(core, clock, "0.9")}
    client.create_order(BTC, "market", "sell", 0.3, None, params)
    client.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 5000})
    clock.advance(5000)

    assert len(client.fapiPrivateGetOpenAlgoOrders()) == left


def test_deleveraging_takes_a_part_of_a_position(client: Any, control: Control):
    before = held(client, "LONG")
    forced = control.deleverage("BTCUSDT", "LONG", "0.3")

    assert held(client, "LONG") == before - Decimal("0.3")
    assert [o["orderId"] for o in client.fapiPrivateGetForceOrders({"autoCloseType": "ADL"})] == [
        forced["orderId"]
    ]
    with pytest.raises(ControlRefused, match="quantity"):
        control.deleverage("BTCUSDT", "LONG", 100)


def origin(client: Any, trade: dict[str, Any]) -> str:
    """The client order id behind a trade, which does not carry it."""
    order = client.fapiPrivateGetOrder({"symbol": trade["symbol"], "orderId": trade["orderId"]})
    return str(order["clientOrderId"])


def test_a_contract_that_ends_is_closed_under_a_name_of_its_own(
    client: Any, control: Control, core: Core, clock: ManualClock
):
    grid_order(client, priced(core, clock, "0.9"), name="mine")
    forced = control.settle("BTCUSDT")

    assert {o["clientOrderId"].partition("-")[0] for o in forced} == {"settlement_autoclose"}
    assert held(client, "LONG") == held(client, "SHORT") == 0
    assert client.fetch_open_orders(BTC) == []
    trades = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    assert {origin(client, t) for t in trades} == {o["clientOrderId"] for o in forced}
    assert client.fapiPrivateGetForceOrders() == []
    assert control.settle("BTCUSDT") == []


def test_what_was_deleveraged_is_told_by_the_order_behind_the_trade(client: Any, control: Control):
    control.deleverage("BTCUSDT", "LONG", "0.3")

    (trade,) = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    assert origin(client, trade).startswith("adl_autoclose-")


def test_what_was_liquidated_is_told_by_the_order_behind_the_trade(
    client: Any, control: Control, clock: ManualClock
):
    control.realize("BTCUSDT", -10_000_000)
    clock.advance(MINUTE_MS)

    listed = client.fapiPrivateGetForceOrders({"autoCloseType": "LIQUIDATION"})
    trades = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    assert trades
    assert {origin(client, t) for t in trades} <= {o["clientOrderId"] for o in listed}
    assert all(o["clientOrderId"].startswith("autoclose-") for o in listed)


def test_beyond_the_price_band_no_market_order_is_taken_and_a_limit_at_its_edge_is(
    client: Any, control: Control, core: Core, clock: ManualClock
):
    control.set_distance("BTCUSDT", "0.06")
    with pytest.raises(ccxt.ExchangeError, match="-4131"):
        client.create_order(BTC, "market", "sell", 0.1, None, {"positionSide": "LONG"})

    edge = {"positionSide": "LONG", "timeInForce": "IOC"}
    order = client.create_order(BTC, "limit", "sell", 0.1, priced(core, clock, "0.955"), edge)
    assert (order["info"]["status"], order["filled"]) == ("EXPIRED", 0)


@pytest.mark.parametrize(("share", "fewest"), [("0", 1), ("1", 3)])
def test_fills_are_partial_as_often_as_is_asked(client: Any, control: Control, share: str, fewest: int):
    control.set_partial_fills(share)
    client.create_order(BTC, "market", "buy", 0.5, None, {"positionSide": "LONG"})
    client.create_order(BTC, "market", "buy", 0.5, None, {"positionSide": "SHORT"})

    trades = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    assert len(trades) >= fewest
    assert control.status()["partial_fills"] == share


def test_somebody_at_another_screen_trades_too(client: Any, control: Control, core: Core, clock: ManualClock):
    grid_order(client, priced(core, clock, "0.9"), name="mine")
    theirs = control.place_order(**MANUAL)

    assert theirs["clientOrderId"].startswith("web_")
    assert {o["clientOrderId"] for o in client.fetch_open_orders(BTC)} == {"mine", theirs["clientOrderId"]}
    control.cancel_order(symbol="BTCUSDT", origClientOrderId="mine")
    assert [o["id"] for o in client.fetch_open_orders(BTC)] == [str(theirs["orderId"])]
    assert control.status()["open_orders"] == 1
    with pytest.raises(ControlRefused, match="-2011"):
        control.cancel_order(symbol="BTCUSDT", origClientOrderId="mine")
    with pytest.raises(ControlRefused, match="-4014"):
        control.place_order(**{**MANUAL, "price": "40000.05", "symbol": "BTCUSDT"})


def test_somebody_at_another_screen_sets_a_stop(client: Any, control: Control):
    stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "workingType": "MARK_PRICE"}
    way = {"symbol": "BTCUSDT", "side": "SELL", "positionSide": "LONG"}
    theirs = control.place_order(**way, **stop, triggerPrice="40000", closePosition="true")

    assert theirs["clientAlgoId"].startswith("web_")
    assert [o["algoId"] for o in client.fapiPrivateGetOpenAlgoOrders()] == [theirs["algoId"]]
    control.cancel_order(clientAlgoId=theirs["clientAlgoId"])
    assert client.fapiPrivateGetOpenAlgoOrders() == []


@pytest.mark.parametrize(
    ("action", "body", "told"),
    [
        ("restriction", {"code": -1}, "code"),
        ("distance", {"symbol": "BTCUSDT", "distance": "-0.1"}, "distance"),
        ("distance", {"symbol": "BTCUSDT", "distance": "NaN"}, "distance"),
        ("distance", {"symbol": "XXX", "distance": "0.1"}, "symbol"),
        ("countdown", {}, "spares_conditionals"),
        ("partial_fills", {"share": "1.1"}, "share"),
        ("settlement", {"symbol": "XXX"}, "symbol"),
        ("deleverage", {"symbol": "BTCUSDT", "position_side": "BOTH", "quantity": "1"}, "position_side"),
        ("order", {**MANUAL, "quantity": 0.1}, "quantity"),
        ("order", {}, "symbol"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    base_url: str, venue: PaperVenue, action: str, body: dict[str, Any], told: str
):
    before = venue.core.revision
    answer = HTTP.post(f"{base_url}/paper/{action}", json=body, headers={"X-Paper-Token": venue.admin_token})

    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert venue.core.revision == before


def test_what_fell_due_while_the_venue_was_down_has_happened_when_it_is_back(
    tmp_path: Any, clock: ManualClock
):
    world = World(seed=1)
    with StateDirectory(tmp_path) as kept:
        core = open_core(world, now_ms=clock(), kept=kept)
        venue = PaperVenue(core, clock, memory=kept)
        venue.act(lambda core, now_ms: trading.new_order(core, now_ms, MANUAL))
        armed = {"symbol": "BTCUSDT", "countdownTime": "60000"}
        venue.act(lambda core, now_ms: trading.countdown_cancel_all(core, now_ms, armed))
    clock.advance(10 * MINUTE_MS)
    with StateDirectory(tmp_path) as kept:
        core = open_core(world, now_ms=clock(), kept=kept)

    assert [order.status for order in core.order_book.orders.values()] == ["CANCELED"]
    assert core.order_book.walked_until_ms == clock()
