"""History of the paper venue through the real client over HTTP, and that recorded files tell the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from hedge_pipeline.adapters.ccxt_venue import CcxtVenueHistory, Credentials
from hedge_pipeline.adapters.recorded_files import load
from hedge_pipeline.domain.drawdown import start_of_day
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.market_data import CANDLES, FUNDING_RATES, Unit
from hedge_pipeline.domain.market_data.normalization import frame_of, normalized
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.seed import PAPER_KEYS
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.adapters.ccxt_venue.conftest import FAST
from hedge_pipeline_tests.paper.conftest import HOUR_MS, ManualClock
from hedge_pipeline_tests.paper.test_history import trade

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPENED = datetime(2026, 11, 1, tzinfo=UTC)
OPENED_MS = int(OPENED.timestamp() * 1000)


class VenuesClock:
    """Our clocks, run by the venue's."""

    def __init__(self, venue: ManualClock) -> None:
        self._venue = venue

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._venue() / 1000, UTC)

    def monotonic(self) -> float:
        return self._venue() / 1000

    def boot_id(self) -> str:
        return "one-boot"


def history_of(url: str, clock: ManualClock) -> CcxtVenueHistory:
    return CcxtVenueHistory(
        account="main",
        base_url=url,
        credentials=Credentials(*next(iter(PAPER_KEYS.items()))),
        clock=VenuesClock(clock),
        limits=FAST,
        wait=lambda seconds: clock.advance(int(seconds * 1000) + 1),
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(OPENED_MS)


@pytest.fixture
def core(clock: ManualClock) -> Core:
    return open_core(World(seed=1), now_ms=clock())


@pytest.fixture
def history(core: Core, clock: ManualClock) -> Iterator[CcxtVenueHistory]:
    with serve(PaperVenue(core, clock)) as url:
        yield history_of(url, clock)


def test_days_laid_end_to_end_hold_every_row_once(core: Core, clock: ManualClock, history: CcxtVenueHistory):
    clock.advance(4 * 24 * HOUR_MS)
    core.advance(clock())
    core.trades += [trade(n, OPENED_MS + n * HOUR_MS // 12) for n in range(1, 800)]
    zone = ZoneInfo("America/New_York")
    first = OPENED.astimezone(zone).date()
    edges = [start_of_day(first + n * DAY, zone) for n in range(4)]
    assert edges[2] - edges[1] == 25 * HOUR, "the clocks go back on this one"

    def days(ask):
        return [row for since, until in pairwise(edges) for row in ask(since, until)]

    whole = edges[0], edges[-1]
    income = days(history.income_between)
    assert [row.tran_id for row in income] == [row.tran_id for row in history.income_between(*whole)]
    assert len(income) == sum(edges[0] <= row.occurred_at < edges[-1] for row in income) > 0
    fills = days(lambda *day: history.fills_between("BTCUSDT", *day))
    assert [row.fill_id for row in fills] == [
        str(t.trade_id) for t in core.trades if t.time_ms < edges[-1].timestamp() * 1000
    ]
    candles = days(lambda *day: history.candles_between("BTCUSDT", HOUR, *day))
    assert [row.open_at for row in candles] == [edges[0] + n * HOUR for n in range(73)]
    rates = days(lambda *day: history.funding_rates_between("BTCUSDT", *day))
    assert [row.interval for row in rates] == [8 * HOUR] * 9
    assert tuple(rates) == history.funding_rates_between("BTCUSDT", *whole)


def test_a_minute_candle_day_is_one_request_and_clean(clock: ManualClock, history: CcxtVenueHistory):
    rows = history.candles_between("ETHUSDT", timedelta(minutes=1), OPENED - 2 * DAY, OPENED - DAY)
    _, report = normalized(
        frame_of(CANDLES, rows),
        CANDLES,
        unit=Unit.AWARE,
        step=timedelta(minutes=1),
        covering=(OPENED - 2 * DAY, OPENED - DAY),
    )

    assert len(rows) == 1440
    assert report.excess() == ()


def test_fills_keep_what_the_venue_said(core: Core, clock: ManualClock, history: CcxtVenueHistory):
    core.trades.append(trade(7, OPENED_MS + 1234, maker=True, commission=Decimal("-0.00012")))
    clock.advance(24 * HOUR_MS)
    (row,) = history.fills_between("BTCUSDT", OPENED, OPENED + HOUR)

    assert (row.fill_id, row.maker, row.commission) == ("7", True, Decimal("-0.00012"))
    assert row.filled_at == OPENED + timedelta(milliseconds=1234)
    assert history.fills_between("ETHUSDT", OPENED, OPENED + HOUR) == ()


def test_a_symbol_that_is_not_listed_is_a_failed_source(clock: ManualClock, history: CcxtVenueHistory):
    with pytest.raises(SourceUnavailable, match="-1121"):
        history.candles_between("NOUSDT", HOUR, OPENED - DAY, OPENED - HOUR)


def test_ninety_days_are_read_within_the_venues_budget(
    core: Core, clock: ManualClock, history: CcxtVenueHistory
):
    core.positions.clear()
    clock.advance(85 * 24 * HOUR_MS)
    for day in range(85):
        since = OPENED + day * DAY
        if since + DAY < datetime.fromtimestamp(clock() / 1000, UTC) - timedelta(minutes=2):
            assert history.income_between(since, since + DAY) == ()


@pytest.mark.finding("X-13")
def test_the_venue_and_a_recorded_file_tell_the_same_history(
    recorded_data: Path, tmp_path: Path, clock: ManualClock
):
    """A recording is played by the venue, read back through the client, and equals the file read directly."""
    folder = recorded_data / "market" / "S1_crash_2025-10"
    recorded = pd.read_parquet(folder / "BTCUSDT_ohlcv_1h.parquet").iloc[:72]
    recorded.to_parquet(tmp_path / "BTCUSDT_ohlcv_1h.parquet")
    core = open_core(World(recording=tmp_path), now_ms=clock())
    clock.advance(4 * 24 * HOUR_MS)
    with serve(PaperVenue(core, clock)) as url:
        rows = history_of(url, clock).candles_between("BTCUSDT", HOUR, OPENED, OPENED + 3 * DAY)
    told, _ = normalized(frame_of(CANDLES, rows), CANDLES, unit=Unit.AWARE, step=HOUR)
    kept, _ = load(tmp_path / "BTCUSDT_ohlcv_1h.parquet", CANDLES, step=HOUR)
    shift = OPENED - kept["open_at"][0]

    pd.testing.assert_frame_equal(told, kept.assign(open_at=kept["open_at"] + shift))


def test_funding_as_recorded_is_funding_as_told(recorded_data: Path, tmp_path: Path, clock: ManualClock):
    folder = recorded_data / "market" / "S5_interval_switch"
    for name in ("RIVERUSDT_ohlcv_1h.parquet", "RIVERUSDT_funding_var.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    began = datetime(2025, 11, 29, tzinfo=UTC)
    core = open_core(World(recording=tmp_path, start=began), now_ms=clock())
    clock.advance(4 * 24 * HOUR_MS)
    with serve(PaperVenue(core, clock)) as url:
        rows = history_of(url, clock).funding_rates_between("RIVERUSDT", OPENED, OPENED + 3 * DAY)
    told, _ = normalized(frame_of(FUNDING_RATES, rows), FUNDING_RATES, unit=Unit.AWARE)
    kept, _ = load(tmp_path / "RIVERUSDT_funding_var.parquet", FUNDING_RATES, symbol="RIVERUSDT")
    kept = kept[(kept["funded_at"] >= began) & (kept["funded_at"] < began + 3 * DAY)].reset_index(drop=True)

    assert told["rate"].tolist() == kept["rate"].tolist()
    assert (told["funded_at"] - OPENED).tolist() == (kept["funded_at"] - began).tolist()
    assert rows[-1].interval == HOUR
