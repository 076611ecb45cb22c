"""Prices off the futures venue: the spot ticker and the price provider."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from hedge_pipeline.paper.control import Control
from hedge_pipeline_tests.paper.conftest import HTTP, ManualClock


@pytest.fixture
def provider(base_url: str) -> Any:
    def ask(**params: str) -> httpx.Response:
        return HTTP.get(f"{base_url}/api/v3/simple/price", params=params)

    return ask


def test_one_spot_price(client: Any):
    answer = client.publicGetTickerPrice({"symbol": "BTCUSDT"})

    assert answer["symbol"] == "BTCUSDT"
    assert Decimal(answer["price"]) > 10_000


def test_several_spot_prices_and_all_of_them(client: Any):
    several = client.publicGetTickerPrice({"symbols": '["BTCUSDT","EURUSDT"]'})
    every = client.publicGetTickerPrice()

    assert [row["symbol"] for row in several] == ["BTCUSDT", "EURUSDT"]
    assert {"USDCUSDT", "USDTZAR", "XRPUSDT"} < {row["symbol"] for row in every}
    assert all(row.keys() == {"symbol", "price"} for row in every), "spot prices carry no time"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=XXX", -1121),
        ('symbols=["BTCUSDT","XXX"]', -1121),
        ("symbols=BTCUSDT", -1100),
        ("symbols=[]", -1100),
    ],
)
def test_spot_symbols_it_does_not_list_are_refused(base_url: str, query: str, code: int):
    answer = HTTP.get(f"{base_url}/api/v3/ticker/price?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_assets_in_currencies_with_the_time_of_their_price(provider: Any, clock: ManualClock):
    answer = provider(
        ids="bitcoin,tether,tether-gold",
        vs_currencies="usd,eur,zar",
        include_last_updated_at="true",
        precision="full",
    ).json()

    assert answer.keys() == {"bitcoin", "tether", "tether-gold"}
    assert answer["bitcoin"].keys() == {"usd", "eur", "zar", "last_updated_at"}
    assert answer["tether"]["last_updated_at"] == clock() // 1000
    assert 15 < answer["tether"]["zar"] / answer["tether"]["usd"] < 20, (
        "a fiat rate is the cross of one asset"
    )


@pytest.mark.parametrize(
    "identifier",
    ["bitcoin", "ethereum", "tether", "usd-coin", "binancecoin", "tether-gold", "solana", "ripple"],
)
def test_each_identifier_has_a_price(provider: Any, identifier: str):
    assert provider(ids=identifier, vs_currencies="usd").json()[identifier]["usd"] > 0


def test_what_it_does_not_know_is_absent(provider: Any):
    answer = provider(ids="bitcoin,dogecoin-two", vs_currencies="usd,doubloons")

    assert answer.status_code == 200
    assert answer.json().keys() == {"bitcoin"}
    assert answer.json()["bitcoin"].keys() == {"usd"}


@pytest.mark.parametrize(
    ("ids", "currencies", "missing"), [("", "usd", "ids"), ("bitcoin", "", "vs_currencies")]
)
def test_missing_parameters_are_refused_as_recorded(provider: Any, ids: str, currencies: str, missing: str):
    answer = provider(ids=ids, vs_currencies=currencies)

    assert (answer.status_code, answer.json()) == (422, {"error": f"Missing parameter {missing}"})


def test_precision_is_decimal_places(provider: Any):
    assert provider(ids="tether", vs_currencies="usd", precision="2").json() == {"tether": {"usd": 1.0}}


def test_a_depeg_is_seen_by_venue_and_provider_alike(client: Any, provider: Any, control: Control):
    control.move_price("USDTUSD", "0.97")
    index = Decimal(client.fapiPublicGetAssetIndex({"symbol": "USDTUSD"})["index"])
    quoted = provider(ids="tether", vs_currencies="usd", precision="full").json()["tether"]["usd"]

    assert Decimal("0.965") < index < Decimal("0.975")
    assert Decimal(str(quoted)) == index
