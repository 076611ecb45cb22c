"""Time passing over the account: funding, countdowns, fills, triggers, liquidation.

Orders meet the path once a second of the wall clock, on whole seconds, whoever asks and however often: an account asked once an
hour has the fills of one asked all the time. Seconds in which no price comes near an order are leapt over: the lowest and the
highest of all their prices are known at a small part of the cost of walking them.
"""

from collections.abc import Iterator

from hedge_pipeline.paper.core import HOUR_MS, Core, Unreached
from hedge_pipeline.paper.liquidation import is_far, liquidate
from hedge_pipeline.paper.matching import cancel_everything, match

STEP_MS = 1000
COVER_STEP_MS = 60_000
"""How often margins are looked at, unless they are far from used up."""
_SHORTEST_LEAP, _FIRST_LEAP, _LONGEST_LEAP = 8, 64, 4096
"""Seconds. To look at fewer costs as much as to walk them."""


def advance(core: Core, now_ms: int) -> None:
    """Let everything due by now happen."""
    for instant in _instants(core, now_ms):
        _fund(core, instant)
        _end_countdowns(core, instant)
        for symbol in sorted(_symbols_with_orders(core)):
            match(core, symbol, now_ms=instant)
        if instant % COVER_STEP_MS == 0 and not is_far(core, instant):
            liquidate(core, now_ms=instant)
    _fund(core, now_ms)
    _end_countdowns(core, now_ms)
    core.order_book.walked_until_ms = now_ms
    core.order_book.forget(now_ms)


def _instants(core: Core, now_ms: int) -> Iterator[int]:
    """Whole seconds in which something can happen: those in which an order may be reached, minutes where margins may be used up,
    hours (of funding), the ends of countdowns. While the path stands still, hours alone.
    """
    instant = core.order_book.walked_until_ms
    if instant is None:
        return
    path = core.market.path_at(instant)
    lookout = _Lookout(core)
    while True:
        next_hour = _next(instant, HOUR_MS)
        if core.market.path_at(next_hour) == path:
            instant = next_hour
        else:
            event = next_hour if is_far(core, next_hour) else _next(instant, COVER_STEP_MS)
            instant = lookout.next(instant, event, now_ms)
        if instant > now_ms:
            return
        before, path = path, core.market.path_at(instant)
        if path != before or instant % HOUR_MS == 0:
            yield instant


class _Lookout:
    """Finds the seconds in which an order may be reached."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._leap = _FIRST_LEAP
        self._walk_until = 0

    def next(self, instant: int, event: int, now_ms: int) -> int:
        """The first of them after an instant; without one by then or by now that of an event, or of a countdown that ends
        before it.
        """
        symbols = _symbols_with_orders(self._core)
        if not symbols:
            return event
        ends = (at_ms + -at_ms % STEP_MS for at_ms in self._core.order_book.countdowns.values())
        event = min([event, *(end for end in ends if end > instant)])
        instant = self._known_until(instant)
        while (following := _next(instant, STEP_MS)) < event and following <= now_ms:
            if instant < self._walk_until:
                return following
            seconds = range(following, min(event, following + self._leap * STEP_MS), STEP_MS)
            if not any(_may_reach(self._core, symbol, seconds) for symbol in symbols):
                self._core.unreached = Unreached(
                    revision=self._core.revision,
                    session=self._core.market.sessions[-1],
                    start_ms=instant,
                    end_ms=seconds[-1],
                )
                instant = seconds[-1]
                self._leap = min(2 * self._leap, _LONGEST_LEAP)
            elif len(seconds) > _SHORTEST_LEAP:
                self._leap = min(len(seconds) // 2, max(1, (now_ms - instant) // STEP_MS))
            else:
                self._walk_until = seconds[-1]
        return event

    def _known_until(self, instant: int) -> int:
        """Up to where it was seen before that no order is reached."""
        known, core = self._core.unreached, self._core
        if known is None or (known.revision, known.session) != (core.revision, core.market.sessions[-1]):
            return instant
        return known.end_ms if known.start_ms <= instant < known.end_ms else instant


def _may_reach(core: Core, symbol: str, seconds: range) -> bool:
    """Whether an order of a symbol is reached, or a trigger met, at one of these instants; also if nobody knows."""
    prices = core.market.price_range(symbol, seconds)
    if prices is None:
        return True
    lasts, marks = (prices.lowest_last, prices.highest_last), (prices.lowest_mark, prices.highest_mark)
    return any(o.is_reached(price) for o in core.order_book.working(symbol) for price in lasts) or any(
        c.is_triggered(price)
        for c in core.order_book.waiting(symbol)
        for price in (marks if c.working_type == "MARK_PRICE" else lasts)
    )


def _next(instant: int, step: int) -> int:
    """The first multiple of a step after an instant."""
    return instant - instant % step + step


def _fund(core: Core, now_ms: int) -> None:
    """Funding alone is no reason to look at margins that are far from used up."""
    revision = core.revision
    core.advance(now_ms)
    if core.covered and core.covered[0] == revision:
        core.covered = core.revision, core.covered[1]


def _symbols_with_orders(core: Core) -> set[str]:
    return {o.symbol for o in core.order_book.working()} | {c.symbol for c in core.order_book.waiting()}


def _end_countdowns(core: Core, now_ms: int) -> None:
    ended = {symbol for symbol, at_ms in core.order_book.countdowns.items() if at_ms <= now_ms}
    if not ended:
        return
    for symbol in ended:
        del core.order_book.countdowns[symbol]
    core.revision += 1
    spares = core.order_book.countdown_spares_conditionals
    cancel_everything(core, ended.__contains__, now_ms=now_ms, conditionals=not spares)
