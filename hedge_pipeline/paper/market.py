"""The market on the wall clock: where the path stands at an instant, and what shocks have done to its prices.

The path is walked in sessions. Between two of them the venue was stopped and the path stood still; before the first one lies
the history it was opened with. A shock multiplies a symbol's prices from an instant on, for ever.
"""

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.ledger import quantized
from hedge_pipeline.paper.player import Bar, Funding, Player, PriceRange, Series, Span, UnknownSymbol

MINUTE_MS = 60_000
_FINEST_STEP_MS = 15_000
_MOST_STEPS = 240
_MOST_BARS_KEPT = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A stretch of wall-clock time over which the path was walked at one pace."""

    wall_start_ms: int
    wall_end_ms: int | None
    """None while it goes on."""
    path_start_ms: int
    pace: Decimal

    def path_at(self, wall_ms: int) -> int:
        until = wall_ms if self.wall_end_ms is None else min(wall_ms, self.wall_end_ms)
        walked = (until - self.wall_start_ms) * self.pace
        return self.path_start_ms + int(walked.to_integral_value(rounding=ROUND_FLOOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    at_ms: int
    symbol: str
    factor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    last_price: Decimal
    mark_price: Decimal
    index_price: Decimal
    time_ms: int
    """Wall-clock instant the prices are true at; stands still where the recording has a hole or has ended."""


class Market:
    def __init__(
        self,
        player: Player,
        instruments: Mapping[str, Instrument],
        *,
        sessions: Iterable[Session],
        shocks: Iterable[Shock] = (),
    ) -> None:
        self._player = player
        self._instruments = instruments
        self.sessions = list(sessions)
        self.shocks = list(shocks)
        self._quotes: dict[str, Quote] = {}
        """Those of the instant asked about last: one answer asks for the same ones many times."""
        self._quoted_at_ms: int | None = None
        self._kept: dict[tuple[str, Series, int, int], Bar | None] = {}

    def resume(self, now_ms: int, *, pace: Decimal) -> None:
        """Walk on from where the path stood, at a pace from now on."""
        if pace <= 0:
            raise ValueError(f"pace: {pace} is not positive")
        if not self.sessions:
            self.sessions.append(Session(wall_start_ms=now_ms, wall_end_ms=None, path_start_ms=0, pace=pace))
            return
        self.pause(now_ms)
        self._quotes.clear()
        last = self.sessions[-1]
        end = last.wall_end_ms or now_ms
        self.sessions.append(
            Session(
                wall_start_ms=max(now_ms, end), wall_end_ms=None, path_start_ms=last.path_at(end), pace=pace
            )
        )

    def pause(self, now_ms: int) -> None:
        last = self.sessions[-1]
        if last.wall_end_ms is None:
            self.sessions[-1] = replace(last, wall_end_ms=max(now_ms, last.wall_start_ms))

    def path_at(self, wall_ms: int) -> int:
        i = bisect.bisect_right(self.sessions, wall_ms, key=lambda s: s.wall_start_ms)
        return self.sessions[max(i - 1, 0)].path_at(wall_ms)

    def wall_at(self, path_ms: int) -> int:
        """When the path last was at an instant of its own."""
        session = next((s for s in reversed(self.sessions) if s.path_start_ms <= path_ms), self.sessions[0])
        return session.wall_start_ms + int((path_ms - session.path_start_ms) / session.pace)

    def shock(self, symbol: str, factor: Decimal, *, at_ms: int) -> None:
        """Multiply every price of a symbol from an instant on.

        Raises:
            UnknownSymbol: nothing of that name is priced.
            ValueError: the factor is not a positive number.
        """
        if symbol not in self._player.symbols:
            raise UnknownSymbol(symbol)
        if not factor.is_finite() or factor <= 0:
            raise ValueError(f"factor: {factor} is not a positive number")
        self._kept.clear()
        self._quotes.clear()
        self.shocks.append(Shock(at_ms=at_ms, symbol=symbol, factor=factor))

    def quote(self, symbol: str, wall_ms: int) -> Quote:
        if wall_ms != self._quoted_at_ms:
            self._quoted_at_ms = wall_ms
            self._quotes.clear()
        if symbol not in self._quotes:
            self._quotes[symbol] = self._quoted(symbol, wall_ms)
        return self._quotes[symbol]

    def _quoted(self, symbol: str, wall_ms: int) -> Quote:
        path_ms = self.path_at(wall_ms)
        prices = self._player.prices(symbol, path_ms)
        factor = self._factor(symbol, wall_ms)
        return Quote(
            last_price=self._on_grid(symbol, prices.last * factor),
            mark_price=quantized(prices.mark * factor),
            index_price=quantized(prices.index * factor),
            time_ms=wall_ms if prices.as_of_path_ms == path_ms else self.wall_at(prices.as_of_path_ms),
        )

    def price_range(self, symbol: str, wall_ms: Sequence[int]) -> PriceRange | None:
        """Of what is quoted at these instants, at least one, in order; None where a shock comes between them."""
        if any(s.symbol == symbol and wall_ms[0] < s.at_ms <= wall_ms[-1] for s in self.shocks):
            return None
        prices = self._player.price_range(symbol, [self.path_at(at) for at in wall_ms])
        factor = self._factor(symbol, wall_ms[0])
        return PriceRange(
            lowest_last=self._on_grid(symbol, prices.lowest_last * factor),
            highest_last=self._on_grid(symbol, prices.highest_last * factor),
            lowest_mark=quantized(prices.lowest_mark * factor),
            highest_mark=quantized(prices.highest_mark * factor),
        )

    def usd_rate(self, asset: str, wall_ms: int) -> Quote | None:
        """Index price of an asset in USD; None where nothing prices it."""
        if asset == "USD":
            return Quote(
                last_price=Decimal(1), mark_price=Decimal(1), index_price=Decimal(1), time_ms=wall_ms
            )
        try:
            if f"{asset}USD" in self._player.symbols:
                return self.quote(f"{asset}USD", wall_ms)
            if f"USD{asset}" in self._player.symbols:
                inverse = self.quote(f"USD{asset}", wall_ms)
                rate = Decimal(1) / inverse.index_price
                return Quote(last_price=rate, mark_price=rate, index_price=rate, time_ms=inverse.time_ms)
            quote, dollar = self.quote(f"{asset}USDT", wall_ms), self.quote("USDTUSD", wall_ms)
        except UnknownSymbol:
            return None
        return Quote(
            last_price=quote.last_price * dollar.index_price,
            mark_price=quantized(quote.mark_price * dollar.index_price),
            index_price=quantized(quote.index_price * dollar.index_price),
            time_ms=min(quote.time_ms, dollar.time_ms),
        )

    def funding(self, symbol: str, wall_ms: int) -> Funding:
        return self._player.funding(symbol, self.path_at(wall_ms))

    def bars(
        self, symbol: str, series: Series, opens_ms: Iterable[int], *, interval_ms: int, now_ms: int
    ) -> list[tuple[int, Bar]]:
        """Bars by opening time, built from what was walked; the one that holds `now_ms` is unfinished."""
        opens = list(opens_ms)
        missing = [s for s in opens if (symbol, series, interval_ms, s) not in self._kept]
        built = dict(zip(missing, self._build(symbol, series, missing, interval_ms, now_ms), strict=True))
        if len(self._kept) > _MOST_BARS_KEPT:
            self._kept.clear()
        bars = []
        for start in opens:
            key = (symbol, series, interval_ms, start)
            bar = built[start] if start in built else self._kept[key]
            if start + interval_ms <= now_ms:
                self._kept[key] = bar
            if bar is not None:
                bars.append((start, bar))
        return bars

    def _build(
        self, symbol: str, series: Series, opens: list[int], interval_ms: int, now_ms: int
    ) -> list[Bar | None]:
        pieces = [self._pieces(symbol, start, min(start + interval_ms, now_ms)) for start in opens]
        wall_step = max(_FINEST_STEP_MS, interval_ms // _MOST_STEPS)
        step_ms = max(1, int(wall_step * self.sessions[-1].pace))
        flat = [span for piece in pieces for span, _ in piece]
        walked = iter(self._player.bars(symbol, series, flat, step_ms=step_ms))
        built: list[Bar | None] = []
        for piece in pieces:
            parts = [
                self._scaled(symbol, series, bar, factor)
                for (_, factor), bar in zip(piece, itertools.islice(walked, len(piece)), strict=True)
                if bar is not None
            ]
            built.append(_joined(parts) if parts else None)
        return built

    def _pieces(self, symbol: str, start: int, end: int) -> list[tuple[Span, Decimal]]:
        """The stretches of path walked over a stretch of wall clock, with the shock factor of each."""
        cuts = {s.at_ms for s in self.shocks if s.symbol == symbol}
        cuts |= {t for s in self.sessions for t in (s.wall_start_ms, s.wall_end_ms) if t is not None}
        edges = [start, *sorted(t for t in cuts if start < t < end), end]
        return [
            (Span(self.path_at(a), max(self.path_at(a), self.path_at(b))), self._factor(symbol, a))
            for a, b in itertools.pairwise(edges)
        ]

    def _factor(self, symbol: str, wall_ms: int) -> Decimal:
        factor = Decimal(1)
        for shock in self.shocks:
            if shock.symbol == symbol and shock.at_ms <= wall_ms:
                factor *= shock.factor
        return factor

    def _scaled(self, symbol: str, series: Series, bar: Bar, factor: Decimal) -> Bar:
        def rounded(price: Decimal) -> Decimal:
            return self._on_grid(symbol, price * factor) if series == "last" else quantized(price * factor)

        return Bar(
            open=rounded(bar.open),
            high=rounded(bar.high),
            low=rounded(bar.low),
            close=rounded(bar.close),
            volume=bar.volume,
        )

    def _on_grid(self, symbol: str, price: Decimal) -> Decimal:
        """To the contract's price increment, and never to zero."""
        instrument = self._instruments.get(symbol)
        if instrument is None:
            return quantized(price)
        increment = instrument.price_increment
        steps = (price / increment).to_integral_value(rounding=ROUND_HALF_EVEN)
        return max(steps, Decimal(1)) * increment


def _joined(parts: list[Bar]) -> Bar:
    return Bar(
        open=parts[0].open,
        high=max(p.high for p in parts),
        low=min(p.low for p in parts),
        close=parts[-1].close,
        volume=sum((p.volume for p in parts), Decimal(0)),
    )
