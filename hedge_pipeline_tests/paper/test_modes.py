"""Modes are changed while nothing rests and nothing is held, and one-way mode trades nothing here."""

import pytest

from hedge_pipeline.paper import trading
from hedge_pipeline.paper.modes import (
    account_config,
    change_margin_type,
    change_position_mode,
    position_mode,
    symbol_config,
)
from hedge_pipeline_tests.paper.price_path import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_idle_account_changes_between_hedge_and_one_way_mode(desk: Desk):
    assert desk.refusal(desk.ask, change_position_mode, dualSidePosition="true") == -4059
    assert desk.ask(change_position_mode, dualSidePosition="false") == {"code": 200, "msg": "success"}
    assert desk.ask(position_mode) == {"dualSidePosition": False}
    assert desk.ask(account_config)["dualSidePosition"] is False
    assert desk.refusal(desk.ask, change_position_mode, dualSidePosition="false") == -4059
    desk.ask(change_position_mode, dualSidePosition="true")
    assert desk.limit("BUY LONG", 59_000)["status"] == "NEW"


@pytest.mark.parametrize("sent", [{}, {"dualSidePosition": "maybe"}])
def test_a_mode_that_is_none_is_refused(desk: Desk, sent: dict[str, str]):
    assert desk.refusal(desk.ask, change_position_mode, **sent) == -1102


def test_the_position_mode_stays_while_something_rests_or_is_held(desk: Desk):
    resting = desk.limit("BUY LONG", 2900, symbol="ETHUSDT")
    assert desk.refusal(desk.ask, change_position_mode, dualSidePosition="false") == -4067
    desk.ask(trading.cancel_order, symbol="ETHUSDT", orderId=resting["orderId"])
    waiting = desk.conditional("BUY LONG", "STOP_MARKET", 61_000)
    assert desk.refusal(desk.ask, change_position_mode, dualSidePosition="false") == -4067
    desk.ask(trading.cancel_conditional, algoId=waiting["algoId"])
    desk.market("BUY LONG")
    assert desk.refusal(desk.ask, change_position_mode, dualSidePosition="false") == -4068


def test_in_one_way_mode_no_order_is_taken(desk: Desk):
    desk.ask(change_position_mode, dualSidePosition="false")

    assert desk.refusal(desk.limit, "BUY LONG", 59_000) == -4061
    assert desk.refusal(desk.conditional, "SELL LONG", "STOP_MARKET", 59_000) == -4061
    assert desk.refusal(desk.limit, "BUY BOTH", 59_000) == -1020
    order = {"side": "BUY", "type": "MARKET", "quantity": "0.1"}
    assert desk.refusal(desk.ask, trading.new_order, **order) == -1020


def test_in_hedge_mode_an_order_names_its_side(desk: Desk):
    order = {"side": "BUY", "type": "MARKET", "quantity": "0.1"}

    assert desk.refusal(desk.ask, trading.new_order, **order) == -4061


def test_margin_is_cross_and_stays_so(desk: Desk):
    assert desk.refusal(desk.ask, change_margin_type, marginType="CROSSED") == -4046
    assert desk.refusal(desk.ask, change_margin_type, marginType="ISOLATED") == -1020
    assert desk.refusal(desk.ask, change_margin_type, marginType="BOTH") == -1102
    assert desk.refusal(desk.ask, change_margin_type) == -1102
    desk.limit("BUY LONG", 59_000)
    assert desk.refusal(desk.ask, change_margin_type, marginType="ISOLATED") == -4047
    assert desk.refusal(desk.ask, change_margin_type, marginType="ISOLATED", symbol="ETHUSDT") == -1020
    desk.ask(trading.cancel_all_orders)
    desk.market("BUY LONG")
    assert desk.refusal(desk.ask, change_margin_type, marginType="ISOLATED") == -4048
    desk.core.set_mode(multi_assets=True)
    assert desk.refusal(desk.ask, change_margin_type, marginType="ISOLATED") == -4168
    assert desk.ask(symbol_config)[0]["marginType"] == "CROSSED"
