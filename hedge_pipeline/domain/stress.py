"""Full-fill stress: what would be left if every entry of one side filled and the price ran on.

A grid loses most not in an average hour but when a trend takes all its rungs. So before anything is placed all resting and
proposed entries of one side are taken as filled at their limits, mark as far beyond the last rung as the rule says, the other
side's take-profits as unfilled and the maintenance margin as re-tiered for the larger position. No stop is taken to have helped;
that stops would trigger after the last rung and before liquidation is a condition of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from hedge_pipeline.domain.account import AccountTotals, Position, PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.margin import Bracket, maintenance_margin, margin_ratio
from hedge_pipeline.domain.vetoes import Veto

ZERO, ONE = Decimal(0), Decimal(1)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRule:
    """How far the price runs, and what must be left."""

    atr_multiple: Decimal
    least_move: Decimal
    """Fraction of the last rung's price: the price runs at least this far, however calm it was."""
    max_margin_ratio: Decimal
    max_drawdown: Decimal
    """Since the high-water mark, a fraction."""

    def __post_init__(self) -> None:
        for name, below in (
            ("atr_multiple", None), ("least_move", 1), ("max_margin_ratio", 1), ("max_drawdown", 1),
        ):  # fmt: skip
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value > 0) or (below is not None and value >= below):
                raise InvalidState(f"stress: {name} is {value}: write above 0{', below 1' if below else ''}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressEntry:
    """What may still fill of one opening order of the side under stress."""

    limit_price: Decimal
    quantity: Decimal
    """Base units."""
    stop_loss_price: Decimal
    """Trigger of the stop it would get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressInputs:
    """The account and one symbol of it. ``None`` means unknown, and unknown is a veto."""

    symbol: str
    position_side: PositionSide
    """The side that fills."""
    entries: tuple[StressEntry, ...] | None
    """All that rest and all that are proposed."""
    positions: tuple[Position, ...] | None
    """Both sides of the symbol; others are not looked at."""
    stop_prices: tuple[Decimal, ...] | None
    """Triggers of the stops that rest for the side's position."""
    mark_price: Decimal | None
    atr: Decimal | None
    totals: AccountTotals | None
    """By mark now: the margin balance stands for NAV."""
    drawdown: Decimal | None
    """Now, a fraction."""
    brackets: tuple[Bracket, ...] | None
    price_increment: Decimal | None
    """Of the symbol: rungs and stops are rounded apart, so two of one price may differ by so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """The account in the worst case asked about, and what speaks against it."""

    stressed_price: Decimal | None
    """``None``, as the next two, if something is unknown or nothing can be filled or held."""
    margin_ratio: Decimal | None
    drawdown: Decimal | None
    vetoes: tuple[Veto, ...]


def stress(inputs: StressInputs, rule: StressRule) -> StressResult:
    """Vetoes carry the numbers; none: the side may fill completely."""
    try:
        book = _book(inputs)
    except _UnknownError as unknown:
        veto = _veto(inputs, "stress_inputs_are_known", "stress_unavailable", "known", str(unknown))
        return StressResult(stressed_price=None, margin_ratio=None, drawdown=None, vetoes=(veto,))
    if book.quantity_at_risk == 0:
        return StressResult(stressed_price=None, margin_ratio=None, drawdown=None, vetoes=())
    sign = inputs.position_side.sign
    move = max(rule.atr_multiple * book.atr, rule.least_move * book.last_rung)
    price = max(book.last_rung - sign * move, ZERO)
    ratio, drawdown = book.margin_ratio_at(price), book.drawdown_at(price)
    vetoes = []
    if ratio > rule.max_margin_ratio:
        vetoes.append(
            _veto(inputs, "stressed_margin_ratio_is_within_its_limit", "margin_ratio",
                  f"{rule.max_margin_ratio}", f"{ratio:.6f} at {price:f}")
        )  # fmt: skip
    if drawdown > rule.max_drawdown:
        vetoes.append(
            _veto(inputs, "stressed_drawdown_is_within_its_limit", "nav_drawdown_limit",
                  f"{rule.max_drawdown}", f"{drawdown:.6f} at {price:f}")
        )  # fmt: skip
    vetoes.extend(_misplaced_stops(inputs, book))
    return StressResult(stressed_price=price, margin_ratio=ratio, drawdown=drawdown, vetoes=tuple(vetoes))


class _UnknownError(Exception):
    """Names what is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """The inputs, all known, with the side filled."""

    sign: int
    entries: tuple[StressEntry, ...]
    held: Decimal
    """Base units of the side's position now."""
    opposite: Decimal
    """Base units of the other side."""
    mark_price: Decimal
    atr: Decimal
    balance: Decimal
    drawdown: Decimal
    elsewhere: Decimal
    """Maintenance margin of all other symbols."""
    brackets: tuple[Bracket, ...]
    price_increment: Decimal
    stops: tuple[Decimal, ...]

    @property
    def quantity_at_risk(self) -> Decimal:
        return self.held + sum((entry.quantity for entry in self.entries), ZERO)

    @property
    def last_rung(self) -> Decimal:
        """The furthest entry, but no nearer than mark."""
        prices = [self.mark_price, *(entry.limit_price for entry in self.entries)]
        return min(price * self.sign for price in prices) * self.sign

    def balance_at(self, price: Decimal) -> Decimal:
        held = self.sign * (self.held - self.opposite) * (price - self.mark_price)
        filled = sum(
            (self.sign * entry.quantity * (price - entry.limit_price) for entry in self.entries), ZERO
        )
        return self.balance + held + filled

    def maintenance_at(self, price: Decimal) -> Decimal:
        return (
            self.elsewhere
            + maintenance_margin(self.quantity_at_risk * price, self.brackets)
            + maintenance_margin(self.opposite * price, self.brackets)
        )

    def margin_ratio_at(self, price: Decimal) -> Decimal:
        return margin_ratio(self.maintenance_at(price), self.balance_at(price))

    def drawdown_at(self, price: Decimal) -> Decimal:
        """The high-water mark stays; what is left of NAV falls with the balance."""
        return max(ONE - (ONE - self.drawdown) * self.balance_at(price) / self.balance, ZERO)


def _book(inputs: StressInputs) -> _Book:
    positions = _known("positions", inputs.positions)
    totals = _known("account totals", inputs.totals)
    brackets = _known("leverage brackets", inputs.brackets)
    entries = _known("entries", inputs.entries)
    stops = _known("stops", inputs.stop_prices)
    mark = _number("mark price", inputs.mark_price, above=ZERO)
    for entry in entries:
        _number("an entry's price", entry.limit_price, above=ZERO)
        _number("an entry's quantity", entry.quantity, above=ZERO)
        _number("an entry's stop", entry.stop_loss_price, above=ZERO)
    held, opposite = (
        sum((each.quantity for each in positions
             if each.symbol == inputs.symbol and (each.position_side is inputs.position_side) is same), ZERO)
        for same in (True, False)
    )  # fmt: skip
    _number("the position", held + opposite)
    if not brackets:
        raise _UnknownError("leverage brackets are not known")
    here = maintenance_margin(held * mark, brackets) + maintenance_margin(opposite * mark, brackets)
    return _Book(
        sign=inputs.position_side.sign,
        entries=entries,
        held=held,
        opposite=opposite,
        mark_price=mark,
        atr=_number("ATR", inputs.atr, above=ZERO),
        balance=_number("margin balance", totals.margin_balance, above=ZERO),
        drawdown=_number("drawdown", inputs.drawdown),
        elsewhere=max(_number("maintenance margin", totals.maintenance_margin) - here, ZERO),
        brackets=brackets,
        price_increment=_number("price increment", inputs.price_increment, above=ZERO),
        stops=(*(entry.stop_loss_price for entry in entries), *stops),
    )


def _misplaced_stops(inputs: StressInputs, book: _Book) -> Iterator[Veto]:
    """A stop at the last rung's price, but for its rounding, is after it.

    With every entry filled, balance less maintenance margin is a concave function of the price: positive at the last rung and at
    the stop, it is positive between them, so the stop lies before liquidation.
    """
    if book.held > 0 and not inputs.stop_prices:
        yield _veto(inputs, "position_has_a_stop", "stop_missing", "a stop", "none")
    last_rung = book.last_rung
    for stop in dict.fromkeys(book.stops):
        if not stop.is_finite() or stop <= 0:
            yield _veto(inputs, "stops_are_prices", "stop_missing", "above 0", f"{stop}")
        elif (stop - last_rung) * book.sign > book.price_increment:
            yield _veto(inputs, "stops_lie_beyond_the_last_rung", "stop_before_last_rung",
                        f"{last_rung:f}", f"{stop:f}")  # fmt: skip
        elif (worst := max(book.margin_ratio_at(stop), book.margin_ratio_at(last_rung))) >= 1:
            yield _veto(inputs, "stops_lie_before_liquidation", "stop_beyond_liquidation",
                        "a margin ratio below 1", f"{worst:.6f} at the stop {stop:f}")  # fmt: skip


def _known(name: str, value: T | None) -> T:
    if value is None:
        raise _UnknownError(f"{name} not known")
    return value


def _number(name: str, value: Decimal | None, above: Decimal | None = None) -> Decimal:
    known = _known(name, value)
    if not known.is_finite() or known < 0 or (above is not None and known <= above):
        raise _UnknownError(f"{name} is {known}")
    return known


def _veto(inputs: StressInputs, rule: str, reason: str, threshold: str, observation: str) -> Veto:
    return Veto(
        rule=rule,
        reason=reason,
        symbol=inputs.symbol,
        position_side=inputs.position_side,
        threshold=threshold,
        observation=observation,
    )
