"""Many publishers of one document at once, over a connection that loses, refuses and delays a fifth of the writes."""

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.cloud import firestore

from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.domain.publication.deliveries import Outcome, Payload
from hedge_pipeline_tests.adapters.firestore.building import NAV, OURS, payload
from hedge_pipeline_tests.adapters.firestore.conftest import MakePublisher
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import (
    LOST_REPLY,
    UNAVAILABLE,
    Fault,
    FaultyProxy,
)

FAULTY_SHARE = 0.2


def seeded(seed: int, share: float) -> Any:
    """A plan that hits that share of the commits, the same ones by their order each time."""
    dice = random.Random(seed)

    def plan(method: str, _: bytes) -> Fault | None:
        if method != "Commit" or dice.random() >= share:
            return None
        return dice.choice((LOST_REPLY, UNAVAILABLE, Fault(delay_s=dice.uniform(0.01, 0.05))))

    return plan


def hammer(
    make_publisher: MakePublisher, proxy: FaultyProxy, database: firestore.Client, *, seed: int, versions: int
) -> None:
    jobs = [payload(version) for version in range(1, versions + 1)] * 2
    random.Random(seed).shuffle(jobs)
    proxy.plan = seeded(seed, FAULTY_SHARE)
    seen: list[int] = []
    arrived = threading.Event()

    def listen(snapshots: Any, changes: Any, read_time: Any) -> None:
        seen.extend(snapshot.get("seq") for snapshot in snapshots if snapshot.exists)
        if seen and seen[-1] == versions:
            arrived.set()

    watch = database.document(NAV).on_snapshot(listen)
    share = [jobs[start::6] for start in range(6)]
    makers = [make_publisher(sleep=lambda seconds: time.sleep(min(seconds, 0.01))) for _ in share]

    def work(publisher: FirestorePublisher, mine: list[Payload]) -> list[Outcome]:
        return [publisher.publish([sent], own_writers=OURS)[0].outcome for sent in mine]

    try:
        with ThreadPoolExecutor(len(share)) as pool:
            told = list(itertools.chain(*pool.map(work, makers, share)))
        assert set(told) <= {Outcome.WRITTEN, Outcome.ALREADY_THERE, Outcome.OLDER}
        assert arrived.wait(20), seen
    finally:
        watch.unsubscribe()
    assert seen == sorted(seen)
    found = database.document(NAV).get().to_dict()
    assert found == payload(versions).fields


@pytest.mark.finding("X-12")
def test_the_newest_wins_and_nobody_sees_a_step_backwards(make_publisher, proxy, database):
    hammer(make_publisher, proxy, database, seed=1, versions=10)


@pytest.mark.long
@pytest.mark.finding("X-12")
@pytest.mark.parametrize("seed", range(2, 8))
def test_the_newest_wins_over_forty_versions(make_publisher, proxy, database, seed):
    hammer(make_publisher, proxy, database, seed=seed, versions=40)
