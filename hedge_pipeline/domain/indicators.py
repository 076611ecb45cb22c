"""EMA, ATR and ADX of finished candles, by TA-Lib's convention.

Each function returns one value per input, ``None`` until it is warm. All three remember their whole past with fading
weight, so where the past begins shows: the first value is a plain mean of the first inputs, never the first input alone.
TA-Lib's "unstable period" is 0, its compatibility the classic one.

Source: TA-Lib 0.6.4, ``src/ta_func/ta_EMA.c``, ``ta_ATR.c``, ``ta_ADX.c``; J. Welles Wilder, New Concepts in Technical
Trading Systems (1978).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from hedge_pipeline.domain.market_data import Candle

Series = tuple[Decimal | None, ...]

ZERO = Decimal(0)


def ema(values: Sequence[Decimal], length: int) -> Series:
    """Exponential moving average with weight 2 ÷ (length + 1); the first value is the mean of ``length`` inputs.

    Warm with the ``length``-th input.
    """
    if len(values) < length:
        return (None,) * len(values)
    weight = Decimal(2) / (length + 1)
    average = sum(values[:length], ZERO) / length
    smoothed = [average]
    for value in values[length:]:
        average += (value - average) * weight
        smoothed.append(average)
    return (None,) * (length - 1) + tuple(smoothed)


def atr(candles: Sequence[Candle], length: int) -> Series:
    """Average true range: Wilder's average of true ranges, in the quote asset.

    The first candle has no close before it, hence no true range: warm with candle ``length`` + 1.
    """
    ranges = [_true_range(previous, candle) for previous, candle in pairwise(candles)]
    return (None,) * min(1, len(candles)) + _wilder_mean(ranges, length)


def adx(candles: Sequence[Candle], length: int) -> Series:
    """Average directional index, 0 to 100: how strongly prices trend, whichever way.

    Directional movements and true ranges are Wilder sums seeded with ``length`` − 1 of them, the index the Wilder average of
    ``length`` directional indices: warm with candle 2 × ``length``. A candle without any directional movement leaves the
    average as it is, and counts as 0 in the first mean.
    """
    moves = [_moves(previous, candle) for previous, candle in pairwise(candles)]
    ups = _wilder_sums([up for up, _, _ in moves], length)
    downs = _wilder_sums([down for _, down, _ in moves], length)
    ranges = _wilder_sums([extent for _, _, extent in moves], length)
    indices = [_directional_index(*sums) for sums in zip(ups, downs, ranges, strict=True)]
    if len(indices) < length:
        return (None,) * len(candles)
    average = sum((index or ZERO for index in indices[:length]), ZERO) / length
    smoothed = [average]
    for index in indices[length:]:
        if index is not None:
            average = (average * (length - 1) + index) / length
        smoothed.append(average)
    return (None,) * (2 * length - 1) + tuple(smoothed)


def candles_until_warm(*, emas: Iterable[int] = (), adx: int | None = None, atr: int | None = None) -> int:
    """How many candles until every one of these indicators has a value."""
    return max(0, *emas, 2 * adx if adx else 0, atr + 1 if atr else 0)


def _true_range(previous: Candle, candle: Candle) -> Decimal:
    return max(candle.high, previous.close) - min(candle.low, previous.close)


def _moves(previous: Candle, candle: Candle) -> tuple[Decimal, Decimal, Decimal]:
    """Directional movement up and down, of which at most one counts, and the true range."""
    up, down = candle.high - previous.high, previous.low - candle.low
    extent = _true_range(previous, candle)
    if down > 0 and down > up:
        return ZERO, down, extent
    if up > 0 and up > down:
        return up, ZERO, extent
    return ZERO, ZERO, extent


def _directional_index(up: Decimal, down: Decimal, extent: Decimal) -> Decimal | None:
    """``None`` where nothing moved in any direction: the true range cancels out of the quotient."""
    return 100 * abs(up - down) / (up + down) if extent and up + down else None


def _wilder_mean(values: Sequence[Decimal], length: int) -> Series:
    if len(values) < length:
        return (None,) * len(values)
    average = sum(values[:length], ZERO) / length
    smoothed = [average]
    for value in values[length:]:
        average = (average * (length - 1) + value) / length
        smoothed.append(average)
    return (None,) * (length - 1) + tuple(smoothed)


def _wilder_sums(values: Sequence[Decimal], length: int) -> list[Decimal]:
    """Sums that lose one ``length``-th with each further value; the first is of ``length`` values."""
    if len(values) < length:
        return []
    total = sum(values[: length - 1], ZERO)
    sums = []
    for value in values[length - 1 :]:
        total += value - total / length
        sums.append(total)
    return sums
