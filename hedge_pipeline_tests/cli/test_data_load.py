"""`hedge data load` puts what is clean into history, once, and nothing that is not there."""

import json
from pathlib import Path

import pytest

from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.cli.test_data import HEADER, bars

KIND = ("--kind", "candles", "--step", "1h", "--unit", "ms", "--symbol", "BTCUSDT")


@pytest.fixture
def file(tmp_path: Path, home: Path) -> Path:
    return tmp_path / "BTCUSDT_ohlcv_1h.csv"


def stored(hedge: Hedge, query: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(hedge("sql", "--json", query).stdout)
    return rows


@pytest.mark.finding("S3-DATA-R")
def test_clean_rows_become_days_and_the_same_file_again_changes_nothing(hedge: Hedge, file: Path):
    file.write_text(bars(*range(30)))

    first = hedge("data", "load", str(file), *KIND)
    again = hedge("data", "load", str(file), *KIND)

    assert first.exit_code == 0, first.output
    assert "2 days: 2 written" in first.output
    assert "2 days: 2 unchanged" in again.output
    rows = stored(
        hedge,
        "SELECT count(*) AS bars, min(open)::VARCHAR AS open, any_value(file) AS file FROM recorded_candles",
    )
    assert rows == [{"bars": 30, "open": "100.500000000000000000", "file": file.name}]


@pytest.mark.finding("S3-DATA-2")
def test_a_file_with_too_many_faults_is_not_loaded_unless_somebody_says_so(hedge: Hedge, file: Path):
    file.write_text(bars(0, 1, 6, 7))

    refused = hedge("data", "load", str(file), *KIND)
    tolerated = hedge("data", "load", str(file), *KIND, "--tolerate")

    assert refused.exit_code == 1
    assert "4 bars missing" in refused.output
    assert "nothing is loaded" in refused.output
    assert tolerated.exit_code == 0, tolerated.output
    assert stored(hedge, "SELECT count(*) AS bars FROM recorded_candles") == [{"bars": 4}], "no gap is filled"


def test_another_files_rows_are_added_and_a_contradiction_takes_a_reason(
    hedge: Hedge, file: Path, tmp_path: Path
):
    file.write_text(bars(0, 1, 2))
    other = tmp_path / "other.csv"
    other.write_text(bars(2, 3) + "")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(f"{HEADER}\n1748736000000,1,2,1,2,3\n")
    hedge("data", "load", str(file), *KIND)

    assert "1 restated" in hedge("data", "load", str(other), *KIND).output
    refused = hedge("data", "load", str(wrong), *KIND)
    assert refused.exit_code == 1
    assert "1 rows contradict" in refused.output
    assert stored(hedge, "SELECT count(*) AS bars FROM recorded_candles") == [{"bars": 4}]
    given = hedge("data", "load", str(wrong), *KIND, "--reason", "the exchange corrected it")
    assert "1 restated" in given.output
    assert stored(hedge, "SELECT open::DOUBLE AS open FROM recorded_candles ORDER BY open_at LIMIT 1") == [
        {"open": 1.0}
    ]


def test_candles_without_a_symbol_are_refused(hedge: Hedge, file: Path):
    file.write_text(bars(0))

    assert hedge("data", "load", str(file), "--kind", "candles", "--unit", "ms").exit_code == 2


def test_funding_rates_keep_the_interval_that_was_seen(hedge: Hedge, file: Path):
    stamps = [1_748_736_000_000 + hour * 3_600_000 for hour in range(0, 48, 8)]
    lines = "\n".join(f"{stamp},0.0001,BTCUSDT" for stamp in stamps)
    file.write_text(f"ts,funding_rate,symbol\n{lines}\n")

    done = hedge("data", "load", str(file), "--kind", "funding_rates", "--unit", "ms")

    assert done.exit_code == 0, done.output
    rows = stored(
        hedge, "SELECT count(*) AS settlements, max(rate)::DOUBLE AS rate FROM recorded_funding_rates"
    )
    assert rows == [{"settlements": 6, "rate": 0.0001}]
