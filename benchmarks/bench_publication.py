"""A cycle's documents published in the steady state, beside the bare client's `set()` of each, one after the other.

The bare client orders nothing: it overwrites whatever is there. Both speak to one emulator over their own channel; ours
checks every value, sends each document under the condition that nobody has written since, and waits for all of them.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.cloud import firestore

from benchmarks.sidebyside import compare
from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.publication.deliveries import Outcome, Payload
from hedge_pipeline_tests.adapters.firestore import google_emulator
from hedge_pipeline_tests.adapters.firestore.building import CYCLE, OURS, payload

CYCLES = 20
ROUNDS = 11
GOAL = 1.2
BARE = "bare/dev/state"


def cycle(version: int, root: str) -> list[Payload]:
    """Seven documents, one of them with ten positions."""
    positions = [
        {
            "symbol": f"ASSET{n}USDT",
            "position_side": "LONG" if n % 2 else "SHORT",
            "quantity": f"{version + n}.125",
            "mark_price": f"{50_000 + n}.10",
            "notional_usd": f"{n * 1000 + version}.0125",
            "unrealized_pnl": f"-{n}.55",
        }
        for n in range(10)
    ]
    at = payload(version).fields["as_of"]
    sources = {f"source_{n}": {"ok": True, "as_of": at - n * timedelta(seconds=1)} for n in range(6)}
    return [
        payload(
            version,
            path.replace("hedge/dev/state", root),
            sources=sources,
            **({"positions": positions} if path.endswith("positions") else {}),
        )
        for path in CYCLE
    ]


def ready(root: str) -> Iterator[list[Payload]]:
    """Cycles in order, made before anybody is timed."""
    return iter([cycle(version, root) for version in range(1, (ROUNDS + 1) * CYCLES + 1)])


def measured(host: str) -> bool:
    publisher = FirestorePublisher(env="dev", project="bench", clock=SystemClock(), emulator_host=host)
    os.environ["FIRESTORE_EMULATOR_HOST"] = host  # the bare client takes it from nowhere else
    client = firestore.Client(project="bench")
    ours_ready, bare_ready = ready("hedge/dev/state"), ready(BARE)

    def ours() -> None:
        for _ in range(CYCLES):
            told = publisher.publish(next(ours_ready), own_writers=OURS)
            assert {delivery.outcome for delivery in told} == {Outcome.WRITTEN}

    def bare() -> None:
        for _ in range(CYCLES):
            for sent in next(bare_ready):
                document: Any = client.document(sent.path)
                document.set(dict(sent.fields))

    with closing(publisher):
        return compare(f"{CYCLES} cycles of {len(CYCLE)} documents", ours, bare, goal=GOAL, rounds=ROUNDS)


def main() -> None:
    if (reason := google_emulator.absent()) is not None:
        raise SystemExit(reason)
    with (
        tempfile.TemporaryDirectory() as folder,
        google_emulator.google_emulator(Path(folder) / "log") as host,
    ):
        if not measured(host):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
