"""`kill -9` at random instants of live cycles: everything recorded before is there, and the next cycle is right."""

from collections import Counter

import pytest

from tools.kill_lanes import PHASES, Kill
from tools.kills import all_killed, table

pytestmark = [pytest.mark.long, pytest.mark.live_stack]

SEED = 20261120


def nothing_was_lost(kills: list[Kill]) -> None:
    assert not [kill for kill in kills if kill.defects], table(kills)


@pytest.mark.timeout(300)
def test_a_few_kills_of_each_kind_lose_nothing() -> None:
    kills = all_killed(12, SEED)

    nothing_was_lost(kills)
    assert Counter(kill.victim for kill in kills).keys() >= {"run worker", "venue", "daemon"}


@pytest.mark.finding("S3-ERR-3")
@pytest.mark.timeout(1500)
def test_a_hundred_kills_in_every_phase_lose_nothing() -> None:
    kills = all_killed(100, SEED)

    nothing_was_lost(kills)
    assert len(kills) >= 100
    assert sum(kill.in_run for kill in kills) >= 60, table(kills)
    assert {kill.phase for kill in kills} >= set(PHASES) - {"instruments"}, table(kills)
