"""What the venue tells of the past: which window, limit and id select, and in which words it refuses."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.history import DAY_MS, funding_rates
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline.paper.trades import Trade
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, NOON_MS, ManualClock

EIGHT_HOURS_MS = 8 * HOUR_MS


def trade(trade_id: int, time_ms: int, **changes: Any) -> Trade:
    return Trade(
        **{
            "symbol": "BTCUSDT",
            "trade_id": trade_id,
            "order_id": trade_id // 3,
            "side": "SELL",
            "position_side": "SHORT",
            "price": Decimal("60000.1"),
            "quantity": Decimal("0.012"),
            "realized_pnl": Decimal("-0.91539999"),
            "commission": Decimal("0.28800048"),
            "commission_asset": "USDT",
            "maker": False,
            "time_ms": time_ms,
            **changes,
        }
    )


def ids(client: Any, **params: Any) -> list[int]:
    return [row["id"] for row in client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT", **params})]


@pytest.fixture
def ten_trades(core: Core) -> None:
    """Ids 101 to 110, a day apart, the last one now; and one of another symbol."""
    core.trades += [trade(100 + n, NOON_MS - (10 - n) * DAY_MS) for n in range(1, 11)]
    core.trades.append(trade(500, NOON_MS, symbol="ETHUSDT", price=Decimal("3000.01")))


def test_settlements_have_the_documented_fields(client: Any, documented: dict[str, Any]):
    row = client.fapiPublicGetFundingRate({"symbol": "BTCUSDT"})[-1]
    sample = documented["/fapi/v1/fundingRate"][0]

    assert row.keys() == sample.keys()
    assert {name: type(value) for name, value in row.items()} == {
        name: type(value) for name, value in sample.items()
    }


def test_settlements_come_oldest_first_at_the_hours_of_the_interval(client: Any):
    rows = client.fapiPublicGetFundingRate({"symbol": "BTCUSDT", "limit": 5})

    last = NOON_MS - NOON_MS % EIGHT_HOURS_MS
    assert [row["fundingTime"] for row in rows] == [last - n * EIGHT_HOURS_MS for n in (4, 3, 2, 1, 0)]
    assert {row["symbol"] for row in rows} == {"BTCUSDT"}


def test_both_ends_of_a_range_of_settlements_belong_to_it_and_a_limit_keeps_the_first(client: Any):
    last = NOON_MS - NOON_MS % EIGHT_HOURS_MS
    window = {"symbol": "BTCUSDT", "startTime": last - DAY_MS, "endTime": last}

    assert [row["fundingTime"] for row in client.fapiPublicGetFundingRate(window)] == [
        last - n * EIGHT_HOURS_MS for n in (3, 2, 1, 0)
    ]
    (first,) = client.fapiPublicGetFundingRate({**window, "limit": 1})
    assert first["fundingTime"] == last - DAY_MS
    assert client.fapiPublicGetFundingRate({**window, "startTime": last - 1, "endTime": last - 1}) == []


def test_what_was_charged_is_what_is_told(core: Core, client: Any, clock: ManualClock):
    clock.advance(DAY_MS)
    charged = [
        row
        for row in client.fapiPrivateGetIncome({"incomeType": "FUNDING_FEE", "symbol": "BTCUSDT"})
        if row["time"] > NOON_MS
    ]
    told = client.fapiPublicGetFundingRate({"symbol": "BTCUSDT", "startTime": NOON_MS})
    net = sum((p.signed_quantity for p in core.positions.values() if p.symbol == "BTCUSDT"), Decimal(0))

    assert len(told) == 3
    for row in told:
        paid = sum(Decimal(c["income"]) for c in charged if c["time"] == row["fundingTime"])
        assert abs(paid + net * Decimal(row["markPrice"]) * Decimal(row["fundingRate"])) < Decimal(
            "0.0000001"
        )


def test_nothing_is_told_of_the_time_before_a_recording(tmp_path: Path):
    (tmp_path / "BTCUSDT_ohlcv_1h.csv").write_text(
        "ts,open,high,low,close,volume\n"
        + "\n".join(f"2025-01-01T{hour:02}:00:00Z,100,130,90,120,10" for hour in range(24))
    )
    (tmp_path / "BTCUSDT_funding_var.csv").write_text("ts,funding_rate\n2025-01-01T08:00:00Z,0.0001\n")
    core = open_core(World(recording=tmp_path), now_ms=NOON_MS, account=DEFAULT_ACCOUNT)
    window = {"symbol": "BTCUSDT", "startTime": str(NOON_MS - 3 * DAY_MS)}

    assert funding_rates(core, NOON_MS, window) == []
    later = funding_rates(core, NOON_MS + 12 * HOUR_MS, window)
    assert [row["fundingTime"] for row in later] == [NOON_MS + 4 * HOUR_MS, NOON_MS + 12 * HOUR_MS]


@pytest.mark.usefixtures("ten_trades")
def test_trades_have_the_recorded_fields(client: Any, recorded_data: Path):
    fixtures = json.loads((recorded_data / "binance_api" / "ccxt_recorded_um.json").read_text())["fixtures"]
    sample = fixtures["userTrades_um"]["httpResponse"][0]
    row = client.fapiPrivateGetUserTrades({"symbol": "BTCUSDT", "limit": 1})[0]

    assert row.keys() == sample.keys()
    text = {name for name in row if name not in {"id", "orderId", "time", "maker", "buyer"}}
    assert {type(row[name]) for name in text} == {str}
    assert {type(row[name]) for name in ("id", "orderId", "time")} == {int}
    assert {type(row[name]) for name in ("maker", "buyer")} == {bool}
    assert (row["price"], row["qty"], row["buyer"]) == ("60000.10", "0.012", False)


@pytest.mark.usefixtures("ten_trades")
def test_without_a_window_the_most_recent_trades_of_seven_days(client: Any):
    assert ids(client) == list(range(103, 111))
    assert ids(client, limit=2) == [109, 110]


@pytest.mark.usefixtures("ten_trades")
def test_with_a_start_the_first_trades_of_the_seven_days_from_it_on(client: Any):
    start = NOON_MS - 9 * DAY_MS

    assert ids(client, startTime=start) == list(range(101, 109))
    assert ids(client, startTime=start, limit=3) == [101, 102, 103]
    assert ids(client, startTime=start, endTime=start + DAY_MS) == [101, 102]
    assert ids(client, endTime=start + DAY_MS) == [101, 102]


@pytest.mark.usefixtures("ten_trades")
def test_from_an_id_on_however_long_ago(client: Any):
    assert ids(client, fromId=102, limit=3) == [102, 103, 104]
    assert ids(client, orderId=35) == [105, 106, 107]


def test_trades_older_than_three_months_are_gone(client: Any, core: Core):
    core.trades += [trade(1, NOON_MS - 91 * DAY_MS), trade(2, NOON_MS - 89 * DAY_MS)]

    assert ids(client, fromId=1) == [2]
    assert ids(client, startTime=NOON_MS - 91 * DAY_MS, endTime=NOON_MS - 85 * DAY_MS) == [2]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"symbol": "NOUSDT"}, -1121),
        ({"symbol": "BTCUSDT", "limit": 1001}, -1130),
        ({"symbol": "BTCUSDT", "fromId": 1, "startTime": NOON_MS}, -1128),
        ({"symbol": "BTCUSDT", "startTime": NOON_MS, "endTime": NOON_MS - 1}, -1023),
        ({"symbol": "BTCUSDT", "startTime": NOON_MS - 7 * DAY_MS - 1, "endTime": NOON_MS}, -4165),
    ],
)
def test_what_the_list_of_trades_cannot_do_it_says(client: Any, params: dict[str, Any], code: int):
    with pytest.raises(ccxt.BaseError, match=str(code)):
        client.fapiPrivateGetUserTrades(params)


@pytest.mark.parametrize(
    ("params", "code"),
    [({"symbol": "NOUSDT"}, -1121), ({"limit": 1001}, -1130), ({"startTime": 2, "endTime": 1}, -1023)],
)
def test_what_the_list_of_settlements_cannot_do_it_says(client: Any, params: dict[str, Any], code: int):
    with pytest.raises(ccxt.BaseError, match=str(code)):
        client.fapiPublicGetFundingRate(params)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[StateDirectory]:
    with StateDirectory(tmp_path) as state:
        yield state


def test_trades_survive_a_restart(core: Core, directory: StateDirectory):
    core.trades += [trade(1, NOON_MS), trade(2, NOON_MS, maker=True)]
    world = World(seed=1)
    directory.load(world.identity, *world.cast())
    directory.save(core, NOON_MS)
    kept = directory.load(world.identity, *world.cast())

    assert kept is not None
    assert kept.trades == core.trades


def test_a_state_kept_before_there_were_trades_is_gone_on_with(core: Core, directory: StateDirectory):
    world = World(seed=1)
    directory.load(world.identity, *world.cast())
    directory.save(core, NOON_MS)
    document = json.loads(directory.file.read_text())
    del document["trades"]
    directory.file.write_text(json.dumps(document))
    kept = directory.load(world.identity, *world.cast())

    assert kept is not None
    assert kept.trades == []
