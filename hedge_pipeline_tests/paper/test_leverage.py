"""Brackets are those of the contracts, and a leverage that is set is the one margins are reserved at."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.paper.futures import account
from hedge_pipeline.paper.instruments import INSTRUMENTS, Instrument
from hedge_pipeline.paper.leverage import change_leverage, leverage_brackets
from hedge_pipeline.paper.modes import symbol_config
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline_tests.paper.price_path import BTC, Desk

instruments = st.sampled_from(list(INSTRUMENTS.values()))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def initial_margin(desk: Desk) -> Decimal:
    return Decimal(account(desk.core, desk.now_ms, {})["totalInitialMargin"])


@given(instrument=instruments, notional=st.integers(min_value=0, max_value=10**9))
def test_brackets_tell_the_maintenance_margin_of_any_notional(*, instrument: Instrument, notional: int):
    rows = Desk().ask(leverage_brackets, symbol=instrument.symbol)["brackets"]
    row = next((r for r in rows if r["notionalFloor"] <= notional <= r["notionalCap"]), rows[-1])
    bracket = instrument.bracket(Decimal(notional))

    assert Decimal(str(row["maintMarginRatio"])) == bracket.maintenance_rate
    assert Decimal(str(row["cum"])) == bracket.cumulative
    assert row["initialLeverage"] == bracket.max_leverage


@given(instrument=instruments)
def test_brackets_follow_one_another_and_the_margin_does_not_jump_between_them(instrument: Instrument):
    rows = Desk().ask(leverage_brackets, symbol=instrument.symbol)["brackets"]

    assert [r["bracket"] for r in rows] == list(range(1, len(rows) + 1))
    assert rows[0]["notionalFloor"] == rows[0]["cum"] == 0
    for lower, upper in pairwise(rows):
        assert lower["notionalCap"] == upper["notionalFloor"]
        cap = Decimal(lower["notionalCap"])
        below, above = (
            cap * Decimal(str(r["maintMarginRatio"])) - Decimal(str(r["cum"])) for r in (lower, upper)
        )
        assert below == above


def test_brackets_of_all_contracts_are_a_list_and_those_of_one_stand_alone(desk: Desk):
    everything = leverage_brackets(desk.core, desk.now_ms, {})

    assert [row["symbol"] for row in everything] == list(INSTRUMENTS)
    assert desk.ask(leverage_brackets) == everything[0]
    assert desk.refusal(desk.ask, leverage_brackets, symbol="NONEUSDT") == -1121


def test_a_leverage_is_set_for_one_contract_and_its_margins_follow(desk: Desk):
    desk.market("BUY LONG", "1")
    desk.limit("BUY LONG", 59_000, "1")
    desk.market("BUY LONG", "1", symbol="ETHUSDT")
    assert initial_margin(desk) == 6_000 + 5_900 + 300

    answer = desk.ask(change_leverage, leverage=20)

    assert answer == {"symbol": BTC, "leverage": 20, "maxNotionalValue": "100000000"}
    assert initial_margin(desk) == 3_000 + 2_950 + 300
    assert desk.ask(symbol_config)[0]["leverage"] == 20
    assert desk.ask(symbol_config)[0]["maxNotionalValue"] == "100000000"
    assert desk.ask(symbol_config, symbol="ETHUSDT")[0]["leverage"] == 10


@pytest.mark.parametrize(
    ("leverage", "code"), [("0", -4028), ("126", -4028), ("-1", -4028), ("ten", -1102), ("2.5", -1102)]
)
def test_a_leverage_the_contract_does_not_know_is_refused(desk: Desk, leverage: str, code: int):
    assert desk.refusal(desk.ask, change_leverage, leverage=leverage) == code
    assert desk.refusal(desk.ask, change_leverage) == -1102


def test_a_position_must_fit_into_what_the_leverage_allows(desk: Desk):
    desk.market("BUY LONG", "0.9")
    assert desk.refusal(desk.ask, change_leverage, leverage=125) == -2027
    desk.market("SELL LONG", "0.1")
    desk.ask(change_leverage, leverage=125)
    assert desk.refusal(desk.limit, "BUY LONG", 59_000, "0.1") == -2027


def test_resting_orders_count_into_the_position_that_must_fit(desk: Desk):
    desk.limit("BUY LONG", 59_000, "0.9")

    assert desk.refusal(desk.ask, change_leverage, leverage=125) == -2027


def test_the_margin_of_a_lower_leverage_must_be_there():
    desk = Desk(balance="10000")
    desk.market("BUY LONG", "1")

    assert desk.refusal(desk.ask, change_leverage, leverage=5) == -2028
    desk.ask(change_leverage, leverage=7)
    assert desk.refusal(desk.ask, change_leverage, leverage=6) == -2028


def test_a_leverage_survives_a_restart(desk: Desk, tmp_path: Path):
    with StateDirectory(tmp_path) as directory:
        assert directory.load({}, desk.player, INSTRUMENTS) is None
        desk.ask(change_leverage, leverage=3)
        directory.save(desk.core, desk.now_ms)
        kept = directory.load({}, desk.player, INSTRUMENTS)

    assert kept is not None
    assert kept.instruments == desk.core.instruments
    assert kept.instruments[BTC].leverage == 3
