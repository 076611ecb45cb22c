"""Our server as a process: on loopback, with bounded memory, and gone when it should be."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import firestore

from hedge_pipeline.firestore_server.listening import Listener
from hedge_pipeline.firestore_server.store import Store
from hedge_pipeline.firestore_server.wire import ListenRequest
from hedge_pipeline.local import FirestoreKind, LocalFirestore
from hedge_pipeline_tests.firestore_server.conftest import Connect, started
from hedge_pipeline_tests.firestore_server.test_listening import Heard, listening

pytestmark = pytest.mark.live_stack

PROGRAM = [sys.executable, "-m", "hedge_pipeline.firestore_server"]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[LocalFirestore]:
    server = started(FirestoreKind.OWN, tmp_path)
    yield server
    server.end()


def test_it_says_where_it_is_and_takes_that_back_when_it_is_ended(alone: LocalFirestore, tmp_path: Path):
    assert json.loads((tmp_path / "ready.json").read_text()) == {
        "host": alone.host, "pid": alone.pid, "kind": "own",
    }  # fmt: skip

    alone.end()

    assert not (tmp_path / "ready.json").exists()
    assert not alone.is_alive


def test_it_listens_on_loopback_alone(alone: LocalFirestore):
    _, _, port = alone.host.partition(":")

    socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(port)), timeout=5)


def test_a_port_that_is_taken_is_refused(alone: LocalFirestore, tmp_path: Path):
    _, _, port = alone.host.partition(":")

    second = subprocess.run(
        [*PROGRAM, "--port", port, "--ready-file", str(tmp_path / "second.json")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert second.returncode == 1
    assert "firestore server:" in second.stderr
    assert not (tmp_path / "second.json").exists()


def test_a_listener_survives_a_restart_and_what_was_held_is_gone(
    alone: LocalFirestore, tmp_path: Path, connect: Connect
):
    client = connect(alone)
    document = client.document("c/d")
    document.set({"seq": 1})
    with listening(document) as (heard, _):
        assert isinstance(heard, Heard)
        heard.until(lambda state: state == {"d": {"seq": 1}})
        os.kill(alone.pid, signal.SIGKILL)
        again = started(FirestoreKind.OWN, tmp_path, "--port", alone.host.partition(":")[2])
        try:
            heard.until(lambda state: state == {})
            document.set({"seq": 2})
            heard.until(lambda state: state == {"d": {"seq": 2}})
        finally:
            again.end()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_updates_and_deletions_do_not_pile_up(alone: LocalFirestore, connect: Connect):
    client = connect(alone)
    heartbeat = client.document("c/heartbeat")

    def updates(count: int) -> int:
        for seq in range(count):
            heartbeat.set({"seq": seq, "padding": "x" * 100_000})
            passing = client.document(f"passing-{seq}/d")
            passing.set({"padding": "x" * 10_000})
            passing.delete()
        return resident_kib(alone.pid)

    before = updates(50)
    growth_mib = (updates(400) - before) / 1024

    assert growth_mib < 15, "400 versions of 100 kB would be 40 MB"


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_a_listener_that_left_is_woken_no_more():
    store = Store(lambda: 1)
    name = "projects/p/databases/(default)"
    request = ListenRequest(database=name)
    request.add_target.target_id = 5
    request.add_target.documents.documents.append(f"{name}/documents/c/d")

    async def come_and_go() -> None:
        listener = Listener(store)
        listener.asked(request)
        assert len(store.database(name).watchers) == 1
        listener.close()

    asyncio.run(come_and_go())

    assert store.database(name).watchers == set()


def test_instants_grow_though_the_wall_clock_does_not():
    store = Store(lambda: 7)

    assert [store.now_micros() for _ in range(3)] == [7, 8, 9]


def test_it_serves_the_real_client(alone: LocalFirestore, connect: Connect):
    client: firestore.Client = connect(alone)
    client.document("c/d").set({"a": 1})

    assert client.document("c/d").get().to_dict() == {"a": 1}
