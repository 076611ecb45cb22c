"""What trading reads of the venue: all of it, as the venue has it, or a reason why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import (
    LONG,
    Trading,
    entry,
    market,
    stop,
    take_profit,
    trading_desk,
)
from hedge_pipeline_tests.paper.conftest import NOON_MS
from hedge_pipeline_tests.paper.price_path import BTC

ORDERS, CONDITIONALS = "GET /fapi/v1/openOrders", "GET /fapi/v1/openAlgoOrders"
FILLS, CANDLES = "GET /fapi/v1/userTrades", "GET /fapi/v1/klines"
CONFIGS, BRACKETS, FUNDING = (
    "GET /fapi/v1/symbolConfig",
    "GET /fapi/v1/leverageBracket",
    "GET /fapi/v1/fundingInfo",
)
NOON = datetime.fromtimestamp(NOON_MS / 1000, tz=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def trading() -> Iterator[Trading]:
    with trading_desk() as found:
        yield found


def errors(sources: tuple[SourceHealth, ...]) -> dict[str, str]:
    return {health.source: health.error or "" for health in sources if not health.ok}


def by_name(orders: tuple[KnownOrder, ...] | None) -> dict[str, KnownOrder]:
    return {order.client_order_id: order for order in orders or ()}


def test_everything_that_rests_is_listed_whoever_placed_it(trading: Trading) -> None:
    trading.orders.place([market("m1", "0.1")])
    trading.orders.place(
        [
            entry("e1"),
            entry("x1", "2900", "0.5", symbol="ETHUSDT"),
            take_profit("t1"),
            stop("s1"),
            stop("s2", 49000, None),
        ]
    )
    trading.desk.limit("SELL SHORT", 61000, newClientOrderId="somebody's".replace("'", ""))
    trading.desk.now_ms += 5000

    reading = trading.orders.read_orders()

    assert errors(reading.sources) == {}
    assert [health.source for health in reading.sources] == ["orders", "conditionals"]
    assert reading.as_of == NOON + timedelta(seconds=5)
    found = by_name(reading.orders)
    assert set(found) == {"e1", "x1", "t1", "s1", "s2", "somebodys"}
    assert {name for name, order in found.items() if order.stop_price is not None} == {"s1", "s2"}
    assert found["s1"].venue_order_id == "1000000000001"
    assert (found["s1"].quantity, found["s2"].quantity) == (Decimal("0.01"), Decimal(0))
    assert (found["s2"].stop_price, found["s2"].position_side) == (Decimal(49000), LONG)
    assert found["t1"].reduces_position
    assert not found["e1"].reduces_position


def test_an_empty_book_is_known_to_be_empty(trading: Trading) -> None:
    reading = trading.orders.read_orders()
    assert (reading.orders, reading.as_of) == ((), NOON)


def test_a_partial_fill_is_listed_with_what_remains(trading: Trading) -> None:
    trading.desk.core.order_book.partial_share = Decimal(1)
    trading.orders.place([entry("e1", "59990", "0.100")])
    trading.desk.walk("59980")
    order = by_name(trading.orders.read_orders().orders)["e1"]
    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert Decimal(0) < order.remaining_quantity < order.quantity == Decimal("0.1")


def test_an_order_that_triggers_between_the_two_lists_is_listed_once(trading: Trading) -> None:
    trading.orders.place([market("m1", "0.1")])
    trading.desk.conditional(
        "SELL LONG",
        "STOP",
        59500,
        price="59700",
        timeInForce="GTC",
        clientAlgoId="s1",
        workingType="CONTRACT_PRICE",
    )
    assert by_name(trading.orders.read_orders().orders)["s1"].stop_price == Decimal(59500)

    trading.venue.meanwhile[CONDITIONALS] = lambda: trading.desk.walk("59400")
    reading = trading.orders.read_orders()
    assert [(o.client_order_id, o.order_type, o.stop_price) for o in reading.orders or ()] == [
        ("s1", "LIMIT", None)
    ]


@pytest.mark.parametrize(("endpoint", "source"), [(ORDERS, "orders"), (CONDITIONALS, "conditionals")])
@pytest.mark.parametrize(
    "body", ["{}", "null", "", "<html></html>", '[{"symbol": "BTCUSDT"}]', '{"code": -2015, "msg": "No."}']
)
def test_half_a_list_says_nothing(trading: Trading, endpoint: str, source: str, body: str) -> None:
    trading.orders.place([entry("e1"), stop("s1")])
    trading.fault(endpoint, "respond", body=body)
    reading = trading.orders.read_orders()
    assert (reading.orders, reading.as_of) == (None, None)
    assert set(errors(reading.sources)) == {source}


@pytest.mark.parametrize(
    ("endpoint", "field", "value"),
    [
        (ORDERS, "0.positionSide", "BOTH"),
        (ORDERS, "0.status", "PERHAPS"),
        (ORDERS, "0.executedQty", "9"),
        (ORDERS, "0.orderId", "12x"),
        (CONDITIONALS, "0.algoStatus", "PERHAPS"),
        (CONDITIONALS, "0.triggerPrice", "-1"),
        (CONDITIONALS, "0.closePosition", "yes"),
    ],
)
def test_a_row_that_cannot_be_believed_fails_the_list_by_name(
    trading: Trading, endpoint: str, field: str, value: object
) -> None:
    trading.orders.place([market("m1")])
    trading.orders.place([entry("e1"), stop("s1")])
    trading.fault(endpoint, "replace_field", path=field, value=value)
    reading = trading.orders.read_orders()
    assert reading.orders is None
    assert field.partition(".")[2] in " ".join(errors(reading.sources).values())


def test_an_order_listed_twice_fails_the_list(trading: Trading) -> None:
    trading.orders.place([entry("e1"), entry("e2", "58000")])
    order_id = next(iter(trading.desk.core.order_book.orders))
    trading.fault(ORDERS, "replace_field", path="1.orderId", value=order_id)
    assert "listed twice" in errors(trading.orders.read_orders().sources)["orders"]


def test_a_foreign_trailing_stop_without_a_trigger_is_conditional_all_the_same(trading: Trading) -> None:
    trading.orders.place([market("m1")])
    trading.orders.place([stop("s1")])
    for path, value in (("0.triggerPrice", ""), ("0.orderType", "TRAILING_STOP_MARKET")):
        trading.fault(CONDITIONALS, "replace_field", path=path, value=value)
    assert by_name(trading.orders.read_orders().orders)["s1"].stop_price == 0


def fills(trading: Trading, count: int) -> list[str]:
    """Ids of so many fills of BTCUSDT, a second apart."""
    for number in range(count):
        trading.orders.place([market(f"m{trading.desk.now_ms}-{number}", "0.002")])
        trading.desk.wait(1000)
    return [str(trade.trade_id) for trade in trading.desk.core.trades][-count:]


def test_fills_are_read_from_an_instant_on_and_then_behind_the_last(trading: Trading) -> None:
    names = fills(trading, 3)
    first = trading.orders.read_fills(BTC, None, NOON)
    assert [fill.fill_id for fill in first] == names
    assert {fill.symbol for fill in first} == {BTC}
    later = fills(trading, 2)
    assert [fill.fill_id for fill in trading.orders.read_fills(BTC, names[-1], NOON)] == later
    assert trading.orders.read_fills(BTC, later[-1], NOON) == ()
    assert "startTime" not in trading.heard(FILLS)[-1]


@pytest.mark.parametrize("after", [True, False])
def test_more_fills_than_a_page_are_all_read_once(trading: Trading, *, after: bool) -> None:
    before = fills(trading, 1)[0]
    names = fills(trading, 11)
    paging = trading.connected(limits=replace(FAST, fills_page=3))
    since = NOON + timedelta(seconds=1)
    assert [fill.fill_id for fill in paging.read_fills(BTC, before if after else None, since)] == names


def test_fills_of_weeks_are_read_week_by_week(trading: Trading) -> None:
    old = fills(trading, 2)
    trading.desk.now_ms += 20 * 86_400_000
    new = fills(trading, 1)
    found = trading.orders.read_fills(BTC, None, NOON)
    assert [fill.fill_id for fill in found] == [*old, *new]
    assert len(trading.heard(FILLS)) == 3
    assert [fill.fill_id for fill in trading.orders.read_fills(BTC, old[0], NOON)] == [old[1], *new]


def test_fills_older_than_what_the_venue_keeps_are_not_read_as_none(trading: Trading) -> None:
    with pytest.raises(SourceUnavailable, match="keeps only 90 days"):
        trading.orders.read_fills(BTC, None, NOON - timedelta(days=91))


@pytest.mark.parametrize("body", ["{}", "null", '[{"id": 5}]'])
def test_fills_that_cannot_be_believed_raise(trading: Trading, body: str) -> None:
    trading.fault(FILLS, "respond", body=body)
    for after in (None, "17"):
        with pytest.raises(SourceMalformed):
            trading.orders.read_fills(BTC, after, NOON)


def test_a_fill_that_was_not_asked_for_is_malformed(trading: Trading) -> None:
    names = fills(trading, 3)
    trading.fault(FILLS, "replace_field", path="0.id", value=int(names[0]))
    with pytest.raises(SourceMalformed, match="was not asked for"):
        trading.orders.read_fills(BTC, names[0], NOON)


def test_the_order_of_a_fill_is_named(trading: Trading) -> None:
    trading.orders.place([market("m1")])
    (fill,) = trading.orders.read_fills(BTC, None, NOON)
    assert trading.orders.name_of(fill.venue_order_id, BTC) == "m1"
    assert trading.orders.name_of("17", BTC) is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "{}"),
        (400, '{"code": -1121, "msg": "No."}'),
        (429, ""),
        (500, '{"code": -2013, "msg": "No."}'),
        (503, ""),
    ],
)
def test_an_order_that_cannot_be_asked_about_is_not_nobodys(trading: Trading, status: int, body: str) -> None:
    trading.fault("GET /fapi/v1/order", "respond", status=status, body=body)
    with pytest.raises(SourceUnavailable):
        trading.orders.name_of("17", BTC)


@pytest.mark.parametrize(("field", "value"), [("orderId", 18), ("symbol", "ETHUSDT")])
def test_the_name_of_another_order_is_not_believed(trading: Trading, field: str, value: object) -> None:
    trading.orders.place([entry("e1")])
    order_id = str(next(iter(trading.desk.core.order_book.orders)))
    trading.fault("GET /fapi/v1/order", "replace_field", path=field, value=value)
    with pytest.raises(SourceMalformed, match="another order"):
        trading.orders.name_of(order_id, BTC)


def test_terms_are_how_symbols_are_set_and_what_they_cost(trading: Trading) -> None:
    trading.orders.set_leverage(BTC, 7)
    reading = trading.orders.read_terms((BTC, "ETHUSDT"))
    assert errors(reading.sources) == {}
    assert [health.source for health in reading.sources] == [
        "symbol_configs",
        "brackets",
        "funding_intervals",
    ]
    assert reading.as_of == NOON
    assert [(config.symbol, config.cross_margin) for config in reading.configs or ()] == [
        (BTC, True),
        ("ETHUSDT", True),
    ]
    assert (reading.configs or ())[0].leverage == 7
    bitcoin = (reading.terms or ())[0]
    assert bitcoin.funding_interval == timedelta(hours=8)
    listed = trading.desk.core.instrument(BTC).brackets
    assert bitcoin.brackets == tuple(
        Bracket(
            notional_cap_usd=tier.notional_cap,
            maintenance_rate=tier.maintenance_rate,
            cumulative_usd=tier.cumulative,
        )
        for tier in listed
    )


def respond_brackets(trading: Trading, **changes: Any) -> None:
    tier = {
        "bracket": 1,
        "initialLeverage": 75,
        "notionalCap": 10000,
        "notionalFloor": 0,
        "maintMarginRatio": "0.0065",
        "cum": 0,
    }
    trading.fault(
        BRACKETS, "respond", body=[{"symbol": BTC, "notionalCoef": 1.5, "brackets": [{**tier, **changes}]}]
    )


@pytest.mark.parametrize("number", ["0.0065", 0.0065])
def test_brackets_are_exact_whether_written_as_numbers_or_in_strings(
    trading: Trading, number: object
) -> None:
    respond_brackets(trading, maintMarginRatio=number, notionalCap=10000.0)
    (terms,) = trading.orders.read_terms((BTC,)).terms or ()
    assert terms.brackets[0].maintenance_rate == Decimal("0.0065")
    assert terms.brackets[0].notional_cap_usd == Decimal(10000)


@pytest.mark.parametrize(
    "changes",
    [
        {"maintMarginRatio": 0},
        {"maintMarginRatio": 1},
        {"maintMarginRatio": True},
        {"maintMarginRatio": "NaN"},
        {"maintMarginRatio": None},
        {"notionalFloor": 5},
        {"notionalCap": 0},
        {"cum": -1},
    ],
)
def test_brackets_that_are_no_tiers_are_not_known(trading: Trading, changes: dict[str, Any]) -> None:
    respond_brackets(trading, **changes)
    reading = trading.orders.read_terms((BTC,))
    assert (reading.terms, reading.as_of) == (None, None)
    assert set(errors(reading.sources)) == {"brackets"}
    assert reading.configs is not None


def test_an_adjusted_funding_interval_is_known_and_every_other_is_eight_hours(trading: Trading) -> None:
    row = {
        "symbol": BTC,
        "adjustedFundingRateCap": "0.02",
        "adjustedFundingRateFloor": "-0.02",
        "fundingIntervalHours": 4,
    }
    trading.fault(FUNDING, "respond", body=[row])
    terms = trading.orders.read_terms((BTC, "ETHUSDT")).terms or ()
    assert [each.funding_interval for each in terms] == [timedelta(hours=4), timedelta(hours=8)]


@pytest.mark.parametrize(
    "body", ["{}", '[{"symbol": "BTCUSDT", "fundingIntervalHours": 0}]', '[{"symbol": "BTCUSDT"}]']
)
def test_a_funding_list_that_cannot_be_believed_leaves_the_interval_unknown(
    trading: Trading, body: str
) -> None:
    trading.fault(FUNDING, "respond", body=body)
    reading = trading.orders.read_terms((BTC,))
    assert reading.as_of is None
    assert [each.funding_interval for each in reading.terms or ()] == [None]


@pytest.mark.parametrize("endpoint", [CONFIGS, BRACKETS])
def test_a_symbol_that_is_missing_is_not_passed_over(trading: Trading, endpoint: str) -> None:
    trading.fault(endpoint, "remove_field", path=f"symbol={BTC}")
    reading = trading.orders.read_terms((BTC, "ETHUSDT"))
    assert BTC in " ".join(errors(reading.sources).values())
    assert None in {reading.terms, reading.configs}
