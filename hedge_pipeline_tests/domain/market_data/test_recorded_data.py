"""Recorded data: the faults it is known for are found, counted as pandas counts them, and no clean row is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hedge_pipeline.adapters.recorded_files import load
from hedge_pipeline.domain.market_data import CANDLES, FUNDING_RATES, MARKS, STEPS, Fault, Kind, Report
from hedge_pipeline_tests.domain.market_data.candles import counts

HOUR = timedelta(hours=1)


def kind_of(path: Path) -> Kind:
    return next(
        kind
        for word, kind in (("_ohlcv_", CANDLES), ("_mark_", MARKS), ("_funding_", FUNDING_RATES))
        if word in path.name
    )


def looked_at(path: Path, **how: Any) -> tuple[pd.DataFrame, Report]:
    return load(path, kind_of(path), step=STEPS.get(path.stem.rpartition("_")[2]), symbol="X", **how)


@pytest.mark.finding("S3-DATA-R")
@pytest.mark.parametrize(
    "folder",
    ["S1_crash_2025-10", "S2_normal_2025-12", "S3_long_2020-2021", "S4_1m_2025-05", "S5_interval_switch"],
)
def test_no_row_of_clean_recordings_is_refused_and_none_is_changed(recorded_data: Path, folder: str):
    files = sorted((recorded_data / "market" / folder).glob("*.parquet"))
    assert files
    for path in files:
        raw, (clean, report) = pd.read_parquet(path), looked_at(path)
        assert (report.rows_in, report.rows_out) == (len(raw), len(raw)), path.name
        assert set(counts(report)) <= {Fault.ROUNDED, Fault.INTERVAL_SWITCH}, path.name
        assert report.excess() == ()
        assert (clean.iloc[:, 0] == raw["ts"].dt.round("1s").to_numpy()).all()
        amounts = {"rate": "funding_rate"} if "rate" in clean else dict.fromkeys(kind_of(path).amounts)
        for ours, theirs in amounts.items():
            assert (clean[ours].astype(float) == raw[theirs or ours]).all(), f"{path.name} {ours}"


@pytest.mark.finding("S3-DATA-2")
def test_the_outages_and_off_grid_stamps_of_spot_are_found(recorded_data: Path):
    path = recorded_data / "market" / "S6_dirty" / "BTCUSDT-SPOT_ohlcv_1h.parquet"
    raw = pd.read_parquet(path)
    hours = raw["ts"].dt.floor("1h")
    expected = pd.date_range(hours.min(), hours.max(), freq="1h")
    absent = ~expected.isin(hours)
    runs = pd.Series(absent).groupby((~absent).cumsum()).sum()
    _, report = looked_at(path)

    gap, off, silent = (report.finding(f) for f in (Fault.GAP, Fault.OFF_GRID, Fault.ZERO_VOLUME))
    assert gap
    assert off
    assert silent
    assert (gap.count, gap.runs, gap.longest) == (absent.sum(), (runs > 0).sum(), runs.max()) == (84, 10, 32)
    assert off.count == (raw["ts"] != hours).sum() == 43
    assert silent.count == (raw["volume"] == 0).sum() == 1
    assert report.refused == 0
    assert {found.fault for found in report.excess()} == {Fault.GAP, Fault.OFF_GRID}


@pytest.mark.finding("S3-DATA-2")
def test_the_halted_bars_of_ape_are_found(recorded_data: Path):
    path = recorded_data / "market" / "S6_dirty" / "APEUSDT_ohlcv_5m.parquet"
    halted = pd.read_parquet(path)["volume"] == 0
    runs = halted.groupby((~halted).cumsum()).sum()
    _, report = looked_at(path)
    silent = report.finding(Fault.ZERO_VOLUME)

    assert silent
    assert set(counts(report)) == {Fault.ZERO_VOLUME}
    assert (silent.count, silent.runs, silent.longest) == (halted.sum(), (runs > 0).sum(), runs.max())
    assert silent.count == 12


@pytest.mark.finding("S3-DATA-2")
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_funding_before_it_was_recorded_is_missing_and_not_zero(recorded_data: Path, symbol: str):
    path = recorded_data / "market" / "S3_long_2020-2021" / f"{symbol}_funding_var.parquet"
    covering = datetime(2020, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC)
    due = pd.date_range(*covering, freq="8h", inclusive="left")
    settled = pd.read_parquet(path)["ts"].dt.round("1s")
    clean, report = looked_at(path, covering=covering)
    gap = report.finding(Fault.GAP)

    assert gap
    assert (gap.count, gap.runs) == ((~due.isin(settled)).sum(), 1) == (1639, 1)
    assert gap.examples[0].at == covering[0]
    assert clean["funded_at"].min() == pd.Timestamp("2021-06-30 08:00", tz="UTC")
    assert Fault.GAP in {found.fault for found in report.excess()}


@pytest.mark.finding("S3-DATA-2")
def test_switches_of_the_funding_interval_are_found(recorded_data: Path):
    path = recorded_data / "market" / "S5_interval_switch" / "RIVERUSDT_funding_var.parquet"
    hours = pd.read_parquet(path)["ts"].dt.round("1s").diff().dropna() / HOUR
    clean, report = looked_at(path)

    assert counts(report) == {Fault.INTERVAL_SWITCH: int((hours.diff().dropna() != 0).sum())}
    assert report.count(Fault.INTERVAL_SWITCH) == 7
    assert clean["interval_hours"].dropna().tolist() == hours.tolist()
    assert set(hours) == {1.0, 2.0, 4.0}


@pytest.mark.finding("S3-DATA-1")
def test_a_recording_written_in_two_units_is_caught(recorded_data: Path, tmp_path: Path):
    raw = pd.read_parquet(recorded_data / "market" / "S4_1m_2025-05" / "SOLUSDT_ohlcv_1m.parquet")
    stamps = raw["ts"].astype("int64").to_numpy()
    mixed = np.where(np.arange(len(raw)) % 3 == 2, stamps // 1000, stamps)
    path = tmp_path / "SOLUSDT_ohlcv_1m.csv.gz"
    raw.assign(ts=mixed).to_csv(path, index=False)
    from hedge_pipeline.domain.market_data import Unit

    kept, report = looked_at(path, unit=Unit.MILLISECONDS)

    assert report.count(Fault.UNIT_MIX) == report.refused == int((mixed != stamps).sum())
    assert len(kept) == int((mixed == stamps).sum())
    assert report.excess()
