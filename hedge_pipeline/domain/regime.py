"""Regime: whether a symbol trends up, down or sideways, told from its finished candles alone.

A reading is a function of the candles, the rule and the job's clock: nothing is remembered between readings, so a replay
and the live job agree, and a restart loses nothing. The hysteresis lives in the candles themselves: each one is classified
after the one before it, from SIDEWAYS on. Candles that cannot be believed give no regime at all, and the reason why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.indicators import adx, atr, candles_until_warm, ema
from hedge_pipeline.domain.market_data import Candle


class Regime(StrEnum):
    """Which way prices tend."""

    UP = "UP"
    DOWN = "DOWN"
    SIDEWAYS = "SIDEWAYS"


class CandleFault(StrEnum):
    """Why candles tell nothing."""

    MISSING = "missing"
    MIXED = "mixed"
    MALFORMED = "malformed"
    GAPPED = "gapped"
    """A candle is missing, repeated or out of order."""
    UNFINISHED = "unfinished"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeRule:
    """What a trend is. Lengths are in candles."""

    ema_fast: int
    ema_slow: int
    adx_length: int
    atr_length: int
    hysteresis_bps: Decimal
    """The averages must be at least this far apart for a regime to change."""
    trend_adx: Decimal = Decimal(20)
    """Below it nothing trends. 20 is Wilder's own line between drift and trend."""

    def __post_init__(self) -> None:
        if not 0 < self.ema_fast < self.ema_slow:
            raise InvalidState(
                f"ema_fast is {self.ema_fast}: write 1 up to ema_slow - 1, {self.ema_slow - 1}"
            )
        if min(self.adx_length, self.atr_length) < 1:
            raise InvalidState("adx_len and atr_len count candles: write at least 1")
        if not (self.hysteresis_bps >= 0 and self.trend_adx >= 0):
            raise InvalidState("hysteresis_bps and adx_trend_threshold are distances: write 0 or more")

    @property
    def warmup(self) -> int:
        """Candles until every indicator has a value; before that there is no direction."""
        return candles_until_warm(
            emas=(self.ema_fast, self.ema_slow), adx=self.adx_length, atr=self.atr_length
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeReading:
    """What the candles of one symbol said at one time: a row of ``regimes``."""

    symbol: str
    as_of: datetime | None
    """When the newest candle closed; ``None`` if there was none."""
    candles: int
    fault: CandleFault | None
    detail: str
    """The fault in one line, else empty."""
    regime: Regime | None
    """``None`` exactly if there is a fault. SIDEWAYS until warm, when nothing is to be placed yet."""
    is_warm: bool
    """Whether every indicator has a value, those that do not decide the direction included."""
    close: Decimal | None
    ema_fast: Decimal | None
    ema_slow: Decimal | None
    adx: Decimal | None
    atr: Decimal | None
    """In the quote asset."""


@dataclass(frozen=True, slots=True)
class _Indicators:
    fast: Decimal | None
    slow: Decimal | None
    adx: Decimal | None
    atr: Decimal | None


def closes_at(candle: Candle) -> datetime:
    return candle.open_at + candle.interval


def read_regime(
    symbol: str, candles: Sequence[Candle], rule: RegimeRule, *, now: datetime, max_age: timedelta
) -> RegimeReading:
    """Classify the newest of ``candles``, which are sorted, of one symbol and one interval, without a gap.

    Where they begin shows for a while (see ``indicators``), so give several times ``rule.warmup`` of them.

    Raises:
        InvalidState: ``max_age`` is shorter than the candles.
    """
    fault = _fault(candles, now=now, max_age=max_age)
    if fault is None and candles[0].symbol != symbol:
        fault = CandleFault.MIXED, f"the candles are of {candles[0].symbol}, not of {symbol}"
    series = [] if fault else _indicators(candles, rule)
    last = series[-1] if series else _Indicators(None, None, None, None)
    return RegimeReading(
        symbol=symbol,
        as_of=closes_at(candles[-1]) if candles else None,
        candles=len(candles),
        fault=fault[0] if fault else None,
        detail=fault[1] if fault else "",
        regime=None if fault else _direction(series, rule),
        is_warm=_is_warm(last),
        close=candles[-1].close if series else None,
        ema_fast=last.fast,
        ema_slow=last.slow,
        adx=last.adx,
        atr=last.atr,
    )


def _fault(candles: Sequence[Candle], *, now: datetime, max_age: timedelta) -> tuple[CandleFault, str] | None:
    """Why these candles cannot be classified, and where, in one line; ``None``: they can.

    ``now`` is the job's clock. A candle that closes at ``now`` is finished; one that closed more than ``max_age`` ago is stale.

    Raises:
        InvalidState: ``max_age`` is shorter than the candles: no candle could ever be fresh.
    """
    if not candles:
        return CandleFault.MISSING, "there is no candle: fetch them before planning"
    newest = candles[-1]
    if max_age < newest.interval:
        raise InvalidState(
            f"candles of {newest.interval} are never younger than that, but max_bar_staleness_seconds allows "
            f"{max_age.total_seconds():g} s: allow more, or take shorter candles"
        )
    found = _within(candles)
    if found is not None:
        return found
    closed_at = closes_at(newest)
    if closed_at > now:
        return (
            CandleFault.UNFINISHED,
            f"the candle of {newest.open_at.isoformat()} closes after {now.isoformat()}",
        )
    if now - closed_at > max_age:
        return CandleFault.STALE, (
            f"the newest candle closed at {closed_at.isoformat()}, {(now - closed_at).total_seconds():g} s ago; "
            f"allowed are {max_age.total_seconds():g} s"
        )
    return None


def _within(candles: Sequence[Candle]) -> tuple[CandleFault, str] | None:
    first = candles[0]
    for candle in candles:
        at = candle.open_at.isoformat()
        if (candle.symbol, candle.interval) != (first.symbol, first.interval):
            return CandleFault.MIXED, (
                f"the candle of {at} is of {candle.symbol} {candle.interval}, the first of {first.symbol} {first.interval}"
            )
        prices = (candle.open, candle.high, candle.low, candle.close)
        if not all(price.is_finite() for price in prices):
            return CandleFault.MALFORMED, f"the candle of {at} holds a price that is no number"
        if (
            not 0
            < candle.low
            <= min(candle.open, candle.close)
            <= max(candle.open, candle.close)
            <= candle.high
        ):
            return (
                CandleFault.MALFORMED,
                f"open and close of the candle of {at} are not within its low and high",
            )
    for previous, candle in pairwise(candles):
        if candle.open_at != closes_at(previous):
            return CandleFault.GAPPED, (
                f"the candle of {previous.open_at.isoformat()} is followed by that of {candle.open_at.isoformat()}, "
                f"not by the next {candle.interval}"
            )
    return None


def _indicators(candles: Sequence[Candle], rule: RegimeRule) -> list[_Indicators]:
    closes = [candle.close for candle in candles]
    return [
        _Indicators(*values)
        for values in zip(
            ema(closes, rule.ema_fast),
            ema(closes, rule.ema_slow),
            adx(candles, rule.adx_length),
            atr(candles, rule.atr_length),
            strict=True,
        )
    ]


def _is_warm(at: _Indicators) -> bool:
    return None not in (at.fast, at.slow, at.adx, at.atr)


def _direction(series: Iterable[_Indicators], rule: RegimeRule) -> Regime:
    regime = Regime.SIDEWAYS
    for at in series:
        regime = _next(regime, at, rule)
    return regime


def _next(current: Regime, at: _Indicators, rule: RegimeRule) -> Regime:
    if at.fast is None or at.slow is None or at.adx is None or at.atr is None:
        return Regime.SIDEWAYS
    if at.adx < rule.trend_adx:
        return Regime.SIDEWAYS
    apart_bps = (at.fast - at.slow) * 10_000 / at.slow
    if not apart_bps or abs(apart_bps) < rule.hysteresis_bps:
        return current
    return Regime.UP if apart_bps > 0 else Regime.DOWN
