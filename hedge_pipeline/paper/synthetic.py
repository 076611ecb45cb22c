"""Seeded synthetic prices: a random path that can be read at any instant without walking to it.

Each log price is a sum of octaves of interpolated lattice noise. An octave of period P has amplitude ∝ √P, so that over
any span τ between the shortest and the longest octave the variance grows like σ²τ, as of a Brownian path, while in the long
run the price stays around its base. Everything up to the exponential is 64-bit integer arithmetic: the same seed gives the
same prices on any machine, and a bar's extremes are exact comparisons of integers.
"""

import functools
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np
from numpy.typing import NDArray

from hedge_pipeline.paper.player import Bar, Funding, PriceRange, Prices, Series, Span, UnknownSymbol

Integers = NDArray[np.int64]

_YEAR_S = 365 * 24 * 3600
_SHORTEST_S = 2
_UNIT = 12  # log prices are integers of 1e-12
_SHIFT = 16  # extra binary digits carried while octaves are summed
_LATTICE_DEVIATION = 37_837 * 256
"""Standard deviation of a lattice value: four uniform 16-bit numbers, widened by 8 bits."""
_OCTAVE_SHARE = 2.01
"""√(variance per second ÷ amplitude² per second) of the whole stack, from the sum over octaves."""
_CHUNK = 8192
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_EXP = Context(prec=24)


class LogPath:
    """A random path of the logarithm of a price, in integers of 1e-12, as a function of path milliseconds."""

    def __init__(self, seed: int, name: str, *, annual_volatility: float, longest_s: int) -> None:
        count = int(math.log2(longest_s / _SHORTEST_S)) + 1
        seconds = [_SHORTEST_S * 2**k for k in range(count)]
        self._periods: Integers = np.array([[s * 1000] for s in seconds], dtype=np.int64)
        self._amplitudes: Integers = np.array(
            [[_amplitude(annual_volatility, s)] for s in seconds],
            dtype=np.int64,
        )
        keys = [hashlib.blake2b(f"{seed}:{name}:{s}".encode(), digest_size=8).digest() for s in seconds]
        self._keys = np.array([[int.from_bytes(key, "big")] for key in keys], dtype=np.uint64)

    def at(self, path_ms: Integers) -> Integers:
        return np.concatenate(
            [self._chunk(path_ms[i : i + _CHUNK]) for i in range(0, len(path_ms), _CHUNK)] or [path_ms[:0]]
        )

    def _chunk(self, path_ms: Integers) -> Integers:
        cell = path_ms[np.newaxis, :] // self._periods
        within = path_ms[np.newaxis, :] - cell * self._periods
        left, right = self._lattice(cell), self._lattice(cell + 1)
        value = (left * (self._periods - within) + right * within) // self._periods
        total: Integers = (value * self._amplitudes).sum(axis=0)
        return total >> _SHIFT

    def _lattice(self, cell: Integers) -> Integers:
        """A pseudo-random, roughly normal number per octave and cell (splitmix64, then a sum of four uniforms)."""
        x = self._keys + cell.astype(np.uint64) * _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
        low = np.uint64(0xFFFF)
        pieces = (
            (x & low) + ((x >> np.uint64(16)) & low) + ((x >> np.uint64(32)) & low) + (x >> np.uint64(48))
        )
        values: Integers = pieces.astype(np.int64) - 2 * 0xFFFF
        return values * 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one symbol's synthetic price behaves."""

    base_price: Decimal
    """Index price at path time 0."""
    annual_volatility: float
    """Of its own part; the market's part comes on top, times `market_beta`."""
    market_beta: int = 0
    """Thousandths of the common crypto factor it follows."""
    longest_s: int = 2 * _YEAR_S
    """Beyond this horizon it reverts: short for what is pegged."""
    base_volume: Decimal = Decimal(0)
    """Base units traded per minute, on average."""
    funding_interval_hours: int = 8
    funding_cap: Decimal = Decimal("0.02")


class SyntheticPlayer:
    """Prices of every symbol in its terms, for ever."""

    def __init__(self, seed: int, terms: Mapping[str, Terms]) -> None:
        self._terms = dict(terms)
        self._seed = seed
        self._market = LogPath(seed, "market", annual_volatility=0.5, longest_s=2 * _YEAR_S)
        self._paths = {
            symbol: LogPath(seed, symbol, annual_volatility=t.annual_volatility, longest_s=t.longest_s)
            for symbol, t in self._terms.items()
        }
        self._funding = LogPath(seed, "funding", annual_volatility=0.25, longest_s=7 * 24 * 3600)
        self._basis = LogPath(seed, "basis", annual_volatility=0.02, longest_s=3600)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._terms)

    def prices(self, symbol: str, path_ms: int) -> Prices:
        base, at = self._of(symbol).base_price, _array([path_ms])
        index, basis = int(self._log_index(symbol, at)[0]), int(self._log_basis(symbol, at)[0])
        return Prices(
            last=_price(base, index + basis),
            mark=_price(base, index + basis // 2),
            index=_price(base, index),
            as_of_path_ms=path_ms,
        )

    def price_range(self, symbol: str, path_ms: Sequence[int]) -> PriceRange:
        """Prices grow with their logs, so that the extremes of the logs are those of the prices."""
        base, at = self._of(symbol).base_price, _array(path_ms)
        index, basis = self._log_index(symbol, at), self._log_basis(symbol, at)
        last, mark = index + basis, index + basis // 2
        return PriceRange(
            lowest_last=_price(base, last.min()),
            highest_last=_price(base, last.max()),
            lowest_mark=_price(base, mark.min()),
            highest_mark=_price(base, mark.max()),
        )

    def bars(self, symbol: str, series: Series, spans: Sequence[Span], *, step_ms: int) -> list[Bar | None]:
        terms = self._of(symbol)
        points: list[int] = []
        edges: list[int] = []
        for span in spans:
            edges.append(len(points))
            first = span.start - span.start % step_ms + step_ms
            points += [span.start, *range(first, span.end, step_ms), span.end]
        if not points:
            return []
        at = _array(points)
        basis = self._log_basis(symbol, at)
        logs = self._log_index(symbol, at) + (basis // 2 if series == "mark" else basis)
        highs, lows = np.maximum.reduceat(logs, edges), np.minimum.reduceat(logs, edges)
        ends = [*edges[1:], len(points)]
        return [
            Bar(
                open=_price(terms.base_price, logs[start]),
                high=_price(terms.base_price, high),
                low=_price(terms.base_price, low),
                close=_price(terms.base_price, logs[end - 1]),
                volume=self._volume(symbol, span),
            )
            for span, start, end, high, low in zip(spans, edges, ends, highs, lows, strict=True)
        ]

    def funding(self, symbol: str, path_ms: int) -> Funding:
        """Around +0.01 % per eight hours, wandering by a few hundredths of a percent."""
        terms = self._of(symbol)
        wander = Decimal(int(self._funding.at(_array([path_ms]))[0])).scaleb(-_UNIT - 2)
        share = Decimal(terms.funding_interval_hours) / 8
        rate = (Decimal("0.0001") + wander) * share
        rate = max(-terms.funding_cap, min(terms.funding_cap, rate))
        return Funding(rate=rate.quantize(Decimal("1e-8")), interval_hours=terms.funding_interval_hours)

    def _of(self, symbol: str) -> Terms:
        try:
            return self._terms[symbol]
        except KeyError:
            raise UnknownSymbol(symbol) from None

    def _log_basis(self, symbol: str, at: Integers) -> Integers:
        """By how much the last price is off the index, and the mark half as much: basis points, the same for all contracts.

        Exchange rates against USD are no contracts: their last price is their index.
        """
        return self._basis.at(at) if self._terms[symbol].base_volume else np.zeros_like(at)

    def _log_index(self, symbol: str, at: Integers) -> Integers:
        """Log of the index price over its base, 0 at path time 0."""
        beta = self._terms[symbol].market_beta
        own = self._paths[symbol].at(at) - self._origin(symbol)
        if not beta:
            return own
        return own + (self._market.at(at) - self._origin("")) * beta // 1000

    @functools.lru_cache  # noqa: B019 - a player lives as long as its process
    def _origin(self, symbol: str) -> int:
        path = self._paths[symbol] if symbol else self._market
        return int(path.at(_array([0]))[0])

    def _volume(self, symbol: str, span: Span) -> Decimal:
        terms = self._terms[symbol]
        if not terms.base_volume or span.end <= span.start:
            return Decimal(0)
        digest = hashlib.blake2b(f"{self._seed}:{symbol}:{span.start}".encode(), digest_size=2).digest()
        swing = Decimal(50 + int.from_bytes(digest, "big") % 100) / 100
        return terms.base_volume * swing * (span.end - span.start) / 60_000


def _amplitude(annual_volatility: float, period_s: int) -> int:
    """Of an octave: what one unit of a lattice value adds to the log price, in its units before the shift."""
    deviation = annual_volatility * math.sqrt(period_s / _YEAR_S) / _OCTAVE_SHARE
    return int(deviation / _LATTICE_DEVIATION * (10**_UNIT << _SHIFT))


def _array(values: Iterable[int]) -> Integers:
    return np.fromiter(values, dtype=np.int64)


def _price(base: Decimal, log: np.int64 | int) -> Decimal:
    return base * _EXP.exp(Decimal(int(log)).scaleb(-_UNIT))
