"""Orders over HTTP, by the real client: placed, found, canceled, refused, and filled as prices move."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.endpoints import TRADING
from hedge_pipeline_tests.paper.conftest import HTTP, SECOND_MS, ManualClock, decimals, pointed

BTC = "BTC/USDT:USDT"


@pytest.fixture(autouse=True)
def whole_fills(core: Core) -> None:
    core.order_book.partial_share = Decimal(0)


def priced(core: Core, clock: ManualClock, factor: str) -> str:
    """The last price times this, on the grid of prices."""
    last = core.market.quote("BTCUSDT", clock()).last_price
    return str((last * Decimal(factor)).quantize(Decimal("0.1")))


def grid_order(client: Any, price: str, *, name: str, quantity: float = 0.1) -> Any:
    """A post-only buy that opens the long side."""
    params = {"positionSide": "LONG", "newClientOrderId": name, "postOnly": True}
    return client.create_order(BTC, "limit", "buy", quantity, price, params)


def held(client: Any, side: str) -> Decimal:
    rows = client.fapiPrivateV3GetPositionRisk({"symbol": "BTCUSDT"})
    return next((Decimal(row["positionAmt"]) for row in rows if row["positionSide"] == side), Decimal(0))


def test_an_order_is_placed_found_and_canceled(client: Any, core: Core, clock: ManualClock):
    placed = grid_order(client, priced(core, clock, "0.99"), name="mine")

    assert (placed["clientOrderId"], placed["status"], placed["info"]["timeInForce"]) == (
        "mine",
        "open",
        "GTX",
    )
    assert [o["id"] for o in client.fetch_open_orders(BTC)] == [placed["id"]]
    assert client.fetch_order("", BTC, {"clientOrderId": "mine"})["id"] == placed["id"]
    assert client.cancel_order(placed["id"], BTC)["status"] == "canceled"
    assert client.fetch_open_orders(BTC) == []
    assert [o["status"] for o in client.fetch_orders(BTC)] == ["canceled"]
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(placed["id"], BTC)
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("", BTC, {"clientOrderId": "nobody's"})


def test_a_market_order_moves_position_trades_and_income(client: Any):
    before = held(client, "SHORT")
    params = {"positionSide": "SHORT", "newClientOrderId": "less"}
    placed = client.create_order(BTC, "market", "buy", 0.2, None, params)

    assert (placed["status"], placed["filled"]) == ("closed", 0.2)
    assert held(client, "SHORT") == before + Decimal("0.2")
    (trade,) = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT"})
    assert (trade["side"], trade["qty"], trade["orderId"]) == ("BUY", "0.200", int(placed["id"]))
    assert {row["incomeType"] for row in client.fapiPrivateGetIncome()} == {"REALIZED_PNL", "COMMISSION"}


def test_a_resting_order_fills_when_the_price_reaches_it(
    client: Any, control: Any, core: Core, clock: ManualClock
):
    before, price = held(client, "LONG"), priced(core, clock, "0.99")
    grid_order(client, price, name="mine")
    control.move_price("BTCUSDT", "0.98")
    clock.advance(2 * SECOND_MS)

    filled = client.fetch_order("", BTC, {"clientOrderId": "mine"})
    assert (filled["status"], Decimal(filled["info"]["avgPrice"])) == ("closed", Decimal(price))
    assert held(client, "LONG") == before + Decimal("0.1")


def legs(core: Core, clock: ManualClock) -> list[dict[str, str]]:
    """Five rungs below the market, the third below the smallest size."""
    rungs = ["0.99", "0.98", "0.97", "0.96", "0.95"]
    return [
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "positionSide": "LONG",
            "type": "LIMIT",
            "timeInForce": "GTX",
            "price": priced(core, clock, rung),
            "quantity": "0.0001" if n == 2 else "0.01",
            "newClientOrderId": f"rung-{n}",
        }
        for n, rung in enumerate(rungs)
    ]


def test_a_batch_is_answered_leg_by_leg(client: Any, core: Core, clock: ManualClock):
    answers = client.fapiPrivatePostBatchOrders({"batchOrders": legs(core, clock)})

    assert [a.get("clientOrderId", a.get("code")) for a in answers] == [
        "rung-0",
        "rung-1",
        -1111,
        "rung-3",
        "rung-4",
    ]
    assert len(client.fetch_open_orders(BTC)) == 4


def test_several_orders_are_canceled_by_their_names(client: Any, core: Core, clock: ManualClock):
    for n, factor in enumerate(("0.99", "0.98", "0.97")):
        grid_order(client, priced(core, clock, factor), name=f"rung-{n}")
    client.cancel_orders([], BTC, {"clientOrderIds": ["rung-0", "rung-2"]})

    assert [o["clientOrderId"] for o in client.fetch_open_orders(BTC)] == ["rung-1"]
    client.cancel_all_orders(BTC)
    assert client.fetch_open_orders(BTC) == []


def test_a_post_only_order_that_would_trade_is_refused(client: Any, core: Core, clock: ManualClock):
    with pytest.raises(ccxt.ExchangeError, match="-5022"):
        grid_order(client, priced(core, clock, "1.001"), name="eager")

    assert client.fetch_orders(BTC) == []


def test_a_stop_is_sent_by_the_mark_price(client: Any, control: Any, core: Core, clock: ManualClock):
    before = held(client, "LONG")
    params = {
        "positionSide": "LONG",
        "triggerPrice": priced(core, clock, "0.97"),
        "workingType": "MARK_PRICE",
        "clientAlgoId": "stop",
    }
    client.create_order(BTC, "market", "sell", 0.3, None, params)

    assert [row["clientAlgoId"] for row in client.fapiPrivateGetOpenAlgoOrders()] == ["stop"]
    assert client.fetch_open_orders(BTC) == []
    control.move_price("BTCUSDT", "0.96")
    clock.advance(SECOND_MS)
    row = client.fapiPrivateGetAlgoOrder({"clientAlgoId": "stop"})
    assert (row["algoStatus"], row["actualQty"]) == ("FINISHED", "0.300")
    assert held(client, "LONG") == before - Decimal("0.3")
    with pytest.raises(ccxt.OrderNotFound):
        client.fapiPrivateDeleteAlgoOrder({"clientAlgoId": "stop"})


def test_conditional_orders_of_a_symbol_are_canceled_together(client: Any, core: Core, clock: ManualClock):
    params = {"positionSide": "LONG", "triggerPrice": priced(core, clock, "0.9"), "clientAlgoId": "stop"}
    client.create_order(BTC, "market", "sell", 0.3, None, params)
    client.fapiPrivateDeleteAlgoOpenOrders({"symbol": "BTCUSDT"})

    assert client.fapiPrivateGetOpenAlgoOrders() == []


def test_a_countdown_cancels_when_nobody_renews_it(client: Any, core: Core, clock: ManualClock):
    grid_order(client, priced(core, clock, "0.9"), name="mine")
    client.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 5000})
    clock.advance(4999)
    assert len(client.fetch_open_orders(BTC)) == 1
    clock.advance(1)

    assert client.fetch_open_orders(BTC) == []


def test_a_taken_order_whose_answer_is_lost_is_found_by_its_name(
    client: Any, control: Any, core: Core, clock: ManualClock
):
    control.set_fault("POST /fapi/v1/order", "lose_answer", times=1)
    with pytest.raises(ccxt.NetworkError):
        grid_order(client, priced(core, clock, "0.99"), name="mine")

    assert client.fetch_order("", BTC, {"clientOrderId": "mine"})["status"] == "open"
    with pytest.raises(ccxt.ExchangeError, match="-4116"):
        grid_order(client, priced(core, clock, "0.99"), name="mine")


def test_one_leg_of_a_batch_is_made_to_fail(client: Any, control: Any, core: Core, clock: ManualClock):
    control.set_fault("/fapi/v1/batchOrders", "reject_leg", leg=1, times=1)
    wanted = [leg for n, leg in enumerate(legs(core, clock)) if n != 2]
    answers = client.fapiPrivatePostBatchOrders({"batchOrders": wanted})

    assert [a.get("status", a.get("code")) for a in answers] == ["NEW", -2019, "NEW", "NEW"]
    assert {o["clientOrderId"] for o in client.fetch_open_orders(BTC)} == {"rung-0", "rung-3", "rung-4"}


@pytest.mark.parametrize("endpoint", TRADING)
def test_a_reading_key_cannot_trade(base_url: str, clock: ManualClock, core: Core, endpoint: str):
    reader = pointed(base_url, clock, apiKey="paper-read", secret="paper-read-secret")
    method, path = endpoint.split()
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        reader.request(path.removeprefix("/fapi/v1/"), ["fapiPrivate"], method, {"symbol": "BTCUSDT"})

    assert reader.fetch_open_orders(BTC) == []
    assert not core.order_book.countdowns


def test_a_trading_key_can(base_url: str, clock: ManualClock, core: Core):
    trader = pointed(base_url, clock, apiKey="paper-trade", secret="paper-trade-secret")

    assert grid_order(trader, priced(core, clock, "0.99"), name="mine")["status"] == "open"


def test_an_altered_order_is_refused(base_url: str, client: Any, core: Core):
    signed = client.sign("order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT", "side": "BUY"})
    body = signed["body"].replace("side=BUY", "side=SELL")
    answer = HTTP.post(f"{base_url}/fapi/v1/order", content=body, headers=signed["headers"])

    assert (answer.status_code, answer.json()["code"]) == (400, -1022)
    assert not core.order_book.orders


def test_an_order_may_be_signed_in_the_query(base_url: str, client: Any):
    query = client.sign("order", ["fapiPrivate"], "POST", {"symbol": "BTCUSDT", "side": "NONE"})["body"]
    answer = HTTP.post(f"{base_url}/fapi/v1/order?{query}", headers={"X-MBX-APIKEY": "paper"})

    assert answer.json()["code"] == -1117


@pytest.mark.parametrize("multi_assets", [False, True])
def test_resting_orders_reserve_margin(
    client: Any, control: Any, core: Core, clock: ManualClock, *, multi_assets: bool
):
    control.set_mode(multi_assets=multi_assets)
    names = ("totalOpenOrderInitialMargin", "totalInitialMargin", "availableBalance")
    nothing, before, free = decimals(client.fapiPrivateV3GetAccount(), *names)
    price = priced(core, clock, "0.9")
    grid_order(client, price, name="mine", quantity=1)
    reserved, required, left = decimals(client.fapiPrivateV3GetAccount(), *names)
    (row,) = [r for r in client.fapiPrivateV3GetPositionRisk() if Decimal(r["openOrderInitialMargin"])]

    assert nothing == 0
    assert Decimal(row["openOrderInitialMargin"]) == Decimal(price) / 10
    assert abs(reserved / (Decimal(price) / 10) - 1) < (Decimal("0.01") if multi_assets else Decimal("1e-12"))
    assert (required - before, free - left) == (reserved, reserved)


def test_what_resting_orders_reserve_cannot_be_withdrawn(
    client: Any, control: Any, core: Core, clock: ManualClock
):
    grid_order(client, priced(core, clock, "0.9"), name="mine", quantity=5)
    (usdt,) = [a for a in client.fapiPrivateV3GetAccount()["assets"] if a["asset"] == "USDT"]
    most = Decimal(usdt["maxWithdrawAmount"])

    assert most < Decimal(usdt["marginBalance"]) - Decimal(usdt["positionInitialMargin"])
    with pytest.raises(Exception, match="may leave"):
        control.withdraw("USDT", most + 1)
    control.withdraw("USDT", most)
