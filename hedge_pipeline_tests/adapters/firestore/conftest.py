"""Real servers, one project per test, a proxy that fails on demand, and publishers that do not wait."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.cloud import firestore

from hedge_pipeline.adapters.firestore import FirestorePublisher, PublishingLimits
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline_tests.adapters.firestore import google_emulator, own_server
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import FaultyProxy, faulty_proxy

SERVERS: dict[str, tuple[Callable[[], str | None], Callable[[Path], AbstractContextManager[str]]]] = {
    "google": (google_emulator.absent, google_emulator.google_emulator),
    "ours": (own_server.absent, own_server.own_server),
}
"""By name: why it cannot be started here, and how it is."""


def serving(name: str, folder: Path) -> AbstractContextManager[str]:
    """``host:port`` of the server of that name while the block lasts; skips where it cannot be started."""
    absent, start = SERVERS[name]
    if (reason := absent()) is not None:
        pytest.skip(reason)
    return start(folder / "log")


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a Firestore server. Tests share it, each in a project of its own."""
    with serving(request.param, tmp_path_factory.mktemp("firestore")) as host:
        yield host


@pytest.fixture
def project() -> str:
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def proxy(server: str) -> Iterator[FaultyProxy]:
    with faulty_proxy(server) as between:
        yield between


@dataclass
class Pauses:
    """``sleep`` that only counts."""

    taken: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


MakePublisher = Callable[..., FirestorePublisher]


@pytest.fixture
def make_publisher(proxy: FaultyProxy, project: str, pauses: Pauses) -> Iterator[MakePublisher]:
    """Publishers through the proxy, unless told otherwise."""
    made: list[FirestorePublisher] = []

    def make(**different: Any) -> FirestorePublisher:
        wanted: dict[str, Any] = {
            "env": "dev",
            "project": project,
            "emulator_host": proxy.host,
            "clock": SystemClock(),
            "sleep": pauses,
        }
        made.append(FirestorePublisher(**wanted | different))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


@pytest.fixture
def publisher(make_publisher: MakePublisher) -> FirestorePublisher:
    return make_publisher()


@pytest.fixture
def hasty() -> PublishingLimits:
    """For servers that are silent: how long a test waits for them."""
    return PublishingLimits(rpc=timedelta(seconds=1), budget=timedelta(seconds=3))


@pytest.fixture
def database(server: str, project: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[firestore.Client]:
    """Google's own client on the same project, as any other program's."""
    with monkeypatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", server)
        client = firestore.Client(project=project)
    yield client
    client._firestore_api.transport.close()
