"""Plays recorded candles: within a bar the path goes from the open by way of the extremes to the close.

A rising bar is walked open → low → high → close, a falling one open → high → low → close, a third of the bar on each leg. The
mark price is the last price clipped into the low–high of the mark bar recorded for the same instant. Where no bar was
recorded, and after the last one, prices stand still and say so by their age.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from hedge_pipeline.paper.instruments import INSTRUMENTS, RECORDED_ONLY, Instrument
from hedge_pipeline.paper.player import Bar, Funding, Player, PriceRange, Prices, Series, Span
from hedge_pipeline.paper.recording import Candle, Recorded, RecordingUnusable, read_recording

Clip = tuple[Decimal, Decimal] | None
"""Low and high a mark price stays within."""


class RecordedPlayer:
    def __init__(self, recorded: Mapping[str, Recorded], *, start_ms: int, otherwise: Player) -> None:
        self._recorded = dict(recorded)
        self._start_ms = start_ms
        self._otherwise = otherwise

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self._recorded, *self._otherwise.symbols]))

    def prices(self, symbol: str, path_ms: int) -> Prices:
        recorded = self._recorded.get(symbol)
        if recorded is None:
            return self._otherwise.prices(symbol, path_ms)
        instant = self._start_ms + path_ms
        candle = recorded.candles.at(recorded.candles.before(instant) or 0)
        shown = max(candle.opened_ms, min(instant, candle.ended_ms))
        last = _walked(candle, shown)
        mark = _clipped(last, self._clip(recorded, shown))
        as_of = min(shown, instant) - self._start_ms
        return Prices(last=last, mark=mark, index=mark, as_of_path_ms=as_of)

    def price_range(self, symbol: str, path_ms: Sequence[int]) -> PriceRange:
        if symbol not in self._recorded:
            return self._otherwise.price_range(symbol, path_ms)
        return PriceRange.of(self.prices(symbol, at) for at in path_ms)

    def bars(self, symbol: str, series: Series, spans: Sequence[Span], *, step_ms: int) -> list[Bar | None]:
        recorded = self._recorded.get(symbol)
        if recorded is None:
            return self._otherwise.bars(symbol, series, spans, step_ms=step_ms)
        return [self._bar(recorded, series, span) for span in spans]

    def funding(self, symbol: str, path_ms: int) -> Funding:
        recorded = self._recorded.get(symbol)
        if recorded is None:
            return self._otherwise.funding(symbol, path_ms)
        if recorded.funding is None:
            return Funding(rate=Decimal("0.0001"), interval_hours=8)
        rate, hours = recorded.funding.at(self._start_ms + path_ms)
        return Funding(rate=rate, interval_hours=hours)

    def _bar(self, recorded: Recorded, series: Series, span: Span) -> Bar | None:
        start, end = self._start_ms + span.start, self._start_ms + span.end
        parts = [
            part
            for a, b, clip in self._clips(recorded, series, start, end)
            for part in _parts(recorded, a, b, clip)
        ]
        if not parts:
            return None
        return Bar(
            open=parts[0].open,
            high=max(p.high for p in parts),
            low=min(p.low for p in parts),
            close=parts[-1].close,
            volume=sum((p.volume for p in parts), Decimal(0)),
        )

    def _clips(
        self, recorded: Recorded, series: Series, start: int, end: int
    ) -> Iterator[tuple[int, int, Clip]]:
        """The stretches of one mark bar each; for last prices the whole of it, unclipped."""
        if series == "last" or recorded.marks is None:
            yield start, end, None
            return
        marks = recorded.marks
        while True:
            i = marks.before(start)
            following = 0 if i is None else i + 1
            upcoming = marks.opened_ms[following] if following < len(marks.opened_ms) else end
            if i is not None and start < marks.at(i).ended_ms:
                upcoming = min(upcoming, marks.at(i).ended_ms)
            cut = min(end, upcoming)
            yield start, cut, self._clip(recorded, start)
            if cut >= end or cut <= start:
                return
            start = cut

    def _clip(self, recorded: Recorded, instant: int) -> Clip:
        if recorded.marks is None:
            return None
        i = recorded.marks.before(instant)
        if i is None or instant >= recorded.marks.at(i).ended_ms:
            return None
        return recorded.marks.at(i).low, recorded.marks.at(i).high


def recorded_player(
    folder: Path, *, start: datetime | None, otherwise: Player
) -> tuple[Player, Mapping[str, Instrument]]:
    """A player of a folder's recordings, what is not recorded played by another; and the contracts listed.

    Raises:
        RecordingUnusable: it cannot be played, or holds a symbol whose contract is not known here.
    """
    recorded, start_ms = read_recording(folder, start)
    known = {**INSTRUMENTS, **RECORDED_ONLY}
    if unknown := sorted(set(recorded) - set(known)):
        raise RecordingUnusable(f"{folder}: no contract is known for {', '.join(unknown)}; remove the files")
    listed = {symbol: i for symbol, i in known.items() if symbol in INSTRUMENTS or symbol in recorded}
    return RecordedPlayer(recorded, start_ms=start_ms, otherwise=otherwise), listed


def _parts(recorded: Recorded, start: int, end: int, clip: Clip) -> Iterator[Bar]:
    """What was walked of each candle between two instants; a flat part where they begin in a hole."""
    candles = recorded.candles
    i = candles.before(start)
    if i is not None and start >= candles.at(i).ended_ms:
        close = _clipped(candles.at(i).close, clip)
        yield Bar(open=close, high=close, low=close, close=close, volume=Decimal(0))
    i = 0 if i is None else i
    while i < len(candles.opened_ms) and (candles.opened_ms[i] < end or candles.opened_ms[i] == start):
        candle = candles.at(i)
        if start < candle.ended_ms:
            yield _part(candle, max(start, candle.opened_ms), max(start, min(end, candle.ended_ms)), clip)
        i += 1


def _part(candle: Candle, start: int, end: int, clip: Clip) -> Bar:
    length = candle.ended_ms - candle.opened_ms
    turns = (candle.opened_ms + length // 3, candle.opened_ms + 2 * length // 3)
    points = [start, *(t for t in turns if start < t < end), end]
    prices = [_clipped(_walked(candle, t), clip) for t in points]
    return Bar(
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=candle.volume * (end - start) / length,
    )


def _walked(candle: Candle, instant: int) -> Decimal:
    """The last price at an instant of a candle, its ends included."""
    rises = candle.close >= candle.open
    turns = (candle.low, candle.high) if rises else (candle.high, candle.low)
    corners = (candle.open, *turns, candle.close)
    length = candle.ended_ms - candle.opened_ms
    edges = (0, length // 3, 2 * length // 3, length)
    within = instant - candle.opened_ms
    leg = 0 if within < edges[1] else 1 if within < edges[2] else 2
    start, end = corners[leg], corners[leg + 1]
    return start + (end - start) * (within - edges[leg]) / (edges[leg + 1] - edges[leg])


def _clipped(price: Decimal, clip: Clip) -> Decimal:
    return price if clip is None else max(clip[0], min(clip[1], price))
