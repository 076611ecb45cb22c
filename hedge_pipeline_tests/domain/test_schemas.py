"""The data dictionary agrees with the rows it describes, and every promise in it can be broken."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, get_type_hints

import pytest

from hedge_pipeline.domain.account import (
    AccountReading,
    AssetRate,
    IncomeReading,
    IncomeRow,
    Mark,
    MarksReading,
    Position,
)
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.flows import Flow, FlowClassification, FlowInstruction, FlowPurpose
from hedge_pipeline.domain.instruments import Instrument, InstrumentsReading
from hedge_pipeline.domain.nav import NavPart, NavSnapshot, Problem
from hedge_pipeline.domain.predecessor.navs import ImportedNav
from hedge_pipeline.domain.prices import PriceFailure, PricesReading, Quote
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.publication.publications import Health, Publication, PublishedDocument
from hedge_pipeline.domain.reserves import HoldingValue, Place, ReservesValuation
from hedge_pipeline.domain.schemas import SCHEMAS, Failure, frame_of, validate
from hedge_pipeline.domain.sources import ClockReading, SourceHealth
from hedge_pipeline.domain.trading.exit_cover import Adoption, ExitCover
from hedge_pipeline.domain.trading.intents import Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import (
    CandlesReading,
    FillsReading,
    LedgerFill,
    OrdersReading,
    TermsReading,
)
from hedge_pipeline.domain.verdicts import Breach, Command, GateDecision, Incident, TradingState, Waiver
from hedge_pipeline_tests.adapters.state_store.examples import NOON, plain
from hedge_pipeline_tests.domain import trading_rows

ONE = Decimal(1)
LATER = NOON + timedelta(hours=1)
KINDS = {
    str: "Text",
    Decimal: "Money",
    datetime: "Instant",
    date: "Day",
    bool: "Flag",
    int: "Count",
    timedelta: "Duration",
}

part = plain(NavPart, asset="USDT", counted=True, rate=ONE, value=Decimal(100))
holding = plain(HoldingValue, place=Place.TREASURY, price_usd=ONE, value_usd=Decimal(7))
breach = plain(Breach, ceiling=TradingState.REDUCING)
quote = plain(Quote, asset="BTC", usd=ONE, as_of=NOON)
nav = plain(
    NavSnapshot, accepted=True, complete=True, reconciled=True, as_of=NOON, parts=(part,),
    trading_nav=Decimal(100), nav_usd=Decimal(99), treasury_usd=Decimal(5), reserves_usd=Decimal(3),
    in_transit_usd=Decimal(-1), aum_usd=Decimal(106), aum_complete=True, account_units=Decimal(50), nav_per_unit=Decimal(2),
    fund_units=Decimal(53), fund_nav_per_unit=Decimal(2), last_good_as_of=NOON, last_good_nav_usd=Decimal(99),
)  # fmt: skip

SOUND: dict[type[Any], Any] = {
    AccountReading: plain(
        AccountReading, as_of=NOON, answered_at=NOON, balances=(), clock=plain(ClockReading), positions=(plain(Position),)
    ),
    MarksReading: plain(MarksReading, as_of=NOON, marks=(plain(Mark),), asset_rates=(plain(AssetRate),)),
    InstrumentsReading: plain(InstrumentsReading, as_of=NOON, instruments=(plain(Instrument),)),
    IncomeRow: plain(IncomeRow),
    IncomeReading: plain(IncomeReading),
    PricesReading: plain(PricesReading, as_of=NOON, quotes=(quote,)),
    ReservesValuation: plain(
        ReservesValuation, complete=True, values=(holding,), treasury_usd=Decimal(7), reserves_usd=Decimal(0)
    ),
    NavSnapshot: nav,
    PeakState: plain(
        PeakState, nav_per_unit=Decimal("0.9"), high_water_mark=ONE, drawdown=Decimal("0.1"), day_open=Decimal("1.2"),
        daily_loss=Decimal("0.25"), origin="snapshot", origin_detail="",
    ),
    GateDecision: plain(
        GateDecision, state=TradingState.REDUCING, breaches=(breach,), nav_ordinal=1, peak_ordinal=1,
        limits_fingerprint="0123456789ab",
    ),
    Incident: plain(Incident),
    Command: plain(Command),
    Waiver: plain(
        Waiver, expires_at=LATER, drawdown_limit=Decimal("0.3"), tripwire=Decimal("0.05"), rearm_nav_per_unit=ONE
    ),
    Flow: plain(Flow),
    FlowInstruction: plain(FlowInstruction, window_until=LATER),
    FlowClassification: plain(FlowClassification),
    ImportedNav: plain(ImportedNav),
    Publication: plain(Publication, health=Health.OK, documents=(plain(PublishedDocument, outcome=Outcome.WRITTEN),)),
    OrdersReading: trading_rows.orders,
    FillsReading: plain(FillsReading),
    LedgerFill: plain(LedgerFill, client_order_id="x"),
    TermsReading: trading_rows.terms,
    CandlesReading: trading_rows.candles,
    RegimeRow: trading_rows.regime,
    LadderRow: trading_rows.ladders,
    PlanRow: trading_rows.plan,
    Intent: trading_rows.intent,
    OrderUpdate: trading_rows.update,
    ExitCover: trading_rows.cover,
    Adoption: plain(Adoption),
}  # fmt: skip

SILENT = (SourceHealth(source="balances", ok=False, as_of=None),)

BROKEN: list[tuple[type[Any], str, dict[str, Any]]] = [
    (AccountReading, "a_failed_source_says_why", {"sources": SILENT}),
    (AccountReading, "dated_balances_have_a_clock", {"clock": None}),
    (AccountReading, "an_answer_comes_after_its_question", {"as_of": LATER}),
    (AccountReading, "quantities_are_unsigned", {"positions": (plain(Position, quantity=-ONE),)}),
    (MarksReading, "a_failed_source_says_why", {"sources": SILENT}),
    (MarksReading, "only_a_whole_answer_is_dated", {"marks": None}),
    (MarksReading, "prices_are_positive", {"asset_rates": (plain(AssetRate, usd=Decimal(0)),)}),
    (InstrumentsReading, "a_failed_source_says_why", {"sources": SILENT}),
    (
        InstrumentsReading,
        "increments_are_positive",
        {"instruments": (plain(Instrument, size_increment=Decimal(0)),)},
    ),
    (IncomeReading, "a_failed_source_says_why", {"sources": SILENT}),
    (IncomeReading, "new_rows_were_read", {"rows_new": 2}),
    (PricesReading, "a_failed_source_says_why", {"sources": SILENT}),
    (PricesReading, "it_is_dated_by_its_oldest_quote", {"as_of": None}),
    (PricesReading, "prices_are_positive", {"carried": (replace(quote, usd=-ONE),)}),
    (PricesReading, "an_asset_is_priced_or_failed", {"failures": (plain(PriceFailure, asset="BTC"),)}),
    (ReservesValuation, "it_is_complete_when_everything_is_priced", {"complete": False}),
    (ReservesValuation, "sums_are_of_what_is_priced", {"reserves_usd": ONE}),
    (
        ReservesValuation,
        "what_has_no_value_says_why",
        {"values": (holding, plain(HoldingValue)), "complete": False},
    ),
    (NavSnapshot, "a_failed_source_says_why", {"sources": SILENT}),
    (NavSnapshot, "what_is_accepted_is_complete_reconciled_and_dated", {"reconciled": False}),
    (NavSnapshot, "what_is_accepted_is_complete_reconciled_and_dated", {"complete": False}),
    (
        NavSnapshot,
        "what_is_accepted_is_complete_reconciled_and_dated",
        {"as_of": None, "last_good_as_of": None},
    ),
    (NavSnapshot, "what_is_not_accepted_says_why", {"problems": (plain(Problem),)}),
    (NavSnapshot, "nav_is_the_sum_of_its_parts", {"parts": (part, part)}),
    (NavSnapshot, "nav_is_the_sum_of_its_parts", {"parts": (part, replace(part, value=None))}),
    (NavSnapshot, "aum_is_the_sum_of_its_parts", {"reserves_usd": Decimal(4)}),
    (NavSnapshot, "incomplete_aum_says_why", {"aum_problems": ("BTC has no price",)}),
    (NavSnapshot, "nav_per_unit_is_of_an_accepted_nav", {"account_units": None}),
    (NavSnapshot, "fund_nav_per_unit_is_of_a_complete_aum", {"aum_complete": False, "aum_problems": ("x",)}),
    (NavSnapshot, "the_last_good_nav_is_this_one_when_it_is_good", {"last_good_nav_usd": Decimal(98)}),
    (PeakState, "drawdown_is_the_fall_from_the_mark", {"drawdown": Decimal("0.2")}),
    (PeakState, "daily_loss_is_the_fall_from_the_days_open", {"daily_loss": Decimal("0.2")}),
    (PeakState, "the_day_opened_before_it_was_looked_at", {"day_open_as_of": LATER}),
    (PeakState, "a_baseline_says_who_and_why", {"origin": "rebuild"}),
    (GateDecision, "the_strictest_breach_decides", {"state": TradingState.ACTIVE}),
    (GateDecision, "an_open_gate_has_seen_nav_and_peak", {"peak_ordinal": None}),
    (GateDecision, "it_holds_from_when_it_was_decided", {"decided_at": LATER}),
    (GateDecision, "the_dormant_do_not_trade", {"dormant": True}),
    (Incident, "what_is_over_says_through_whom", {"closed_at": NOON}),
    (Command, "two_people_are_two", {"approver": "x"}),
    (Waiver, "it_ends", {"expires_at": NOON}),
    (Waiver, "two_people_are_two", {"approver": "x"}),
    (Flow, "units_move_with_the_money_or_not_at_all", {"units": -ONE}),
    (FlowInstruction, "the_window_is_open_for_a_while", {"window_until": NOON}),
    (FlowInstruction, "investors_pay_in_and_are_paid_out", {"amount": -ONE}),
    (FlowInstruction, "investors_pay_in_and_are_paid_out", {"purpose": FlowPurpose.REDEMPTION}),
    (FlowInstruction, "two_people_are_two", {"approver": "x"}),
    (FlowClassification, "two_people_are_two", {"approver": "x"}),
    (ImportedNav, "a_peak_is_no_lower_than_its_nav", {"peak": ONE}),
    (Publication, "health_is_what_the_documents_say", {"health": Health.DOWN}),
    (
        Publication,
        "what_is_not_in_place_says_why",
        {"documents": (plain(PublishedDocument, outcome=Outcome.WRITTEN, error="HTTP 500"),)},
    ),
    *(
        (row_class, "a_failed_source_says_why", {"sources": SILENT})
        for row_class in (OrdersReading, FillsReading, TermsReading, CandlesReading)
    ),
    *trading_rows.BROKEN,
]
"""One change that breaks one promise, for every promise."""


def by_name(row_class: type[Any]) -> str:
    return row_class.__name__


@pytest.mark.finding("X-13")
@pytest.mark.parametrize("row_class", SCHEMAS, ids=by_name)
def test_the_columns_are_the_fields_with_their_kinds(row_class: type[Any]):
    columns = SCHEMAS[row_class].to_schema().columns
    stated = {name: (str(column.dtype), column.nullable) for name, column in columns.items()}

    assert list(stated) == [field.name for field in fields(row_class)]
    assert stated == {name: _kind(hint) for name, hint in get_type_hints(row_class).items()}


def _kind(hint: Any) -> tuple[str, bool]:
    options = [option for option in getattr(hint, "__args__", ()) if option is not type(None)]
    nullable = type(None) in getattr(hint, "__args__", ())
    inner = options[0] if nullable else hint
    if isinstance(inner, type) and issubclass(inner, Enum):
        return "Member", nullable
    return KINDS.get(inner, "Nested"), nullable


@pytest.mark.parametrize("row_class", SCHEMAS, ids=by_name)
def test_every_table_and_column_is_described_in_a_sentence(row_class: type[Any]):
    model = SCHEMAS[row_class]

    assert model.__doc__ is not None
    for name, column in model.to_schema().columns.items():
        assert column.description.endswith("."), name
        assert name.endswith("_at") is False or "clock" in column.description, f"{name}: by which clock?"


@pytest.mark.parametrize("row_class", SCHEMAS, ids=by_name)
def test_a_sound_row_keeps_every_promise(row_class: type[Any]):
    assert validate([SOUND[row_class]]) == []


@pytest.mark.parametrize(
    ("row_class", "check", "change"), BROKEN, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_a_broken_promise_is_named(row_class: type[Any], check: str, change: dict[str, Any]):
    assert validate([replace(SOUND[row_class], **change)]) == [Failure(0, "", check)]


def test_every_promise_can_be_broken():
    promises = {
        (row_class, check.name) for row_class, model in SCHEMAS.items() for check in model.to_schema().checks
    }

    assert promises == {(row_class, check) for row_class, check, _ in BROKEN}


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"nav_usd": Decimal("NaN")}, "nav_usd", "NaN"),
        ({"nav_usd": 99.0}, "nav_usd", "99.0"),
        ({"as_of": NOON.replace(tzinfo=None)}, "as_of", "2026-03-29 12:00:00"),
        ({"complete": 1}, "complete", "1"),
        ({"ordinal": True}, "ordinal", "True"),
        ({"ordinal": 0}, "ordinal", "0"),
        ({"numeraire": None}, "numeraire", "None"),
        ({"numeraire": ""}, "numeraire", ""),
        ({"numeraire_usd": Decimal(0)}, "numeraire_usd", "0"),
        ({"account_units": -ONE}, "account_units", "-1"),
        ({"parts": [part]}, "parts", "NavPart"),
    ],
)
def test_a_value_that_is_none_of_its_column_is_named(change: dict[str, Any], column: str, value: str):
    failures = validate([replace(nav, **change)])

    assert [value in failure.value for failure in failures if failure.column == column][:1] == [True]


def test_the_peak_cannot_be_zero_or_its_losses_negative():
    zeroed = replace(SOUND[PeakState], high_water_mark=Decimal(0), drawdown=-ONE, daily_loss=-ONE)

    assert {"high_water_mark", "drawdown", "daily_loss"} <= {failure.column for failure in validate([zeroed])}


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(minutes=-5)], ids=str)
def test_candles_last_some_time(interval: timedelta):
    failures = validate([replace(trading_rows.candles, interval=interval)])

    assert "interval" in {failure.column for failure in failures}


def test_rows_of_several_tables_are_checked_together_and_told_apart():
    rows = [nav, SOUND[PeakState], replace(nav, accepted=False), SOUND[Incident]]

    assert "what_is_not_accepted_says_why: row 1" in map(str, validate(rows))
    assert validate([]) == []


def test_a_frame_holds_the_values_as_they_are():
    frame = frame_of(NavSnapshot, [nav, replace(nav, nav_usd=None, accepted=False)])

    assert set(map(str, frame.dtypes)) == {"object"}
    assert frame["trading_nav"][0] is nav.trading_nav
    assert frame["as_of"][0].tzinfo is UTC
    assert frame["nav_usd"][1] is None
    assert frame["accepted"][1] is False
    assert list(frame_of(NavSnapshot, []).columns) == [field.name for field in fields(NavSnapshot)]
