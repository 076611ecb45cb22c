"""`hedge data check` tells what is wrong with a file, and exits 1 when that is too much."""

from pathlib import Path

import pytest

from hedge_pipeline_tests.cli.conftest import Hedge

HEADER = "ts,open,high,low,close,volume"


def bars(*hours: int, volume: str = "3") -> str:
    rows = [f"{1_748_736_000_000 + hour * 3_600_000},100.5,101.5,99.5,101,{volume}" for hour in hours]
    return "\n".join([HEADER, *rows]) + "\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "BTCUSDT_ohlcv_1h.csv"


def test_a_clean_file_passes(hedge: Hedge, file: Path):
    file.write_text(bars(0, 1, 2))
    done = hedge("data", "check", str(file), "--kind", "candles", "--step", "1h", "--unit", "ms")

    assert done.exit_code == 0, done.output
    assert "candles: 3 rows, 3 clean, 2025-06-01 00:00:00 UTC to 2025-06-01 02:00:00 UTC" in done.output
    assert "No fault found." in done.output


@pytest.mark.finding("S3-DATA-2")
def test_a_fault_over_its_threshold_fails_the_command_and_is_told_with_counts(hedge: Hedge, file: Path):
    file.write_text(bars(0, 1, 6, 7) + "1748736000,1,1,1,1,1\n")
    done = hedge("data", "check", str(file), "--kind", "candles", "--step", "1h", "--unit", "ms")

    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "candles: 5 rows, 4 clean, 2025-06-01 00:00:00 UTC to 2025-06-01 07:00:00 UTC" in lines
    assert "unit_mix 1 1 1 20.0000% refused too many" in lines
    assert "gap 4 1 4 50.0000% reported too many" in lines
    assert "unit_mix row 4: open_at 1748736000" in lines
    assert "gap 2025-06-01 02:00:00 UTC: 4 bars missing from here on" in lines


def test_a_fault_within_its_threshold_is_told_and_passes(hedge: Hedge, file: Path):
    file.write_text(bars(*range(200)) + bars(200, volume="0").partition("\n")[2])
    done = hedge("data", "check", str(file), "--kind", "candles", "--step", "1h", "--unit", "ms")

    assert done.exit_code == 0, done.output
    assert "tolerated" in done.output


def test_what_was_expected_before_the_first_row_is_missing(hedge: Hedge, file: Path):
    file.write_text(bars(0, 1))
    check = ("data", "check", str(file), "--kind", "candles", "--step", "1h", "--unit", "ms")
    done = hedge(*check, "--since", "2025-05-31T20:00:00Z", "--until", "2025-06-01T02:00:00Z")

    assert done.exit_code == 1
    assert "4 bars missing from here on" in done.output
    assert hedge(*check, "--since", "2025-05-31T20:00:00Z").exit_code == 2
    backwards = hedge(*check, "--since", "2025-06-02T00:00:00Z", "--until", "2025-06-01T00:00:00Z")
    assert backwards.exit_code == 2


@pytest.mark.finding("S3-DATA-1")
def test_a_unit_that_was_not_said_is_asked_for(hedge: Hedge, file: Path):
    file.write_text(bars(0))
    done = hedge("data", "check", str(file), "--kind", "candles")

    assert done.exit_code == 1
    assert f"Error: {file}: ts: does not say its unit; say one of s, ms, us, ns, aware, utc" in done.output


def test_examples_are_bounded(hedge: Hedge, file: Path):
    file.write_text(bars(*range(0, 40, 2)))
    check = ("data", "check", str(file), "--kind", "candles", "--step", "1h", "--unit", "ms", "--examples")

    assert hedge(*check, "2").output.count("missing from here on") == 2
    assert hedge(*check, "0").output.count("missing from here on") == 0


def test_gaps_are_not_looked_for_without_a_step_and_it_says_so(hedge: Hedge, file: Path):
    file.write_text(bars(0, 5))
    done = hedge("data", "check", str(file), "--kind", "candles", "--unit", "ms")

    assert done.exit_code == 0
    assert "Gaps were not looked for: say --step." in done.output


def test_dirty_recordings_fail(hedge: Hedge, recorded_data: Path):
    path = recorded_data / "market" / "S6_dirty" / "BTCUSDT-SPOT_ohlcv_1h.parquet"
    done = hedge("data", "check", str(path), "--kind", "candles", "--step", "1h")

    assert done.exit_code == 1
    assert "84" in done.output
    assert "43" in done.output
