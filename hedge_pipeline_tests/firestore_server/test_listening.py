"""Listening: a reader is told what is there, then what changes, whatever happens to the stream in between."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from hedge_pipeline.local import LocalFirestore
from hedge_pipeline_tests.firestore_server.conftest import Connect

pytestmark = pytest.mark.live_stack

PATIENCE_S = 20.0


class Heard:
    """What a listener was told last, and everything before."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.states: list[dict[str, Any]] = []
        self.changes: list[tuple[str, str]] = []

    def __call__(self, snapshots: Any, changes: Any, _read_time: Any) -> None:
        with self._changed:
            self.states.append({each.id: each.to_dict() for each in snapshots})
            self.changes += [(each.type.name, each.document.id) for each in changes]
            self._changed.notify_all()

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.states) and holds(self.states[-1]), PATIENCE_S), (
                self.states[-1:]
            )
            return self.states[-1]


class Wire:
    """A TCP connection to a server that can be cut."""

    def __init__(self, host: str) -> None:
        address, _, port = host.partition(":")
        self._target = (address, int(port))
        self._listener = socket.create_server((address, 0))
        self.host = f"{address}:{self._listener.getsockname()[1]}"
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        while self._ends:
            with suppress(OSError):
                self._ends.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(self._target)
                self._ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()


@contextmanager
def listening(target: Any) -> Iterator[tuple[Heard, Any]]:
    heard = Heard()
    watch = target.on_snapshot(heard)
    try:
        yield heard, watch
    finally:
        watch.unsubscribe()


def test_a_document_is_heard_from_absence_to_absence(client: firestore.Client):
    document = client.document("c/d")
    with listening(document) as (heard, _):
        heard.until(lambda state: state == {})
        document.set({"seq": 1})
        heard.until(lambda state: state == {"d": {"seq": 1}})
        document.update({"seq": 2, "m.x": 1})
        heard.until(lambda state: state == {"d": {"seq": 2, "m": {"x": 1}}})
        client.document("c/other").set({"seq": 1})
        document.delete()
        heard.until(lambda state: state == {})

    assert heard.changes == [("ADDED", "d"), ("MODIFIED", "d"), ("REMOVED", "d")]


def test_a_query_is_heard_as_documents_come_and_go(client: firestore.Client):
    collection = client.collection("c")
    collection.document("a").set({"n": 1})
    collection.document("b").set({"n": 5})
    query = collection.where(filter=FieldFilter("n", ">", 1)).order_by("n", direction="DESCENDING")
    with listening(query) as (heard, _):
        heard.until(lambda state: set(state) == {"b"})
        collection.document("c").set({"n": 9})
        heard.until(lambda state: set(state) == {"c", "b"})
        collection.document("a").update({"n": 7})
        heard.until(lambda state: set(state) == {"c", "a", "b"})
        collection.document("c").update({"n": 0})
        heard.until(lambda state: set(state) == {"a", "b"})
        collection.document("b").delete()
        heard.until(lambda state: set(state) == {"a"})


def test_a_limited_query_fills_up_again(client: firestore.Client):
    collection = client.collection("c")
    for number in range(4):
        collection.document(str(number)).set({"n": number})
    with listening(collection.order_by("n").limit(2)) as (heard, _):
        heard.until(lambda state: set(state) == {"0", "1"})
        collection.document("0").delete()
        heard.until(lambda state: set(state) == {"1", "2"})
        collection.document("x").set({"n": -1})
        heard.until(lambda state: set(state) == {"x", "1"})


def test_a_batch_is_heard_whole(client: firestore.Client):
    collection = client.collection("c")
    with listening(collection) as (heard, _):
        heard.until(lambda state: state == {})
        for seq in range(10):
            batch = client.batch()
            for name in "abc":
                batch.set(collection.document(name), {"seq": seq})
            batch.commit()
        heard.until(lambda state: [each["seq"] for each in state.values()] == [9] * 3)

    assert all(len({each["seq"] for each in state.values()}) <= 1 for state in heard.states)


def test_versions_are_heard_in_order_and_the_last_one_always(client: firestore.Client):
    document = client.document("c/d")
    with listening(document) as (heard, _):
        heard.until(lambda state: state == {})
        for seq in range(200):
            document.set({"seq": seq})
        heard.until(lambda state: state == {"d": {"seq": 199}})

    told = [state["d"]["seq"] for state in heard.states if state]
    assert told == sorted(set(told))


def test_a_stream_that_broke_is_resumed_with_what_was_missed(server: LocalFirestore, connect: Connect):
    writer = connect(server)
    stays, goes, changes = (writer.document(f"c/{name}") for name in ("stays", "goes", "changes"))
    stays.set({"n": 1})
    goes.set({"n": 1})
    with Wire(server.host) as wire:
        through_wire = LocalFirestore(wire.host, server.pid, server.kind)
        collection = connect(through_wire, project=writer.project).collection("c")
        with listening(collection) as (heard, _):
            heard.until(lambda state: set(state) == {"stays", "goes"})
            changes.set({"n": 1})
            heard.until(lambda state: "changes" in state)
            wire.cut()
            goes.delete()
            changes.update({"n": 2})
            state = heard.until(lambda state: "goes" not in state and state.get("changes") == {"n": 2})

    assert state == {"stays": {"n": 1}, "changes": {"n": 2}}
    assert heard.changes.count(("ADDED", "stays")) == 1, "what did not change is not told again"


def test_many_listen_at_once_and_those_who_left_cost_nothing(client: firestore.Client):
    document = client.document("c/d")
    document.set({"seq": 0})
    for _ in range(3):
        with listening(document) as (gone, _):
            gone.until(bool)
    readers = [listening(document) for _ in range(20)]
    entered = [reader.__enter__() for reader in readers]
    try:
        document.set({"seq": 1})
        for heard, _ in entered:
            heard.until(lambda state: state == {"d": {"seq": 1}})
    finally:
        for reader in readers:
            reader.__exit__(None, None, None)
