"""Where there is no venue nothing is sent, nothing is known, and every answer says why."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hedge_pipeline.adapters.absent_venue import AbsentOrders
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus
from hedge_pipeline.domain.trading.intents import Answer
from hedge_pipeline.ports import OrderVenue
from hedge_pipeline_tests.adapters.ccxt_venue.order_desk import entry, stop

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REASON = "the paper venue is not running"


@dataclass
class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def boot_id(self) -> str:
        return "one boot"


@pytest.fixture
def orders() -> OrderVenue:
    return AbsentOrders(account="main", clock=StoppedClock(), reason=REASON)


def test_no_order_leaves_and_none_is_known_to_be_gone(orders: OrderVenue) -> None:
    wanted = [entry("e1"), stop("s1")]
    placed = orders.place(wanted)
    assert [(each.client_order_id, each.answer, each.message) for each in placed] == [
        ("e1", Answer.DENIED, REASON),
        ("s1", Answer.DENIED, REASON),
    ]
    resting = KnownOrder(
        client_order_id="e1",
        venue_order_id="1",
        symbol="BTCUSDT",
        side=wanted[0].side,
        position_side=wanted[0].position_side,
        order_type="LIMIT",
        status=OrderStatus.NEW,
        limit_price=Decimal(59000),
        stop_price=None,
        quantity=Decimal("0.01"),
        filled_quantity=Decimal(0),
    )
    canceled = orders.cancel([resting])
    assert [(each.answer, each.order) for each in canceled] == [(Answer.UNKNOWN, None)]
    assert orders.look_up("e1", "BTCUSDT", conditional=False).answer is Answer.UNKNOWN
    assert orders.set_countdown("BTCUSDT", timedelta(seconds=30)) == REASON
    assert orders.set_leverage("BTCUSDT", 5) == REASON


def test_every_reading_is_a_failed_attempt(orders: OrderVenue) -> None:
    listed = orders.read_orders()
    terms = orders.read_terms(["BTCUSDT"])
    candles = orders.read_candles("BTCUSDT", timedelta(minutes=5), 10)
    assert (listed.orders, terms.configs, terms.terms, candles.candles) == (None, None, None, None)
    for reading, names in (
        (listed, ["orders", "conditionals"]),
        (terms, ["symbol_configs", "brackets", "funding_intervals"]),
        (candles, ["candles"]),
    ):
        assert (reading.account, reading.attempted_at, reading.as_of) == ("main", NOW, None)
        assert [(health.source, health.ok, health.error) for health in reading.sources] == [
            (name, False, REASON) for name in names
        ]
    with pytest.raises(SourceUnavailable, match=REASON):
        orders.read_fills("BTCUSDT", None, NOW)
