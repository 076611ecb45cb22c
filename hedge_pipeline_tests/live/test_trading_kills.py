"""`kill -9` of what trades: the venue's own books are right after the next protection cycle, and empty of openings once nobody is left."""

import json
import subprocess
import sys

import pytest

from tools.kill_lanes import Kill
from tools.stack import REPOSITORY

pytestmark = [pytest.mark.long, pytest.mark.live_stack]

SEED = 20261120


def killed(*arguments: str) -> list[Kill]:
    """In a process of its own: what it forks is born with its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.kill_trading", "--json", "--seed", str(SEED), *arguments],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    kills = [Kill(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    assert kills, done.stderr[-3000:]
    return kills


@pytest.mark.finding("S3-ERR-3", "S3-TEST-3", "X-19")
@pytest.mark.timeout(900)
def test_killed_run_workers_leave_no_duplicate_no_lost_fill_and_no_position_without_its_stop() -> None:
    kills = killed("--workers", "8", "--venues", "0", "--everything", "0")

    assert not [kill for kill in kills if kill.defects]
    assert len(kills) == 8


@pytest.mark.finding("S3-ERR-3", "S3-LIFE-R")
@pytest.mark.timeout(900)
def test_after_the_venue_or_everything_was_killed_nothing_that_opens_is_left_unguarded() -> None:
    kills = killed("--workers", "0", "--venues", "3", "--everything", "2")

    assert not [kill for kill in kills if kill.defects]
    assert [kill.victim for kill in kills] == ["venue"] * 3 + ["everything"] * 2
