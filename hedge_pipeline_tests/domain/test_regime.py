"""Which way prices tend: never before every indicator is warm, never from candles that cannot be believed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.market_data import Candle
from hedge_pipeline.domain.regime import (
    CandleFault,
    Regime,
    RegimeReading,
    RegimeRule,
    closes_at,
    read_regime,
)
from hedge_pipeline_tests.domain.trading_examples import MINUTE, START, candle, march

MAX_AGE = 5 * MINUTE
DOCUMENTED = RegimeRule(ema_fast=10, ema_slow=30, adx_length=14, atr_length=14, hysteresis_bps=Decimal(35))
SLOW_ADX = RegimeRule(ema_fast=5, ema_slow=10, adx_length=50, atr_length=50, hysteresis_bps=Decimal(10))


def read(candles: Sequence[Candle], rule: RegimeRule = DOCUMENTED, **how: Any) -> RegimeReading:
    """As at the close of the newest candle, unless told otherwise."""
    now = closes_at(candles[-1]) if candles else START
    return read_regime("BTCUSDT", candles, rule, **{"now": now, "max_age": MAX_AGE, **how})


def about(value: Decimal | None, expected: str) -> bool:
    return value is not None and abs(value - Decimal(expected)) <= Decimal("0.0000005")


@pytest.mark.finding("S3-REG-1")
@pytest.mark.parametrize(
    ("growth", "regime", "fast", "slow"),
    [
        ("1.001", Regime.UP, "112.238357", "111.133086"),
        ("0.999", Regime.DOWN, "89.088016", "89.992904"),
    ],
)
def test_a_steady_march_is_a_trend(growth: str, regime: Regime, fast: str, slow: str):
    reading = read(march(120, growth))

    assert (reading.regime, reading.is_warm, reading.fault) == (regime, True, None)
    assert about(reading.ema_fast, fast)
    assert about(reading.ema_slow, slow)
    assert reading.adx == 100


@pytest.mark.parametrize(("growth", "predecessor"), [("1.001", "0.166835"), ("0.999", "0.134874")])
def test_the_atr_differs_from_one_seeded_by_the_first_range_by_what_is_left_of_the_seed(
    growth: str, predecessor: str
):
    reading = read(march(120, growth))

    assert reading.atr is not None
    seeds_apart, left = Decimal("0.06"), (Decimal(13) / 14) ** (120 - 14)
    assert 0 < abs(reading.atr - Decimal(predecessor)) < seeds_apart * left


@pytest.mark.finding("S3-REG-1")
def test_there_is_no_direction_until_every_indicator_is_warm():
    candles = march(120)
    readings = [read(candles[:count], SLOW_ADX) for count in range(1, 121)]

    assert [reading.regime for reading in readings[:99]] == [Regime.SIDEWAYS] * 99
    assert not any(reading.is_warm for reading in readings[:99])
    assert readings[9].ema_slow is not None, "both averages are warm from candle 10 on"
    assert [reading.regime for reading in readings[99:]] == [Regime.UP] * 21
    assert all(reading.is_warm for reading in readings[99:])
    assert SLOW_ADX.warmup == 100


@pytest.mark.finding("S3-REG-1")
def test_an_indicator_that_does_not_decide_the_direction_must_be_warm_too():
    slow_atr = replace(DOCUMENTED, atr_length=60)
    candles = march(61)

    before, after = read(candles[:60], slow_atr), read(candles, slow_atr)
    assert (before.regime, before.is_warm) == (Regime.SIDEWAYS, False)
    assert (after.regime, after.is_warm) == (Regime.UP, True)
    assert slow_atr.warmup == 61


def test_the_documented_rule_is_warm_with_candle_30():
    assert DOCUMENTED.warmup == 30
    assert not read(march(29)).is_warm
    assert read(march(30)).is_warm


def zigzag(start: Decimal, count: int, first: int) -> list[Candle]:
    """Minutes around one price, where nothing trends."""
    return [candle(first + n, start * (1 + Decimal((-1) ** n) / 1000)) for n in range(count)]


def test_a_trend_stays_until_the_averages_are_apart_the_other_way():
    """Within the hysteresis, the regime before it holds, whichever it was."""
    weak = replace(DOCUMENTED, hysteresis_bps=Decimal(1000), trend_adx=Decimal(0))
    risen = march(120)

    assert read(risen, replace(weak, hysteresis_bps=Decimal(35))).regime is Regime.UP
    assert read(risen, weak).regime is Regime.SIDEWAYS, "never that far apart"
    turned = risen + march_on(risen[-1], 12, "0.999")
    narrow = replace(weak, hysteresis_bps=Decimal(35))
    reading = read(turned, narrow)
    assert reading.ema_fast is not None
    assert reading.ema_slow is not None
    assert abs(reading.ema_fast - reading.ema_slow) * 10_000 < 35 * reading.ema_slow
    assert reading.regime is Regime.UP
    assert read(turned + march_on(turned[-1], 40, "0.999"), narrow).regime is Regime.DOWN


def march_on(last: Candle, count: int, growth: str) -> list[Candle]:
    first = round((last.open_at - march(1)[0].open_at) / MINUTE) + 2
    return [candle(first + n, last.close * Decimal(growth) ** (n + 1)) for n in range(count)]


@pytest.mark.finding("S3-QUAL-3")
def test_the_line_between_drift_and_trend_is_a_setting_that_takes_effect():
    drifting = march(60) + zigzag(march(60)[-1].close, 25, 61)
    reading = read(drifting)

    assert reading.adx is not None
    assert reading.adx > 20
    assert read(drifting, replace(DOCUMENTED, trend_adx=reading.adx)).regime is Regime.UP
    assert read(drifting, replace(DOCUMENTED, trend_adx=reading.adx + 1)).regime is Regime.SIDEWAYS


@pytest.mark.finding("S3-EXCH-3")
@pytest.mark.parametrize(
    ("spoil", "fault", "told"),
    [
        (lambda candles: [], CandleFault.MISSING, "there is no candle"),
        (
            lambda candles: candles[:50] + candles[51:],
            CandleFault.GAPPED,
            "00:50:00+00:00 is followed by that of",
        ),
        (lambda candles: candles[:50] + candles[49:], CandleFault.GAPPED, "is followed by"),
        (lambda candles: candles[::-1], CandleFault.GAPPED, "is followed by"),
        (
            lambda candles: [*candles[:-1], replace(candles[-1], symbol="ETHUSDT")],
            CandleFault.MIXED,
            "of ETHUSDT",
        ),
        (
            lambda candles: [*candles[:-1], replace(candles[-1], interval=5 * MINUTE)],
            CandleFault.MIXED,
            "0:05:00",
        ),
        (
            lambda candles: [replace(one, symbol="ETHUSDT") for one in candles],
            CandleFault.MIXED,
            "of ETHUSDT, not of BTCUSDT",
        ),
        (
            lambda candles: [*candles[:-1], replace(candles[-1], close=Decimal("NaN"))],
            CandleFault.MALFORMED,
            "no number",
        ),
        (
            lambda candles: [*candles[:-1], replace(candles[-1], high=candles[-1].low)],
            CandleFault.MALFORMED,
            "not within its low and high",
        ),
        (
            lambda candles: [*candles[:-1], replace(candles[-1], low=Decimal(0))],
            CandleFault.MALFORMED,
            "not within",
        ),
    ],
)
def test_candles_that_cannot_be_believed_give_no_regime(spoil: Any, fault: CandleFault, told: str):
    now = closes_at(march(120)[-1])
    reading = read(spoil(march(120)), now=now, max_age=timedelta(hours=3))

    assert (reading.fault, reading.regime, reading.is_warm) == (fault, None, False)
    assert told in reading.detail
    assert (reading.ema_fast, reading.adx, reading.atr, reading.close) == (None, None, None, None)


@pytest.mark.finding("S3-EXCH-3")
def test_an_unfinished_candle_is_refused_to_the_instant():
    candles = march(120)
    finished = closes_at(candles[-1])

    assert read(candles, now=finished).fault is None
    reading = read(candles, now=finished - timedelta(microseconds=1))
    assert (reading.fault, reading.regime) == (CandleFault.UNFINISHED, None)


@pytest.mark.finding("S3-EXCH-3")
def test_stale_candles_are_refused_to_the_instant_and_fresh_ones_recover():
    candles = march(120)
    oldest = closes_at(candles[-1]) + MAX_AGE

    assert read(candles, now=oldest).regime is Regime.UP
    reading = read(candles, now=oldest + timedelta(microseconds=1))
    assert (reading.fault, reading.regime) == (CandleFault.STALE, None)
    assert "allowed are 300 s" in reading.detail
    assert read(march(125), now=oldest + timedelta(microseconds=1)).regime is Regime.UP


def test_a_limit_below_the_length_of_the_candles_could_never_be_met():
    with pytest.raises(InvalidState, match="max_bar_staleness_seconds allows 59 s"):
        read(march(30), max_age=timedelta(seconds=59))


@pytest.mark.finding("X-16")
@given(st.integers(0, 300_000_000))
def test_the_clock_decides_freshness_and_nothing_else(later: int):
    candles = march(40)
    now = closes_at(candles[-1]) + later * timedelta(microseconds=1)

    assert read(candles, now=now) == read(candles)


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=80))
def test_a_regime_needs_a_warm_reading(steps: list[int]):
    price, candles = Decimal(100), []
    for number, step in enumerate(steps):
        price *= 1 + Decimal(step) / 10_000
        candles.append(candle(number, price))
    reading = read(candles)

    assert reading.fault is None
    assert reading.is_warm is (len(candles) >= DOCUMENTED.warmup)
    assert reading.is_warm or reading.regime is Regime.SIDEWAYS


@pytest.mark.parametrize(
    "changes",
    [
        {"ema_fast": 30},
        {"ema_fast": 0},
        {"adx_length": 0},
        {"atr_length": 0},
        {"hysteresis_bps": Decimal(-1)},
        {"trend_adx": Decimal(-1)},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidState):
        replace(DOCUMENTED, **changes)
