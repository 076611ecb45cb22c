"""Each fault is found, counted and told with an example, and nothing else is blamed for it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline.domain.market_data import (
    FILLS,
    FUNDING_RATES,
    TOLERANCE,
    TRADES,
    Fault,
    Unit,
    require,
)
from hedge_pipeline.domain.market_data.normalization import normalized
from hedge_pipeline_tests.domain.market_data.candles import (
    MINUTE,
    START,
    START_MS,
    checked,
    clean_candles,
    counts,
)

HOUR = timedelta(hours=1)


def settlements(*hours: float, symbol: str = "BTCUSDT") -> pd.DataFrame:
    return pd.DataFrame(
        {"funded_at": [START + HOUR * hour for hour in hours], "rate": "0.0001", "symbol": symbol}
    )


def funding(frame: pd.DataFrame, **how: Any) -> Any:
    return normalized(frame, FUNDING_RATES, unit=Unit.AWARE, **how)


def test_clean_candles_have_no_fault():
    _, report = checked(clean_candles())

    assert report.findings == ()
    require(report, "candles")


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("open_at", START_MS // 1000, Fault.UNIT_MIX),
        ("open_at", START_MS * 1000, Fault.UNIT_MIX),
        ("open_at", START_MS * 10**6, Fault.UNIT_MIX),
        ("open_at", START, Fault.UNIT_MIX),
        ("open_at", START.isoformat(), Fault.UNIT_MIX),
        ("open_at", 0, Fault.OUT_OF_RANGE),
        ("open_at", -START_MS, Fault.OUT_OF_RANGE),
        ("open_at", 1_262_303_999_999, Fault.OUT_OF_RANGE),
        ("open_at", 2_051_222_400_000, Fault.OUT_OF_RANGE),
        ("open_at", 10**30, Fault.OUT_OF_RANGE),
        ("open_at", START_MS + 0.5, Fault.UNREADABLE_TIME),
        ("open_at", None, Fault.UNREADABLE_TIME),
        ("open_at", "yesterday", Fault.UNREADABLE_TIME),
        ("open_at", True, Fault.UNREADABLE_TIME),
        ("open", None, Fault.NOT_A_NUMBER),
        ("open", "", Fault.NOT_A_NUMBER),
        ("open", float("nan"), Fault.NOT_A_NUMBER),
        ("open", "Infinity", Fault.NOT_A_NUMBER),
        ("open", "1,000", Fault.NOT_A_NUMBER),
        ("open", True, Fault.NOT_A_NUMBER),
        ("open", "0.0000000000000000001", Fault.TOO_LONG),
        ("open", "1e20", Fault.TOO_LONG),
        ("low", "0", Fault.OUT_OF_BOUNDS),
        ("low", "-99.5", Fault.OUT_OF_BOUNDS),
        ("volume", "-0.000001", Fault.OUT_OF_BOUNDS),
        ("high", "100.99", Fault.INCONSISTENT_OHLC),
        ("low", "100.500000000000000001", Fault.INCONSISTENT_OHLC),
    ],
)
@pytest.mark.finding("S3-DATA-2")
def test_a_row_that_cannot_be_believed_is_refused_for_one_reason(column: str, value: Any, fault: Fault):
    frame = clean_candles()
    frame.at[4, column] = value
    kept, report = checked(frame)

    assert counts(report) == {fault: 1, Fault.GAP: 1}
    (example,) = next(found for found in report.findings if found.fault is fault).examples
    assert example.row == 4
    assert len(kept) == 9
    with pytest.raises(SourceMalformed, match=f"file: candles over threshold: {fault} 1 of 10 rows"):
        require(report, "file")


@pytest.mark.finding("S3-DATA-2")
def test_identical_rows_are_kept_once():
    frame = clean_candles()
    frame = pd.concat([frame, frame.iloc[[2, 2, 7]].assign(open="100.500")]).sort_values("open_at")
    kept, report = checked(frame)

    assert counts(report) == {Fault.DUPLICATE: 3}
    assert len(kept) == 10
    assert report.excess(), "three in thirteen are more than one in a thousand"


@pytest.mark.finding("S3-DATA-2")
def test_rows_that_contradict_each_other_are_all_refused():
    frame = clean_candles()
    frame = pd.concat([frame, frame.iloc[[5]].assign(close="100")], ignore_index=True).sort_values("open_at")
    kept, report = checked(frame)

    assert counts(report) == {Fault.CONTRADICTION: 2, Fault.GAP: 1}
    assert len(kept) == 9
    assert "close 101" in report.findings[0].examples[0].detail


@pytest.mark.finding("S3-DATA-2")
def test_rows_out_of_order_are_sorted_and_counted():
    kept, report = checked(clean_candles().iloc[[0, 1, 5, 2, 3, 4, 6, 9, 8, 7]])

    assert counts(report) == {Fault.UNSORTED: 3}
    assert kept["open_at"].is_monotonic_increasing


@pytest.mark.finding("S3-DATA-2")
def test_missing_bars_are_counted_by_gap_and_stay_missing():
    kept, report = checked(clean_candles(20).drop(index=[3, 9, 10, 11, 15]))
    gap = report.finding(Fault.GAP)

    assert gap is not None
    assert (gap.count, gap.runs, gap.longest) == (5, 3, 3)
    assert gap.examples[0].at == START + 9 * MINUTE
    assert len(kept) == 15
    assert report.share(Fault.GAP) == Decimal("0.25")


@pytest.mark.finding("S3-DATA-2")
def test_bars_before_the_first_and_after_the_last_are_missing_where_they_were_expected():
    frame = clean_candles(10)

    assert checked(frame)[1].count(Fault.GAP) == 0
    covering = (START - 5 * MINUTE, START + 12 * MINUTE)
    gap = checked(frame, covering=covering)[1].finding(Fault.GAP)
    assert gap is not None
    assert (gap.count, gap.runs, gap.longest) == (7, 2, 5)
    assert checked(frame, covering=(START, START + 10 * MINUTE))[1].findings == ()
    nothing = checked(frame.iloc[:0], covering=covering)[1]
    assert nothing.count(Fault.GAP) == 17


def test_without_a_step_no_gap_is_looked_for():
    _, report = checked(clean_candles(20).drop(index=[3, 9]), step=None)

    assert report.findings == ()
    assert report.step is None


@pytest.mark.finding("S3-DATA-2")
def test_a_stamp_off_the_grid_is_kept_and_told():
    frame = clean_candles()
    frame.at[4, "open_at"] += 28_123
    kept, report = checked(frame)

    assert counts(report) == {Fault.OFF_GRID: 1}
    assert len(kept) == 10


@pytest.mark.finding("S3-DATA-2")
def test_bars_without_volume_are_kept_and_counted_by_run():
    frame = clean_candles(20)
    frame.loc[[2, 3, 4, 11], "volume"] = "0.00"
    kept, report = checked(frame)
    silent = report.finding(Fault.ZERO_VOLUME)

    assert silent is not None
    assert (silent.count, silent.runs, silent.longest) == (4, 2, 3)
    assert silent.examples[0].at == START + 2 * MINUTE
    assert len(kept) == 20


@pytest.mark.finding("S3-DATA-1")
@pytest.mark.parametrize(
    "naive", [START.replace(tzinfo=None), "2025-06-01T00:00:00", np.datetime64("2025-06-01", "us")]
)
def test_a_time_without_a_zone_is_refused_unless_it_is_said_to_be_utc(naive: Any):
    frame = clean_candles(1).assign(open_at=[naive])

    assert counts(checked(frame, unit=Unit.AWARE)[1]) == {Fault.NAIVE_TIME: 1, Fault.EMPTY: 1}
    kept, report = checked(frame, unit=Unit.UTC)
    assert report.findings == ()
    assert kept["open_at"][0] == START


def test_any_zone_is_one_instant():
    frame = clean_candles(2).assign(open_at=["2025-06-01T05:30:00+05:30", "2025-06-01T00:01:00Z"])

    assert [at.to_pydatetime() for at in checked(frame, unit=Unit.AWARE)[0]["open_at"]] == [
        START,
        START + MINUTE,
    ]


@pytest.mark.finding("S3-DATA-1")
def test_a_number_among_datetimes_is_a_mixed_unit():
    frame = clean_candles(3).assign(
        open_at=["2025-06-01T00:00:00Z", START_MS + 60_000, "2025-06-01T00:02:00Z"]
    )

    assert counts(checked(frame, unit=Unit.AWARE)[1]) == {Fault.UNIT_MIX: 1, Fault.GAP: 1}


def test_stamps_finer_than_a_microsecond_are_rounded_and_told():
    frame = clean_candles(1).assign(open_at=[START_MS * 10**6 + 999])
    kept, report = checked(frame, unit=Unit.NANOSECONDS)

    assert counts(report) == {Fault.ROUNDED: 1}
    assert kept["open_at"][0] == START


def test_settlements_stand_for_whole_seconds_and_know_their_interval():
    frame = settlements(0, 8, 16, 20, 24, 25)
    frame["funded_at"] = frame["funded_at"] + pd.to_timedelta([0, 44, -12, 7, 0, 0], unit="ms")
    kept, report = funding(frame)

    assert counts(report) == {Fault.ROUNDED: 3, Fault.INTERVAL_SWITCH: 2}
    assert kept["funded_at"].tolist() == [pd.Timestamp(START + HOUR * h) for h in (0, 8, 16, 20, 24, 25)]
    assert kept["interval_hours"].tolist()[1:] == [8, 8, 4, 4, 1]
    assert np.isnan(kept["interval_hours"][0])


@pytest.mark.finding("S3-DATA-2")
@pytest.mark.parametrize(
    ("hours", "missing"),
    [
        ((0, 8, 24, 32), 1),
        ((0, 8, 48, 56), 4),
        ((0, 1, 2, 4, 5), 1),
        ((0, 4, 8, 16, 20), 1),
        ((0, 1, 2, 4, 8, 12), 0),
        ((0, 1, 2, 4, 6, 8), 0),
        ((0, 4, 5, 6), 0),
    ],
    ids=str,
)
def test_a_skipped_settlement_is_a_gap_and_a_new_interval_is_not(hours: tuple[int, ...], missing: int):
    _, report = funding(settlements(*hours))

    assert report.count(Fault.GAP) == missing


def test_the_hours_before_funding_began_are_missing_and_not_zero():
    kept, report = funding(settlements(80, 88, 96), covering=(START, START + 104 * HOUR))

    assert counts(report) == {Fault.GAP: 10}
    assert len(kept) == 3


def test_symbols_are_looked_at_apart():
    frame = pd.concat([settlements(0, 8, 16, symbol="BTCUSDT"), settlements(4, 8, 12, 16, symbol="ETHUSDT")])
    _, report = funding(frame)

    assert report.findings == ()


def test_a_rate_in_percent_of_a_hundred_and_more_is_no_fraction():
    assert counts(funding(settlements(0).assign(rate="1.0"))[1]) == {Fault.OUT_OF_BOUNDS: 1, Fault.EMPTY: 1}


def fills(**changes: Any) -> pd.DataFrame:
    row = {
        "filled_at": START_MS,
        "symbol": "BTCUSDT",
        "fill_id": "9",
        "venue_order_id": "1",
        "commission_asset": "BNB",
        "side": "BUY",
        "position_side": "LONG",
        "maker": "True",
        "price": "100",
        "quantity": "1",
        "realized_pnl": "-2.5",
        "commission": "-0.1",
    }
    return pd.DataFrame([row, {**row, "fill_id": "10", **changes}], dtype=object)


def test_fills_of_one_instant_are_ordered_by_number():
    kept, report = normalized(fills().iloc[[1, 0]], FILLS, unit=Unit.MILLISECONDS)

    assert report.findings == ()
    assert kept["fill_id"].tolist() == ["9", "10"]
    assert kept["maker"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("column", "value"),
    [("side", "buy"), ("position_side", ""), ("maker", "maybe"), ("symbol", ""), ("fill_id", None)],
)
def test_a_word_that_is_none_of_the_columns_is_refused(column: str, value: Any):
    _, report = normalized(fills(**{column: value}), FILLS, unit=Unit.MILLISECONDS)

    assert counts(report) == {Fault.UNKNOWN_VALUE: 1}


@pytest.mark.finding("S3-DATA-R")
@pytest.mark.parametrize(("column", "value"), [("price", "0"), ("quantity", "-1"), ("quantity", "0")])
def test_a_trade_has_a_price_and_a_size(column: str, value: str):
    frame = fills(**{column: value}).rename(columns={"filled_at": "traded_at", "fill_id": "trade_id"})
    _, report = normalized(frame, TRADES, unit=Unit.MILLISECONDS)

    assert counts(report) == {Fault.OUT_OF_BOUNDS: 1}


@pytest.mark.finding("S3-DATA-2")
def test_trades_are_missing_after_a_silence_longer_than_the_step():
    frame = fills(filled_at=START_MS + 7 * 60_000)
    gap = normalized(frame, FILLS, unit=Unit.MILLISECONDS, step=5 * MINUTE)[1].finding(Fault.GAP)

    assert gap is not None
    assert (gap.count, gap.runs) == (1, 1)
    assert normalized(frame, FILLS, unit=Unit.MILLISECONDS, step=timedelta(minutes=10))[1].findings == ()


@pytest.mark.finding("S3-DATA-2")
def test_the_threshold_is_a_share_of_the_rows_and_the_callers_to_choose():
    _, report = checked(clean_candles(100).drop(index=[50]))

    assert [found.fault for found in report.excess()] == [Fault.GAP]
    assert report.excess({**TOLERANCE, Fault.GAP: Decimal("0.01")}) == ()
    assert report.excess({**TOLERANCE, Fault.GAP: Decimal("0.0099")}) != ()


def test_columns_that_nobody_asked_for_are_named():
    assert checked(clean_candles().assign(turnover=1, note="x"))[1].ignored_columns == ("turnover", "note")


def test_a_step_that_does_not_divide_the_day_is_a_wrong_call():
    with pytest.raises(ValueError, match="does not divide a day"):
        checked(clean_candles(), step=timedelta(hours=7))
