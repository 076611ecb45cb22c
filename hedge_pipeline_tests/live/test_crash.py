"""The tenth of October 2025 on a live daemon with a loaded grid: nothing opens after the breach, and everything stays covered."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.crash import FAILING, played

pytestmark = [pytest.mark.long, pytest.mark.live_stack, pytest.mark.timeout(900)]


@pytest.mark.finding("X-24", "S2-RISK-1")
@pytest.mark.parametrize("faults", [(), FAILING], ids=["sources answer", "sources fail from the breach on"])
def test_the_crash_closes_the_gate_once_and_leaves_nothing_unguarded(
    recorded_data: Path, faults: tuple[str, ...]
) -> None:
    found = played(
        recorded_data / "market" / "S1_crash_2025-10",
        start=datetime(2025, 10, 10, 20, 40, tzinfo=UTC), minutes=42, pace=10, faults=faults,
    )  # fmt: skip

    assert not found.defects
    assert found.loaded is not None
    assert len(found.loaded.resting) == 12
    assert found.breached_at is not None
