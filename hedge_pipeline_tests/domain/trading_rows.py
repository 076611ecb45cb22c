"""Rows of trading that keep every promise of the data dictionary, and one change that breaks one, for every promise."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.grid import Ladders, Rung
from hedge_pipeline.domain.margin import Bracket
from hedge_pipeline.domain.market_data import Candle, Side
from hedge_pipeline.domain.orders import KnownOrder, OrderKind, OrderStatus
from hedge_pipeline.domain.placement import LeftOut
from hedge_pipeline.domain.regime import CandleFault, Regime, RegimeReading
from hedge_pipeline.domain.trading.exit_cover import ExitCover, SideCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlannedEntry, PlanRow, RegimeRow, VetoedEntry
from hedge_pipeline.domain.trading.readings import (
    CandlesReading,
    FillsReading,
    LedgerFill,
    OrdersReading,
    SymbolConfig,
    SymbolTerms,
    TermsReading,
)
from hedge_pipeline.domain.vetoes import Veto
from hedge_pipeline_tests.adapters.state_store.examples import NOON, entry, plain

ONE = Decimal(1)
BAR = timedelta(seconds=1.5)

resting = plain(KnownOrder, status=OrderStatus.NEW, venue_order_id="x", limit_price=ONE, stop_price=ONE)
orders = plain(OrdersReading, as_of=NOON, orders=(resting,))

lower, higher = plain(Bracket), plain(Bracket, notional_cap_usd=Decimal(2))
of_symbol = plain(SymbolTerms, brackets=(lower, higher), funding_interval=timedelta(hours=8))
terms = plain(TermsReading, as_of=NOON, configs=(plain(SymbolConfig),), terms=(of_symbol,))

candle = plain(Candle)
following = replace(candle, open_at=NOON + BAR)
candles = plain(CandlesReading, as_of=NOON + 2 * BAR, candles=(candle, following))

reading = plain(
    RegimeReading, as_of=NOON, regime=Regime.UP, detail="", close=ONE, ema_fast=ONE, ema_slow=ONE, adx=ONE, atr=ONE
)  # fmt: skip
regime = plain(RegimeRow, reading=reading)

long_rung = plain(Rung, position_side=PositionSide.LONG, limit_price=Decimal(99))
short_rung = plain(Rung, position_side=PositionSide.SHORT, limit_price=Decimal(101))
laid_out = Ladders(symbol="x", center=Decimal(100), long=(long_rung,), short=(short_rung,))
ladders = plain(
    LadderRow, center=Decimal(100), mid_price=Decimal(100), ladders=laid_out, left_out=(plain(LeftOut, rung=long_rung),)
)  # fmt: skip

planned = plain(PlannedEntry, order=entry(), rung=long_rung, replaces="b")
leaving = entry(kind=OrderKind.TAKE_PROFIT, side=Side.SELL)
vetoed = VetoedEntry(entry=planned, vetoes=(plain(Veto),))
plan = plain(
    PlanRow, decided_at=NOON, keep=("a",), cancel=("b",), waiting=("c",), entries=(planned,), vetoed=(vetoed,)
)

intent = plain(Intent, decided_at=NOON, take_profit_price=ONE, stop_loss_price=ONE)

update = plain(OrderUpdate, answer=Answer.ACCEPTED, status=OrderStatus.NEW)

side = plain(SideCover, placed=("a",), canceled=("b",), problem="x")
cover = plain(ExitCover, as_of=NOON, sides=(side,), canceled_entries=("c",), armed=("x",))

BROKEN: list[tuple[type[Any], str, dict[str, Any]]] = [
    (OrdersReading, "half_a_list_is_none", {"orders": None}),
    (OrdersReading, "half_a_list_is_none", {"as_of": None}),
    (OrdersReading, "quantities_are_unsigned", {"orders": (replace(resting, filled_quantity=-ONE),)}),
    (FillsReading, "new_rows_were_read", {"rows_new": 2}),
    (LedgerFill, "an_order_of_this_project_has_an_id", {"client_order_id": None}),
    (TermsReading, "only_a_whole_answer_is_dated", {"terms": None}),
    (TermsReading, "only_a_whole_answer_is_dated", {"configs": None}),
    (TermsReading, "leverage_is_positive", {"configs": (plain(SymbolConfig, leverage=Decimal(0)),)}),
    (TermsReading, "brackets_ascend", {"terms": (replace(of_symbol, brackets=(higher, lower)),)}),
    (CandlesReading, "it_is_dated_by_its_newest_candle", {"as_of": NOON}),
    (CandlesReading, "it_is_dated_by_its_newest_candle", {"candles": None}),
    (CandlesReading, "candles_are_of_this_symbol_and_interval", {"symbol": "y"}),
    (CandlesReading, "candles_come_oldest_first", {"candles": (candle, following, following)}),
    (RegimeRow, "it_reads_its_own_symbol", {"symbol": "y"}),
    (RegimeRow, "without_a_regime_a_fault_says_why", {"reading": replace(reading, regime=None)}),
    (
        RegimeRow,
        "without_a_regime_a_fault_says_why",
        {"reading": replace(reading, regime=None, fault=CandleFault.STALE)},
    ),
    (LadderRow, "without_ladders_it_says_why", {"ladders": None}),
    (LadderRow, "without_ladders_it_says_why", {"withheld": "x"}),
    (LadderRow, "ladders_are_of_its_symbol_and_center", {"symbol": "y"}),
    (LadderRow, "ladders_are_of_its_symbol_and_center", {"center": ONE}),
    (PlanRow, "what_is_withheld_sends_nothing", {"withheld": "x"}),
    (PlanRow, "what_is_sent_was_decided", {"decided_at": None}),
    (PlanRow, "entries_open_its_symbol", {"symbol": "y"}),
    (PlanRow, "entries_open_its_symbol", {"entries": (replace(planned, order=leaving),)}),
    (PlanRow, "no_order_stays_and_goes", {"cancel": ("b", "a")}),
    (PlanRow, "no_order_stays_and_goes", {"cancel": ("c",)}),
    (PlanRow, "a_veto_has_a_reason", {"vetoed": (replace(vetoed, vetoes=()),)}),
    (Intent, "it_names_its_order", {"client_order_id": "y"}),
    (Intent, "it_names_its_order", {"symbol": "y"}),
    (Intent, "what_opens_was_permitted", {"decided_at": None}),
    (OrderUpdate, "what_is_accepted_has_a_status", {"status": None}),
    (OrderUpdate, "it_is_settled_when_it_can_fill_no_more", {"settled": True}),
    (OrderUpdate, "it_is_settled_when_it_can_fill_no_more", {"status": OrderStatus.FILLED}),
    (OrderUpdate, "it_is_settled_when_it_can_fill_no_more", {"answer": Answer.ABSENT}),
    (OrderUpdate, "it_is_settled_when_it_can_fill_no_more", {"answer": Answer.UNKNOWN, "settled": True}),
    (ExitCover, "unknown_positions_are_a_problem", {"as_of": None}),
    (ExitCover, "quantities_are_unsigned", {"sides": (replace(side, stop_quantity=-ONE),)}),
    (ExitCover, "each_side_is_told_once", {"sides": (side, side)}),
]
