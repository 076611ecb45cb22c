"""Recorded candles are walked bar by bar at the pace asked for, on the wall clock, and never beyond what was recorded."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.market_data import (
    funding_info,
    klines,
    mark_price_klines,
    premium_index,
    price_klines,
)
from hedge_pipeline.paper.prices import simple_price
from hedge_pipeline.paper.recording import RecordingUnusable
from hedge_pipeline.paper.seed import AccountSeed, SeedPosition
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, MINUTE_MS, NOON_MS

RECORDED_NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
NO_POSITIONS = AccountSeed(balances={"USDT": Decimal(1000)}, positions=())

# A rising bar, a falling bar, a hole of one bar, a rising bar.
BARS = """ts,open,high,low,close,volume
2025-01-01T12:00:00Z,100,130,90,120,10
2025-01-01T12:05:00Z,120,125,60,66,20
2025-01-01T12:15:00Z,70,80,70,79,30
"""
MARKS = """ts,open,high,low,close
2025-01-01T12:00:00Z,100,121,95,118
2025-01-01T12:05:00Z,118,120,100,101
"""
FUNDING = """ts,funding_rate
2025-01-01T08:00:00.013Z,0.0001
2025-01-01T16:00:00.007Z,-0.0005
2025-01-01T20:00:00Z,0.0002
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "BTCUSDT_ohlcv_5m.csv").write_text(BARS)
    (tmp_path / "BTCUSDT_mark_5m.csv").write_text(MARKS)
    (tmp_path / "BTCUSDT_funding_var.csv").write_text(FUNDING)
    return tmp_path


def opened(folder: Path, *, pace: str = "1", **world: Any) -> Core:
    return open_core(
        World(recording=folder, **world), now_ms=NOON_MS, pace=Decimal(pace), account=NO_POSITIONS
    )


def last(core: Core, minutes: float) -> Decimal:
    return core.market.quote("BTCUSDT", NOON_MS + int(minutes * MINUTE_MS)).last_price


def test_a_rising_bar_is_walked_by_its_low_then_its_high(folder: Path):
    core = opened(folder)

    assert [last(core, m * 5 / 3) for m in (0, 1, 2, 2.9999999)] == [100, 90, 130, Decimal("120.0")]


def test_a_falling_bar_is_walked_by_its_high_then_its_low(folder: Path):
    core = opened(folder)

    assert [last(core, 5 + m * 5 / 3) for m in (0, 1, 2, 2.9999999)] == [120, 125, 60, Decimal("66.0")]


def test_at_pace_five_a_five_minute_bar_is_walked_in_one(folder: Path):
    slow, fast = opened(folder), opened(folder, pace="5")

    assert [last(fast, m / 10) for m in range(30)] == [last(slow, m / 2) for m in range(30)]
    rows = price_klines(fast, NOON_MS + 2 * MINUTE_MS, {"symbol": "BTCUSDT", "interval": "1m", "limit": "3"})
    assert [[row[0], *map(Decimal, row[1:6])] for row in rows[:2]] == [
        [NOON_MS, 100, 130, 90, 120, 10],
        [NOON_MS + MINUTE_MS, 120, 125, 60, 66, 20],
    ]


def test_klines_at_the_recorded_step_are_the_recording(folder: Path):
    core = opened(folder)
    now_ms = NOON_MS + 20 * MINUTE_MS
    rows = price_klines(core, now_ms, {"symbol": "BTCUSDT", "interval": "5m", "startTime": str(NOON_MS)})

    assert [[*map(Decimal, row[1:6])] for row in rows[:4]] == [
        [100, 130, 90, 120, 10],
        [120, 125, 60, 66, 20],
        [66, 66, 66, 66, 0],
        [70, 80, 70, 79, 30],
    ]


def test_the_mark_is_the_last_price_within_the_recorded_mark_bar(folder: Path):
    core = opened(folder)

    def mark(minutes: float) -> Decimal:
        return core.market.quote("BTCUSDT", NOON_MS + int(minutes * MINUTE_MS)).mark_price

    assert [mark(m * 5 / 3) for m in (0, 1, 2)] == [100, 95, 121]
    assert mark(5 + 10 / 3) == 100
    rows = mark_price_klines(
        core, NOON_MS + 10 * MINUTE_MS, {"symbol": "BTCUSDT", "interval": "5m", "startTime": str(NOON_MS)}
    )
    assert [[*map(Decimal, row[1:5])] for row in rows[:2]] == [[100, 121, 95, 120], [120, 120, 100, 100]]


def test_in_a_hole_prices_stand_still_and_grow_old(folder: Path):
    core = opened(folder, pace="2")
    instant = NOON_MS + 6 * MINUTE_MS  # twelve minutes into the recording
    row = premium_index(core, instant, {"symbol": "BTCUSDT"})

    assert last(core, 6) == 66
    assert row["time"] == NOON_MS + 5 * MINUTE_MS
    assert premium_index(core, instant, {"symbol": "ETHUSDT"})["time"] == instant, (
        "what is not recorded goes on"
    )


def test_the_price_provider_tells_the_age_of_a_price_in_a_hole(folder: Path):
    core = opened(folder, pace="2")
    asked = {"ids": "bitcoin", "vs_currencies": "usd", "include_last_updated_at": "true"}

    told = simple_price(core, NOON_MS + 6 * MINUTE_MS, asked)
    assert told["bitcoin"]["last_updated_at"] == NOON_MS // 1000 + 5 * 60


def test_after_the_last_bar_prices_stand_still_and_grow_old(folder: Path):
    core = opened(folder)
    row = premium_index(core, NOON_MS + HOUR_MS, {"symbol": "BTCUSDT"})

    assert last(core, 60) == 79
    assert row["time"] == NOON_MS + 20 * MINUTE_MS


def test_there_are_no_klines_before_the_first_bar(folder: Path):
    core = opened(folder)
    rows = price_klines(core, NOON_MS, {"symbol": "BTCUSDT", "interval": "1m", "limit": "10"})

    assert [row[0] for row in rows] == [NOON_MS]


def test_a_start_inside_the_recording_leaves_history_before_it(folder: Path):
    core = opened(folder, start=datetime(2025, 1, 1, 12, 7, 30, tzinfo=UTC))
    rows = price_klines(core, NOON_MS, {"symbol": "BTCUSDT", "interval": "1m", "limit": "100"})

    assert last(core, 0) == Decimal("92.5")
    assert [row[0] for row in rows] == [NOON_MS + i * MINUTE_MS for i in range(-8, 1)]


def test_funding_is_charged_on_the_wall_clock_at_the_recorded_rate(folder: Path):
    position = SeedPosition(symbol="BTCUSDT", position_side="LONG", quantity=Decimal(1))
    account = AccountSeed(balances={"USDT": Decimal(1000)}, positions=(position,))
    core = open_core(World(recording=folder), now_ms=NOON_MS, account=account)
    core.advance(NOON_MS + 4 * HOUR_MS)
    (row,) = core.ledger.rows

    assert row.time_ms == NOON_MS + 4 * HOUR_MS
    mark = core.market.quote("BTCUSDT", row.time_ms).mark_price
    assert row.amount == (mark * Decimal("0.0005")).quantize(Decimal("1e-8"))


def test_the_funding_interval_is_that_of_the_recording(folder: Path):
    core = opened(folder)

    assert "BTCUSDT" not in {row["symbol"] for row in funding_info(core, NOON_MS, {})}
    later = {
        row["symbol"]: row["fundingIntervalHours"] for row in funding_info(core, NOON_MS + 5 * HOUR_MS, {})
    }
    assert later["BTCUSDT"] == 4


def test_parquet_and_csv_of_the_same_bars_play_alike(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    import pandas as pd

    other = tmp_path_factory.mktemp("parquet")
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path)
        frame["ts"] = pd.to_datetime(frame["ts"], format="ISO8601")
        frame.to_parquet(other / f"{path.stem}.parquet")
    one, two = opened(folder), opened(other)

    for minute in range(25):
        assert one.market.quote("BTCUSDT", NOON_MS + minute * MINUTE_MS) == two.market.quote(
            "BTCUSDT", NOON_MS + minute * MINUTE_MS
        )
    assert klines(one, NOON_MS, {"symbol": "BTCUSDT", "interval": "1m"}, series="mark") == klines(
        two, NOON_MS, {"symbol": "BTCUSDT", "interval": "1m"}, series="mark"
    )


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("BTCUSDT_ohlcv_5m.csv", "ts,open,high,low\n1,1,1,1\n", "close"),
        ("BTCUSDT_ohlcv_5m.csv", "ts,open,high,low,close,volume\n", "no column"),
        ("BTCUSDT_ohlcv_5m.csv", BARS + "2025-01-01T12:05:00Z,1,1,1,1,1\n", "same instant"),
        ("BTCUSDT_ohlcv_5m.csv", BARS + "soon,1,1,1,1,1\n", "cannot be read"),
        ("NOBODYUSDT_ohlcv_5m.csv", BARS, "NOBODYUSDT"),
        ("BTCUSDT_ohlcv_5m.parquet", "not parquet", "Parquet"),
        ("BTCUSDT_ohlcv_soon.csv", BARS, "soon"),
    ],
)
def test_a_recording_that_cannot_be_played_is_refused_by_name(
    tmp_path: Path, file: str, text: str, told: str
):
    (tmp_path / file).write_text(text)

    with pytest.raises(RecordingUnusable, match=told):
        opened(tmp_path)


def test_a_folder_without_recordings_is_refused(tmp_path: Path):
    with pytest.raises(RecordingUnusable, match="SYMBOL_ohlcv_STEP"):
        opened(tmp_path / "nowhere")


def test_a_start_outside_the_recording_is_refused_with_its_span(folder: Path):
    with pytest.raises(RecordingUnusable, match=r"2025-01-01T12:00:00.* to .*2025-01-01T12:20:00"):
        opened(folder, start=datetime(2024, 1, 1, tzinfo=UTC))


def test_a_crash_is_played_as_it_was_recorded(recorded_data: Path):
    import pandas as pd

    folder = recorded_data / "market" / "S1_crash_2025-10"
    start = datetime(2025, 10, 10, 18, tzinfo=UTC)
    core = open_core(World(recording=folder, start=start), now_ms=NOON_MS)
    now_ms = NOON_MS + 8 * HOUR_MS
    core.advance(now_ms)
    rows = price_klines(core, now_ms, {"symbol": "BTCUSDT", "interval": "5m", "startTime": str(NOON_MS)})

    frame = (
        pd.read_parquet(folder / "BTCUSDT_ohlcv_5m.parquet").set_index("ts").truncate(before=start).head(96)
    )
    assert [[*map(float, row[1:5])] for row in rows[:96]] == frame[
        ["open", "high", "low", "close"]
    ].to_numpy().tolist()
    account = core.account(now_ms)
    assert account.total.unrealized_pnl == sum(p.unrealized_pnl for p in account.positions)


def test_the_finest_step_that_reaches_the_start_is_played(recorded_data: Path):
    folder = recorded_data / "market" / "S1_crash_2025-10"
    early = opened(folder, start=datetime(2025, 9, 20, tzinfo=UTC))
    rows = price_klines(early, NOON_MS + 2 * HOUR_MS, {"symbol": "BTCUSDT", "interval": "1h", "limit": "3"})

    assert len(rows) == 3


@pytest.mark.parametrize(
    "scenario", ["S2_normal_2025-12", "S3_long_2020-2021", "S4_1m_2025-05", "S5_interval_switch"]
)
def test_every_recorded_scenario_plays(recorded_data: Path, scenario: str):
    core = opened(recorded_data / "market" / scenario, pace="10")

    for symbol in core.instruments:
        quotes = [core.market.quote(symbol, NOON_MS + i * HOUR_MS) for i in range(0, 60, 5)]
        assert all(q.mark_price > 0 for q in quotes)
        assert quotes[0].time_ms == NOON_MS
