"""Documents taken over from a writer without versions: copied, compared, then ours; safe at every step."""

from typing import Any

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1 import GeoPoint
from google.cloud.firestore_v1.types import CommitRequest

from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline_tests.adapters.firestore.building import NAV, OURS, WRITER, outcomes, payload
from hedge_pipeline_tests.adapters.firestore.conftest import MakePublisher
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import LOST_REPLY, UNAVAILABLE, Fault, FaultyProxy
from hedge_pipeline_tests.examples import NOON, SECOND

UNDER = "hedge/dev/archive"
PLACE = f"{UNDER}/hedge~dev~state~nav"
OLD = {"nav": 123.25, "points": [{"t": "2026-11-01", "v": 1}], "BTC/USD": {"a.b": None}}
MARK = {
    "schema_version": 0,
    "writer_id": WRITER,
    "env": "dev",
    "archived_at": NOON,
    "archived_to": PLACE,
}
DENIED = Fault(before=grpc.StatusCode.PERMISSION_DENIED)


def take_over(publisher: FirestorePublisher, *paths: str) -> dict[str, str]:
    return dict(publisher.archive(paths or (NAV,), under=UNDER, writer_id=WRITER, at=NOON))


def stored(database: firestore.Client, path: str = NAV) -> Any:
    return database.document(path).get().to_dict()


@pytest.mark.finding("X-12")
def test_an_unversioned_document_is_kept_aside_and_replaced(
    publisher: FirestorePublisher, database: firestore.Client
):
    database.document(NAV).set(OLD)
    assert outcomes(publisher.publish([payload()], own_writers=OURS)) == [Outcome.REFUSED]

    assert take_over(publisher, NAV, f"{NAV}-2") == {NAV: PLACE}

    assert stored(database) == MARK
    assert stored(database, PLACE) == {"original_path": NAV, "archived_at": NOON, "content": OLD}
    assert outcomes(publisher.publish([payload()], own_writers=OURS)) == [Outcome.WRITTEN]
    assert stored(database) == payload().fields


def test_a_second_call_finds_what_the_first_did(
    publisher: FirestorePublisher, database: firestore.Client, proxy: FaultyProxy
):
    database.document(NAV).set(OLD)
    take_over(publisher)
    commits = proxy.calls["Commit"]

    assert take_over(publisher) == {NAV: PLACE}
    assert proxy.calls["Commit"] == commits

    publisher.publish([payload()], own_writers=OURS)
    assert take_over(publisher) == {NAV: PLACE}
    assert stored(database) == payload().fields
    assert stored(database, PLACE)["content"] == OLD


def test_every_value_of_another_writer_is_kept_to_the_bit(
    publisher: FirestorePublisher, database: firestore.Client
):
    strange = {
        "nan": float("nan"),
        "minus_zero": -0.0,
        "bytes": b"\x00\xff",
        "place": GeoPoint(1.5, 2.5),
        "reference": database.document("a/b"),
        "naive": NOON.replace(tzinfo=None),
    }
    database.document(NAV).set(strange)
    before = raw(database, NAV)

    take_over(publisher)

    copy = raw(database, PLACE)
    assert [bits(copy["content"].map_value.fields[name]) for name in strange] == [
        bits(before[name]) for name in strange
    ]


def raw(database: firestore.Client, path: str):
    request = {
        "database": database._database_string,
        "documents": [f"{database._database_string}/documents/{path}"],
    }
    (answer,) = database._firestore_api.batch_get_documents(request, metadata=database._rpc_metadata)
    return type(answer).pb(answer).found.fields


def bits(value) -> bytes:
    return bytes(value.SerializeToString(deterministic=True))


def test_documents_of_publishers_are_left_alone(publisher: FirestorePublisher, database: firestore.Client):
    foreign = payload(writer_id="somebody").fields
    database.document(NAV).set(dict(foreign))
    publisher.publish([payload(path=f"{NAV}-2")], own_writers=OURS)

    assert take_over(publisher, NAV, f"{NAV}-2", f"{NAV}-3") == {}
    assert stored(database) == foreign
    assert stored(database, f"{NAV}-2") == payload().fields


@pytest.mark.parametrize("fault", [UNAVAILABLE, LOST_REPLY], ids=["unavailable", "lost reply"])
@pytest.mark.parametrize("method", ["Commit", "BatchGetDocuments"])
@pytest.mark.parametrize("step", range(3))
def test_a_server_that_fails_at_a_step_for_a_while_is_asked_again(
    publisher, proxy, database, fault, method, step
):
    database.document(NAV).set(OLD)
    proxy.first(method, *[None] * step, fault)

    assert take_over(publisher) == {NAV: PLACE}
    assert stored(database) == MARK
    assert stored(database, PLACE)["content"] == OLD


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    ("method", "step"), [("BatchGetDocuments", 0), ("BatchGetDocuments", 1), ("Commit", 0), ("Commit", 1)]
)
def test_a_call_that_ends_between_two_steps_is_finished_by_the_next(
    publisher, proxy, database, make_publisher, method, step, lost
):
    database.document(NAV).set(OLD)
    ended = Fault(after=grpc.StatusCode.PERMISSION_DENIED) if lost else DENIED
    proxy.first(method, *[None] * step, *[ended] * 50)

    with pytest.raises(SourceUnavailable, match="PermissionDenied"):
        take_over(publisher)

    applied = (method, step, lost) == ("Commit", 1, True)
    assert stored(database) == (MARK if applied else OLD)
    proxy.plan = lambda *_: None
    assert take_over(make_publisher()) == {NAV: PLACE}
    assert stored(database) == MARK
    assert stored(database, PLACE)["content"] == OLD


@pytest.mark.parametrize("moment", ["the copy is looked at", "the original is marked"])
def test_a_document_its_writer_changed_in_between_is_copied_as_it_is_then(
    publisher: FirestorePublisher, proxy: FaultyProxy, database: firestore.Client, moment: str
):
    database.document(NAV).set(OLD)
    newer = OLD | {"nav": 124.5}
    step = ("BatchGetDocuments" if moment == "the copy is looked at" else "Commit", 2)

    def plan(method: str, request: bytes) -> None:
        if (method, proxy.calls[method]) == step:
            database.document(NAV).set(newer)

    proxy.plan = plan
    told = take_over(publisher)

    assert told[NAV].startswith(f"{PLACE}~")
    assert stored(database) == MARK | {"archived_to": told[NAV]}
    assert stored(database, PLACE)["content"] == OLD
    assert stored(database, told[NAV])["content"] == newer


def test_a_document_overwritten_after_it_was_taken_over_does_not_cost_the_first_copy(
    publisher: FirestorePublisher, database: firestore.Client
):
    database.document(NAV).set(OLD)
    take_over(publisher)
    database.document(NAV).set({"nav": 0})
    other = publisher.archive([NAV], under=UNDER, writer_id=WRITER, at=NOON + SECOND)[NAV]

    assert other != PLACE
    assert stored(database, PLACE) == {"original_path": NAV, "archived_at": NOON, "content": OLD}
    assert stored(database, other)["content"] == {"nav": 0}


def test_a_copy_that_is_not_one_stops_everything(
    publisher: FirestorePublisher, proxy: FaultyProxy, database: firestore.Client
):
    database.document(NAV).set(OLD)

    def plan(method: str, request: bytes) -> None:
        reads = proxy.calls["BatchGetDocuments"]
        if method == "BatchGetDocuments" and reads == 2:  # the look at the copy
            database.document(PLACE).update({"content.nav": 123.26})

    proxy.plan = plan
    with pytest.raises(SourceUnavailable, match="not a copy"):
        take_over(publisher)
    assert stored(database) == OLD


def test_the_original_is_only_written_under_the_condition_of_what_was_copied(
    publisher: FirestorePublisher, proxy: FaultyProxy, database: firestore.Client
):
    database.document(NAV).set(OLD)
    sent: list[CommitRequest] = []
    proxy.plan = lambda method, request: (
        sent.append(CommitRequest.deserialize(request)) if method == "Commit" else None
    )

    take_over(publisher)

    copied, marked = (request.writes[0] for request in sent)
    assert copied.current_document.exists is False
    assert "update_time" in marked.current_document


def test_a_place_that_is_no_collection_is_refused(publisher: FirestorePublisher, proxy: FaultyProxy):
    with pytest.raises(SourceUnavailable, match="odd number"):
        publisher.archive([NAV], under="hedge/dev", writer_id=WRITER, at=NOON)
    assert not proxy.calls


def test_a_server_that_is_down_is_an_error(make_publisher: MakePublisher, proxy: FaultyProxy):
    proxy.plan = lambda *_: UNAVAILABLE

    with pytest.raises(SourceUnavailable, match="ServiceUnavailable"):
        take_over(make_publisher())
