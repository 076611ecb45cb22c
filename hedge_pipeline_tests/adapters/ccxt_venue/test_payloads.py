"""What recorded and documented answers become, and what any change to a used field does."""

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.ccxt_venue import market_payloads, payloads
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    DOCUMENTS,
    INSTRUMENTS,
    MARKS,
    MODES,
    POSITIONS,
    RATES,
    STAMP,
    income_row,
)

Parse = Callable[[Any], object]
Path_ = tuple[str | int, ...]

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def income(raw: object) -> object:
    return payloads.income(raw, account="main", recorded_at=NOW)


def _contract(raw: object) -> object:
    return market_payloads.instruments(raw, ["BTCUSDT"])


READS: dict[str, tuple[Any, Parse]] = {
    "clock": ({"serverTime": STAMP}, payloads.server_time),
    "modes": (DOCUMENTS[MODES], payloads.modes),
    "balances": (DOCUMENTS[ACCOUNT], payloads.account),
    "positions": (DOCUMENTS[POSITIONS], payloads.positions),
    "marks": (DOCUMENTS[MARKS][:1], lambda raw: market_payloads.marks(raw, ["BTCUSDT"])),
    "asset_rates": (DOCUMENTS[RATES][:1], lambda raw: market_payloads.asset_rates(raw, ["USDT"])),
    "instruments": (DOCUMENTS[INSTRUMENTS], _contract),
    "income": ([income_row(STAMP, 1), income_row(STAMP, 2)], income),
}

USED = {
    "clock": {"serverTime"},
    "modes": {"dualSidePosition", "multiAssetsMargin"},
    "balances": {
        "totalWalletBalance", "totalUnrealizedProfit", "totalMarginBalance", "totalMaintMargin", "assets", "asset",
        "walletBalance", "unrealizedProfit", "marginBalance", "maintMargin", "updateTime", "positions", "symbol",
        "positionSide", "positionAmt",
    },
    "positions": {
        "symbol", "positionSide", "positionAmt", "entryPrice", "markPrice", "unRealizedProfit", "liquidationPrice",
        "marginAsset", "updateTime",
    },
    "marks": {"symbol", "markPrice", "indexPrice", "lastFundingRate", "nextFundingTime", "time"},
    "asset_rates": {"symbol", "index", "time"},
    "instruments": {
        "symbols", "symbol", "status", "baseAsset", "quoteAsset", "marginAsset", "deliveryDate", "filters", "filterType",
        "tickSize", "stepSize", "minQty", "maxQty", "notional",
    },
    "income": {"symbol", "incomeType", "income", "asset", "info", "time", "tranId", "tradeId"},
}  # fmt: skip
UNUSED_FILTERS = {"MARKET_LOT_SIZE", "MAX_NUM_ORDERS"}


def used_fields(source: str) -> list[Path_]:
    def walk(node: Any, at: Path_) -> Iterator[Path_]:
        if isinstance(node, dict):
            if node.get("filterType") in UNUSED_FILTERS or node.get("symbol") == "ETHUSDT":
                return
            for name, value in node.items():
                if name in USED[source]:
                    yield (*at, name)
                yield from walk(value, (*at, name))
        elif isinstance(node, list):
            for number, value in enumerate(node):
                yield from walk(value, (*at, number))

    return list(walk(READS[source][0], ()))


def altered(source: str, path: Path_, change: Callable[[Any, Any], None]) -> Any:
    document = node = copy.deepcopy(READS[source][0])
    for step in path[:-1]:
        node = node[step]
    change(node, path[-1])
    return document


def refused(source: str, document: Any, field: str) -> None:
    with pytest.raises(SourceMalformed) as raised:
        READS[source][1](document)
    assert raised.value.source == source
    # A filter without its type or symbol is a filter that is not there.
    names = {field} | ({"filters"} if field == "filterType" else set())
    assert any(name in raised.value.reason for name in names), raised.value.reason


@pytest.mark.parametrize("source", READS)
def test_a_valid_answer_is_believed(source: str) -> None:
    document, parse = READS[source]
    assert parse(copy.deepcopy(document))


@pytest.mark.parametrize("source", READS)
def test_every_field_named_here_is_one_the_document_has(source: str) -> None:
    assert {path[-1] for path in used_fields(source)} == USED[source]


@pytest.mark.parametrize("source", READS)
def test_a_missing_field_is_named(source: str) -> None:
    for path in used_fields(source):
        refused(source, altered(source, path, lambda node, name: node.pop(name)), str(path[-1]))


WRONG = st.one_of(
    st.none(),
    st.floats(),
    st.binary(max_size=4),
    st.just(()),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(
        ["", "NaN", "-Infinity", "1e999999", "１", "0x1", " 1", "1 ", "+1", ".5", "5.", "1,5", "1_0"]
    ),
    st.integers(max_value=0),
)
TEXTS = {
    "asset", "symbol", "status", "baseAsset", "quoteAsset", "marginAsset", "incomeType", "info", "tranId", "tradeId",
    "filterType",
}  # fmt: skip
ZERO_IS_A_STAMP = {"updateTime"}


@pytest.mark.parametrize("source", READS)
def test_a_wrong_value_in_a_used_field_is_refused_by_name(source: str) -> None:
    fields = used_fields(source)

    @given(st.sampled_from(fields), WRONG)
    def holds(path: Path_, value: Any) -> None:
        name = str(path[-1])
        if name in TEXTS and isinstance(value, str | int):
            return  # any text may be a name; whether the right row is there is another test
        if name in ZERO_IS_A_STAMP and value == 0 and isinstance(value, int):
            return
        document = altered(source, path, lambda node, key: node.__setitem__(key, value))
        refused(source, document, name)

    holds()


@pytest.mark.parametrize("source", READS)
@given(
    extra=st.dictionaries(st.text(min_size=1, max_size=6), st.integers() | st.text(), min_size=1, max_size=3)
)
def test_fields_we_do_not_use_change_nothing(source: str, extra: dict[str, Any]) -> None:
    document, parse = READS[source]
    known = copy.deepcopy(document)
    rows = known if isinstance(known, list) else [known]
    for row in rows:
        row.update({name: value for name, value in extra.items() if name not in row})
    assert parse(known) == parse(document)


@given(
    st.decimals(min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False, places=8),
)
def test_money_passes_from_string_to_decimal_unchanged(amount: Decimal) -> None:
    document = copy.deepcopy(DOCUMENTS[ACCOUNT])
    document["assets"][0]["walletBalance"] = f"{amount:f}"
    balances, _, _ = payloads.account(document)
    assert next(b for b in balances if b.asset == "USDT").wallet_balance == amount


def test_recorded_balances_are_believed(recorded_data: Path) -> None:
    answer = _live_stamps(_recorded(recorded_data, "account_v2_single_asset"))
    balances, totals, held = payloads.account(answer)
    assert [(b.asset, b.wallet_balance, b.margin_balance) for b in balances] == [
        ("USDT", Decimal("31.02261200"), Decimal("31.02261200"))
    ]
    assert totals.wallet_balance == Decimal("31.02261200")
    assert held == ()


def test_a_recorded_one_way_position_is_refused_as_not_hedge_mode(recorded_data: Path) -> None:
    with pytest.raises(SourceMalformed, match="hedge mode"):
        payloads.positions(_live_stamps(_recorded(recorded_data, "positionRisk_v3_all")))


def test_a_recorded_position_of_one_side_is_believed(recorded_data: Path) -> None:
    rows = _live_stamps(_recorded(recorded_data, "positionRisk_v3_all"))
    rows[0]["positionSide"] = "LONG"
    (position,) = payloads.positions(rows)
    assert (position.quantity, position.liquidation_price) == (Decimal("0.009"), Decimal("64846.98753790"))
    assert abs(position.notional_usd - Decimal(rows[0]["notional"])) < Decimal("1e-8")


def test_documented_answers_are_believed(recorded_data: Path) -> None:
    samples = json.loads((recorded_data / "binance_api" / "doc_samples_binance_net.json").read_text())

    def body(name: str) -> Any:
        return samples[name]["body"]

    assert payloads.modes(body("Account/GetAccountConfiguration")) == (True, False)
    rows = payloads.income(body("Account/GetIncomeHistory"), account="main", recorded_at=NOW)
    assert [(r.income_type, r.amount, r.trade_id) for r in rows] == [
        ("TRANSFER", Decimal("-0.375"), ""), ("COMMISSION", Decimal("-0.01"), "2059192"),
    ]  # fmt: skip
    (mark,) = market_payloads.marks([body("ExchangeData/GetMarkPrice")], ["BTCUSDT"])
    assert mark.index_price == Decimal("11781.80495970")
    (rate,) = market_payloads.asset_rates(body("ExchangeData/GetAssetIndexes"), ["ADA"])
    assert rate.usd == Decimal("1.92957370")
    answer = body("Account/GetAccountInfoV3")
    answer["positions"][0]["positionSide"] = "LONG"
    balances, _, held = payloads.account(answer)
    assert [b.asset for b in balances] == ["USDC", "USDT"]
    assert held[0].updated_at is None


def test_every_contract_of_a_recorded_list_is_believed(recorded_data: Path) -> None:
    path = recorded_data / "binance_api" / "exchangeInfo_um_testnet_2025-10-17.json.gz"
    listed = json.loads(gzip.decompress(path.read_bytes()))
    names = market_payloads.symbol_names(listed)
    with pytest.raises(SourceMalformed, match=r"OPENUSDT\.filters\.PRICE_FILTER\.tickSize"):
        market_payloads.instruments(listed, names)  # a test symbol without increments
    instruments = market_payloads.instruments(listed, names - {"OPENUSDT"})
    assert len(instruments) == len(listed["symbols"]) - 1 == 622
    btc = next(instrument for instrument in instruments if instrument.symbol == "BTCUSDT")
    assert (btc.price_increment, btc.size_increment) == (Decimal("0.10"), Decimal("0.001"))
    assert (btc.minimum_notional_usd, btc.maximum_quantity) == (Decimal(100), Decimal(1000))


def _recorded(recorded_data: Path, name: str) -> Any:
    document = json.loads((recorded_data / "binance_api" / "ccxt_recorded_um.json").read_text())
    return document["fixtures"][name]["httpResponse"]


def _live_stamps(node: Any) -> Any:
    """The recording tool wrote numbers as strings; the venue sends them as numbers."""
    if isinstance(node, list):
        return [_live_stamps(item) for item in node]
    if isinstance(node, dict):
        return {
            name: int(value) if name == "updateTime" else _live_stamps(value) for name, value in node.items()
        }
    return node
