"""Every answer that is not what it should be, over HTTP and through ccxt, fails its source by name."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import MakeVenue
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    INCOME,
    INSTRUMENTS,
    MARKS,
    MODES,
    POSITIONS,
    RATES,
    TIME,
    Reply,
    StubVenue,
    income_row,
)

PATHS = {
    "clock": TIME,
    "balances": ACCOUNT,
    "positions": POSITIONS,
    "modes": MODES,
    "marks": MARKS,
    "asset_rates": RATES,
    "instruments": INSTRUMENTS,
    "income": INCOME,
}

BODIES = {
    "an empty object": "{}",
    "an empty list": "[]",
    "null": "null",
    "nothing": "",
    "a page of HTML": "<html><body>502</body></html>",
    "a bare string": '"ok"',
    "a number": "1",
    "true": "true",
    "half of JSON": '{"serverTime": 17',
    "a list of nulls": "[null]",
    "a list of lists": "[[1, 2]]",
    "an object of nulls": '{"serverTime": null, "assets": null, "positions": null, "symbols": null}',
    "an error with status 200": '{"code": -1000, "msg": "unknown"}',
    "nesting without end": "[" * 100_000,
    "a number of a million digits": '{"serverTime": ' + "9" * 1_000_000 + "}",
    "bytes that are no text": "\x00\x01\x02",
}
LEGAL = {("positions", "an empty list"), ("income", "an empty list")}


def health_of(venue: CcxtVenue, source: str) -> SourceHealth:
    if source in {"clock", "balances", "positions", "modes"}:
        sources = venue.read_account().sources
    elif source in {"marks", "asset_rates"}:
        sources = venue.read_marks(held=[], assets=["BNB"]).sources
    elif source == "instruments":
        sources = venue.read_instruments(held=[]).sources
    else:
        try:
            _, asked_at = venue.read_income(datetime(2020, 1, 1, tzinfo=UTC))
        except SourceUnavailable as error:
            return SourceHealth(source=error.source, ok=False, as_of=None, error=error.reason)
        return SourceHealth(source="income", ok=True, as_of=asked_at)
    return next(entry for entry in sources if entry.source == source)


@pytest.mark.parametrize("source", PATHS)
@pytest.mark.finding("X-5")
def test_an_answer_of_the_wrong_shape_is_a_failed_source_never_an_empty_one(
    make_venue: MakeVenue, stub: StubVenue, source: str
) -> None:
    venue = make_venue()
    for name, body in BODIES.items():
        stub.replies[PATHS[source]] = Reply(body=body)
        health = health_of(venue, source)
        assert health.ok == ((source, name) in LEGAL), (name, health)
        if not health.ok:
            assert health.source == source
            assert health.error, name
            assert "\n" not in health.error, name
            assert len(health.error) <= 320, name


VALUES: dict[str, Any] = {
    "a float": 1000.5,
    "an integer": 1000,
    "NaN in a string": "NaN",
    "infinity in a string": "Infinity",
    "an empty string": "",
    "a word": "many",
    "hexadecimal": "0x10",
    "digits with underscores": "1_000",
    "a blank before it": " 1000",
    "digits of another script": "١٢٣",
    "a number beyond any fund": "1" * 40,
    "an exponent beyond any fund": "1e999999",
    "null": None,
    "true": True,
    "a list": ["1"],
    "an object": {"value": "1"},
}


def _in(document: Any, *steps: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        node = document
        for step in steps[:-1]:
            node = node[step]
        node[steps[-1]] = value

    return put


MONEY: dict[str, list[tuple[Any, ...]]] = {
    "balances": [
        ("totalWalletBalance",),
        ("totalMarginBalance",),
        ("assets", 0, "walletBalance"),
        ("assets", 1, "unrealizedProfit"),
        ("positions", 0, "positionAmt"),
    ],
    "positions": [(0, "entryPrice"), (0, "markPrice"), (1, "unRealizedProfit"), (1, "liquidationPrice")],
    "marks": [(0, "markPrice"), (0, "indexPrice"), (0, "lastFundingRate")],
    "asset_rates": [(0, "index")],
    "instruments": [("symbols", 0, "filters", 0, "tickSize"), ("symbols", 0, "filters", 4, "notional")],
}


@pytest.mark.parametrize("source", MONEY)
def test_money_is_a_finite_decimal_string_or_it_is_refused_by_its_field(
    make_venue: MakeVenue, stub: StubVenue, source: str
) -> None:
    venue = make_venue()
    document = stub.documents[PATHS[source]]
    for steps in MONEY[source]:
        put = _in(document, *steps)
        honest = json.loads(json.dumps(document))
        for name, value in VALUES.items():
            put(value)
            health = health_of(venue, source)
            assert not health.ok, (steps, name)
            assert steps[-1] in (health.error or ""), (steps, name, health.error)
        stub.documents[PATHS[source]] = document = honest
    assert health_of(venue, source).ok


def test_json_that_is_none_is_refused(venue: CcxtVenue, stub: StubVenue) -> None:
    good = json.dumps(stub.documents[ACCOUNT])
    for bad, why in (
        (good.replace('"12.50000000"', "NaN", 1), "NaN"),
        (good.replace('"12.50000000"', "Infinity", 1), "Infinity"),
        (good.replace('"assets"', '"assets": [], "assets"', 1), "twice"),
    ):
        stub.replies[ACCOUNT] = Reply(body=bad)
        assert why in (health_of(venue, "balances").error or "")


def test_a_row_given_twice_is_refused(venue: CcxtVenue, stub: StubVenue) -> None:
    for source, rows in (
        ("balances", stub.documents[ACCOUNT]["assets"]),
        ("positions", stub.documents[POSITIONS]),
        ("marks", stub.documents[MARKS]),
        ("asset_rates", stub.documents[RATES]),
        ("instruments", stub.documents[INSTRUMENTS]["symbols"]),
    ):
        rows.append(rows[0])
        assert "twice" in (health_of(venue, source).error or ""), source
        rows.pop()
        assert health_of(venue, source).ok, source


def test_a_position_given_twice_in_the_balances_answer_is_refused(venue: CcxtVenue, stub: StubVenue) -> None:
    rows = stub.documents[ACCOUNT]["positions"]
    rows.append(rows[0])
    assert "positions: BTCUSDT LONG is listed twice" in (health_of(venue, "balances").error or "")


@pytest.mark.parametrize(
    ("side", "amount", "field"),
    [("BOTH", "0.1", "positionSide"), ("LONG", "-0.1", "positionAmt"), ("SHORT", "0.1", "positionAmt")],
)
def test_a_position_outside_hedge_mode_or_of_the_wrong_sign_is_refused(
    venue: CcxtVenue, stub: StubVenue, side: str, amount: str, field: str
) -> None:
    for source, row in (
        ("positions", stub.documents[POSITIONS][0]),
        ("balances", stub.documents[ACCOUNT]["positions"][0]),
    ):
        row.update(positionSide=side, positionAmt=amount)
        assert field in (health_of(venue, source).error or ""), source


@pytest.mark.parametrize("field", ["entryPrice", "markPrice"])
@pytest.mark.parametrize("price", ["0", "0.00000000", "-1"])
def test_what_is_held_is_held_at_a_price(venue: CcxtVenue, stub: StubVenue, field: str, price: str) -> None:
    stub.documents[POSITIONS][0][field] = price
    assert field in (health_of(venue, "positions").error or "")


def test_rows_without_an_amount_are_dropped_whatever_their_side_and_prices(
    venue: CcxtVenue, stub: StubVenue
) -> None:
    for side in ("BOTH", "LONG", "SHORT"):
        row = {
            **stub.documents[POSITIONS][0],
            "symbol": "ETHUSDT",
            "positionSide": side,
            "positionAmt": "0.000",
        }
        stub.documents[POSITIONS].append({**row, "entryPrice": "0.0", "markPrice": "0"})

    positions = venue.read_account().positions

    assert positions is not None
    assert {position.symbol for position in positions} == {"BTCUSDT"}


def test_an_account_without_any_asset_is_malformed(venue: CcxtVenue, stub: StubVenue) -> None:
    stub.documents[ACCOUNT]["assets"] = []
    assert "assets" in (health_of(venue, "balances").error or "")


@pytest.mark.parametrize(
    "stamp", ["1760000000000", 1760000000000.0, -1, 1, 99_999_999_999_999_999, True, None]
)
def test_a_stamp_is_a_plausible_integer_of_milliseconds(
    venue: CcxtVenue, stub: StubVenue, stamp: Any
) -> None:
    stub.documents[MARKS][0]["time"] = stamp
    assert "BTCUSDT.time" in (health_of(venue, "marks").error or "")


def test_income_outside_the_window_or_out_of_order_is_refused(venue: CcxtVenue, stub: StubVenue) -> None:
    now_ms = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1000)
    stub.documents[INCOME] = [income_row(now_ms + 3_600_000, 1)]
    assert "was not asked for" in (health_of(venue, "income").error or "")
    stub.documents[INCOME] = [income_row(now_ms, 1), income_row(now_ms - 1, 2)]
    assert "order" in (health_of(venue, "income").error or "")
    stub.documents[INCOME] = [income_row(now_ms, 1, amount="1"), income_row(now_ms, 1, amount="2")]
    assert "two amounts" in (health_of(venue, "income").error or "")
