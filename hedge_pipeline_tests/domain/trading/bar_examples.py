"""One bar of the documented strategy: an account of a hundred thousand, flat, everything known, with what a test wants different."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hedge_pipeline.domain.account import Mark
from hedge_pipeline.domain.client_order_ids import Book, OrderName, client_order_id
from hedge_pipeline.domain.exits import ExitRule
from hedge_pipeline.domain.funding import FundingRule
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.orders import (
    KnownOrder,
    NewOrder,
    OrderKind,
    OrderType,
    TimeInForce,
    opening_side,
)
from hedge_pipeline.domain.placement import PlacementMode, PlacementRule
from hedge_pipeline.domain.pretrade_inputs import PretradeInputs
from hedge_pipeline.domain.reconciliation import Tolerance
from hedge_pipeline.domain.regime import RegimeReading, RegimeRule, read_regime
from hedge_pipeline.domain.stress import StressRule
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.laddering import LadderInputs, ladder_row
from hedge_pipeline.domain.trading.planning import AccountFacts, SymbolFacts, plan_rows
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.policy import SendingRule, StrategyPolicy, TradingPolicy
from hedge_pipeline.domain.trading_risk_state import fresh_state
from hedge_pipeline_tests.domain.order_examples import NOW, decision, rests, totals
from hedge_pipeline_tests.domain.trading_examples import CENTER, MINUTE, START, candle, instrument, shape
from hedge_pipeline_tests.domain.trading_limit_examples import limits

CYCLE = NOW
"""The bar has just closed."""
EIGHT_HOURS = timedelta(hours=8)
BRACKETS = (
    Bracket(notional_cap_usd=Decimal(50_000), maintenance_rate=Decimal("0.004"), cumulative_usd=Decimal(0)),
    Bracket(notional_cap_usd=Decimal(10**7), maintenance_rate=Decimal("0.05"), cumulative_usd=Decimal(2300)),
)
STRATEGY = StrategyPolicy(
    name="hedge_grid_v1",
    symbol="BTCUSDT",
    bar=MINUTE,
    shape=shape(base_quantity=Decimal("0.02"), max_inventory=Decimal(20_000)),
    regime=RegimeRule(ema_fast=10, ema_slow=30, adx_length=14, atr_length=14, hysteresis_bps=Decimal(35)),
    candle_max_age=5 * MINUTE,
    placement=PlacementRule(
        mode=PlacementMode.THROTTLED_COUNTER, counter_levels=4, counter_quantity_scale=Decimal("0.5")
    ),
    funding=FundingRule(
        window=timedelta(minutes=480),
        max_cost_bps=Decimal(12),
        max_age=MINUTE,
        future_tolerance=timedelta(seconds=1),
    ),
    tolerance=Tolerance(price_bps=Decimal(1), quantity=Decimal("0.01")),
    leverage=Decimal(3),
)
POLICY = TradingPolicy(
    enabled=True,
    strategies=(STRATEGY,),
    limits=limits(),
    stress=StressRule(
        atr_multiple=Decimal(3),
        least_move=Decimal("0.10"),
        max_margin_ratio=Decimal("0.5"),
        max_drawdown=Decimal("0.20"),
    ),
    exits=ExitRule(crossed_stop_bps=Decimal(5), backstop_distance=Decimal("0.02")),
    rest_stop_distance=Decimal("0.05"),
    rest_take_profit_distance=Decimal("0.05"),
    sending=SendingRule(
        post_only=True,
        retry_attempts=3,
        retry_steps=1,
        retry_max_deviation_bps=Decimal(100),
        countdown=timedelta(seconds=60),
        lookups=3,
    ),
    protection=timedelta(seconds=10),
    adopt_all=True,
)
BOOK = POLICY.book("0123456789abcdef", "main", "BTCUSDT")


@cache
def regime_reading(growth: str, candles: int, now: datetime) -> RegimeReading:
    first = round((NOW - START) / MINUTE) - candles
    told = [
        candle(first + number, CENTER * Decimal(growth) ** (number + 1 - candles))
        for number in range(candles)
    ]
    return read_regime("BTCUSDT", told, STRATEGY.regime, now=now, max_age=STRATEGY.candle_max_age)


def regime_row(growth: str = "1", candles: int = 90, now: datetime = NOW, **changes: Any) -> RegimeRow:
    """Told at ``now`` by minutes that end at ``NOW``, at 100,000, each so many times the one before."""
    fields: dict[str, Any] = {
        "account": "main",
        "symbol": "BTCUSDT",
        "recorded_at": NOW,
        "cycle": CYCLE,
        "reading": regime_reading(growth, candles, now),
    }
    return RegimeRow(**{**fields, **changes})


def mark(rate: str = "0.0001", **changes: Any) -> Mark:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "mark_price": CENTER,
        "index_price": CENTER,
        "funding_rate": Decimal(rate),
        "next_funding_at": NOW + timedelta(hours=4),
        "as_of": NOW,
    }
    return Mark(**{**fields, **changes})


def ladder(strategy: StrategyPolicy = STRATEGY, **changes: Any) -> LadderRow:
    """This bar's, with other inputs."""
    fields: dict[str, Any] = {
        "account": "main",
        "cycle": CYCLE,
        "regime": regime_row(),
        "center": CENTER,
        "instrument": instrument(),
        "mark": mark(),
        "funding_interval": EIGHT_HOURS,
        "throttle": Decimal(1),
    }
    return ladder_row(LadderInputs(**{**fields, **changes}), strategy, now=NOW, recorded_at=NOW)


def grid() -> Ladders:
    """What this bar wants."""
    wanted = ladder().ladders
    assert wanted is not None
    return wanted


def symbol_facts(**changes: Any) -> SymbolFacts:
    fields: dict[str, Any] = {
        "strategy": STRATEGY,
        "book": BOOK,
        "cycle": CYCLE,
        "ladder": ladder(),
        "atr": Decimal(500),
        "brackets": BRACKETS,
        "attempts": {},
        "obstacle": None,
    }
    return SymbolFacts(**{**fields, **changes})


def pretrade(**changes: Any) -> PretradeInputs:
    known: dict[str, Any] = {
        "decision": decision(),
        "nav_usd": Decimal(100_000),
        "positions": (),
        "resting": (),
        "mark_prices": {"BTCUSDT": CENTER},
        "instruments": (instrument(),),
        "leverages": {"BTCUSDT": Decimal(3)},
        "totals": totals(100_000),
        "state": fresh_state("main"),
    }
    return PretradeInputs(**{**known, **changes})


def plan(
    symbol: SymbolFacts | None = None,
    policy: TradingPolicy = POLICY,
    *,
    drawdown: Decimal | None = Decimal(0),
    intents: Iterable[Intent] = (),
    **inputs: Any,
) -> PlanRow:
    """This bar's, with other pre-trade inputs."""
    account = AccountFacts(
        account="main",
        as_of=NOW,
        inputs=pretrade(**inputs),
        intents={intent.client_order_id: intent for intent in intents},
        drawdown=drawdown,
    )
    (row,) = plan_rows([symbol or symbol_facts()], account, policy, now=NOW, recorded_at=NOW)
    return row


def order_of(rung: Rung, attempt: int = 0, book: Book = BOOK, **changes: Any) -> NewOrder:
    """The entry of a rung, as an earlier bar's plan would have sent it."""
    name = OrderName(
        kind=OrderKind.ENTRY,
        position_side=rung.position_side,
        level=rung.level,
        cycle=CYCLE - MINUTE,
        attempt=attempt,
    )
    fields: dict[str, Any] = {
        "client_order_id": client_order_id(book, name),
        "symbol": "BTCUSDT",
        "kind": OrderKind.ENTRY,
        "side": opening_side(rung.position_side),
        "position_side": rung.position_side,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTX,
        "quantity": rung.quantity,
        "limit_price": rung.limit_price,
        "stop_price": None,
    }
    return NewOrder(**{**fields, **changes})


def resting(rungs: Iterable[Rung], **changes: Any) -> tuple[KnownOrder, ...]:
    """An order of an earlier bar for each rung."""
    return tuple(rests(order_of(rung), **changes) for rung in rungs)


def intent(order: NewOrder, **changes: Any) -> Intent:
    fields: dict[str, Any] = {
        "account": "main",
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "strategy": STRATEGY.name,
        "recorded_at": NOW - MINUTE,
        "cycle": CYCLE - MINUTE,
        "decided_at": NOW - MINUTE,
        "order": order,
        "take_profit_price": None,
        "stop_loss_price": None,
    }
    return Intent(**{**fields, **changes})
