"""Funding guard: before an expensive settlement the side that pays shrinks, the closer the settlement the more.

The cost is projected over a window: rate × window ÷ interval, as a fraction of the notional, the interval being the symbol's
own (8, 4 or 1 hours; it changes). Above the limit, and within the window before the settlement, the paying side keeps the
fraction of its quantity that is left of the window: all of it as the window begins, nothing at the settlement. The other
side, which is paid, is never touched. All by the job's clock.

Without a fresh rate, a coming settlement and an interval nobody knows which side pays: that is a state of its own, and it
leaves no rung on either side, because opening needs every source.

The projection takes the rate that stands now for every settlement in the window, and the ladder as if all of it had filled.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from hedge_pipeline.domain.account import Mark, PositionSide
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.grid import Ladders, scaled

ZERO = Decimal(0)
_MICROSECOND = timedelta(microseconds=1)


class FundingState(StrEnum):
    """What the guard knows, and did."""

    UNKNOWN = "unknown"
    """It cannot be told who pays how much: nothing is opened."""
    AFFORDABLE = "affordable"
    DISTANT = "distant"
    """Too expensive, and the settlement is further away than the window."""
    SHRUNK = "shrunk"
    """Too expensive and close: the paying side is smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRule:
    """How much funding may cost, and how long before a settlement that counts."""

    window: timedelta
    max_cost_bps: Decimal
    max_age: timedelta
    """Of the rate, by the venue's stamp."""
    future_tolerance: timedelta
    """A rate stamped further ahead of the job's clock than this is not believed."""

    def __post_init__(self) -> None:
        if self.window <= timedelta(0):
            raise InvalidState(f"funding_window_minutes is {self.window}: write a window above 0")
        if not (self.max_cost_bps.is_finite() and self.max_cost_bps >= 0):
            raise InvalidState(f"funding_max_cost_bps is {self.max_cost_bps}: write 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingVerdict:
    """What funding leaves of the ladders, and why."""

    state: FundingState
    detail: str
    """In one line: what is unknown, or the projection."""
    ladders: Ladders
    paying_side: PositionSide | None
    cost_bps: Decimal | None
    """Projected over the window, of the notional; unsigned."""
    cost_usd: Decimal | None
    """The same on the paying side's whole ladder at mark, before it shrinks."""
    kept: Decimal
    """Fraction of the paying side's quantity that is left."""


def guard_funding(
    ladders: Ladders, mark: Mark | None, interval: timedelta | None, rule: FundingRule, *, now: datetime
) -> FundingVerdict:
    """Shrink the side that pays too much. ``interval`` is the symbol's own, between its settlements.

    ``now`` is the job's clock; ``mark`` is as the venue stamped it.
    """
    unknown = _unknown(ladders, mark, interval, rule, now)
    if mark is None or interval is None or unknown is not None:
        return FundingVerdict(
            state=FundingState.UNKNOWN,
            detail=f"{ladders.symbol}: {unknown}",
            ladders=replace(ladders, long=(), short=()),
            paying_side=None,
            cost_bps=None,
            cost_usd=None,
            kept=ZERO,
        )
    paying = PositionSide.LONG if mark.funding_rate >= 0 else PositionSide.SHORT
    fraction = abs(mark.funding_rate) * _ratio(rule.window, interval)
    cost_bps, until = fraction * 10_000, mark.next_funding_at - now
    if cost_bps <= rule.max_cost_bps:
        state, kept = FundingState.AFFORDABLE, Decimal(1)
    elif until > rule.window:
        state, kept = FundingState.DISTANT, Decimal(1)
    else:
        state, kept = FundingState.SHRUNK, _ratio(until, rule.window)
    return FundingVerdict(
        state=state,
        detail=(
            f"{paying} pays {cost_bps.normalize():f} bps over {rule.window}, allowed are {rule.max_cost_bps}; "
            f"next settlement in {until}"
        ),
        ladders=ladders.with_side(paying, scaled(ladders.of(paying), kept)),
        paying_side=paying,
        cost_bps=cost_bps,
        cost_usd=_quantity(ladders, paying) * mark.mark_price * fraction,
        kept=kept,
    )


def _unknown(
    ladders: Ladders, mark: Mark | None, interval: timedelta | None, rule: FundingRule, now: datetime
) -> str | None:
    if mark is None:
        return "its mark and funding rate could not be read"
    if interval is None or interval <= timedelta(0):
        return "its funding interval is not known: read the funding history"
    age, price, rate = now - mark.as_of, mark.mark_price, mark.funding_rate
    faults = (
        (mark.symbol != ladders.symbol, f"the mark is of {mark.symbol}"),
        (not (rate.is_finite() and price.is_finite() and price > 0), "funding rate or mark price is none"),
        (
            age > rule.max_age,
            f"the funding rate is {age.total_seconds():g} s old, allowed are {rule.max_age}",
        ),
        (-age > rule.future_tolerance, f"the funding rate is stamped {-age.total_seconds():g} s ahead of us"),
        (mark.next_funding_at < now, "its settlement is over and the venue names no next one"),
    )
    return next((text for is_fault, text in faults if is_fault), None)


def _ratio(part: timedelta, whole: timedelta) -> Decimal:
    return Decimal(part // _MICROSECOND) / Decimal(whole // _MICROSECOND)


def _quantity(ladders: Ladders, position_side: PositionSide) -> Decimal:
    return sum((rung.quantity for rung in ladders.of(position_side)), ZERO)
