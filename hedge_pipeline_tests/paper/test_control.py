"""The administrator's door: what it does, who may open it, and what it refuses in words."""

from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.paper.control import Control, ControlRefused
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline_tests.paper.conftest import HTTP


@pytest.mark.parametrize("token", ["", "guessed", "paper-secret"])
def test_without_the_token_nothing_is_done(base_url: str, venue: PaperVenue, token: str):
    with Control(base_url, token) as stranger:
        for attempt in (stranger.status, stranger.stop, lambda: stranger.deposit("USDT", 1)):
            with pytest.raises(ControlRefused, match="X-Paper-Token"):
                attempt()

    assert not venue.stopping.is_set()
    assert venue.core.ledger.rows == []


def test_tokens_are_random_and_shown_nowhere(venue: PaperVenue, core: Any, clock: Any):
    other = PaperVenue(core, clock)

    assert len(venue.admin_token) >= 32
    assert venue.admin_token != other.admin_token
    assert venue.admin_token not in repr(venue)
    assert venue.admin_token not in repr(Control("http://127.0.0.1:1", venue.admin_token))


def test_status_tells_what_stands(control: Control, clock: Any):
    control.set_fault("/fapi/v1/time", "drop", times=3)
    control.deposit("BNB", "0.5")
    status = control.status()

    assert status["now_ms"] == clock()
    assert status["balances"]["BNB"] == "20.50000000"
    assert [(f["kind"], f["remaining"]) for f in status["faults"]] == [("drop", 3)]


def test_amounts_are_exact(control: Control, venue: PaperVenue):
    control.deposit("USDT", Decimal("0.12345678"))

    assert venue.core.ledger.balances["USDT"] == Decimal("100000.12345678")


def test_a_price_moves_by_a_factor(client: Any, control: Control):
    before = Decimal(client.fapiPublicGetPremiumIndex({"symbol": "ETHUSDT"})["markPrice"])
    control.move_price("ETHUSDT", "1.1")
    after = Decimal(client.fapiPublicGetPremiumIndex({"symbol": "ETHUSDT"})["markPrice"])

    assert abs(after / before - Decimal("1.1")) < Decimal("1e-8")


def test_rows_of_any_type_can_be_booked(client: Any, control: Control):
    control.book("SOMETHING_NEW", "USDT", "-3", symbol="BTCUSDT")
    (row,) = client.fapiPrivateGetIncome()

    assert (row["incomeType"], row["symbol"], row["income"]) == ("SOMETHING_NEW", "BTCUSDT", "-3.00000000")


def test_an_asset_nobody_prices_can_arrive(client: Any, control: Control):
    control.set_mode(multi_assets=True)
    before = client.fapiPrivateV3GetAccount()["totalWalletBalance"]
    control.deposit("WIF", "1000")
    account = client.fapiPrivateV3GetAccount()

    assert "WIF" in {row["asset"] for row in account["assets"]}
    assert "WIFUSD" not in {row["symbol"] for row in client.fapiPublicGetAssetIndex()}
    assert account["totalWalletBalance"] == before


def test_stop_is_passed_on(control: Control, venue: PaperVenue):
    control.stop()

    assert venue.stopping.is_set()


@pytest.mark.parametrize(
    ("action", "body", "told"),
    [
        ("deposit", {"asset": "USDT"}, "amount"),
        ("deposit", {"asset": "USDT", "amount": 1.5}, "amount"),
        ("deposit", {"asset": "USDT", "amount": "NaN"}, "amount"),
        ("deposit", {"asset": "USDT", "amount": "-1"}, "amount"),
        ("deposit", {"amount": "1"}, "asset"),
        ("withdraw", {"asset": "USDT", "amount": "1000000"}, "amount"),
        ("realize", {"symbol": "XXX", "amount": "1"}, "symbol"),
        ("realize", {"symbol": "BTCUSDT", "amount": "0"}, "amount"),
        ("convert", {"source": "USDC", "source_amount": "1", "target": "USDT"}, "target_amount"),
        ("price", {"symbol": "BTCUSDT", "factor": "0"}, "factor"),
        ("price", {"symbol": "XXX", "factor": "2"}, "symbol"),
        ("mode", {"hedge_mode": "yes"}, "hedge_mode"),
        ("mode", {"leverage": True}, "leverage"),
        ("clock", {"seconds": "soon"}, "seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    base_url: str, venue: PaperVenue, action: str, body: dict[str, Any], told: str
):
    answer = HTTP.post(f"{base_url}/paper/{action}", json=body, headers={"X-Paper-Token": venue.admin_token})

    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert venue.core.ledger.rows == []


def test_an_unknown_action_is_refused(base_url: str, venue: PaperVenue):
    answer = HTTP.post(f"{base_url}/paper/explode", headers={"X-Paper-Token": venue.admin_token})

    assert answer.status_code == 404
