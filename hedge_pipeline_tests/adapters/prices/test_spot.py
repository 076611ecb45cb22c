from typing import Any

import pytest

from hedge_pipeline.domain.prices import (
    ProviderPrice,
)
from hedge_pipeline_tests.adapters.prices.building import price, spot
from hedge_pipeline_tests.adapters.provider_stub import (
    ProviderStub,
    TickingClock,
    reply,
)


def test_spot_pairs_are_asked_for_in_one_request_that_leaves_out_halted_ones(
    stub: ProviderStub, clock: TickingClock
):
    stub.answers(reply([{"symbol": "BTCUSDT", "price": "65000.10"}]))

    answer = spot(stub, clock).fetch(["ETHUSDT", "BTCUSDT", "BTCUSDT"])

    (asked,) = stub.asked
    assert asked.path == "/api/v3/ticker/price"
    assert asked.query == {"symbols": '["BTCUSDT","ETHUSDT"]', "symbolStatus": "TRADING"}
    assert answer.said["BTCUSDT"] == price("65000.10", age=None, currency="USDT")
    assert "ETHUSDT" in str(answer.said["ETHUSDT"])


def test_one_unknown_spot_pair_costs_only_itself(stub: ProviderStub, clock: TickingClock):
    stub.answer = lambda asked: (
        reply({"code": -1121, "msg": "Invalid symbol."}, 400)
        if "symbols" in asked.query
        else reply([{"symbol": "BTCUSDT", "price": "65000"}, {"symbol": "ETHUSDT", "price": "3000"}])
    )

    answer = spot(stub, clock).fetch(["BTCUSDT", "GONEUSDT"])

    assert len(stub.asked) == 2
    assert answer.said["BTCUSDT"] == price("65000", age=None, currency="USDT")
    assert "GONEUSDT" in str(answer.said["GONEUSDT"])


def test_any_other_refusal_of_spot_fails_the_batch(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply({"code": -1100, "msg": "Illegal characters."}, 400))

    assert spot(stub, clock).fetch(["BTCUSDT"]).error == "HTTP 400: Illegal characters."
    assert len(stub.asked) == 1


@pytest.mark.parametrize("answer", [{"symbol": "BTCUSDT"}, [1], [{"symbol": "BTCUSDT"}], "x", None, 5])
def test_a_spot_answer_of_another_shape_is_malformed(stub: ProviderStub, clock: TickingClock, answer: Any):
    stub.answers(reply(answer))

    assert "no list of symbols and prices" in str(spot(stub, clock).fetch(["BTCUSDT"]).error)


def test_more_pairs_than_fit_an_address_are_taken_from_all_pairs(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply([{"symbol": f"A{n}USDT", "price": "1"} for n in range(500)]))

    answer = spot(stub, clock).fetch([f"A{n}USDT" for n in range(150)])

    assert [asked.query for asked in stub.asked] == [{"symbolStatus": "TRADING"}]
    assert all(isinstance(said, ProviderPrice) for said in answer.said.values())
