"""Klines lie on minutes of the wall clock and are built from what was walked, shocks and pauses included."""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.market_data import price_klines
from hedge_pipeline_tests.paper.conftest import HOUR_MS, MINUTE_MS, NOON_MS, ManualClock


def klines(core: Core, now_ms: int, **params: Any) -> list[list[Any]]:
    asked = {"symbol": "BTCUSDT", "interval": "1m", **{k: str(v) for k, v in params.items()}}
    rows: list[list[Any]] = price_klines(core, now_ms, asked)
    return rows


def prices(row: list[Any]) -> list[Decimal]:
    return [Decimal(x) for x in row[1:5]]


def test_bars_open_on_whole_minutes_one_after_another(client: Any, clock: ManualClock):
    clock.advance(90_000)
    rows = client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 30})

    assert [row[0] for row in rows] == [NOON_MS + MINUTE_MS * i for i in range(-28, 2)]
    assert all(row[6] == row[0] + MINUTE_MS - 1 for row in rows)


def test_the_last_bar_is_unfinished_and_closes_at_the_last_price(client: Any, core: Core, clock: ManualClock):
    clock.advance(90_000)
    early = client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 1})[0]
    last_price = core.market.quote("BTCUSDT", clock()).last_price
    clock.advance(25_000)
    late = client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 1})[0]

    assert Decimal(early[4]) == last_price
    assert early[:2] == late[:2]
    assert early[4] != late[4]


def test_each_bar_opens_where_the_one_before_closed_and_holds_its_prices(core: Core):
    rows = klines(core, NOON_MS, limit=200)

    for row, following in itertools.pairwise(rows):
        opening, high, low, close = prices(row)
        assert low <= min(opening, close) <= max(opening, close) <= high
        assert Decimal(following[1]) == close


@pytest.mark.parametrize(("interval", "minutes"), [("5m", 5), ("1h", 60)])
def test_longer_bars_are_their_minutes_together(core: Core, interval: str, minutes: int):
    long = klines(core, NOON_MS, interval=interval, startTime=NOON_MS - 3 * HOUR_MS, limit=3)
    short = klines(core, NOON_MS, startTime=NOON_MS - 3 * HOUR_MS, limit=180)

    for i, row in enumerate(long):
        parts = [prices(part) for part in short[i * minutes : (i + 1) * minutes]]
        assert prices(row) == [parts[0][0], max(p[1] for p in parts), min(p[2] for p in parts), parts[-1][3]]


def test_a_finished_bar_does_not_change(core: Core):
    before = klines(core, NOON_MS + 5 * MINUTE_MS, endTime=NOON_MS + 2 * MINUTE_MS, limit=10)
    core.move_price("BTCUSDT", Decimal("0.9"), now_ms=NOON_MS + 5 * MINUTE_MS)
    after = klines(core, NOON_MS + 60 * MINUTE_MS, endTime=NOON_MS + 2 * MINUTE_MS, limit=10)

    assert before == after


def test_a_shock_is_in_the_bar_it_fell_into(client: Any, control: Control, clock: ManualClock):
    clock.advance(90_000)
    before = Decimal(client.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})["markPrice"])
    control.move_price("BTCUSDT", "0.5")
    after = Decimal(client.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})["markPrice"])
    clock.advance(60_000)
    rows = client.fapiPublicGetKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 3})
    other = client.fapiPublicGetKlines({"symbol": "ETHUSDT", "interval": "1m", "limit": 3})

    assert abs(after - before / 2) < Decimal("0.00000002")
    assert Decimal(rows[1][2]) > Decimal("1.9") * Decimal(rows[1][3])
    assert Decimal(rows[0][3]) > Decimal("0.9") * before
    assert Decimal(rows[2][2]) < Decimal("0.6") * before
    assert all(Decimal(row[2]) < Decimal("1.1") * Decimal(row[3]) for row in other)


def test_a_shock_is_in_bars_that_a_wrong_clock_had_asked_for_too_early(core: Core):
    later = NOON_MS + 5 * MINUTE_MS
    early = klines(core, later, limit=2)[0]
    core.move_price("BTCUSDT", Decimal("0.5"), now_ms=NOON_MS)

    assert Decimal(klines(core, later, limit=2)[0][1]) < Decimal("0.6") * Decimal(early[1])


def test_a_window_selects_from_its_start_on(core: Core):
    start = NOON_MS - 10 * MINUTE_MS
    rows = klines(core, NOON_MS, startTime=start + 1, endTime=NOON_MS - 5 * MINUTE_MS)

    assert [row[0] for row in rows] == [start + i * MINUTE_MS for i in range(1, 6)]


def test_the_future_holds_no_bars(core: Core):
    assert klines(core, NOON_MS, startTime=NOON_MS + HOUR_MS) == []


def test_mark_price_klines_close_at_the_mark(client: Any):
    (row,) = client.fapiPublicGetMarkPriceKlines({"symbol": "BTCUSDT", "interval": "1m", "limit": 1})

    assert row[4] == client.fapiPublicGetPremiumIndex({"symbol": "BTCUSDT"})["markPrice"]
