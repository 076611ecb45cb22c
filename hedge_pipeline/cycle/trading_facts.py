"""Trading facts: what the store knows at this instant of the account and of each symbol; too old is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from hedge_pipeline.cycle.covering import NOT_ADOPTED
from hedge_pipeline.cycle.fund import Fund
from hedge_pipeline.cycle.judging import judge
from hedge_pipeline.domain.account import AccountReading, Mark, MarksReading
from hedge_pipeline.domain.client_order_ids import Book, recognize
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.instruments import Instrument, InstrumentsReading
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline.domain.pretrade_inputs import PretradeInputs
from hedge_pipeline.domain.reconciliation import Key
from hedge_pipeline.domain.trading.bars import cycle_at
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.planning import AccountFacts, SymbolFacts, working_orders
from hedge_pipeline.domain.trading.plans import LadderRow, RegimeRow
from hedge_pipeline.domain.trading.policy import StrategyPolicy
from hedge_pipeline.domain.trading.readings import (
    FillsReading,
    LedgerFill,
    OrdersReading,
    SymbolConfig,
    SymbolTerms,
    TermsReading,
)
from hedge_pipeline.domain.trading.risk_events import history_needed, risk_state_of
from hedge_pipeline.domain.trading_risk_state import TradingRiskState

Row = TypeVar("Row")
Stamped = TypeVar("Stamped", Intent, OrderUpdate, LedgerFill)

LOOKS_BACK = (300, 3000, 30_000)
"""Rows read, until they reach back as far as any rule looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one symbol is set and what it costs."""

    config: SymbolConfig | None
    terms: SymbolTerms | None


def is_fresh(fund: Fund, stamp: datetime | None, limit: timedelta) -> bool:
    """Whether a fact of that stamp of the venue's counts as known now."""
    if stamp is None:
        return False
    age = fund.now() - stamp
    return -fund.limits.freshness.future_tolerance <= age <= limit


def newest(fund: Fund, table: type[Row], symbol: str) -> Row | None:
    """The symbol's own."""
    return fund.store.latest(table, fund.account, symbol=symbol)


def instruments_of(fund: Fund) -> tuple[Instrument, ...] | None:
    reading = fund.last_known(InstrumentsReading, "instruments")
    if reading is None or not is_fresh(fund, reading.as_of, fund.limits.freshness.instruments):
        return None
    return reading.instruments


def instrument_of(fund: Fund, symbol: str) -> Instrument | None:
    return next((each for each in instruments_of(fund) or () if each.symbol == symbol), None)


def marks_of(fund: Fund) -> dict[str, Mark]:
    """By symbol, those young enough."""
    reading = fund.latest(MarksReading)
    marks = (reading.marks if reading else None) or ()
    return {mark.symbol: mark for mark in marks if is_fresh(fund, mark.as_of, fund.limits.freshness.marks)}


def terms_of(fund: Fund, strategy: StrategyPolicy) -> Terms:
    """As old as candles may be, for they are read together."""
    reading = fund.latest(TermsReading)
    if reading is None or not is_fresh(fund, reading.as_of, strategy.candle_max_age):
        return Terms(config=None, terms=None)
    return Terms(
        config=next((each for each in reading.configs or () if each.symbol == strategy.symbol), None),
        terms=next((each for each in reading.terms or () if each.symbol == strategy.symbol), None),
    )


def open_orders(fund: Fund) -> OrdersReading | None:
    """The newest list of what rests; ``None``: it failed, or is too old."""
    reading = fund.latest(OrdersReading)
    return reading if reading is not None and is_fresh(fund, reading.as_of, fund.trading.silence) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One look at the store, which every symbol's facts are taken from: orders are listed and their ids read once a bar."""

    account: AccountFacts
    updates: tuple[OrderUpdate, ...]
    """Recent ones, newest first."""
    sent: tuple[Intent, ...]
    """Recent ones, newest first."""
    listed: frozenset[str]
    """Client order ids that the venue listed."""


def look(fund: Fund) -> Snapshot:
    """What is known of the account now."""
    reading, orders = _account_reading(fund), open_orders(fund)
    sent, updates = _recent(fund, Intent), _recent(fund, OrderUpdate)
    counted = [*fund.store.unsettled(fund.account), *_filled_since(fund, reading, updates)]
    nav, peak = fund.latest(NavSnapshot), fund.latest(PeakState)
    configs = {each.symbol: terms_of(fund, each).config for each in fund.trading.strategies}
    stamps = [reading.as_of if reading else None, orders.as_of if orders else None]
    listed = orders.orders if orders else None
    inputs = PretradeInputs(
        decision=judge(fund),
        nav_usd=nav.nav_usd if nav is not None and nav.accepted else None,
        positions=reading.positions if reading else None,
        resting=working_orders(listed, counted),
        mark_prices={symbol: mark.mark_price for symbol, mark in marks_of(fund).items()},
        instruments=instruments_of(fund),
        leverages={symbol: config.leverage for symbol, config in configs.items() if config is not None},
        totals=reading.totals if reading else None,
        state=_risk_state(fund, sent, updates),
    )
    return Snapshot(
        account=AccountFacts(
            account=fund.account,
            as_of=min((stamp for stamp in stamps if stamp is not None), default=None),
            inputs=inputs,
            intents={intent.client_order_id: intent for intent in counted},
            drawdown=peak.drawdown if peak else None,
        ),
        updates=updates,
        sent=sent,
        listed=frozenset(order.client_order_id for order in listed or ()),
    )


def symbol_facts(fund: Fund, strategy: StrategyPolicy, snapshot: Snapshot) -> SymbolFacts:
    """What is known of one strategy's symbol now."""
    symbol = strategy.symbol
    cycle = cycle_at(fund.now(), strategy.bar)
    regime, terms = newest(fund, RegimeRow, symbol), terms_of(fund, strategy)
    book = fund.trading.book(fund.store.store_id, fund.account, symbol)
    return SymbolFacts(
        strategy=strategy,
        book=book,
        cycle=cycle,
        ladder=newest(fund, LadderRow, symbol),
        atr=regime.reading.atr if regime is not None and regime.cycle == cycle else None,
        brackets=terms.terms.brackets if terms.terms else None,
        attempts=_attempts(snapshot, book, cycle),
        obstacle=_obstacle(fund, snapshot, symbol, terms.config),
    )


def _account_reading(fund: Fund) -> AccountReading | None:
    reading = fund.latest(AccountReading)
    return reading if reading is not None and is_fresh(fund, reading.as_of, fund.trading.silence) else None


def _recent(fund: Fund, table: type[Stamped]) -> tuple[Stamped, ...]:
    """Rows as far back as any rule looks, newest first."""
    policy = fund.trading
    horizon = fund.clock.now() - max(
        history_needed(policy.limits), *(strategy.bar for strategy in policy.strategies)
    )
    rows: list[Stamped] = []
    for limit in LOOKS_BACK:
        rows = fund.recent(table, limit)
        if len(rows) < limit or rows[-1].recorded_at < horizon:
            break
    return tuple(rows)


def _risk_state(
    fund: Fund, sent: Sequence[Intent], updates: Sequence[OrderUpdate]
) -> TradingRiskState | None:
    """Unknown without a recent read of fills: a stop may have been filled since."""
    reading = fund.latest(FillsReading)
    if reading is None or not is_fresh(fund, reading.as_of, fund.trading.silence):
        return None
    return risk_state_of(fund.account, sent, updates, _recent(fund, LedgerFill), fund.trading.limits)


def _filled_since(fund: Fund, reading: AccountReading | None, updates: Sequence[OrderUpdate]) -> list[Intent]:
    """Intents settled after the positions were read, with something filled: no position shows it and no list names it."""
    if reading is None or reading.as_of is None:
        return []
    ids = {
        update.client_order_id
        for update in updates
        if update.settled and update.filled_quantity and update.as_of >= reading.as_of
    }
    found = (fund.store.latest(Intent, fund.account, client_order_id=each) for each in sorted(ids))
    return [intent for intent in found if intent is not None]


def _attempts(snapshot: Snapshot, book: Book, cycle: datetime) -> dict[Key, int]:
    attempts: dict[Key, int] = {}
    for intent in snapshot.sent:
        if intent.symbol != book.symbol or intent.cycle != cycle:
            continue
        name = recognize(intent.client_order_id, book).name
        if name is not None and name.kind is OrderKind.ENTRY:
            key = (name.position_side, name.level)
            attempts[key] = max(attempts.get(key, 0), name.attempt)
    return attempts


def _obstacle(fund: Fund, snapshot: Snapshot, symbol: str, config: SymbolConfig | None) -> str | None:
    """What keeps the symbol from opening anything, beyond what the pre-trade rules see."""
    last = {update.client_order_id: update.answer for update in reversed(snapshot.updates)}
    for intent in snapshot.account.intents.values():
        order_id = intent.client_order_id
        is_known = order_id in snapshot.listed or last.get(order_id) is Answer.ACCEPTED
        if intent.symbol == symbol and not is_known:
            return f"the outcome of order {order_id} is not known: the protection cycle looks it up"
    if config is not None and not config.cross_margin:
        return f"{symbol} is set to isolated margin, and the stress test knows cross margin alone: set it to cross"
    return _unguarded(fund, symbol)


def _unguarded(fund: Fund, symbol: str) -> str | None:
    """What is wrong with the exits that keeps the symbol from opening anything."""
    cover = fund.latest(ExitCover)
    if cover is None or not is_fresh(fund, cover.as_of, fund.trading.silence):
        return "exits were not looked at lately: does the protection job run?"
    found = (side.problem for side in cover.sides if side.symbol == symbol and side.problem)
    return next((problem for problem in found if NOT_ADOPTED in problem), None)
