"""The venue's own documentation of what it answers is believed, once it is about an account in hedge mode."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import order_payloads, terms_payloads
from hedge_pipeline.domain.orders import KnownOrder, OrderStatus

Parse = Callable[[object], KnownOrder]


@pytest.fixture(scope="session")
def samples(recorded_data: Path) -> dict[str, Any]:
    texts = (recorded_data / "binance_api" / "doc_samples_binance_net.json").read_text()
    return dict(json.loads(texts.replace('"BOTH"', '"SHORT"'), parse_float=Decimal))


def body(samples: dict[str, Any], name: str) -> Any:
    return samples[name]["body"]


@pytest.mark.parametrize(
    ("name", "parse", "status"),
    [
        ("Trading/PlaceOrder", order_payloads.order, OrderStatus.NEW),
        ("Trading/GetOrder", order_payloads.order, OrderStatus.NEW),
        ("Trading/CancelOrder", order_payloads.order, OrderStatus.CANCELED),
        ("Trading/PlaceConditionalOrder", order_payloads.conditional, OrderStatus.NEW),
        ("Trading/GetConditionalOrder", order_payloads.conditional, OrderStatus.FILLED),
        ("Trading/CancelConditionalOrder", order_payloads.conditional, OrderStatus.CANCELED),
    ],
)
def test_an_order_as_documented_is_read(
    samples: dict[str, Any], name: str, parse: Parse, status: OrderStatus
) -> None:
    order = parse(body(samples, name))
    assert order.status is status
    assert (order.stop_price is not None) is (parse is order_payloads.conditional)
    assert order.venue_order_id


def test_lists_as_documented_are_read(samples: dict[str, Any]) -> None:
    (ordinary,) = order_payloads.orders(body(samples, "Trading/GetOpenOrders"))
    assert (ordinary.client_order_id, ordinary.quantity) == ("abc", Decimal("0.40"))
    (conditional,) = order_payloads.conditionals(body(samples, "Trading/GetOpenConditionalOrders"))
    assert (conditional.stop_price, conditional.limit_price) == (Decimal(750), Decimal(750))


@pytest.mark.parametrize("name", ["Trading/PlaceMultipleOrders", "Trading/CancelMultipleOrders"])
def test_an_order_and_a_refusal_side_by_side_are_told_apart(samples: dict[str, Any], name: str) -> None:
    order, refused = body(samples, name)
    assert order_payloads.refusal(order) is None
    assert order_payloads.order(order).symbol == "BTCUSDT"
    refusal = order_payloads.refusal(refused)
    assert refusal is not None
    assert refusal.code < 0


def test_a_canceled_conditional_order_as_documented_names_itself(samples: dict[str, Any]) -> None:
    assert order_payloads.ended_conditional(body(samples, "Trading/CancelConditionalOrder")) == (
        "3000000000003505",
        "0Xkl1p621E4EryvufmYre1",
    )


def test_terms_as_documented_are_read(samples: dict[str, Any]) -> None:
    (tier,) = terms_payloads.brackets(body(samples, "Account/GetBrackets"), ["ETHUSDT"])["ETHUSDT"]
    assert (tier.notional_cap_usd, tier.maintenance_rate, tier.cumulative_usd) == (
        Decimal(10000),
        Decimal("0.0065"),
        Decimal(0),
    )
    (config,) = terms_payloads.configs(body(samples, "Account/GetSymbolConfiguration"), ["BTCUSDT"])
    assert (config.leverage, config.cross_margin) == (Decimal(21), True)
    intervals = terms_payloads.funding_intervals(
        body(samples, "ExchangeData/GetFundingInfo"), ["BLZUSDT", "BTCUSDT"]
    )
    assert intervals == {"BLZUSDT": timedelta(hours=8), "BTCUSDT": timedelta(hours=8)}
