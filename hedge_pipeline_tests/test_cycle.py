"""Whole cycles against the staged venue: what no single step can show."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT
from hedge_pipeline_tests.stage import staged


def test_the_accounts_mode_changes_the_venues_totals_and_not_the_nav(tmp_path: Path) -> None:
    navs = {}
    for multi_assets in (False, True):
        account = replace(DEFAULT_ACCOUNT, multi_assets=multi_assets)
        with staged(tmp_path / str(multi_assets), account=account) as stage:
            assert stage.beat(3).state is TradingState.ACTIVE
            reading = stage.fund.latest(AccountReading)
            assert reading is not None
            assert reading.totals is not None
            navs[multi_assets] = (stage.nav.trading_nav, reading.totals.wallet_balance)
    assert navs[False][0] == navs[True][0]
    assert navs[False][1] != navs[True][1]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_wall_clock_that_jumps_between_cycles_changes_no_age(tmp_path: Path, jump: timedelta) -> None:
    with staged(tmp_path) as stage:
        stage.beat(2)
        stage.clock.skew = jump
        stage.clock.pass_by(timedelta(seconds=20))

        decision = cycle.judge(stage.fund)

        assert decision.state is TradingState.ACTIVE
        assert decision.valid_until - decision.decided_at == stage.fund.limits.freshness.nav - timedelta(
            seconds=20
        )


def test_an_outage_of_everything_halts_and_ends_by_itself(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.beat()
        stage.control.set_fault("*", "respond", status=500, body="down")
        assert stage.beat(3).state is TradingState.HALTED
        stage.control.clear_faults()
        states = [stage.beat().state for _ in range(3)]
    assert states == [TradingState.HALTED, TradingState.HALTED, TradingState.ACTIVE]
