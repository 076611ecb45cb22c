"""The predecessor's reserves and treasury become our holdings files, every asset with a route."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.predecessor.holdings import plan, reserves, treasury
from hedge_pipeline.domain.reserves import Place
from hedge_pipeline_tests.fakes import ManualClock


def test_reserves_by_symbol_or_by_pair():
    stated = {"USDC": 1200, "XAUTUSDT": Decimal("0.5"), "BTC": Decimal("0.013"), "USDT": 5}

    assert reserves("reserves.json", stated) == {
        "USDC": 1200, "XAUT": Decimal("0.5"), "BTC": Decimal("0.013"), "USDT": 5,
    }  # fmt: skip


def test_a_treasury_as_configured_or_as_the_dashboard_kept_it():
    cache = {
        "assets": [
            {
                "Asset": "BTC",
                "Units": Decimal("0.035"),
                "USD Value": Decimal("3500.1"),
                "price": Decimal(100_000),
            },
            {"Asset": "XAUT", "Units": Decimal("0.59"), "USD Value": 0, "price": 0},
        ],
        "total_usd": Decimal("3500.1"),
        "updated_at": "2026-11-20T00:00:00Z",
        "BTC": {"qty": Decimal("0.035")},
    }

    assert treasury("treasury.json", {"BTC": Decimal("0.035"), "XAUT": Decimal("0.59")}) == {
        "BTC": Decimal("0.035"), "XAUT": Decimal("0.59"),
    }  # fmt: skip
    assert treasury("treasury.json", cache) == {"BTC": Decimal("0.035"), "XAUT": Decimal("0.59")}


@pytest.mark.parametrize(
    ("stated", "where"),
    [
        ([], "is no JSON object"),
        ({"BTC": "some"}, "BTC: 'some' is no number"),
        ({"BTC": None}, "BTC: None is no number"),
        ({"btc": 1}, "btc: is no asset"),
        ({"": 1}, "is no asset"),
        ({"BTC": 1, "BTCUSDT": 2}, "BTCUSDT: BTC stands here twice"),
        ({"BTC": {"qty": 1}}, "BTC: .*is no number"),
    ],
)
def test_what_is_no_holding_is_named_and_never_dropped(stated: Any, where: str):
    with pytest.raises(SourceMalformed, match=rf"reserves.json: {where}"):
        reserves("reserves.json", stated)


def test_our_file_says_what_theirs_said_at_market_and_exactly(tmp_path: Path):
    quantities = {
        "USDC": Decimal(1200),
        "XAUT": Decimal("0.30000000000000004"),
        "PEPE": Decimal("1E+6"),
        "BTC": Decimal("1E-8"),
    }
    made = plan(Place.RESERVES, "reserves.json", quantities, ())
    (tmp_path / made.name).write_text(made.text)

    read = HoldingsFiles(folder=tmp_path, clock=ManualClock()).read()

    assert {holding.asset: holding.quantity for holding in read.holdings} == quantities
    assert [route.asset for route in read.routes] == ["PEPE"], (
        "well-known assets, XAUT among them, have a route"
    )
    assert "1.0" not in made.text
    assert tomllib.loads(made.text)["routes"]["PEPE"]["sources"] == ["spot:PEPEUSDT"]


def test_an_asset_in_both_places_is_routed_once(tmp_path: Path):
    first = plan(Place.TREASURY, "treasury.json", {"PEPE": Decimal(1)}, ())
    second = plan(Place.RESERVES, "reserves.json", {"PEPE": Decimal(2)}, first.routed)
    for made in (first, second):
        (tmp_path / made.name).write_text(made.text)

    assert len(HoldingsFiles(folder=tmp_path, clock=ManualClock()).read().holdings) == 2


def test_an_empty_file_becomes_a_place_that_holds_nothing(tmp_path: Path):
    made = plan(Place.RESERVES, "reserves.json", {}, ())
    (tmp_path / made.name).write_text(made.text)

    assert HoldingsFiles(folder=tmp_path, clock=ManualClock()).read().reserves_configured
