"""Payloads of a small fund's documents, and publishers of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hedge_pipeline.domain.publication.deliveries import Delivery, Outcome, Payload
from hedge_pipeline_tests.examples import NOON

WRITER = "hedge-dev-main"
OURS = frozenset({WRITER})
STATE = "hedge/dev/state"
NAV = f"{STATE}/nav"
CYCLE = tuple(
    f"{STATE}/{name}" for name in ("nav", "risk", "positions", "reserves", "peak", "heartbeat", "treasury")
)


def payload(version: int = 1, path: str = NAV, **fields: Any) -> Payload:
    """The document of one cycle; ``fields`` are added to it, or replace."""
    at = NOON + version * timedelta(seconds=30)
    envelope = {
        "schema_version": 1,
        "env": "dev",
        "writer_id": WRITER,
        "run_id": f"run-{version}",
        "as_of": at,
        "published_at": at + timedelta(seconds=1),
        "expires_at": at + timedelta(days=1),
        "seq": version,
        "stale": False,
        "nav_usd": f"{100_000 + version}.25",
    }
    return Payload(path=path, fields=envelope | fields)


def cycle(version: int = 1, **fields: Any) -> list[Payload]:
    """All documents of one cycle."""
    return [payload(version, path, **fields) for path in CYCLE]


def outcomes(deliveries: Sequence[Delivery]) -> list[Outcome]:
    return [delivery.outcome for delivery in deliveries]
