"""Positions whose margin is used up are closed by the venue, and the books still add up."""

from decimal import Decimal

import pytest

from hedge_pipeline.paper.liquidation import deleverage, is_far, liquidate
from hedge_pipeline.paper.trading import forced_orders
from hedge_pipeline_tests.paper.price_path import Desk


def booked(desk: Desk) -> Decimal:
    return sum((row.amount for row in desk.core.ledger.rows), Decimal(0))


def test_a_covered_account_is_left_alone():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    desk.walk(51_000)

    assert liquidate(desk.core, now_ms=desk.now_ms) == []


def test_an_uncovered_position_is_closed_at_the_mark_and_its_orders_are_gone():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    resting = desk.limit("SELL LONG", 63_000)
    stop = desk.conditional("SELL LONG", "STOP_MARKET", 40_000)
    desk.walk(50_200)

    (order,) = liquidate(desk.core, now_ms=desk.now_ms)

    assert order.client_order_id.startswith("autoclose-")
    assert order.status == "FILLED"
    assert order.average_price == 50_200
    assert desk.order(resting)["status"] == "EXPIRED"
    assert desk.algo(stop)["algoStatus"] == "CANCELED"
    assert not desk.core.positions
    assert "INSURANCE_CLEAR" in [row.income_type for row in desk.core.ledger.rows]
    assert desk.core.ledger.balances["USDT"] == 1000 + booked(desk) >= 0


def test_time_alone_liquidates():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    desk.walk(50_000)
    desk.wait(60_000)

    assert not desk.core.positions


def test_what_an_account_still_owes_is_paid_by_the_insurance_fund():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    desk.walk(30_000)
    liquidate(desk.core, now_ms=desk.now_ms)

    assert desk.core.ledger.balances["USDT"] == 0
    assert booked(desk) == -1000
    assert liquidate(desk.core, now_ms=desk.now_ms) == []


def test_a_debt_left_by_a_stop_in_a_gap_is_paid_too():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    desk.conditional("SELL LONG", "STOP_MARKET", 55_000, closePosition="true")
    desk.walk(30_000)
    assert desk.core.ledger.balances["USDT"] < -2000
    desk.wait(60_000)

    assert desk.core.ledger.balances["USDT"] == 0


def test_the_position_that_needs_most_margin_goes_first_and_what_is_covered_then_stays():
    desk = Desk(balance="13000")
    desk.market("BUY LONG", "2")
    desk.market("BUY LONG", "1", symbol="ETHUSDT")
    desk.walk(3500, symbol="ETHUSDT")
    desk.walk(53_500)

    orders = liquidate(desk.core, now_ms=desk.now_ms)

    assert [o.symbol for o in orders] == ["BTCUSDT"]
    assert desk.held("LONG") == 0
    assert desk.held("LONG", "ETHUSDT") == 1


def test_both_sides_of_a_hedge_stand_or_fall_by_their_common_margin():
    desk = Desk(balance="3000")
    desk.market("BUY LONG", "0.2")
    desk.market("SELL SHORT", "0.2")
    desk.walk(45_000)

    assert liquidate(desk.core, now_ms=desk.now_ms) == []


def test_in_multi_assets_mode_every_asset_carries_every_position():
    desk = Desk(balance="1000")
    desk.core.ledger.book("TRANSFER", "BTC", Decimal(1), time_ms=desk.now_ms)
    desk.core.set_mode(multi_assets=True)
    desk.market("BUY LONG", "0.1")
    desk.walk(45_000)

    assert liquidate(desk.core, now_ms=desk.now_ms) == []
    desk.core.set_mode(multi_assets=False)
    assert len(liquidate(desk.core, now_ms=desk.now_ms)) == 1


def test_auto_deleveraging_takes_a_part_at_the_mark():
    desk = Desk()
    desk.market("SELL SHORT", "0.5")
    resting = desk.limit("BUY SHORT", 58_500, "0.4")
    desk.walk(59_000)

    order = deleverage(desk.core, "BTCUSDT", "SHORT", Decimal("0.2"), now_ms=desk.now_ms)

    assert order.client_order_id.startswith("adl_autoclose")
    assert desk.core.trades[-1].realized_pnl == 200
    assert desk.held("SHORT") == Decimal("0.3")
    assert desk.order(resting)["status"] == "EXPIRED"


def test_forced_orders_are_listed_by_their_kind():
    desk = Desk(balance="1000")
    desk.market("BUY LONG", "0.1")
    deleverage(desk.core, "BTCUSDT", "LONG", Decimal("0.02"), now_ms=desk.now_ms)
    desk.walk(47_000)
    liquidate(desk.core, now_ms=desk.now_ms)

    def quantities(**params: object) -> list[str]:
        return [row["executedQty"] for row in desk.ask(forced_orders, **params)]

    assert quantities() == ["0.020", "0.080"]
    assert quantities(autoCloseType="ADL") == ["0.020"]
    assert quantities(autoCloseType="LIQUIDATION") == ["0.080"]
    assert quantities(symbol="ETHUSDT") == []
    assert desk.refusal(desk.ask, forced_orders, autoCloseType="OTHER") == -1130


@pytest.mark.parametrize("quantity", ["0", "0.501", "0.0001"])
def test_auto_deleveraging_takes_only_what_is_there(quantity: str):
    desk = Desk()
    desk.market("SELL SHORT", "0.5")

    with pytest.raises(ValueError, match="quantity"):
        deleverage(desk.core, "BTCUSDT", "SHORT", Decimal(quantity), now_ms=desk.now_ms)


def test_an_account_far_from_liquidation_is_looked_at_again_once_something_happened():
    desk = Desk(balance="100000")
    desk.market("BUY LONG", "0.1")
    desk.wait(60_000)
    assert is_far(desk.core, desk.now_ms)

    desk.core.withdraw("USDT", Decimal(99_000), now_ms=desk.now_ms)
    assert not is_far(desk.core, desk.now_ms)
    desk.walk(50_000)
    desk.wait(60_000)
    assert not desk.core.positions


def test_a_crash_of_an_account_that_was_far_from_liquidation_is_noticed_within_four_hours():
    desk = Desk(balance="30000")
    desk.market("BUY LONG", "1")
    desk.wait(60_000)
    assert is_far(desk.core, desk.now_ms)
    desk.walk(25_000)
    desk.wait(4 * 3_600_000)

    assert not desk.core.positions
