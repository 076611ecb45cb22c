"""A market that a driver draws as it goes: prices between knots are straight lines, and stand still behind the last one.

It fulfils the paper venue's ``Player``. A knot is an instant of the path and a price in millionths; integers throughout, so
that the same draws give the same prices on any machine.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random

from hedge_pipeline.paper.player import Bar, Funding, PriceRange, Prices, Series, Span, UnknownSymbol

MICRO = 1_000_000
BASES: Mapping[str, int] = {
    "BTCUSDT": 64_250 * MICRO,
    "ETHUSDT": 3120 * MICRO,
    "SOLUSDT": 152 * MICRO,
    "XRPUSDT": 2_100_000,
}
"""Where each price begins, and what it is drawn back to."""
RATES: Mapping[str, Decimal] = {"USDTUSD": Decimal("0.9996")}
HISTORY_MS = 6 * 3_600_000
_STEP_MS = 15_000
_KEPT = 4000


class DrawnPlayer:
    """Prices of a few contracts, known up to where they were drawn."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._times: list[int] = [-HISTORY_MS]
        self._prices: dict[str, list[int]] = {symbol: [base] for symbol, base in BASES.items()}
        self._basis: list[int] = [0]
        """Of last price over index, in millionths; the mark is half as far off."""
        self.wander(0, 4.0)

    @property
    def symbols(self) -> tuple[str, ...]:
        return (*BASES, *RATES)

    def wander(self, until_ms: int, deviation_bps: float, drift_bps: float = 0.0) -> None:
        """Draw every price up to an instant: a common and an own random step, and a drift, per quarter of a minute."""
        while self._times[-1] < until_ms:
            at = min(self._times[-1] + _STEP_MS, until_ms)
            share = ((at - self._times[-1]) / _STEP_MS) ** 0.5
            common = self._rng.gauss(drift_bps, deviation_bps)
            moves = {symbol: (common + self._rng.gauss(0, deviation_bps / 2)) * share for symbol in BASES}
            self._knot(at, moves, round(self._rng.gauss(0, 150)))

    def jump(self, at_ms: int, factor_bps: Mapping[str, int]) -> None:
        """Let prices be others from the next millisecond on."""
        self.wander(at_ms, 0.0)
        self._knot(at_ms + 1, factor_bps, self._basis[-1])

    def price(self, symbol: str) -> float:
        """The last one drawn, as a multiple of where it began."""
        return self._prices[symbol][-1] / BASES[symbol]

    def prices(self, symbol: str, path_ms: int) -> Prices:
        if symbol in RATES:
            rate = RATES[symbol]
            return Prices(last=rate, mark=rate, index=rate, as_of_path_ms=path_ms)
        index, basis = self._at(symbol, path_ms)
        return Prices(
            last=_amount(index * (MICRO + basis) // MICRO),
            mark=_amount(index * (MICRO + basis // 2) // MICRO),
            index=_amount(index),
            as_of_path_ms=path_ms,
        )

    def price_range(self, symbol: str, path_ms: Sequence[int]) -> PriceRange:
        """Of every instant from the first to the last, which is no narrower."""
        instants = self._instants(path_ms[0], path_ms[-1])
        return PriceRange.of(self.prices(symbol, at) for at in instants)

    def bars(self, symbol: str, series: Series, spans: Sequence[Span], *, step_ms: int) -> list[Bar | None]:
        """Exact: between knots nothing turns."""
        return [self._bar(symbol, series, span) for span in spans]

    def funding(self, symbol: str, path_ms: int) -> Funding:
        return Funding(rate=Decimal("0.0001"), interval_hours=8)

    def _bar(self, symbol: str, series: Series, span: Span) -> Bar | None:
        if span.start < self._times[0]:
            return None
        instants = self._instants(span.start, span.end)
        half = 2 if series == "mark" else 1
        values = [
            index * (MICRO + basis // half) // MICRO
            for index, basis in (self._at(symbol, at) for at in instants)
        ]
        return Bar(
            open=_amount(values[0]),
            high=_amount(max(values)),
            low=_amount(min(values)),
            close=_amount(values[-1]),
            volume=Decimal(max(span.end - span.start, 0)) / 1000,
        )

    def _instants(self, start: int, end: int) -> list[int]:
        """Both ends and the knots between them: where prices may turn."""
        first, last = bisect_right(self._times, start), bisect_right(self._times, end)
        return [start, *self._times[first:last], end]

    def _at(self, symbol: str, path_ms: int) -> tuple[int, int]:
        """Index price and basis."""
        prices = self._prices.get(symbol)
        if prices is None:
            raise UnknownSymbol(symbol)
        place = bisect_right(self._times, path_ms)
        if place == len(prices):
            return prices[-1], self._basis[-1]
        if not place:
            return prices[0], self._basis[0]
        start, end = self._times[place - 1], self._times[place]
        within, span = path_ms - start, end - start
        before, after = prices[place - 1], prices[place]
        return (
            before + (after - before) * within // span,
            self._basis[place - 1] + (self._basis[place] - self._basis[place - 1]) * within // span,
        )

    def _knot(self, at_ms: int, moves_bps: Mapping[str, float], basis: int) -> None:
        self._times.append(at_ms)
        self._basis.append(basis)
        for symbol, prices in self._prices.items():
            prices.append(max(round(prices[-1] * (1 + moves_bps.get(symbol, 0) / 10_000)), 1000))
        if len(self._times) > 2 * _KEPT:
            for kept in (self._times, self._basis, *self._prices.values()):
                del kept[:_KEPT]


def _amount(micro: int) -> Decimal:
    return Decimal(micro).scaleb(-6)
