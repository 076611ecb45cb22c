"""The command as a person calls it, over a home directory of its own."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hedge_pipeline import local
from hedge_pipeline.cli import main
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.cycle.order_reading import read_orders, read_terms
from hedge_pipeline.cycle.planning import plan_ladders, plan_orders, read_candles, read_regimes
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.trading.authority import TRADING_JOB, RunAuthority
from hedge_pipeline_tests.stage import Stage, staged

Hedge = Callable[..., Result]


@pytest.fixture
def hedge() -> Hedge:
    """Call `hedge` with these arguments."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return call


@pytest.fixture
def home() -> Iterator[Path]:
    """The home directory of the environment; its servers end with the test."""
    place = Path(os.environ["HEDGE_HOME"])
    yield place
    local.end_children()
    local.down(place)
    local._venues.found.pop(place, None)


@pytest.fixture
def stage(home: Path) -> Iterator[Stage]:
    """A fund in that home, valued just now by the wall clock, which is what a command reads."""
    with staged(home, start=datetime.now(UTC) - timedelta(seconds=30)) as built:
        built.beat()
        yield built


@pytest.fixture
def trading(stage: Stage) -> Stage:
    """The same fund with its positions covered and one bar traded."""
    fund = stage.fund
    protect(fund)
    for step in (read_candles, read_terms, read_regimes, plan_ladders, plan_orders):
        step(fund)
    executed = execute_plans(
        fund,
        RunAuthority(run_id="of the test", job_name=TRADING_JOB, launched_at=fund.clock.now(), repeats=None),
    )
    assert sum(symbol.sent for symbol in executed.symbols), executed
    read_orders(fund)
    return stage
