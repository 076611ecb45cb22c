"""Requests about orders, countdowns, and what of all this survives a restart."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.paper import orders, trading, walk
from hedge_pipeline.paper.instruments import INSTRUMENTS
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline.paper.trades import Trade
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import NOON_MS, SECOND_MS
from hedge_pipeline_tests.paper.price_path import BTC, Desk

DAY_MS = 86_400_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def samples(recorded_data: Path) -> dict[str, Any]:
    """Documentation samples by their names."""
    loaded: dict[str, Any] = json.loads(
        (recorded_data / "binance_api" / "doc_samples_binance_net.json").read_text()
    )
    return loaded


def test_an_order_has_the_fields_the_venue_gives(desk: Desk, samples: dict[str, Any]):
    placed = desk.limit("BUY LONG", 59_000, newClientOrderId="mine")

    trailing = {"activatePrice", "priceRate"}
    assert set(samples["Trading/PlaceOrder"]["body"]) - trailing <= set(placed)
    assert set(samples["Trading/GetOrder"]["body"]) - trailing <= set(desk.order(placed))
    assert set(samples["Trading/GetForcedOrders"]["body"][0]) <= set(desk.order(placed))
    assert placed["clientOrderId"] == "mine"
    assert (placed["price"], placed["origQty"], placed["executedQty"]) == ("59000.00", "0.100", "0.000")


def test_a_conditional_order_has_the_fields_the_venue_gives(desk: Desk, samples: dict[str, Any]):
    placed = desk.conditional("SELL LONG", "STOP_MARKET", 59_000)

    brackets = {"tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice", "tpOrderType"}
    assert set(samples["Trading/GetConditionalOrder"]["body"]) - brackets <= set(desk.algo(placed))


def test_open_orders_are_those_that_rest(desk: Desk):
    desk.market("BUY LONG")
    first = desk.limit("BUY LONG", 59_000)
    other = desk.limit("BUY LONG", 2900, symbol="ETHUSDT")

    here = desk.ask(trading.open_orders)
    everywhere = trading.open_orders(desk.core, desk.now_ms, {})
    assert [o["orderId"] for o in here] == [first["orderId"]]
    assert [o["orderId"] for o in everywhere] == [first["orderId"], other["orderId"]]


def test_all_orders_are_the_most_recent_or_those_from_an_id_on(desk: Desk):
    ids = [desk.limit("BUY LONG", 59_000 - n)["orderId"] for n in range(4)]
    desk.ask(trading.cancel_order, orderId=ids[1])

    def listed(**params: object) -> list[int]:
        return [row["orderId"] for row in desk.ask(trading.all_orders, **params)]

    assert listed() == ids
    assert listed(limit=2) == ids[2:]
    assert listed(limit=2, orderId=ids[1]) == ids[1:3]


def test_all_conditional_orders_are_listed_as_ordinary_ones_are(desk: Desk):
    ids = [desk.conditional("BUY LONG", "STOP_MARKET", 61_000 + n)["algoId"] for n in range(3)]
    desk.ask(trading.cancel_conditional, algoId=ids[0])
    desk.wait(1000)
    later = desk.conditional("BUY LONG", "STOP_MARKET", 62_000)["algoId"]

    def listed(**params: object) -> list[int]:
        return [row["algoId"] for row in desk.ask(trading.all_conditionals, **params)]

    assert listed() == [*ids, later]
    assert listed(limit=1) == [later]
    assert listed(limit=1, algoId=ids[1]) == [ids[1]]
    assert listed(startTime=desk.now_ms) == [later]
    assert listed(endTime=desk.now_ms - 1) == ids
    assert listed(symbol="ETHUSDT") == []


def test_an_open_order_is_found_while_it_rests(desk: Desk):
    resting = desk.limit("BUY LONG", 59_000, newClientOrderId="mine")

    assert desk.ask(trading.query_open_order, origClientOrderId="mine") == desk.order(resting)
    desk.ask(trading.cancel_order, origClientOrderId="mine")
    assert desk.refusal(desk.ask, trading.query_open_order, origClientOrderId="mine") == -2013
    assert desk.refusal(desk.ask, trading.query_open_order) == -1102


def test_an_order_is_canceled_once(desk: Desk):
    placed = desk.limit("BUY LONG", 59_000, newClientOrderId="mine")

    assert desk.ask(trading.cancel_order, origClientOrderId="mine")["status"] == "CANCELED"
    assert desk.refusal(desk.ask, trading.cancel_order, origClientOrderId="mine") == -2011
    assert desk.refusal(desk.ask, trading.cancel_order, orderId=1) == -2011
    assert desk.refusal(desk.ask, trading.cancel_order) == -1102
    assert desk.refusal(desk.ask, trading.query_order, orderId=1) == -2013
    assert desk.order(placed)["status"] == "CANCELED"


def test_a_batch_is_answered_in_its_own_order(desk: Desk):
    leg = {"symbol": BTC, "side": "BUY", "positionSide": "LONG", "type": "LIMIT", "timeInForce": "GTC"}
    legs = [
        {**leg, "price": "59000", "quantity": "0.1"},
        {**leg, "price": "59000", "quantity": "0.0001"},
        {**leg, "price": "60000", "quantity": 0.2},
    ]
    answers = desk.ask(trading.new_orders, batchOrders=json.dumps(legs))

    assert [a.get("status", a.get("code")) for a in answers] == ["NEW", -1111, "FILLED"]
    assert desk.refusal(desk.ask, trading.new_orders, batchOrders=json.dumps(legs * 2)) == -4082
    assert desk.refusal(desk.ask, trading.new_orders, batchOrders="[]") == -4082
    assert desk.refusal(desk.ask, trading.new_orders, batchOrders="{") == -1102
    assert desk.refusal(desk.ask, trading.new_orders, batchOrders='["a"]') == -1102


@pytest.mark.parametrize(
    ("parameter", "field"),
    [("orderIdList", "orderId"), ("orderidlist", "orderId"), ("origclientorderidlist", "clientOrderId")],
)
def test_several_orders_are_canceled_by_either_spelling(desk: Desk, parameter: str, field: str):
    wanted = [desk.limit("BUY LONG", 59_000)[field], "unknown" if field == "clientOrderId" else 1]
    answers = desk.ask(trading.cancel_orders, **{parameter: json.dumps(wanted)})

    assert [a.get("status", a.get("code")) for a in answers] == ["CANCELED", -2011]
    assert desk.refusal(desk.ask, trading.cancel_orders) == -1102
    assert desk.refusal(desk.ask, trading.cancel_orders, **{parameter: json.dumps(wanted * 6)}) == -4083


def test_cancel_all_takes_the_ordinary_orders_of_one_symbol(desk: Desk):
    desk.limit("BUY LONG", 59_000)
    desk.limit("BUY LONG", 2900, symbol="ETHUSDT")
    desk.conditional("BUY LONG", "STOP_MARKET", 61_000)

    desk.ask(trading.cancel_all_orders)

    assert [o.symbol for o in desk.core.order_book.working()] == ["ETHUSDT"]
    assert len(desk.ask(trading.open_conditionals)) == 1
    desk.ask(trading.cancel_all_conditionals)
    assert desk.ask(trading.open_conditionals) == []


def test_a_conditional_order_is_found_and_canceled_by_either_identifier(desk: Desk):
    placed = desk.conditional("BUY LONG", "STOP_MARKET", 61_000, clientAlgoId="stop")

    assert desk.ask(trading.query_conditional, clientAlgoId="stop")["algoId"] == placed["algoId"]
    assert desk.ask(trading.cancel_conditional, algoId=placed["algoId"])["clientAlgoId"] == "stop"
    assert desk.refusal(desk.ask, trading.cancel_conditional, clientAlgoId="stop") == -2011
    assert desk.refusal(desk.ask, trading.query_conditional, clientAlgoId="other") == -2013
    assert desk.refusal(desk.ask, trading.query_conditional) == -1102


@pytest.mark.parametrize(("spares", "waiting"), [(False, 0), (True, 1)])
def test_a_countdown_that_ends_cancels_everything_on_its_symbol(desk: Desk, *, spares: bool, waiting: int):
    desk.core.order_book.countdown_spares_conditionals = spares
    desk.market("BUY LONG")
    desk.limit("BUY LONG", 59_000)
    desk.limit("SELL LONG", 61_000)
    desk.conditional("SELL LONG", "STOP_MARKET", 58_000)
    desk.limit("BUY LONG", 2900, symbol="ETHUSDT")
    answer = desk.ask(trading.countdown_cancel_all, countdownTime=30_500)

    assert answer == {"symbol": BTC, "countdownTime": "30500"}
    desk.wait(30_499)
    assert len(desk.ask(trading.open_orders)) == 2
    desk.wait(1)
    assert desk.ask(trading.open_orders) == []
    assert len(desk.ask(trading.open_conditionals)) == waiting
    assert len(desk.ask(trading.open_orders, symbol="ETHUSDT")) == 1
    assert desk.held("LONG") == Decimal("0.1")


def test_a_countdown_is_renewed_and_disarmed(desk: Desk):
    desk.limit("BUY LONG", 59_000)
    desk.ask(trading.countdown_cancel_all, countdownTime=10_000)
    desk.wait(9_000)
    desk.ask(trading.countdown_cancel_all, countdownTime=10_000)
    desk.wait(9_000)
    desk.ask(trading.countdown_cancel_all, countdownTime=0)
    desk.wait(60_000)

    assert len(desk.ask(trading.open_orders)) == 1
    assert desk.refusal(desk.ask, trading.countdown_cancel_all) == -1102
    assert desk.refusal(desk.ask, trading.countdown_cancel_all, countdownTime=-1) == -1102


def test_a_countdown_ends_before_a_later_fill_however_late_it_is_looked_at(desk: Desk):
    desk.limit("BUY LONG", 59_000)
    desk.ask(trading.countdown_cancel_all, countdownTime=2_500)
    desk.player.state(BTC, 4, Decimal(58_000), Decimal(58_000))
    desk.wait(3600 * SECOND_MS)

    assert desk.core.trades == []


def test_what_was_done_a_week_ago_is_forgotten_and_what_rests_is_not(desk: Desk):
    done, resting = desk.market("BUY LONG"), desk.limit("BUY LONG", 59_000)
    desk.ask(trading.cancel_all_orders, symbol="ETHUSDT")
    desk.core.order_book.forget(desk.now_ms + 8 * DAY_MS)

    assert desk.refusal(desk.ask, trading.query_order, orderId=done["orderId"]) == -2013
    assert desk.order(resting)["status"] == "NEW"


def test_of_much_that_is_done_the_oldest_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(orders, "_MOST_DONE", 4)
    ids = [desk.limit("BUY LONG", 59_000, timeInForce="IOC")["orderId"] for _ in range(7)]
    resting = desk.limit("BUY LONG", 59_000)
    desk.wait(1)

    assert list(desk.core.order_book.orders) == [*ids[3:], resting["orderId"]]


def test_the_same_world_fills_the_same_grid():
    def traded() -> tuple[list[Trade], Decimal]:
        core = open_core(World(seed=7), now_ms=NOON_MS)
        walk.advance(core, NOON_MS)
        last = core.market.quote(BTC, NOON_MS).last_price
        for rung in range(1, 7):
            for side, position_side, sign in (("BUY", "LONG", -1), ("SELL", "SHORT", 1)):
                price = (last * (1 + sign * rung * Decimal("0.0003"))).quantize(Decimal("0.1"))
                order = {"symbol": BTC, "side": side, "positionSide": position_side, "type": "LIMIT"}
                trading.new_order(
                    core, NOON_MS, {**order, "timeInForce": "GTX", "price": str(price), "quantity": "0.013"}
                )
        walk.advance(core, NOON_MS + 600 * SECOND_MS)
        return core.trades, core.ledger.balances["USDT"]

    one = traded()
    assert len(one[0]) > 2
    assert one == traded()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[StateDirectory]:
    with StateDirectory(tmp_path) as opened:
        yield opened


def test_orders_survive_a_restart(desk: Desk, directory: StateDirectory):
    assert directory.load({}, desk.player, INSTRUMENTS) is None
    desk.market("BUY LONG", "0.2")
    desk.limit("BUY LONG", "59000.1", newClientOrderId="mine")
    desk.conditional("SELL LONG", "STOP_MARKET", 58_000, closePosition="true")
    desk.ask(trading.countdown_cancel_all, countdownTime=60_000)
    desk.core.order_book.restriction = -4400
    desk.core.order_book.distance[BTC] = Decimal("0.001")
    desk.walk(60_100)
    directory.save(desk.core, desk.now_ms)

    kept = directory.load({}, desk.player, INSTRUMENTS)

    assert kept is not None
    assert kept.order_book == desk.core.order_book
    assert kept.positions == desk.core.positions


def test_a_state_kept_before_there_were_orders_is_gone_on_with(desk: Desk, directory: StateDirectory):
    assert directory.load({}, desk.player, INSTRUMENTS) is None
    directory.save(desk.core, desk.now_ms)
    document = json.loads(directory.file.read_text())
    del document["order_book"]
    directory.file.write_text(json.dumps(document))

    kept = directory.load({}, desk.player, INSTRUMENTS)

    assert kept is not None
    assert not kept.order_book.orders
