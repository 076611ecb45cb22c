"""Leaping over seconds in which no order is reached changes nothing but the time it takes."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline.paper import matching, trading, walk
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.requests import Refusal
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import NOON_MS

SYMBOLS = ("BTCUSDT", "SOLUSDT")
# Up, down, a hole of one bar, up; the mark stays behind.
BARS = """ts,open,high,low,close,volume
2025-01-01T12:00:00Z,60000,60090,59980,60050,10
2025-01-01T12:02:00Z,60050,60060,59900,59950,10
2025-01-01T12:06:00Z,59950,60020,59940,60000,10
2025-01-01T12:08:00Z,60000,60100,59890,59990,10
"""
MARKS = """ts,open,high,low,close
2025-01-01T12:00:00Z,60000,60060,59990,60040
2025-01-01T12:02:00Z,60040,60050,59930,59960
2025-01-01T12:08:00Z,60000,60050,59950,59990
"""

symbols = st.sampled_from(SYMBOLS)
ways = st.sampled_from(["BUY LONG", "SELL LONG", "BUY SHORT", "SELL SHORT"])
offsets = st.integers(min_value=-200, max_value=200).map(lambda n: Decimal(n) / 100_000)
kinds = st.sampled_from(["STOP_MARKET", "TAKE_PROFIT_MARKET"])
watched = st.sampled_from(["MARK_PRICE", "CONTRACT_PRICE"])
waits = st.one_of(
    st.integers(min_value=1, max_value=5_000),
    st.sampled_from([1000, 10_000, 60_000]),
    st.integers(min_value=1, max_value=150_000),
)
actions = st.one_of(
    st.tuples(st.just("limit"), symbols, ways, offsets),
    st.tuples(st.just("conditional"), symbols, ways, offsets, kinds, watched),
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("countdown"), symbols, st.integers(min_value=1, max_value=100_000)),
    st.tuples(st.just("shock"), symbols, offsets),
    st.tuples(st.just("pace"), st.sampled_from(["0.5", "1", "7"])),
    st.tuples(st.just("cancel"), symbols),
)
histories = st.lists(actions, min_size=3, max_size=15)
seeds = st.integers(min_value=0, max_value=2**32)


def order(core: Core, now_ms: int, symbol: str, way: str, offset: Decimal, **more: str) -> dict[str, str]:
    """At a distance from the last price, which is a fraction of it."""
    side, position_side = way.split()
    increment = core.instrument(symbol).price_increment
    price = core.market.quote(symbol, now_ms).last_price * (1 + offset)
    level = str((price / increment).to_integral_value() * increment)
    sized = {"quantity": "0.011" if symbol == "BTCUSDT" else "3"}
    named = {"price": level} if more["type"] == "LIMIT" else {"triggerPrice": level}
    return {"symbol": symbol, "side": side, "positionSide": position_side, **sized, **named, **more}


def done(core: Core, now_ms: int, name: str, arguments: Sequence[Any]) -> None:
    match name, arguments:
        case "limit", [symbol, way, offset]:
            asked = order(core, now_ms, symbol, way, offset, type="LIMIT", timeInForce="GTC")
            trading.new_order(core, now_ms, asked)
        case "conditional", [symbol, way, offset, kind, working]:
            terms = {"type": kind, "workingType": working, "algoType": "CONDITIONAL"}
            trading.new_conditional(core, now_ms, order(core, now_ms, symbol, way, offset, **terms))
        case "countdown", [symbol, milliseconds]:
            params = {"symbol": symbol, "countdownTime": str(milliseconds)}
            trading.countdown_cancel_all(core, now_ms, params)
        case "shock", [symbol, offset]:
            core.move_price(symbol, 1 + offset, now_ms=now_ms)
        case "pace", [pace]:
            core.market.resume(now_ms, pace=Decimal(pace))
        case "cancel", [symbol]:
            trading.cancel_all_orders(core, now_ms, {"symbol": symbol})
        case _:
            raise AssertionError(name)


def lived(world: World, history: Sequence[Any], *, now_ms: int = NOON_MS - 90_000) -> Core:
    core = open_core(world, now_ms=now_ms)
    core.order_book.partial_share = Decimal("0.5")
    walk.advance(core, now_ms)
    for name, *arguments in [*history, ("wait", 120_000)]:
        if name == "wait":
            now_ms += arguments[0]
            walk.advance(core, now_ms)
            continue
        try:
            done(core, now_ms, name, arguments)
        except Refusal:
            continue
    return core


def walked(world: World, history: Sequence[Any]) -> Core:
    """The same second by second."""
    with patch.object(walk, "_may_reach", lambda core, symbol, seconds: True):
        return lived(world, history)


def assert_same(one: Core, other: Core) -> None:
    assert one.trades == other.trades
    assert one.order_book == other.order_book
    assert one.positions == other.positions
    assert one.ledger.rows == other.ledger.rows
    assert one.revision == other.revision


@settings(max_examples=80)
@given(history=histories, seed=seeds)
def test_synthetic_prices_fill_the_same_orders_leapt_over_or_walked(history: list[Any], seed: int):
    world = World(seed=seed)

    assert_same(lived(world, history), walked(world, history))


@pytest.mark.parametrize("step_ms", [10_000, 3_600_000])
def test_an_hour_far_from_every_order_costs_next_to_nothing(step_ms: int):
    core = open_core(World(seed=1), now_ms=NOON_MS)
    walk.advance(core, NOON_MS)
    terms = {"type": "LIMIT", "timeInForce": "GTC"}
    trading.new_order(core, NOON_MS, order(core, NOON_MS, "BTCUSDT", "BUY LONG", Decimal("-0.04"), **terms))
    with (
        patch.object(walk, "match", wraps=matching.match) as matched,
        patch.object(walk, "_may_reach", wraps=walk._may_reach) as looked,
    ):
        for now_ms in range(NOON_MS + step_ms, NOON_MS + 3_600_001, step_ms):
            walk.advance(core, now_ms)

    assert matched.call_count <= 60, "once a minute, where margins are looked at"
    assert looked.call_count <= 120
    assert core.trades == []


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recording")
    (folder / "BTCUSDT_ohlcv_2m.csv").write_text(BARS)
    (folder / "BTCUSDT_mark_2m.csv").write_text(MARKS)
    return folder


@settings(max_examples=50)
@given(history=histories, seed=seeds)
def test_recorded_prices_fill_the_same_orders_leapt_over_or_walked(
    recording: Path, history: list[Any], seed: int
):
    world = World(seed=seed, recording=recording)

    assert_same(lived(world, history), walked(world, history))
