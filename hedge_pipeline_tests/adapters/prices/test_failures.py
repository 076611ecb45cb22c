import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hedge_pipeline.domain.reserves import value_reserves
from hedge_pipeline_tests.adapters.prices.building import (
    LIMITS,
    coingecko,
    fund,
    price,
    pricer,
    reason_of,
)
from hedge_pipeline_tests.adapters.provider_stub import (
    NOON,
    ProviderStub,
    Reply,
    TickingClock,
    coins,
    provider_stub,
    reply,
)

ANSWERED = {"bitcoin": "65000.123456789012345", "tether": "0.9998", "tether-gold": 4100.5}


def timed_out(stub: ProviderStub) -> None:
    stub.answers(Reply(hang=True))


def refused_connection(stub: ProviderStub) -> None:
    with provider_stub() as gone:
        stub.url = gone.url


def answering(*replies: Reply) -> Callable[[ProviderStub], None]:
    return lambda stub: stub.answers(*replies)


FAILURES = [
    pytest.param(timed_out, "no answer within", 3, id="timeout"),
    pytest.param(refused_connection, "no answer: ConnectError", 0, id="connection refused"),
    pytest.param(answering(reply({}, 429)), "rate limited, HTTP 429", 1, id="429"),
    pytest.param(answering(reply({"error": "oh"}, 500)), "HTTP 500: oh", 3, id="500"),
    pytest.param(answering(reply({}, 503)), "HTTP 503", 3, id="503"),
    pytest.param(
        answering(reply({"status": {"error_message": "bad key"}}, 401)), "HTTP 401: bad key", 1, id="401"
    ),
    pytest.param(answering(Reply(status=302, headers={"location": "/x"})), "HTTP 302", 1, id="redirect"),
    pytest.param(answering(Reply(b'{"bitcoin": {"us')), "not JSON", 1, id="malformed JSON"),
    pytest.param(answering(Reply(b"<html>down</html>")), "not JSON", 1, id="HTML with status 200"),
    pytest.param(answering(Reply(b"")), "not JSON", 1, id="empty body"),
    pytest.param(answering(reply([])), "no object", 1, id="a list"),
    pytest.param(answering(Reply(b"[" * 100_000)), "not JSON", 1, id="bottomless JSON"),
    pytest.param(answering(Reply(b" " * 200_000)), "more than 100000 bytes", 1, id="too long"),
]


@pytest.mark.finding("S2-TEST-2")
@pytest.mark.finding("S2-RES-2")
@pytest.mark.parametrize(("fail", "named", "requests"), FAILURES)
def test_a_failed_provider_is_named_and_earlier_prices_stand_marked_stale(
    stub: ProviderStub, clock: TickingClock, fail: Callable[[ProviderStub], None], named: str, requests: int
):
    stub.answers(reply(coins(ANSWERED)))
    held = fund(("XAUT", "0.59"))
    before = pricer(coingecko(stub, clock))(held, None, clock.now)
    stub.asked.clear()
    fail(stub)
    clock.advance(timedelta(minutes=2))

    patience = timedelta(seconds=0.05 if fail is timed_out else 5)
    source = coingecko(stub, clock, timeout=patience, max_bytes=100_000)
    reading = pricer(source)(held, before, clock.now)
    valuation = value_reserves(
        account="main",
        ordinal=1,
        holdings=held,
        prices=reading,
        previous=None,
        limits=LIMITS,
        now=clock.now(),
    )

    assert len(stub.asked) == requests
    assert named in reason_of(reading, "XAUT")
    assert [(health.source, health.ok) for health in reading.sources] == [("coingecko", False)]
    assert named in str(reading.sources[0].error)
    (value,) = valuation.values
    assert value.price_stale
    assert value.price_as_of == before.quotes[0].as_of == NOON, (
        "the source's stamp, not the time of the fallback"
    )
    assert named in str(value.reason)

    clock.advance(timedelta(minutes=3))
    later = value_reserves(
        account="main",
        ordinal=2,
        holdings=held,
        prices=reading,
        previous=valuation,
        limits=LIMITS,
        now=clock.now(),
    )
    assert not later.complete, "five minutes after its stamp the earlier price is no price any more"
    assert later.values[0].value_usd is None
    assert later.values[0].last_known_usd == value.value_usd


@pytest.mark.finding("S2-TEST-2")
def test_a_missing_id_is_named_and_the_others_stand(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply(coins({"bitcoin": 65000})))

    answer = coingecko(stub, clock).fetch(["bitcoin", "tether-gold"])

    assert answer.said["bitcoin"] == price("65000")
    assert "tether-gold" in str(answer.said["tether-gold"])
    assert answer.error is None


@pytest.mark.finding("S2-TEST-2")
@pytest.mark.parametrize(
    ("recording", "named"),
    [
        ("054_simple_price_422.json", "HTTP 422: Missing parameter ids"),
        ("012_coins_bitcoin_ohlc_500.json", "HTTP 500: Internal Server Error"),
        ("061_simple_price_200.json", "last_updated_at"),
        ("062_simple_price_200.json", "last_updated_at"),
        ("028_coins_markets_200.json", "no object"),
    ],
)
def test_recorded_answers_are_understood(
    stub: ProviderStub, clock: TickingClock, recorded_data: Path, recording: str, named: str
):
    recorded = json.loads((recorded_data / "coingecko" / recording).read_text())
    stub.answers(reply(recorded["json"], recorded["status"]))

    assert named in str(coingecko(stub, clock).fetch(["bitcoin"]).said["bitcoin"])


def test_a_provider_that_fails_is_not_asked_for_the_remaining_chunks(stub: ProviderStub, clock: TickingClock):
    first = [f"a{n:03}" for n in range(100)]
    stub.answers(reply(coins(dict.fromkeys(first, 1))), reply({}, 500))

    answer = coingecko(stub, clock).fetch([*first, *(f"b{n:03}" for n in range(200))])

    assert len(stub.asked) == 4, "one good request and three attempts of the second"
    assert answer.said["a000"] == price("1")
    assert {answer.said[f"b{n:03}"] for n in range(200)} == {"HTTP 500"}
    assert answer.error == "HTTP 500"
