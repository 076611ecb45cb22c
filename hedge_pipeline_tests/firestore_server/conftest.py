"""Both Firestore servers, and the real client against either: what a test here says holds of both."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.cloud import firestore

from hedge_pipeline.local import FirestoreKind, LocalFirestore, emulator
from hedge_pipeline.local.emulator import Emulator
from hedge_pipeline.local.firestore import PROGRAMS, named
from hedge_pipeline.local.processes import Starting

Connect = Callable[..., firestore.Client]


def started(kind: FirestoreKind, folder: Path, *arguments: str) -> LocalFirestore:
    """A server that ends with this process."""
    given = [*arguments, "--parent-pid", str(os.getpid())]
    ready, log = folder / "ready.json", folder / "server.log"
    return named(Starting(kind, PROGRAMS[kind], given, ready=ready, log=log, detached=False).ready())


@pytest.fixture(scope="session")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFirestore]:
    server = started(FirestoreKind.OWN, tmp_path_factory.mktemp("own"))
    yield server
    server.end()


@pytest.fixture(scope="session")
def emulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFirestore]:
    found = emulator.find()
    if not isinstance(found, Emulator):
        pytest.skip(f"Google's Firestore emulator is not installed: {found}")
    arguments = ("--java", str(found.java), "--jar", str(found.jar))
    server = started(FirestoreKind.EMULATOR, tmp_path_factory.mktemp("emulator"), *arguments)
    yield server
    server.end()


@pytest.fixture(params=list(FirestoreKind))
def server(request: pytest.FixtureRequest) -> LocalFirestore:
    """Each of the two in turn."""
    found: LocalFirestore = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Make a client of a server; of a project of its own unless told which."""
    made: list[firestore.Client] = []

    def connected(
        server: LocalFirestore, *, project: str | None = None, database: str | None = None
    ) -> firestore.Client:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        made.append(firestore.Client(project=project or f"p-{uuid.uuid4().hex[:12]}", database=database))
        return made[-1]

    yield connected
    for each in made:
        each._firestore_api.transport.close()


@pytest.fixture
def client(server: LocalFirestore, connect: Connect) -> firestore.Client:
    return connect(server)
