"""Recorded files: what they say of themselves is believed, what they do not say is asked for, by file and column."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hedge_pipeline.adapters.recorded_files import load
from hedge_pipeline.domain.errors import SourceMalformed, SourceUnavailable
from hedge_pipeline.domain.market_data import CANDLES, FILLS, FUNDING_RATES, Fault, Unit

HOUR = timedelta(hours=1)
CSV = """ts,open,high,low,close,volume
1748736000000,100.10,101.5,99.5,101,3.250000000000000001
1748739600000,101,101,101,101,0
"""
FIRST = datetime(2025, 6, 1, tzinfo=UTC)
OHLCV = {"open": [1.5, 2.0], "high": [2.0, 3.0], "low": [1.0, 2.0], "close": [1.5, 2.5], "volume": [7.0, 0.1]}


def written(path: Path, ts: Any, **changes: Any) -> Path:
    pq.write_table(pa.table({"ts": ts, **OHLCV, **changes}), path)
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "BTCUSDT_ohlcv_1h.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def zipped(tmp_path: Path) -> Path:
    path = tmp_path / "BTCUSDT_ohlcv_1h.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode()))
    return path


@pytest.mark.parametrize("name", ["csv", "zipped"])
def test_text_keeps_every_digit(name: str, request: pytest.FixtureRequest):
    clean, report = load(request.getfixturevalue(name), CANDLES, unit=Unit.MILLISECONDS, step=HOUR)

    assert clean["open_at"].tolist() == [pd.Timestamp(FIRST), pd.Timestamp(FIRST + HOUR)]
    assert clean["open"].tolist() == ["100.1", "101"]
    assert clean["volume"].tolist() == ["3.250000000000000001", "0"]
    assert report.refused == 0


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_with_a_zone_carry_their_unit(tmp_path: Path, unit: str):
    stamps = pa.array([FIRST, FIRST + HOUR], pa.timestamp(unit, "Europe/Berlin"))
    clean, report = load(written(tmp_path / "x.parquet", stamps), CANDLES, step=HOUR)

    assert clean["open_at"].tolist() == [pd.Timestamp(FIRST), pd.Timestamp(FIRST + HOUR)]
    assert clean["volume"].tolist() == ["7", "0.1"]
    assert report.findings == ()


def test_decimals_of_a_file_are_kept_as_they_are(tmp_path: Path):
    volume = pa.array([Decimal("0.100000000000000001"), Decimal(2)], pa.decimal128(38, 18))
    stamps = pa.array([FIRST, FIRST + HOUR], pa.timestamp("ms", "UTC"))
    clean, _ = load(written(tmp_path / "x.parquet", stamps, volume=volume), CANDLES)

    assert clean["volume"].tolist() == ["0.100000000000000001", "2"]


@pytest.mark.finding("S3-DATA-1")
def test_numbers_never_say_their_unit(tmp_path: Path, csv: Path):
    numbers = written(tmp_path / "x.parquet", pa.array([1_748_736_000_000, 1_748_739_600_000]))
    for path in (numbers, csv):
        with pytest.raises(SourceMalformed) as refused:
            load(path, CANDLES)
        assert (
            str(refused.value) == f"{path}: ts: does not say its unit; say one of s, ms, us, ns, aware, utc"
        )
        clean, _ = load(path, CANDLES, unit=Unit.MILLISECONDS)
        assert clean["open_at"][0] == FIRST


@pytest.mark.finding("S3-DATA-1")
def test_timestamps_without_a_zone_need_a_word(tmp_path: Path):
    path = written(tmp_path / "x.parquet", pa.array([FIRST, FIRST + HOUR], pa.timestamp("ms")))

    with pytest.raises(SourceMalformed, match="ts: holds datetimes without a zone; say the unit utc if"):
        load(path, CANDLES)
    assert load(path, CANDLES, unit=Unit.AWARE)[1].count(Fault.NAIVE_TIME) == 2
    assert load(path, CANDLES, unit=Unit.UTC)[1].refused == 0


def test_a_wrong_unit_of_a_whole_file_is_told_with_its_own_column(tmp_path: Path):
    path = written(tmp_path / "x.parquet", pa.array([FIRST, FIRST + HOUR], pa.timestamp("ms", "UTC")))

    with pytest.raises(SourceMalformed, match=f"{path}: ts: holds datetimes, not numbers"):
        load(path, CANDLES, unit=Unit.MILLISECONDS)


def test_a_missing_column_is_told_with_those_that_are_there(csv: Path):
    with pytest.raises(
        SourceMalformed, match=rf"{csv}: symbol, rate: no such column, .* funded_at, open, high"
    ):
        load(csv, FUNDING_RATES, unit=Unit.MILLISECONDS)


def test_our_own_name_wins_over_one_of_others(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("open_at,ts,open,high,low,close,volume\n1748736000,9,1,1,1,1,1\n")
    clean, report = load(path, CANDLES, unit=Unit.SECONDS)

    assert clean["open_at"][0] == FIRST
    assert report.ignored_columns == ("ts",)


@pytest.mark.parametrize(
    ("name", "make", "kind", "told"),
    [
        ("x.json", lambda path: path.write_text("{}"), SourceMalformed, "convert it to one of these"),
        ("x.parquet", lambda path: path.write_text("no"), SourceMalformed, "is no Parquet file"),
        ("x.csv", lambda path: path.write_text(""), SourceMalformed, "cannot be read as CSV"),
        ("x.csv", lambda path: path.write_text("ts,open\n1,2,3,4\n5\n"), SourceMalformed, "column"),
        ("x.csv", lambda path: path.write_bytes(b"\xff\xfe\x00"), SourceMalformed, "cannot be read as CSV"),
        ("x.csv.gz", lambda path: path.write_text("no"), SourceUnavailable, "cannot be read"),
        (
            "x.csv.gz",
            lambda path: path.write_bytes(gzip.compress(CSV.encode())[:-9]),
            SourceMalformed,
            "cannot be read as CSV",
        ),
        ("absent.csv", lambda path: None, SourceUnavailable, "cannot be read"),
        ("absent.parquet", lambda path: None, SourceUnavailable, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, make: Callable[[Path], Any], kind: type[Exception], told: str
):
    path = tmp_path / name
    make(path)
    with pytest.raises(kind, match=told) as refused:
        load(path, CANDLES, unit=Unit.MILLISECONDS)
    assert str(path) in str(refused.value)


def test_a_row_with_a_field_too_few_is_refused_by_itself(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text(CSV + "1748743200000,101,101\n")
    _, report = load(path, CANDLES, unit=Unit.MILLISECONDS)

    assert report.refused == report.count(Fault.NOT_A_NUMBER) == 1


def test_recorded_fills_are_read_in_the_venues_words(recorded_data: Path):
    path = recorded_data / "binance_api" / "userTrades_testnet_BTCUSDT_first80.csv"
    raw = pd.read_csv(path, dtype=str)
    clean, report = load(path, FILLS, unit=Unit.MILLISECONDS)

    assert (report.rows_out, report.findings, report.ignored_columns) == (len(raw), (), ("quoteQty", "buyer"))
    assert clean["fill_id"].tolist() == raw["id"].tolist()
    for ours, theirs in (("price", "price"), ("quantity", "qty"), ("commission", "commission")):
        assert [Decimal(text) for text in clean[ours]] == [Decimal(text) for text in raw[theirs]]
