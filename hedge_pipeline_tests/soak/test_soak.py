"""Everything at once, in any order: the whole trading stack never does what must never be done."""

from collections import Counter

import pytest

from hedge_pipeline_tests.soak.broken import BROKEN, broken
from tools.soak import EPISODE, Episode, play, scratch

RARE = 0.02
PATIENCE = 1500
"""Steps within which a broken fund is found out."""


def played(seed: str, steps: int) -> Episode:
    with scratch() as folder:
        episode = play(seed, steps, folder=folder / "episode")
    assert episode.found is None, "\n".join((*episode.last, str(episode.found)))
    return episode


def test_a_few_hundred_steps_find_nothing():
    episode = played("short", 200)

    assert episode.steps == 200
    assert episode.counts["clean protection cycles"] > 10


def test_an_episode_is_the_same_again():
    once, again = (played("again", 60) for _ in range(2))

    assert once.digest == again.digest


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_steps_of_every_kind_find_nothing():
    kinds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for number in range(10):
        episode = played(f"long/{number}", EPISODE)
        kinds.update(episode.kinds)
        counts.update(episode.counts)

    assert kinds.total() >= 10_000
    assert min(kinds.values()) / kinds.total() >= RARE, kinds
    for name in ("openings sent", "our opening fills", "our closing fills", "exits compared", "gate ACTIVE"):
        assert counts[name] > 100, f"{name}: {counts[name]}, so little was put to the test"


@pytest.mark.long
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_fund_is_found_out(name: str):
    proposition, _ = BROKEN[name]
    found = None
    for number in range(3):
        with broken(name), scratch() as folder:
            found = play(f"broken/{number}", PATIENCE // 3, folder=folder / "episode").found
        if found:
            break

    assert found is not None, "nothing was found"
    assert found.startswith(proposition)
