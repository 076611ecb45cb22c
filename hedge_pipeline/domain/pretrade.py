"""Whether one order may be sent: every rule, always all of them; each that does not hold is a veto.

The table below is the policy, in the order operators read it. Opening orders answer to all limits and to everything having to
be known. Reducing orders answer to one rule, that they close no more than there is: no state of the gate, no limit and no
missing figure keeps a position from becoming smaller.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from hedge_pipeline.domain import pretrade_knowledge as known
from hedge_pipeline.domain import pretrade_rules as limited
from hedge_pipeline.domain.orders import NewOrder
from hedge_pipeline.domain.pretrade_inputs import Holds, PretradeInputs, make_case
from hedge_pipeline.domain.trading_limits import TradingLimits
from hedge_pipeline.domain.vetoes import Veto


class Judged(Enum):
    """Which orders a rule is about."""

    OPENING = "opening"
    REDUCING = "reducing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the policy."""

    holds: Holds
    reason: str
    judged: Judged

    @property
    def name(self) -> str:
        return self.holds.__name__


def _opening(holds: Holds, reason: str) -> Rule:
    return Rule(holds=holds, reason=reason, judged=Judged.OPENING)


def _reducing(holds: Holds, reason: str) -> Rule:
    return Rule(holds=holds, reason=reason, judged=Judged.REDUCING)


RULES: tuple[Rule, ...] = (
    _reducing(limited.reduction_is_within_the_position, "position_exceeded"),
    _opening(known.gate_is_active, "nav_stale"),
    _opening(known.risk_state_is_known, "risk_state_unavailable"),
    _opening(known.instrument_is_known, "instruments_unknown"),
    _opening(known.nav_is_known, "nav_unavailable"),
    _opening(known.exposure_is_known, "exposure_unavailable"),
    _opening(known.leverage_is_known, "leverage_unavailable"),
    _opening(known.margin_is_known, "margin_unavailable"),
    _opening(known.notional_is_valid, "invalid_notional"),
    _opening(limited.symbol_is_listed, "whitelist"),
    _opening(limited.instrument_is_trading, "not_trading"),
    _opening(limited.delivery_is_far, "delivery_near"),
    _opening(limited.order_fits_the_increments, "invalid_notional"),
    _opening(limited.notional_is_above_the_minimum, "min_notional"),
    _opening(limited.order_is_within_the_symbols_cap, "symbol_cap"),
    _opening(limited.side_quantity_is_within_its_cap, "symbol_cap"),
    _opening(limited.side_exposure_is_within_its_cap, "symbol_cap"),
    _opening(limited.symbol_exposure_is_within_its_cap, "symbol_cap"),
    _opening(limited.side_is_not_blocked, "side_blocked"),
    _opening(limited.leverage_is_within_its_cap, "leverage_cap"),
    _opening(limited.last_entry_is_long_ago, "cooldown"),
    _opening(limited.last_stop_is_long_ago, "cooldown"),
    _opening(limited.circuit_breaker_is_closed, "circuit_breaker"),
    _opening(limited.burst_is_within_its_limit, "burst_limit"),
    _opening(limited.trade_rate_is_within_its_limit, "trade_rate_limit"),
    _opening(limited.order_is_within_its_share_of_nav, "max_trade_nav"),
    _opening(limited.account_exposure_is_within_its_cap, "portfolio_cap"),
    _opening(limited.open_sides_are_few, "max_concurrent"),
    _opening(limited.bucket_exposure_is_within_its_cap, "tier_cap"),
    _opening(limited.margin_ratio_is_within_its_limit, "margin_ratio"),
)
"""Every rule. All that are about an order are always evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A plan's orders after the rules."""

    passed: tuple[NewOrder, ...]
    vetoed: tuple[tuple[NewOrder, tuple[Veto, ...]], ...]


def judge(
    order: NewOrder,
    inputs: PretradeInputs,
    limits: TradingLimits,
    *,
    now: datetime,
    earlier: tuple[NewOrder, ...] = (),
) -> tuple[Veto, ...]:
    """Why ``order`` may not be sent; empty: it may.

    ``now`` is the venue's time. Judging counts nothing: an order counts as an attempt once it is submitted.

    Args:
        earlier: orders of the same plan that passed and are not among ``inputs.resting`` yet.
    """
    case = make_case(order, inputs, limits, earlier=earlier, now=now)
    judged = Judged.REDUCING if order.reduces_position else Judged.OPENING
    return tuple(
        Veto(
            rule=rule.name,
            reason=finding.reason or rule.reason,
            symbol=order.symbol,
            position_side=order.position_side,
            threshold=finding.threshold,
            observation=finding.observation,
        )
        for rule in RULES
        if rule.judged is judged
        for finding in rule.holds(case)
    )


def screen(
    orders: Iterable[NewOrder], inputs: PretradeInputs, limits: TradingLimits, *, now: datetime
) -> Screened:
    """Judge a plan's orders one after the other; each that passes counts for those behind it."""
    passed: tuple[NewOrder, ...] = ()
    vetoed = []
    for order in orders:
        if vetoes := judge(order, inputs, limits, now=now, earlier=passed):
            vetoed.append((order, vetoes))
        else:
            passed = (*passed, order)
    return Screened(passed=passed, vetoed=tuple(vetoed))
