import time
from collections.abc import Iterator

import pytest

from hedge_pipeline_tests.adapters.provider_stub import (
    ProviderStub,
    TickingClock,
    provider_stub,
)


@pytest.fixture
def stub(clock: TickingClock) -> Iterator[ProviderStub]:
    with provider_stub() as running:
        running.clock = clock
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    """Sleeping moves this clock and takes no time; retries sleep by it too."""
    ticking = TickingClock()
    monkeypatch.setattr(time, "sleep", ticking.sleep)
    return ticking
