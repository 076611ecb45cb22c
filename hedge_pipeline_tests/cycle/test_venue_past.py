"""The venue's past kept day by day: over the wire, and at the end of what the venue keeps."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.cycle import Fund, closing, venue_past
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import InvalidState, SourceUnavailable
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.adapters.state_store.examples import plain
from hedge_pipeline_tests.fakes import MemoryPast, MemoryStage, memory_stage
from hedge_pipeline_tests.stage import Stage, staged

FIRST = date(2026, 11, 20)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "home") as built:
        built.beat(2)
        built.control.charge_commission("BTCUSDT", "BNB", "0.02")
        built.beat(2)
        built.clock.pass_by(timedelta(hours=13))
        built.beat(1)
        yield built


@pytest.fixture
def old(tmp_path: Path) -> Iterator[MemoryStage]:
    """A fund that began in August, ninety-some days ago."""
    built = memory_stage(tmp_path, at=datetime(2026, 8, 20, 12, tzinfo=UTC))
    built.beat(2)
    built.clock.pass_by(timedelta(days=92).total_seconds())
    built.beat(1)
    yield built
    built.close()


def lines_of(fund: Fund, table: str, day: date) -> list[dict[str, Any]]:
    assert isinstance(fund.history, HistoryFiles)
    return list(fund.history.table(table, day).to_pylist())


def test_a_day_is_read_over_the_wire_and_kept_once(stage: Stage):
    steps = (
        venue_past.keep_income,
        venue_past.keep_fills,
        venue_past.keep_funding_rates,
        venue_past.keep_candles,
    )
    assert [step(stage.fund, FIRST) for step in steps] == [Written.WRITTEN] * 4
    assert [step(stage.fund, FIRST) for step in steps] == [Written.UNCHANGED] * 4, (
        "when it was read is no part of what happened"
    )
    lines = lines_of(stage.fund, "income", FIRST)
    assert {"COMMISSION"} <= {line["income_type"] for line in lines}
    assert [line["amount"] for line in lines if line["income_type"] == "COMMISSION"] == [Decimal("-0.02")]
    candles = stage.fund.history.rows(Candle, FIRST)
    assert candles
    assert {candle.symbol for candle in candles} <= {"BTCUSDT", "ETHUSDT"}
    assert {candle.interval for candle in candles} == {timedelta(minutes=1)}


def test_a_day_that_is_not_final_is_not_kept(stage: Stage):
    with pytest.raises(SourceUnavailable, match="not final"):
        venue_past.keep_income(stage.fund, FIRST + timedelta(days=1))
    assert stage.fund.history.days(IncomeRow) == []


def test_what_the_venue_has_forgotten_is_refused_without_asking(old: MemoryStage):
    with pytest.raises(InvalidState, match="2026-08-20 has left the venue's history: it keeps 90 days"):
        venue_past.keep_income(old.fund, date(2026, 8, 20))


def test_a_gap_is_told_before_the_venue_forgets(old: MemoryStage):
    gap = venue_past.gap(old.fund, IncomeRow)

    assert gap is not None
    assert gap.lost == (date(2026, 8, 20), date(2026, 8, 21), date(2026, 8, 22))
    assert gap.leaving[0] == date(2026, 8, 23)
    due = venue_past.venue_days_due(old.fund)
    assert due == (date(2026, 8, 24), date(2026, 11, 19))


def test_nothing_is_due_once_everything_is_kept(old: MemoryStage):
    _, last = venue_past.venue_days_due(old.fund) or (FIRST, FIRST)
    for kind in (IncomeRow, Fill, FundingRate, Candle):
        day = date(2026, 8, 20)
        while day <= last:
            old.fund.history.write_day(kind, day, [], at=old.clock.now())
            day += timedelta(days=1)

    assert venue_past.venue_days_due(old.fund) is None
    assert venue_past.gap(old.fund, IncomeRow) is None


def test_fills_are_read_of_every_symbol_that_earned_something(old: MemoryStage):
    at = datetime(2026, 11, 10, 9, tzinfo=UTC)
    past = old.fund.venue_history
    assert isinstance(past, MemoryPast)
    past.rows[IncomeRow] = [examples.income_row(symbol="DOGEUSDT", occurred_at=at)]
    past.rows[Fill] = [plain(Fill, symbol="DOGEUSDT", filled_at=at, account="main")]

    venue_past.keep_fills(old.fund, date(2026, 11, 10))

    assert [row["symbol"] for row in lines_of(old.fund, "fills", date(2026, 11, 10))] == ["DOGEUSDT"]


def test_an_absent_venue_is_named(old: MemoryStage):
    past = old.fund.venue_history
    assert isinstance(past, MemoryPast)
    past.failing = "nobody answers"

    with pytest.raises(SourceUnavailable, match="nobody answers"):
        venue_past.keep_candles(replace(old.fund, symbols=("BTCUSDT",)), date(2026, 11, 10))
    assert closing.first_day(old.fund) == date(2026, 8, 20)
