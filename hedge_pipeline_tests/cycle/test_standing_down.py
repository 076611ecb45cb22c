"""Standing down stops the dead-man's switch, so that what rests outlives whoever looked after it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hedge_pipeline.cycle.standing_down import stand_down
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline_tests.cycle.turns import BTC, Turns, turns


@pytest.fixture
def armed(tmp_path: Path) -> Iterator[Turns]:
    """A bar is traded and its countdown runs."""
    with turns(tmp_path / "home") as trading:
        trading.trade()
        trading.tick()
        cover = trading.fund.latest(ExitCover)
        assert cover is not None
        assert cover.armed == (BTC,)
        yield trading


def abandoned(trading: Turns) -> None:
    """Twice the countdown, and nobody there."""
    trading.stage.clock.pass_by(2 * trading.fund.trading.sending.countdown)


def test_left_alone_the_countdown_takes_what_rests(armed: Turns) -> None:
    abandoned(armed)
    assert not armed.entries


def test_after_standing_down_it_stays(armed: Turns) -> None:
    before = len(armed.entries)
    assert stand_down(armed.fund) == ()
    abandoned(armed)
    assert len(armed.entries) == before > 0


def test_the_next_protection_cycle_starts_it_again(armed: Turns) -> None:
    stand_down(armed.fund)
    armed.tick()
    abandoned(armed)
    assert not armed.entries


def test_a_countdown_that_could_not_be_stopped_is_named(armed: Turns) -> None:
    armed.stage.control.set_fault("/fapi/v1/countdownCancelAll", "respond", status=500, body="down")
    armed.stage.clock.pass_by(timedelta(seconds=1))
    (told,) = stand_down(armed.fund)
    assert told.startswith("the countdown of BTCUSDT could not be stopped: ")
