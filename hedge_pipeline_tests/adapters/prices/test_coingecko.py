import json
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.adapters.prices import (
    CrossRates,
)
from hedge_pipeline.domain.price_routes import DEFAULT_ROUTES
from hedge_pipeline.domain.prices import (
    ProviderPrice,
)
from hedge_pipeline_tests.adapters.prices.building import (
    coingecko,
    http,
    price,
)
from hedge_pipeline_tests.adapters.provider_stub import (
    NOON,
    ProviderStub,
    Reply,
    TickingClock,
    coins,
    reply,
)


def test_every_digit_of_a_price_survives_the_wire(stub: ProviderStub, clock: TickingClock):
    body = b'{"bitcoin": {"usd": 65000.12345678901234567890, "last_updated_at": %d}}' % NOON.timestamp()
    stub.answers(Reply(body))

    answer = coingecko(stub, clock).fetch(["bitcoin"])

    assert answer.said == {"bitcoin": price("65000.12345678901234567890")}
    assert answer.error is None


@pytest.mark.parametrize(
    "stated", ["NaN", "-1", "0", "1e-30", "1e30", "true", "null", '"cheap"', '"1_000"', "[]", '"Infinity"']
)
def test_what_is_not_a_positive_number_is_no_price(stub: ProviderStub, clock: TickingClock, stated: str):
    stub.answers(Reply(b'{"a": {"usd": %s, "last_updated_at": 1790000000}}' % stated.encode()))

    said = coingecko(stub, clock).fetch(["a"]).said["a"]

    assert isinstance(said, str)
    assert said


@pytest.mark.parametrize("stamp", ["null", "0", "-5", '"now"', "1.5", "true", "99999999999999999"])
def test_a_price_without_a_usable_stamp_is_refused(stub: ProviderStub, clock: TickingClock, stamp: str):
    stub.answers(Reply(b'{"a": {"usd": 1, "last_updated_at": %s}}' % stamp.encode()))

    assert "last_updated_at" in str(coingecko(stub, clock).fetch(["a"]).said["a"])


def test_a_recorded_price_counts_once_it_has_a_stamp(
    stub: ProviderStub, clock: TickingClock, recorded_data: Path
):
    recorded = json.loads((recorded_data / "coingecko" / "061_simple_price_200.json").read_text())
    recorded["json"]["bitcoin"]["last_updated_at"] = int(NOON.timestamp())
    stub.answers(reply(recorded["json"]))

    assert coingecko(stub, clock).fetch(["bitcoin"]).said["bitcoin"] == price("49013")


def test_default_routes_name_coins_that_exist(recorded_data: Path):
    import gzip

    with gzip.open(recorded_data / "coingecko" / "021_coins_list_200.json.gz") as file:
        known = {coin["id"] for coin in json.load(file)["json"]}
    wanted = {
        source for route in DEFAULT_ROUTES.values() for source in route.sources if "coingecko" in source
    }

    younger_than_the_recording = {"coingecko:first-digital-usd", "coingecko:ethena-usde"}
    assert {f"coingecko:{coin}" for coin in known} >= wanted - younger_than_the_recording


def test_currencies_are_crossed_through_one_coin_in_one_request(stub: ProviderStub, clock: TickingClock):
    stub.answers(reply(coins({"tether": {"usd": 0.9996, "eur": 0.8568, "zar": 17.136}})))

    answer = CrossRates(http(stub, clock)).fetch(["EUR", "ZAR", "XYZ"])

    (asked,) = stub.asked
    assert asked.query["ids"] == "tether"
    assert asked.query["vs_currencies"] == "usd,eur,xyz,zar"
    eur, zar = answer.said["EUR"], answer.said["ZAR"]
    assert isinstance(eur, ProviderPrice)
    assert isinstance(zar, ProviderPrice)
    assert (eur.price, eur.as_of) == (Decimal("1.16666666666667"), NOON)
    assert abs(zar.price * Decimal("17.136") - Decimal("0.9996")) < Decimal("1e-12")
    assert "in xyz" in str(answer.said["XYZ"])
