"""Laddering: what the grid wants of one symbol at one bar, after every shaping and in its one order.

Candles that can be believed, warm indicators, the center, the grid around it, the regime's placement, the funding guard, the
operator's throttle, what may be sent. Whatever is missing on the way leaves no ladders, and the row says what it was: before
every indicator has a value SIDEWAYS is not a permission.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from hedge_pipeline.domain.account import Mark
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.funding import FundingState, guard_funding
from hedge_pipeline.domain.grid import needs_recenter, plan_ladders
from hedge_pipeline.domain.instruments import Instrument
from hedge_pipeline.domain.placement import filter_placeable, place
from hedge_pipeline.domain.regime import Regime
from hedge_pipeline.domain.sizing import throttled
from hedge_pipeline.domain.trading.plans import LadderRow, RegimeRow
from hedge_pipeline.domain.trading.policy import StrategyPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderInputs:
    """What one bar's ladders are made of. ``None`` means unknown, and unknown wants nothing."""

    account: str
    cycle: datetime
    regime: RegimeRow | None
    """The newest of the symbol."""
    center: Decimal | None
    """Of the grid as it is; ``None``: there is none yet."""
    instrument: Instrument | None
    mark: Mark | None
    funding_interval: timedelta | None
    """The symbol's own."""
    throttle: Decimal
    """Fraction of every quantity that an operator lets through."""


def ladder_row(
    inputs: LadderInputs, strategy: StrategyPolicy, *, now: datetime, recorded_at: datetime
) -> LadderRow:
    """The row of this bar. ``now`` is the venue's time."""
    blank = LadderRow(
        account=inputs.account,
        symbol=strategy.symbol,
        recorded_at=recorded_at,
        as_of=None,
        cycle=inputs.cycle,
        center=inputs.center,
        mid_price=None,
        ladders=None,
        left_out=(),
        funding=FundingState.UNKNOWN,
        funding_detail="not asked",
        withheld=None,
    )
    try:
        return _shaped(blank, inputs, strategy, now)
    except InvalidState as refusal:
        return replace(blank, withheld=str(refusal))


def _shaped(blank: LadderRow, inputs: LadderInputs, strategy: StrategyPolicy, now: datetime) -> LadderRow:
    regime, mid_price, withheld = _direction(inputs, strategy)
    if regime is None or mid_price is None:
        return replace(blank, withheld=withheld)
    row = replace(blank, mid_price=mid_price)
    if inputs.instrument is None:
        return replace(row, withheld=f"the instrument {strategy.symbol} is not known: nothing can be rounded")
    center = inputs.center
    if center is None or needs_recenter(center, mid_price, strategy.shape):
        center = mid_price
    row = replace(row, center=center)
    grid = plan_ladders(center, strategy.shape, inputs.instrument)
    shaped = place(grid, regime, strategy.placement)
    verdict = guard_funding(shaped, inputs.mark, inputs.funding_interval, strategy.funding, now=now)
    row = replace(row, funding=verdict.state, funding_detail=verdict.detail)
    if inputs.mark is None or verdict.state is FundingState.UNKNOWN:
        return replace(row, withheld=f"funding is not known: {verdict.detail}")
    kept = throttled(verdict.ladders, inputs.throttle)
    placeable = filter_placeable(kept, mid_price, inputs.instrument)
    stamps = (inputs.mark.as_of, inputs.regime.reading.as_of if inputs.regime else None)
    return replace(
        row,
        as_of=min(stamp for stamp in stamps if stamp is not None),
        ladders=placeable.ladders,
        left_out=placeable.left_out,
    )


def _direction(
    inputs: LadderInputs, strategy: StrategyPolicy
) -> tuple[Regime | None, Decimal | None, str | None]:
    """The regime and the newest close, or what keeps them from being believed."""
    row = inputs.regime
    if row is None or row.cycle != inputs.cycle:
        return None, None, f"no regime was told at {inputs.cycle.isoformat()}: read the candles of this bar"
    reading = row.reading
    if reading.fault is not None:
        return None, None, f"candles {reading.fault}: {reading.detail}"
    if not reading.is_warm:
        return (
            None,
            None,
            (
                f"cold: {reading.candles} candles, and the indicators have their values after {strategy.regime.warmup}"
            ),
        )
    return reading.regime, reading.close, "the regime is not known"
