"""The income list: what a window, a limit and a type select, and in which order."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.core import Core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, NOON_MS, SECOND_MS, ManualClock

DAY_MS = 24 * HOUR_MS


def amounts(client: Any, **params: Any) -> list[int]:
    return [int(float(row["income"])) for row in client.fapiPrivateGetIncome(params)]


@pytest.fixture
def ten_deposits(core: Core, clock: ManualClock) -> None:
    """Deposits of 1, 2, … 10 USDT, a second apart, the last one now."""
    for i in range(1, 11):
        clock.advance(SECOND_MS)
        core.deposit("USDT", Decimal(i), now_ms=clock())


@pytest.mark.usefixtures("ten_deposits")
def test_rows_come_oldest_first(client: Any):
    assert amounts(client) == list(range(1, 11))


@pytest.mark.usefixtures("ten_deposits")
def test_with_a_start_the_first_rows_from_it_on(client: Any):
    assert amounts(client, startTime=NOON_MS + 3 * SECOND_MS, limit=4) == [3, 4, 5, 6]


@pytest.mark.usefixtures("ten_deposits")
def test_without_a_start_the_most_recent_rows(client: Any):
    assert amounts(client, limit=3) == [8, 9, 10]


@pytest.mark.usefixtures("ten_deposits")
def test_both_ends_of_a_window_belong_to_it(client: Any):
    assert amounts(client, startTime=NOON_MS + 2 * SECOND_MS, endTime=NOON_MS + 4 * SECOND_MS) == [2, 3, 4]


def test_a_reader_who_pages_by_time_sees_every_row_once(client: Any, core: Core, clock: ManualClock):
    for i in range(1, 1501):
        clock.advance(i % 2)  # pairs share their millisecond
        core.deposit("USDT", Decimal(i), now_ms=clock())
    start = NOON_MS
    seen: dict[int, Any] = {}
    while True:
        page = client.fapiPrivateGetIncome({"startTime": start, "endTime": clock(), "limit": 1000})
        seen |= {row["tranId"]: row for row in page}
        if len(page) < 1000:
            break
        start = page[-1]["time"]

    assert len(seen) == 1500


def test_types_and_symbols_select(client: Any, control: Control):
    control.deposit("USDT", "1")
    control.realize("BTCUSDT", "2")
    control.realize("ETHUSDT", "3")
    control.charge_commission("ETHUSDT", "BNB", "4")

    assert amounts(client, incomeType="REALIZED_PNL") == [2, 3]
    assert amounts(client, symbol="ETHUSDT") == [3, -4]
    assert amounts(client, symbol="ETHUSDT", incomeType="REALIZED_PNL") == [3]


def test_the_default_window_is_seven_days_and_nothing_is_older_than_three_months(
    client: Any, core: Core, clock: ManualClock
):
    core.positions.clear()
    for days in (0, 80, 5):
        clock.advance(days * DAY_MS)
        core.deposit("USDT", Decimal(days + 1), now_ms=clock())
    clock.advance(6 * DAY_MS)

    assert amounts(client) == [6]
    assert amounts(client, startTime=0, limit=1000) == [81, 6]


def test_a_conversion_is_a_pair_that_shares_its_transaction(client: Any, control: Control):
    control.convert("USDC", "100", "USDT", "99.9")
    out, back = client.fapiPrivateGetIncome()

    assert (out["incomeType"], out["asset"], out["income"]) == ("COIN_SWAP_WITHDRAW", "USDC", "-100.00000000")
    assert (back["incomeType"], back["asset"], back["income"]) == ("COIN_SWAP_DEPOSIT", "USDT", "99.90000000")
    assert out["tranId"] == back["tranId"]


def test_a_withdrawal_is_a_transfer_out(client: Any, control: Control):
    control.withdraw("USDC", "12.5")
    (row,) = client.fapiPrivateGetIncome()

    assert (row["incomeType"], row["asset"], row["income"]) == ("TRANSFER", "USDC", "-12.50000000")


@pytest.mark.parametrize("params", [{"limit": 1001}, {"limit": 0}, {"page": 2}, {"startTime": "soon"}])
def test_what_the_list_cannot_do_it_says(client: Any, params: dict[str, Any]):
    with pytest.raises(ccxt.BaseError):
        client.fapiPrivateGetIncome(params)
