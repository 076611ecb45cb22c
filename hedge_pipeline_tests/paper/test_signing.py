"""Who may ask, and when: the venue refuses what is not signed, now, by a key it knows."""

import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import ccxt
import httpx
import pytest

from hedge_pipeline_tests.paper.conftest import HTTP, ManualClock, pointed

PATH = "/fapi/v3/account"


def ask(
    base_url: str, query: dict[str, Any], *, secret: str = "paper-secret", key: str | None = "paper"
) -> httpx.Response:
    raw = urlencode(query)
    signature = hmac.new(secret.encode(), raw.encode(), hashlib.sha256).hexdigest()
    headers = {} if key is None else {"X-MBX-APIKEY": key}
    return HTTP.get(f"{base_url}{PATH}?{raw}&signature={signature}", headers=headers)


def refused(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def test_a_signed_request_of_now_is_answered(base_url: str, clock: ManualClock):
    assert ask(base_url, {"timestamp": clock()}).status_code == 200


@pytest.mark.parametrize("key", ["paper", "paper-read", "paper-trade"])
def test_each_published_key_is_known(base_url: str, clock: ManualClock, key: str):
    assert ask(base_url, {"timestamp": clock()}, key=key, secret=f"{key}-secret").status_code == 200


def test_the_signature_covers_the_query_as_it_was_sent(base_url: str, clock: ManualClock):
    raw = f"symbols=%5B%22A%22%5D&note=a+b%20c&timestamp={clock()}"
    signature = hmac.new(b"paper-secret", raw.encode(), hashlib.sha256).hexdigest()

    answer = HTTP.get(f"{base_url}{PATH}?{raw}&signature={signature}", headers={"X-MBX-APIKEY": "paper"})

    assert answer.status_code == 200


def test_a_wrong_signature_is_refused(base_url: str, clock: ManualClock):
    assert refused(ask(base_url, {"timestamp": clock()}, secret="guessed")) == (400, -1022)


def test_an_altered_query_is_refused(base_url: str, clock: ManualClock):
    raw = f"timestamp={clock()}"
    signature = hmac.new(b"paper-secret", raw.encode(), hashlib.sha256).hexdigest()

    answer = HTTP.get(f"{base_url}{PATH}?{raw}0&signature={signature}", headers={"X-MBX-APIKEY": "paper"})

    assert answer.status_code == 400


def test_no_key_is_refused(base_url: str, clock: ManualClock):
    assert refused(ask(base_url, {"timestamp": clock()}, key=None)) == (401, -2014)


def test_an_unknown_key_is_refused(base_url: str, clock: ManualClock):
    assert refused(ask(base_url, {"timestamp": clock()}, key="other")) == (401, -2015)


def test_no_signature_is_refused(base_url: str, clock: ManualClock):
    answer = HTTP.get(f"{base_url}{PATH}?timestamp={clock()}", headers={"X-MBX-APIKEY": "paper"})

    assert refused(answer) == (400, -1102)


def test_no_timestamp_is_refused(base_url: str):
    assert refused(ask(base_url, {"recvWindow": 5000})) == (400, -1102)


@pytest.mark.parametrize(
    ("age_ms", "window", "status"),
    [
        (-999, 5000, 200),
        (-1000, 5000, 400),
        (5000, 5000, 200),
        (5001, 5000, 400),
        (5001, 6000, 200),
        (5001, None, 400),
    ],
)
def test_a_timestamp_is_taken_within_its_window(
    base_url: str, clock: ManualClock, age_ms: int, window: int | None, status: int
):
    query = {"timestamp": clock() - age_ms, **({"recvWindow": window} if window else {})}
    answer = ask(base_url, query)

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["code"] == -1021


def test_a_window_over_a_minute_is_refused(base_url: str, clock: ManualClock):
    assert refused(ask(base_url, {"timestamp": clock(), "recvWindow": 60_001})) == (400, -1131)


def test_the_client_sees_the_refusals_as_its_own_errors(base_url: str, clock: ManualClock):
    with pytest.raises(ccxt.AuthenticationError):
        pointed(base_url, clock, secret="guessed").fapiPrivateV3GetAccount()
    with pytest.raises(ccxt.InvalidNonce):
        pointed(base_url, lambda: clock() - 60_000).fapiPrivateV3GetAccount()
