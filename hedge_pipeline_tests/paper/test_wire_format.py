"""Every endpoint, asked by the real client over HTTP, has the fields and types of recorded and documented answers."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline_tests.paper.conftest import HTTP, ManualClock

MONEY_IS_TEXT = str


def types(row: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in row.items()}


@pytest.fixture(scope="module")
def recorded(recorded_data: Path) -> dict[str, Any]:
    fixtures = json.loads((recorded_data / "binance_api" / "ccxt_recorded_um.json").read_text())["fixtures"]
    return {name: fixture["httpResponse"] for name, fixture in fixtures.items()}


def test_time_is_the_clock_of_the_venue(client: Any, clock: ManualClock):
    assert client.fapiPublicGetTime() == {"serverTime": clock()}


def test_the_account_has_the_documented_fields(client: Any, documented: dict[str, Any]):
    sample, account = documented["/fapi/v3/account"], client.fapiPrivateV3GetAccount()

    assert account.keys() == sample.keys()
    assert types(account["assets"][0]) == types(sample["assets"][0])
    assert types(account["positions"][0]) == types(sample["positions"][0])
    assert {type(v) for k, v in account.items() if k not in {"assets", "positions"}} == {MONEY_IS_TEXT}


def test_positions_have_the_recorded_fields(client: Any, recorded: dict[str, Any]):
    sample, rows = recorded["positionRisk_v3_all"][0], client.fapiPrivateV3GetPositionRisk()

    assert all(row.keys() == sample.keys() for row in rows)
    assert {type(v) for k, v in rows[0].items() if k not in {"adl", "updateTime"}} == {MONEY_IS_TEXT}
    assert type(rows[0]["updateTime"]) is int
    assert {(row["symbol"], row["positionSide"]) for row in rows} >= {
        ("BTCUSDT", "LONG"),
        ("BTCUSDT", "SHORT"),
    }
    assert all(row["positionAmt"].startswith("-") == (row["positionSide"] == "SHORT") for row in rows)


def test_positions_of_one_symbol(client: Any):
    rows = client.fapiPrivateV3GetPositionRisk({"symbol": "SOLUSDT"})

    assert [(row["symbol"], row["positionSide"]) for row in rows] == [("SOLUSDT", "LONG")]


def test_contracts_have_the_recorded_fields_and_filters(client: Any, recorded_data: Path):
    with gzip.open(recorded_data / "binance_api" / "exchangeInfo_um_testnet_2025-10-17.json.gz") as file:
        sample = json.load(file)
    info = client.fapiPublicGetExchangeInfo()
    theirs = {row["symbol"]: row for row in sample["symbols"]}

    assert info.keys() == sample.keys()
    for contract in info["symbols"]:
        same = theirs[contract["symbol"]]
        assert types(contract) == types(same)
        filters = {f["filterType"]: types(f) for f in contract["filters"]}
        assert filters == {k: filters[k] for k in filters if k in {f["filterType"] for f in same["filters"]}}
        assert all(
            filters[f["filterType"]] == types(f) for f in same["filters"] if f["filterType"] in filters
        )
        sizes = {f["filterType"]: f for f in same["filters"]}
        listed = {f["filterType"]: f for f in contract["filters"]}
        assert listed["PRICE_FILTER"] == sizes["PRICE_FILTER"]
        assert listed["LOT_SIZE"] == sizes["LOT_SIZE"]
        assert listed["MIN_NOTIONAL"] == sizes["MIN_NOTIONAL"]


def test_the_client_makes_markets_of_the_contracts(client: Any):
    market = client.load_markets()["BTC/USDT:USDT"]

    assert market["precision"]["amount"] == 0.001
    assert market["precision"]["price"] == 0.1
    assert market["limits"]["cost"]["min"] == 100


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
def test_marks_have_the_documented_fields(client: Any, documented: dict[str, Any], symbol: str | None):
    answer = client.fapiPublicGetPremiumIndex({"symbol": symbol} if symbol else {})
    row = answer if symbol else answer[0]

    assert isinstance(answer, dict if symbol else list)
    assert types(row) == types(documented["/fapi/v1/premiumIndex"])
    assert row["symbol"] == "BTCUSDT"


def test_funding_terms_list_the_adjusted_contracts_alone(client: Any, documented: dict[str, Any]):
    rows = client.fapiPublicGetFundingInfo()

    assert types(rows[0]) == types(documented["/fapi/v1/fundingInfo"][0])
    assert [(row["symbol"], row["fundingIntervalHours"]) for row in rows] == [("SOLUSDT", 4)]


@pytest.mark.parametrize("symbol", ["BTCUSD", None])
def test_the_asset_index_has_the_documented_fields(
    client: Any, documented: dict[str, Any], symbol: str | None
):
    answer = client.fapiPublicGetAssetIndex({"symbol": symbol} if symbol else {})
    rows = [answer] if symbol else answer

    assert types(rows[0]) == types(documented["/fapi/v1/assetIndex"][0])
    assert {row["symbol"] for row in rows} >= (
        {symbol} if symbol else {"USDTUSD", "USDCUSD", "BNBUSD", "ETHUSD"}
    )


@pytest.mark.parametrize("method", ["fapiPublicGetKlines", "fapiPublicGetMarkPriceKlines"])
def test_klines_have_the_documented_shape(client: Any, documented: dict[str, Any], method: str):
    path = "/fapi/v1/klines" if method == "fapiPublicGetKlines" else "/fapi/v1/markPriceKlines"
    rows = getattr(client, method)({"symbol": "BTCUSDT", "interval": "1m", "limit": 5})

    assert len(rows) == 5
    assert [type(v) for v in rows[0]] == [type(v) for v in documented[path][0]]


def test_income_has_the_documented_fields(client: Any, control: Any, documented: dict[str, Any]):
    control.realize("BTCUSDT", "-12.5")
    (row,) = client.fapiPrivateGetIncome()

    assert row.keys() == documented["/fapi/v1/income"][0].keys()
    assert (row["incomeType"], row["income"], row["asset"]) == ("REALIZED_PNL", "-12.50000000", "USDT")
    assert type(row["tranId"]) is int
    assert type(row["time"]) is int


def test_the_modes_have_the_documented_fields(client: Any, documented: dict[str, Any]):
    config = client.fapiPrivateGetAccountConfig()

    assert types(config) == types(documented["/fapi/v1/accountConfig"])
    assert client.fapiPrivateGetPositionSideDual() == {"dualSidePosition": True}
    assert client.fapiPrivateGetMultiAssetsMargin() == {"multiAssetsMargin": False}


def test_symbol_config_has_the_recorded_fields(client: Any, recorded: dict[str, Any]):
    rows = client.fapiPrivateGetSymbolConfig({"symbol": "BTCUSDT"})

    assert [row.keys() for row in rows] == [recorded["symbolConfig"][0].keys()]
    assert rows[0]["marginType"] == "CROSSED"
    assert rows[0]["leverage"] == 10
    assert len(client.fapiPrivateGetSymbolConfig()) == 6


def test_an_unknown_path_is_refused_in_the_words_of_the_venue(base_url: str):
    answer = HTTP.get(f"{base_url}/fapi/v1/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, -5000)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/fapi/v1/premiumIndex?symbol=XXX", -1121),
        ("/fapi/v1/assetIndex?symbol=XXX", -1121),
        ("/fapi/v1/klines?interval=1m", -1102),
        ("/fapi/v1/klines?symbol=BTCUSDT", -1102),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", -1120),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1501", -1130),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&startTime=soon", -1102),
    ],
)
def test_parameters_that_do_not_fit_are_refused(base_url: str, path: str, code: int):
    answer = HTTP.get(base_url + path)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
