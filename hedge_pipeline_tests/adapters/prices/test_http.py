import subprocess
import sys
import time
from datetime import timedelta

import pytest

from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline_tests.adapters.prices.building import KEY, coingecko, price
from hedge_pipeline_tests.adapters.provider_stub import (
    ProviderStub,
    Reply,
    TickingClock,
    any_coin,
    coins,
    reply,
)


@pytest.mark.finding("S2-RES-1")
def test_requests_never_exceed_the_rate(stub: ProviderStub, clock: TickingClock):
    stub.answer = any_coin()
    source = coingecko(stub, clock, requests_per_second=4)

    answer = source.fetch([f"c{n}" for n in range(1000)])
    source.fetch(["another"])

    assert answer.error is None
    assert len(stub.asked) == 11
    sent = [asked.at for asked in stub.asked if asked.at]
    assert all(sum(at <= other < at + timedelta(seconds=1) for other in sent) <= 4 for at in sent)
    assert all(len(asked.target) < 2000 for asked in stub.asked)


def test_a_transient_error_is_asked_again_at_most_twice(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply({}, 500), reply({}, 502), reply(coins({"a": 2})))

    assert coingecko(stub, clock).fetch(["a"]).said["a"] == price("2")
    assert len(stub.asked) == 3


def test_a_short_retry_after_is_waited_for(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply({}, 429, retry_after="4"), reply(coins({"a": 2})))

    answer = coingecko(stub, clock).fetch(["a"])

    assert answer.said["a"] == price("2")
    assert 4 in clock.slept
    assert answer.closed_for is None


@pytest.mark.parametrize(
    ("headers", "closed_for"),
    [
        ({}, timedelta(seconds=60)),
        ({"retry_after": "soon"}, timedelta(seconds=60)),
        ({"retry_after": "99999999999999"}, timedelta(seconds=60)),
        ({"retry_after": "9999999"}, timedelta(hours=1)),
        (
            {"date": "Fri, 20 Nov 2026 12:00:00 GMT", "retry_after": "Fri, 20 Nov 2026 12:10:00 GMT"},
            timedelta(minutes=10),
        ),
        ({"retry_after": "6"}, timedelta(seconds=6)),
    ],
)
def test_how_long_a_rate_limit_closes_the_provider(
    stub: ProviderStub, clock: TickingClock, headers: dict[str, str], closed_for: timedelta
):
    stub.answers(reply({}, 429, **headers))

    answer = coingecko(stub, clock).fetch(["a"])

    assert answer.closed_for == closed_for
    assert len(stub.asked) == 1


def test_repeated_rate_limits_end_after_three_attempts(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply({}, 429, retry_after="1"))

    answer = coingecko(stub, clock).fetch(["a"])

    assert len(stub.asked) == 3
    assert answer.closed_for == timedelta(seconds=1)


def test_waits_and_retries_stay_inside_the_total(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply({}, 429, retry_after="4"))
    begun = clock.now()

    coingecko(stub, clock, total=timedelta(seconds=6)).fetch(["a"])

    assert clock.now() - begun <= timedelta(seconds=6)


def test_an_answer_that_drips_is_cut_off_at_the_total(stub: ProviderStub):
    stub.answers(Reply(b" " * 1000, drip=True))

    began = time.monotonic()
    answer = coingecko(stub, SystemClock(), total=timedelta(seconds=0.15)).fetch(["a"])

    assert answer.error
    assert time.monotonic() - began < 5, "the whole answer would take twenty seconds"


def test_the_key_travels_in_a_header_and_is_told_to_nobody(
    stub: ProviderStub, clock: TickingClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(0)
    stub.answers(reply({"error": f"invalid key {KEY}"}, 500))
    source = coingecko(stub, clock)

    answer = source.fetch(["a"])

    assert stub.asked[0].headers["x-cg-demo-api-key"] == KEY
    assert all(KEY not in asked.target for asked in stub.asked)
    for told in (repr(answer), repr(source), caplog.text):
        assert KEY not in told


def test_loading_the_adapters_loads_no_http_client():
    code = (
        "import sys, hedge_pipeline.adapters.prices, hedge_pipeline.adapters.holdings; "
        "print([m for m in ('httpx', 'stamina', 'tenacity', 'ssl') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"
