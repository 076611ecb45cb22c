"""Funding: charged at whole hours of the wall clock, at the mark and rate of that instant, missed ones included."""

from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.seed import AccountSeed, SeedPosition
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline_tests.paper.conftest import HOUR_MS, NOON_MS, ManualClock

EIGHT, FOUR = "BTCUSDT", "SOLUSDT"


def charged(core: Core, symbol: str) -> list[int]:
    """Hours after noon at which a contract was charged, one per side held."""
    return [
        (row.time_ms - NOON_MS) // HOUR_MS
        for row in core.ledger.rows
        if row.income_type == "FUNDING_FEE" and row.symbol == symbol
    ]


def test_each_contract_is_charged_at_its_own_interval(core: Core):
    core.advance(NOON_MS + 24 * HOUR_MS)

    assert charged(core, EIGHT) == [4, 4, 12, 12, 20, 20]
    assert charged(core, FOUR) == [4, 8, 12, 16, 20, 24]


def test_nothing_is_charged_before_the_instant_and_nothing_twice(core: Core):
    core.advance(NOON_MS + 4 * HOUR_MS - 1)
    assert core.ledger.rows == []
    core.advance(NOON_MS + 4 * HOUR_MS)
    core.advance(NOON_MS + 4 * HOUR_MS)
    assert charged(core, FOUR) == [4]


def test_many_small_steps_charge_what_one_large_step_charges():
    small, large = open_core(World(), now_ms=NOON_MS), open_core(World(), now_ms=NOON_MS)
    for minutes in range(0, 26 * 60, 7):
        small.advance(NOON_MS + minutes * 60_000)
    small.advance(NOON_MS + 26 * HOUR_MS)
    large.advance(NOON_MS + 26 * HOUR_MS)

    assert small.ledger.rows == large.ledger.rows
    assert large.ledger.rows


@pytest.mark.parametrize("side", ["LONG", "SHORT"])
def test_a_long_pays_a_positive_rate_and_a_short_receives_it(side: Any):
    position = SeedPosition(symbol=EIGHT, position_side=side, quantity=Decimal(2))
    account = AccountSeed(balances={"USDT": Decimal(1000)}, positions=(position,))
    core = open_core(World(), now_ms=NOON_MS, account=account)
    instant = NOON_MS + 4 * HOUR_MS
    core.advance(instant)
    (row,) = core.ledger.rows
    rate, mark = core.market.funding(EIGHT, instant).rate, core.market.quote(EIGHT, instant).mark_price

    assert row.amount == (-(2 if side == "LONG" else -2) * mark * rate).quantize(Decimal("1e-8"))
    assert row.asset == "USDT"
    assert row.time_ms == instant


def test_the_wallet_and_the_list_move_in_one_answer(client: Any, clock: ManualClock):
    clock.advance(4 * HOUR_MS)
    account = client.fapiPrivateV3GetAccount()
    rows = client.fapiPrivateGetIncome()

    usdt = next(row for row in account["assets"] if row["asset"] == "USDT")
    assert rows
    assert Decimal(usdt["walletBalance"]) - 100000 == sum(Decimal(row["income"]) for row in rows)
    assert usdt["updateTime"] == NOON_MS + 4 * HOUR_MS


def test_the_next_funding_time_is_announced(client: Any, clock: ManualClock):
    clock.advance(5 * HOUR_MS)
    announced = {row["symbol"]: row["nextFundingTime"] for row in client.fapiPublicGetPremiumIndex()}

    assert announced[EIGHT] == NOON_MS + 12 * HOUR_MS
    assert announced[FOUR] == NOON_MS + 8 * HOUR_MS


def test_the_rate_announced_is_the_rate_charged_where_it_does_not_move_meanwhile(core: Core):
    instant = NOON_MS + 4 * HOUR_MS
    core.advance(instant)
    paid = {row.symbol: row.amount for row in core.ledger.rows if row.symbol == FOUR}
    mark = core.market.quote(FOUR, instant).mark_price

    assert paid[FOUR] == (-120 * mark * core.market.funding(FOUR, instant).rate).quantize(Decimal("1e-8"))
