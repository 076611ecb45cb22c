"""What can be made to go wrong, seen by the real client, and over as soon as it is lifted."""

import time
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.control import Control, ControlRefused
from hedge_pipeline.paper.endpoints import ENDPOINTS, PATHS
from hedge_pipeline_tests.paper.conftest import HOUR_MS, HTTP, NOON_MS, SECOND_MS, ManualClock

ACCOUNT = "/fapi/v3/account"
INCOME = "/fapi/v1/income"
MARKS = "/fapi/v1/premiumIndex"
TIME = "/fapi/v1/time"


def wallet(client: Any, asset: str = "USDT") -> Decimal:
    rows = client.fapiPrivateV3GetAccount()["assets"]
    return next(Decimal(row["walletBalance"]) for row in rows if row["asset"] == asset)


def test_a_status_and_body_of_choice(client: Any, control: Control):
    control.set_fault(ACCOUNT, "respond", status=503, body={"code": -1008, "msg": "Server is overloaded"})

    with pytest.raises(ccxt.ExchangeError, match="-1008"):
        client.fapiPrivateV3GetAccount()
    assert client.fapiPrivateV3GetPositionRisk(), "other endpoints are not touched"
    control.clear_faults(ACCOUNT)
    assert wallet(client) == 100000


def test_an_empty_answer_with_status_200(client: Any, control: Control):
    control.set_fault(ACCOUNT, "respond", body="{}")

    assert client.fapiPrivateV3GetAccount() == {}


def test_html_instead_of_json(client: Any, control: Control):
    control.set_fault(
        ACCOUNT, "respond", body="<html><body>Bad gateway</body></html>", content_type="text/html"
    )

    assert client.fapiPrivateV3GetAccount() == "<html><body>Bad gateway</body></html>"


def test_too_many_requests_say_when_to_come_back(client: Any, control: Control):
    control.set_fault(MARKS, "rate_limit", retry_after_s=7)

    with pytest.raises(ccxt.DDoSProtection):
        client.fapiPublicGetPremiumIndex()
    assert client.last_response_headers["Retry-After"] == "7"


def test_a_late_answer(client: Any, control: Control):
    control.set_fault(TIME, "delay", seconds=0.3)
    before = time.monotonic()
    client.fapiPublicGetTime()

    assert time.monotonic() - before >= 0.3


def test_an_answer_later_than_the_client_waits(client: Any, control: Control):
    control.set_fault(TIME, "delay", seconds=1)
    client.timeout = 200

    with pytest.raises(ccxt.RequestTimeout):
        client.fapiPublicGetTime()


def test_a_dropped_connection(client: Any, control: Control):
    control.set_fault(TIME, "drop")

    with pytest.raises(ccxt.NetworkError):
        client.fapiPublicGetTime()


def test_a_fault_may_hold_for_the_next_answers_only(client: Any, control: Control):
    control.set_fault(TIME, "respond", status=500, times=2)

    for _ in range(2):
        with pytest.raises(ccxt.BaseError):
            client.fapiPublicGetTime()
    assert client.fapiPublicGetTime()
    assert control.faults() == []


@pytest.mark.parametrize(
    ("path", "is_gone"),
    [
        ("totalMarginBalance", lambda a: "totalMarginBalance" not in a),
        ("assets.walletBalance", lambda a: not any("walletBalance" in row for row in a["assets"])),
        (
            "assets.0.walletBalance",
            lambda a: ["walletBalance" in row for row in a["assets"][:2]] == [False, True],
        ),
        (
            "assets.asset=BNB.updateTime",
            lambda a: [row["asset"] for row in a["assets"] if "updateTime" not in row] == ["BNB"],
        ),
        (
            "assets.asset=BNB",
            lambda a: "BNB" not in {row["asset"] for row in a["assets"]} and len(a["assets"]) == 3,
        ),
        ("positions", lambda a: "positions" not in a),
    ],
)
def test_a_field_left_out(client: Any, control: Control, path: str, is_gone: Any):
    before = client.fapiPrivateV3GetAccount()
    control.set_fault(ACCOUNT, "remove_field", path=path)

    assert is_gone(client.fapiPrivateV3GetAccount())
    control.clear_faults()
    assert client.fapiPrivateV3GetAccount() == before


def test_a_field_replaced_in_one_row_of_a_list(client: Any, control: Control):
    control.set_fault(MARKS, "replace_field", path="symbol=ETHUSDT.markPrice", value="NaN")
    marks = {row["symbol"]: row["markPrice"] for row in client.fapiPublicGetPremiumIndex()}

    assert marks["ETHUSDT"] == "NaN"
    assert Decimal(marks["BTCUSDT"]).is_finite()


@pytest.mark.parametrize("seconds", [-120, 3600])
def test_instants_moved_into_the_past_or_the_future(
    client: Any, control: Control, clock: ManualClock, seconds: int
):
    control.set_fault(MARKS, "shift_time", seconds=seconds)
    control.set_fault("/fapi/v1/klines", "shift_time", seconds=seconds)

    row = client.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})
    kline = client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 1})[0]

    assert row["time"] == clock() + seconds * SECOND_MS
    assert kline[0] == clock() + seconds * SECOND_MS
    assert client.fapiPublicGetTime() == {"serverTime": clock()}


def test_an_old_body_under_a_fresh_date(client: Any, control: Control, clock: ManualClock):
    control.set_fault(ACCOUNT, "replay")
    clock.advance(10 * SECOND_MS)
    control.deposit("USDT", "1000")

    assert wallet(client) == 100000, "the body is of the moment the fault was set"
    assert "Date" in client.last_response_headers
    control.clear_faults()
    assert wallet(client) == 101000


def test_what_needs_parameters_is_replayed_from_the_first_time_it_is_asked(
    client: Any, control: Control, clock: ManualClock
):
    asked = {"symbol": "BTCUSDT", "interval": "1m", "limit": 2}
    control.set_fault("/fapi/v1/klines", "replay")
    first = client.fapiPublicGetKlines(asked)
    clock.advance(HOUR_MS)

    assert client.fapiPublicGetKlines(asked) == first
    assert client.fapiPublicGetKlines({**asked, "symbol": "ETHUSDT"}) != first


def test_income_that_lags_the_balance(client: Any, control: Control, clock: ManualClock):
    control.set_fault(INCOME, "income_lag", seconds=30)
    control.deposit("USDT", "1000")

    assert wallet(client) == 101000
    clock.advance(29 * SECOND_MS)
    assert client.fapiPrivateGetIncome() == []
    clock.advance(SECOND_MS)
    assert [row["income"] for row in client.fapiPrivateGetIncome()] == ["1000.00000000"]


def test_income_that_leads_the_balance(client: Any, control: Control, clock: ManualClock):
    control.set_fault(ACCOUNT, "wallet_lag", seconds=30)
    clock.advance(SECOND_MS)
    control.deposit("USDT", "1000")

    assert [row["income"] for row in client.fapiPrivateGetIncome()] == ["1000.00000000"]
    clock.advance(29 * SECOND_MS)
    assert wallet(client) == 100000
    before = client.fapiPrivateV3GetAccount()["assets"][0]["updateTime"]
    clock.advance(SECOND_MS)
    assert wallet(client) == 101000
    assert before == NOON_MS


def test_income_hidden_for_ever(client: Any, control: Control, clock: ManualClock):
    control.deposit("USDT", "1")
    control.set_fault(INCOME, "hide_income", income_type="REALIZED_PNL")
    control.realize("BTCUSDT", "50")
    control.deposit("USDT", "2")
    clock.advance(24 * HOUR_MS)
    shown = [row["incomeType"] for row in client.fapiPrivateGetIncome({"limit": 1000})]

    assert wallet(client) - 100000 != 3, "the wallet moved all the same"
    assert shown.count("TRANSFER") == 2
    assert "REALIZED_PNL" not in shown
    assert "FUNDING_FEE" in shown


def test_funding_charged_while_income_is_hidden_stays_hidden(
    client: Any, control: Control, clock: ManualClock
):
    control.set_fault(INCOME, "hide_income")
    clock.advance(24 * HOUR_MS)

    assert client.fapiPrivateGetIncome() == []
    assert wallet(client) != 100000


def test_a_wrong_clock_of_the_venue(client: Any, control: Control, clock: ManualClock):
    control.set_clock_offset(3.5)

    assert client.fapiPublicGetTime() == {"serverTime": clock() + 3500}
    assert client.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})["time"] == clock() + 3500
    control.set_clock_offset(-3.5)
    with pytest.raises(ccxt.InvalidNonce):
        client.fapiPrivateV3GetAccount()
    control.set_clock_offset(0)
    assert wallet(client) == 100000


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_can_fail(base_url: str, control: Control, endpoint: str):
    control.set_fault(endpoint, "respond", status=502, body="<html></html>", content_type="text/html")
    method, path = endpoint.split()

    assert HTTP.request(method, base_url + path).status_code == 502


def test_a_path_fails_for_all_its_methods_and_an_endpoint_for_one(base_url: str, control: Control):
    order = f"{base_url}/fapi/v1/order"
    control.set_fault("POST /fapi/v1/order", "respond", status=502)

    assert (HTTP.post(order).status_code, HTTP.get(order).status_code) == (502, 401)
    control.set_fault("/fapi/v1/order", "respond", status=503)
    assert (HTTP.delete(order).status_code, HTTP.get(order).status_code) == (503, 503)


def test_one_fault_may_hold_everywhere(base_url: str, control: Control):
    control.set_fault("*", "respond", status=451)

    assert {HTTP.get(base_url + path).status_code for path in PATHS} == {451}


@pytest.mark.parametrize(
    ("endpoint", "kind", "parameters", "told"),
    [
        ("/fapi/v9/time", "drop", {}, "endpoint"),
        (TIME, "explode", {}, "kind"),
        (TIME, "delay", {}, "seconds"),
        (TIME, "delay", {"seconds": "soon"}, "seconds"),
        (TIME, "drop", {"path": "x"}, "path"),
        (TIME, "drop", {"times": 0}, "times"),
        (TIME, "respond", {"status": 42}, "status"),
        ("PUT /fapi/v1/order", "drop", {}, "endpoint"),
        ("/fapi/v1/batchOrders", "reject_leg", {}, "leg"),
        ("/fapi/v1/batchOrders", "reject_leg", {"leg": "first"}, "leg"),
        ("/fapi/v1/batchOrders", "reject_leg", {"leg": -1}, "leg"),
    ],
)
def test_a_fault_that_is_none_is_refused(
    control: Control, endpoint: str, kind: str, parameters: dict[str, Any], told: str
):
    with pytest.raises(ControlRefused, match=told):
        control.set_fault(endpoint, kind, **parameters)
    assert control.faults() == []


def test_one_fault_is_lifted_by_its_id(client: Any, control: Control):
    first = control.set_fault(TIME, "respond", status=500)
    control.set_fault(MARKS, "respond", status=500)

    assert control.clear_faults(fault_id=first) == 1
    assert client.fapiPublicGetTime()
    assert [fault["endpoint"] for fault in control.faults()] == [MARKS]
