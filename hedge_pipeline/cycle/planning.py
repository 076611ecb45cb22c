"""Planning a bar: candles, regimes, ladders and plans, each step from what the store holds, one row per symbol.

Nothing here sends anything, and nothing fails: what could not be known is said in the row, and wants, plans and opens nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.cycle.trading_facts import (
    instrument_of,
    look,
    marks_of,
    newest,
    symbol_facts,
    terms_of,
)
from hedge_pipeline.domain.market_data import Candle
from hedge_pipeline.domain.regime import read_regime
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.laddering import LadderInputs, ladder_row
from hedge_pipeline.domain.trading.planning import plan_rows
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.policy import StrategyPolicy
from hedge_pipeline.domain.trading.readings import CandlesReading

WARMUPS = 3
"""Candles asked for, in warm-ups: where they begin shows in the averages for a while."""
CANDLE_ATTEMPTS = 3
"""Attempts looked back through for candles: one failed request is no reason to want nothing."""


def read_candles(fund: Fund) -> tuple[CandlesReading, ...]:
    """Finished candles of every strategy's symbol."""
    readings = tuple(
        fund.orders.read_candles(strategy.symbol, strategy.bar, WARMUPS * strategy.regime.warmup)
        for strategy in fund.trading.strategies
    )
    fund.store.append(*readings)
    return readings


def read_regimes(fund: Fund) -> tuple[RegimeRow, ...]:
    """What the newest candles say."""
    rows = tuple(_regime(fund, strategy) for strategy in fund.trading.strategies)
    fund.store.append(*rows)
    return rows


def _regime(fund: Fund, strategy: StrategyPolicy) -> RegimeRow:
    now = fund.now()
    attempts = fund.store.rows(
        CandlesReading, fund.account, symbol=strategy.symbol, limit=CANDLE_ATTEMPTS, newest_first=True
    )
    reading = read_regime(
        strategy.symbol,
        _newest_known(attempts, strategy),
        strategy.regime,
        now=now,
        max_age=strategy.candle_max_age,
    )
    errors = [source.error for source in attempts[0].sources if source.error] if attempts else []
    if reading.fault is not None and errors:
        reading = replace(reading, detail=f"{reading.detail}; last attempt: {'; '.join(errors)}")
    return RegimeRow(
        account=fund.account,
        symbol=strategy.symbol,
        recorded_at=fund.clock.now(),
        cycle=cycle_at(now, strategy.bar),
        reading=reading,
    )


def _newest_known(attempts: Iterable[CandlesReading], strategy: StrategyPolicy) -> tuple[Candle, ...]:
    return next(
        (each.candles for each in attempts if each.interval == strategy.bar and each.candles is not None), ()
    )


def current_throttle(_fund: Fund) -> Decimal:
    """Fraction of every quantity that an operator lets through: all of it."""
    return Decimal(1)


def plan_ladders(fund: Fund) -> tuple[LadderRow, ...]:
    """What the grids want at this bar."""
    rows = tuple(_ladder(fund, strategy) for strategy in fund.trading.strategies)
    fund.store.append(*rows)
    return rows


def _ladder(fund: Fund, strategy: StrategyPolicy) -> LadderRow:
    symbol = strategy.symbol
    previous, terms = newest(fund, LadderRow, symbol), terms_of(fund, strategy).terms
    now = fund.now()
    inputs = LadderInputs(
        account=fund.account,
        cycle=cycle_at(now, strategy.bar),
        regime=newest(fund, RegimeRow, symbol),
        center=previous.center if previous else None,
        instrument=instrument_of(fund, symbol),
        mark=marks_of(fund).get(symbol),
        funding_interval=terms.funding_interval if terms else None,
        throttle=current_throttle(fund),
    )
    return ladder_row(inputs, strategy, now=now, recorded_at=fund.clock.now())


def plan_orders(fund: Fund) -> tuple[PlanRow, ...]:
    """What is to be done with the orders of every symbol, judged now."""
    snapshot = look(fund)
    symbols = tuple(symbol_facts(fund, strategy, snapshot) for strategy in fund.trading.strategies)
    rows = plan_rows(symbols, snapshot.account, fund.trading, now=fund.now(), recorded_at=fund.clock.now())
    fund.store.append(*rows)
    return rows
