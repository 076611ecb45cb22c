"""EMA, ATR and ADX against published values: TA-Lib's on hourly BTCUSDT, TTR's on its own reference series."""

import csv
import math
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.indicators import Series, adx, atr, candles_until_warm, ema
from hedge_pipeline.domain.market_data import Candle
from hedge_pipeline_tests.domain.trading_examples import START, candle, march

TOLERANCE = 1e-12
"""Relative. The references are binary floats of some 15 digits after a thousand additions."""


def candles_of(rows: Sequence[Any], number: Any) -> list[Candle]:
    return [
        Candle(
            symbol="REFERENCE",
            interval=timedelta(hours=1),
            open_at=START + n * timedelta(hours=1),
            open=number(row["open"]),
            high=number(row["high"]),
            low=number(row["low"]),
            close=number(row["close"]),
            volume=Decimal(1),
        )
        for n, row in enumerate(rows)
    ]


def agree(ours: Series, published: Sequence[float], tolerance: float = TOLERANCE) -> bool:
    """Whether both begin at the same candle and stay together."""
    return len(ours) == len(published) and all(
        math.isnan(there) if here is None else math.isclose(float(here), there, rel_tol=tolerance)
        for here, there in zip(ours, published, strict=True)
    )


@pytest.fixture
def hourly(recorded_data: Path) -> tuple[list[Candle], Any]:
    """1500 hours of BTCUSDT, and what TA-Lib computes of them."""
    pandas = pytest.importorskip("pandas", reason="reads the recorded frames")
    folder = recorded_data / "indicators"
    rows = pandas.read_parquet(folder / "BTCUSDT_ohlcv_1h_head1500.parquet").to_dict("records")
    return (
        candles_of(rows, lambda value: Decimal(repr(value))),
        pandas.read_parquet(folder / "talib_BTCUSDT_1h_head1500.parquet"),
    )


@pytest.fixture
def published(recorded_data: Path) -> list[dict[str, str]]:
    """TTR's reference series of 250 days, as printed."""
    with (recorded_data / "indicators" / "ttr_reference_250.csv").open() as file:
        return [{name.lower(): value for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.finding("X-16")
@pytest.mark.parametrize("length", [12, 26, 50, 200])
def test_the_ema_is_ta_libs_from_its_first_value_on(hourly: tuple[list[Candle], Any], length: int):
    candles, talib = hourly

    assert agree(ema([candle.close for candle in candles], length), list(talib[f"ema_{length}"]))


@pytest.mark.finding("X-16")
def test_the_atr_is_ta_libs_from_its_first_value_on(hourly: tuple[list[Candle], Any]):
    candles, talib = hourly

    assert agree(atr(candles, 14), list(talib["atr_14"]))


@pytest.mark.finding("X-16")
def test_the_adx_is_ta_libs_from_its_first_value_on(hourly: tuple[list[Candle], Any]):
    candles, talib = hourly

    assert agree(adx(candles, 14), list(talib["adx_14"]))


@pytest.mark.finding("X-16")
def test_ema_and_atr_are_those_of_a_second_reference(published: list[dict[str, str]]):
    candles = candles_of(published, Decimal)

    assert agree(ema([candle.close for candle in candles], 10), floats(published, "ema_10"))
    assert agree(atr(candles, 14), floats(published, "atr_14"))


@pytest.mark.finding("X-16")
def test_the_adx_is_that_of_a_second_reference_on_its_own_binary_prices(published: list[dict[str, str]]):
    """In binary, 3.33 − 3.32 and 3.28 − 3.27 differ in the 16th digit, and the reference takes one move for the larger."""
    binary = candles_of(published, lambda text: Decimal(float(text)))

    assert agree(adx(binary, 14), floats(published, "adx_14"))


def test_two_equal_moves_cancel_each_other_exactly(published: list[dict[str, str]]):
    """In decimals they are equal, so neither counts: together with the reference up to the first such day, the 94th."""
    exact = adx(candles_of(published, Decimal), 14)
    reference = floats(published, "adx_14")

    assert agree(exact[:93], reference[:93])
    assert not agree(exact[93:], reference[93:], 1e-4)


def floats(rows: Sequence[dict[str, str]], column: str) -> list[float]:
    return [float(row[column]) if row[column] else math.nan for row in rows]


@pytest.mark.finding("X-16")
def test_the_first_value_is_the_mean_of_the_first_inputs():
    values = [Decimal(n) for n in (1, 2, 6, 7)]

    assert ema(values, 3) == (None, None, Decimal(3), Decimal(5))


@pytest.mark.parametrize("length", [5, 14, 50])
def test_each_indicator_is_warm_when_it_says(length: int):
    candles = march(2 * length + 5)

    def first(series: Series) -> int:
        return 1 + next(n for n, value in enumerate(series) if value is not None)

    assert first(ema([candle.close for candle in candles], length)) == candles_until_warm(emas=[length])
    assert first(atr(candles, length)) == candles_until_warm(atr=length) == length + 1
    assert first(adx(candles, length)) == candles_until_warm(adx=length) == 2 * length
    assert candles_until_warm(emas=[10, 30], adx=14, atr=14) == 30


@pytest.mark.parametrize("count", [0, 1, 2, 13, 14, 27])
def test_too_few_candles_give_no_value(count: int):
    candles = march(count)

    assert adx(candles, 14) == (None,) * count
    assert len(atr(candles, 14)) == len(ema([candle.close for candle in candles], 30)) == count


def test_prices_that_stand_still_have_no_direction():
    still = march(60, growth="1")

    assert adx(still, 14)[-1] == 0


def test_a_candle_without_direction_leaves_the_average_as_it_is():
    rising = march(60)
    inside = [
        Candle(
            symbol="BTCUSDT",
            interval=candle.interval,
            open_at=candle.open_at,
            open=rising[-1].close,
            high=rising[-1].close,
            low=rising[-1].close,
            close=rising[-1].close,
            volume=Decimal(1),
        )
        for candle in march(62)[60:]
    ]
    assert adx(rising + inside, 14)[-1] == adx(rising, 14)[-1] == 100


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60), st.integers(1, 20))
def test_an_average_stays_within_what_it_averages(whole: list[int], length: int):
    values = [Decimal(number) / 100 for number in whole]
    for value in ema(values, length):
        assert value is None or min(values) <= value <= max(values)


@given(st.lists(st.integers(1, 10**5), min_size=30, max_size=60))
def test_the_adx_stays_between_0_and_100_and_the_atr_above_0(closes: list[int]):
    candles = [candle(number, Decimal(close)) for number, close in enumerate(closes)]

    assert all(value is None or 0 <= value <= 100 for value in adx(candles, 14))
    assert all(value is None or value > 0 for value in atr(candles, 14))
