"""ccxt as it is set up: errors named as in production, nothing retried or logged behind our back."""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

import ccxt
import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenue, Credentials
from hedge_pipeline.adapters.ccxt_venue.exchange import AnswerRefused, build_exchange
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import KEY, SECRET, MakeVenue
from hedge_pipeline_tests.adapters.ccxt_venue.stub import (
    ACCOUNT,
    INCOME,
    MODES,
    POSITIONS,
    STAMP,
    TIME,
    Reply,
    StubVenue,
)

PRODUCTION_NAMES = {
    "-1003": ccxt.RateLimitExceeded,
    "-1008": ccxt.OperationFailed,
    "-1021": ccxt.InvalidNonce,
    "-1022": ccxt.AuthenticationError,
    "-2011": ccxt.OrderNotFound,
    "-2013": ccxt.OrderNotFound,
    "-2014": ccxt.AuthenticationError,
    "-2015": ccxt.AuthenticationError,
    "-2018": ccxt.InsufficientFunds,
    "-2019": ccxt.InsufficientFunds,
    "-2022": ccxt.InvalidOrder,
    "-2025": ccxt.OperationRejected,
    "-2027": ccxt.OperationRejected,
    "-4061": ccxt.OperationRejected,
    "-4116": ccxt.InvalidOrder,
    "-4131": ccxt.OperationRejected,
    "-4164": ccxt.InvalidOrder,
    "-5022": ccxt.OrderNotFillable,
}


def exchange_at(base_url: str) -> Any:
    return build_exchange(
        base_url,
        Credentials(KEY, SECRET),
        venue_ms=lambda: STAMP,
        recv_window_ms=5000,
        answer_bytes=1_000_000,
    )


@pytest.mark.parametrize("code", PRODUCTION_NAMES)
def test_a_loopback_venue_exercises_the_branches_production_takes(stub: StubVenue, code: str) -> None:
    stub.replies[TIME] = Reply(status=400, body={"code": int(code), "msg": "as documented"})
    with pytest.raises(ccxt.BaseError) as raised:
        exchange_at(stub.base_url).fapiPublicGetTime()
    assert type(raised.value) is PRODUCTION_NAMES[code]


def test_the_names_are_those_of_ccxt_for_the_production_address() -> None:
    plain, ours = ccxt.binanceusdm(), exchange_at("http://127.0.0.1:1")
    for kind in ("exact", "broad"):
        production = plain.get_exceptions_by_url("https://fapi.binance.com/fapi/v1/order", kind)
        assert ours.get_exceptions_by_url("http://127.0.0.1:1/fapi/v1/order", kind) == production
    assert "-4164" in ours.get_exceptions_by_url("http://127.0.0.1:1", "exact")


def test_every_address_of_the_client_is_below_the_base_url() -> None:
    addresses = exchange_at("http://127.0.0.1:1").urls["api"].values()
    assert addresses
    assert all(address.startswith("http://127.0.0.1:1/") for address in addresses)


def test_ccxt_neither_retries_nor_sleeps() -> None:
    exchange = exchange_at("http://127.0.0.1:1")
    assert exchange.options["maxRetriesOnFailure"] == 0
    assert exchange.enableRateLimit is False
    assert exchange.session.trust_env is False


def test_credentials_are_not_shown() -> None:
    credentials = Credentials(KEY, SECRET)
    shown = f"{credentials} {credentials!r} {[credentials]}"
    assert KEY not in shown
    assert SECRET not in shown
    assert Credentials(None, "").missing == ("api_key", "secret")


@pytest.mark.finding("S3-SEC-3")
def test_neither_key_nor_signature_reaches_logs_or_errors(
    make_venue: MakeVenue, stub: StubVenue, caplog: pytest.LogCaptureFixture
) -> None:
    venue = make_venue()
    venue.read_account()
    for name in (None, "ccxt", "ccxt.base.exchange", "urllib3", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, logger=name)
    texts = []
    echo = f"{KEY} {SECRET} signature=deadbeef X-MBX-APIKEY: {KEY} https://h/p?timestamp=1&signature=deadbeef"
    for reply in (
        Reply(status=400, body={"code": -1022, "msg": echo}),
        Reply(status=401, body=echo),
        Reply(status=500, body=f"<html>{echo}</html>"),
        Reply(status=503, body={"code": -1000, "msg": echo}),
        Reply(status=429, body=echo, headers={"Retry-After": "0"}),
        Reply(drop=True),
        Reply(status=302, headers={"Location": f"/elsewhere?signature=deadbeef&apiKey={KEY}"}),
        Reply(body=f'{{"a": {echo}'),
    ):
        stub.replies = dict.fromkeys((ACCOUNT, POSITIONS, MODES, INCOME), reply)
        reading = venue.read_account()
        texts += [entry.error or "" for entry in reading.sources] + [repr(reading), repr(venue)]
        texts.append(_raised(venue))

    secrets = [KEY, SECRET, "deadbeef"]
    secrets += [asked.params["signature"] for asked in stub.asked if "signature" in asked.params]
    assert len(secrets) > 10
    everything = "\n".join([*texts, caplog.text, *(str(record.__dict__) for record in caplog.records)])
    assert not [secret for secret in secrets if secret in everything]


def _raised(venue: CcxtVenue) -> str:
    """An error of the income list with everything that hangs on it: causes and contexts are printed too."""
    with pytest.raises(SourceUnavailable) as raised:
        venue.read_income(datetime(2026, 1, 1, tzinfo=UTC))
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    return "".join(traceback.format_exception(raised.value))


def test_a_request_that_nobody_waits_for_any_more_is_not_sent(stub: StubVenue) -> None:
    exchange = exchange_at(stub.base_url)
    exchange.abandoned.set()
    with pytest.raises(AnswerRefused):
        exchange.fapiPublicGetTime({})
    assert not stub.asked


def test_what_was_sent_is_told_from_what_could_not_be(stub: StubVenue) -> None:
    exchange = exchange_at(stub.base_url)
    exchange.apiKey = ""
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fapiPrivatePostOrder({})
    assert not exchange.last_answer.sent
    exchange.fapiPublicGetTime({})
    assert exchange.last_answer.sent


@pytest.mark.finding("S3-EXCH-1")
def test_a_client_for_another_server_changes_nothing_of_the_driver_itself():
    described, functions = ccxt.binanceusdm().describe(), dict(vars(ccxt.binanceusdm))

    for base_url in ("http://127.0.0.1:9", "https://demo-fapi.binance.com", "http://127.0.0.1:9"):
        made = build_exchange(
            base_url, Credentials(KEY, SECRET), venue_ms=lambda: 0, recv_window_ms=5000, answer_bytes=1000
        )
        assert {address[: len(base_url)] for address in made.urls["api"].values()} == {base_url}

    assert ccxt.binanceusdm().describe() == described
    assert dict(vars(ccxt.binanceusdm)) == functions
