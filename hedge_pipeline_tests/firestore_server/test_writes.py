"""Writes: what they leave behind, at which version, and that a batch is one."""

import threading
from datetime import UTC, datetime

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1 import DELETE_FIELD, SERVER_TIMESTAMP, ArrayRemove, ArrayUnion
from google.cloud.firestore_v1.field_path import FieldPath

from hedge_pipeline.local import LocalFirestore
from hedge_pipeline_tests.firestore_server.conftest import Connect

pytestmark = pytest.mark.live_stack


def test_what_was_set_is_read(client: firestore.Client):
    document = client.document("funds/main")
    data = {
        "nav_usd": "123456789.123456789",
        "count": 2**63 - 1,
        "ratio": 0.1,
        "valid": True,
        "nothing": None,
        "as_of": datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC),
        "raw": b"\x00\xff",
        "positions": [{"symbol": "BTCUSDT", "quantity": "-1.5"}, 7, "x"],
        "marks": {"BTC/USD": "1", "a.b": {"c": []}, "ü": "é", "empty": {}},
    }

    document.set(data)

    assert document.get().to_dict() == data


def test_set_replaces_all_and_merge_only_what_it_names(client: firestore.Client):
    document = client.document("c/d")
    document.set({"a": 1, "m": {"x": 1, "y": 2}})

    document.set({"m": {"x": 5}, "b": [1]}, merge=True)
    assert document.get().to_dict() == {"a": 1, "m": {"x": 5, "y": 2}, "b": [1]}

    document.set({"m": {"z": 7}}, merge=["m.z"])  # type: ignore[arg-type]  # it takes paths, and says bool
    assert document.get().to_dict() == {"a": 1, "m": {"x": 5, "y": 2, "z": 7}, "b": [1]}

    document.set({"only": 1})
    assert document.get().to_dict() == {"only": 1}


def test_update_changes_paths_and_removes_fields(client: firestore.Client):
    document = client.document("c/d")
    document.set({"a": 1, "m": {"x": 1, "y": 2}, "odd.name": 1})

    document.update(
        {
            "m.x": DELETE_FIELD,
            "m.z": 3,
            "new.deep.er": 1,
            FieldPath("odd.name").to_api_repr(): 2,
            "a": {"b": 1},
        }
    )

    assert document.get().to_dict() == {
        "a": {"b": 1}, "m": {"y": 2, "z": 3}, "odd.name": 2, "new": {"deep": {"er": 1}},
    }  # fmt: skip


def test_update_of_what_is_not_there_is_not_found(client: firestore.Client):
    with pytest.raises(exceptions.NotFound, match="no entity to update: app: ") as refusal:
        client.document("c/d/e/f").update({"a": 1})

    assert f'"dev~{client.project}"' in refusal.value.message
    assert 'type: "e"\n    name: "f"' in refusal.value.message
    assert not client.document("c/d/e/f").get().exists


def test_create_of_what_is_there_already_exists(client: firestore.Client):
    client.document("c/d").create({"a": 1})

    with pytest.raises(exceptions.AlreadyExists, match="path=/c/d"):
        client.document("c/d").create({"a": 2})

    assert client.document("c/d").get().to_dict() == {"a": 1}


def test_delete_with_and_without_precondition(client: firestore.Client):
    document = client.document("c/d")
    document.delete()
    with pytest.raises(exceptions.NotFound):
        document.delete(client.write_option(exists=True))

    document.set({"a": 1})
    document.delete(client.write_option(exists=True))

    assert not document.get().exists


def test_only_the_version_that_was_read_can_be_replaced(client: firestore.Client):
    document = client.document("c/d")
    document.set({"seq": 1})
    read = document.get()
    document.update({"seq": 2})
    stale, current = read.update_time, document.get().update_time

    with pytest.raises(
        exceptions.FailedPrecondition,
        match=r"the stored version \(\d+\) does not match the required base version",
    ):
        document.update({"seq": 9}, option=client.write_option(last_update_time=stale))
    with pytest.raises(exceptions.FailedPrecondition):
        document.delete(option=client.write_option(last_update_time=stale))
    document.update({"seq": 3}, option=client.write_option(last_update_time=current))

    assert document.get().to_dict() == {"seq": 3}
    document.delete()
    with pytest.raises(exceptions.FailedPrecondition):
        document.update({"seq": 4}, option=client.write_option(last_update_time=current))


def test_update_times_tell_versions_apart_and_create_time_stays(client: firestore.Client):
    document = client.document("c/d")
    times = [document.set({"seq": seq}).update_time for seq in range(20)]
    found = document.get()

    assert times == sorted(set(times))
    assert found.update_time == times[-1]
    assert found.create_time == times[0]
    assert found.read_time >= found.update_time


@pytest.mark.parametrize("value", [1, float("nan"), {"x": [1, {"y": None}]}])
def test_a_write_that_changes_nothing_keeps_the_update_time(client: firestore.Client, value: object):
    document = client.document("c/d")
    first = document.set({"a": value, "b": 2}).update_time

    assert document.set({"b": 2, "a": value}).update_time == first
    assert document.update({"a": value}).update_time == first
    assert document.set({"b": 2}, merge=True).update_time == first
    assert document.get().update_time == first


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (0.0, -0.0), ([1, 2], [2, 1]), (None, False)])
def test_a_write_of_another_type_or_order_is_a_change(
    client: firestore.Client, before: object, after: object
):
    document = client.document("c/d")
    first = document.set({"a": before}).update_time

    assert document.set({"a": after}).update_time > first
    assert repr(document.get().get("a")) == repr(after)


def test_a_batch_is_carried_out_whole_at_one_instant(client: firestore.Client):
    client.document("c/old").set({"a": 1})
    batch = client.batch()
    batch.set(client.document("c/new"), {"a": 1})
    batch.update(client.document("c/old"), {"b": 2})
    batch.create(client.document("d/e/f/g"), {"c": 3})
    batch.update(client.document("c/new"), {"b": 2})
    batch.delete(client.document("c/absent"))

    results = batch.commit()

    assert {str(result.update_time) for result in results[:4]} == {str(results[0].update_time)}
    assert client.document("c/new").get().to_dict() == {"a": 1, "b": 2}
    assert client.document("c/new").get().update_time == client.document("d/e/f/g").get().update_time


def test_a_batch_of_which_one_write_is_refused_leaves_nothing(client: firestore.Client):
    client.document("c/there").set({"a": 1})
    batch = client.batch()
    batch.set(client.document("c/there"), {"a": 2})
    batch.set(client.document("c/new"), {"a": 1})
    batch.update(client.document("c/absent"), {"a": 1})

    with pytest.raises(exceptions.NotFound):
        batch.commit()

    assert client.document("c/there").get().to_dict() == {"a": 1}
    assert not client.document("c/new").get().exists


def test_each_write_of_a_batch_has_its_own_precondition(client: firestore.Client):
    one, two = client.document("c/1"), client.document("c/2")
    versions = [one.set({"seq": 1}).update_time, two.set({"seq": 1}).update_time]
    two.set({"seq": 2})
    batch = client.batch()
    for document, version in zip((one, two), versions, strict=True):
        batch.update(document, {"seq": 9}, option=client.write_option(last_update_time=version))

    with pytest.raises(exceptions.FailedPrecondition):
        batch.commit()

    assert one.get().to_dict() == {"seq": 1}


def test_two_writes_of_a_batch_may_stand_on_the_same_version(client: firestore.Client):
    document = client.document("c/d")
    option = client.write_option(last_update_time=document.set({"seq": 1}).update_time)
    batch = client.batch()
    batch.update(document, {"seq": 2}, option=option)
    batch.update(document, {"again": True}, option=option)
    batch.commit()

    assert document.get().to_dict() == {"seq": 2, "again": True}


def test_writes_that_exclude_each_other_are_refused(client: firestore.Client):
    twice, revived = client.batch(), client.batch()
    for _ in range(2):
        twice.create(client.document("c/d"), {"a": 1})
    revived.delete(client.document("c/d"))
    revived.update(client.document("c/d"), {"a": 1})

    with pytest.raises(
        exceptions.InvalidArgument, match="Cannot insert then insert an entity in the same request"
    ):
        twice.commit()
    with pytest.raises(
        exceptions.InvalidArgument, match="Cannot delete then update an entity in the same request"
    ):
        revived.commit()


def test_the_server_says_when(client: firestore.Client):
    document = client.document("c/d")
    result = document.set({"at": SERVER_TIMESTAMP, "m": {"deep": SERVER_TIMESTAMP}, "kept": 1})
    found = document.get()
    instant = found.get("at")

    assert found.get("m.deep") == instant
    assert found.get("kept") == 1
    assert instant <= result.update_time
    assert instant.microsecond % 1000 == 0
    assert (result.update_time - instant).total_seconds() < 1


def test_elements_are_added_once_and_removed_all(client: firestore.Client):
    document = client.document("c/d")
    document.set({"seen": ArrayUnion(["a", "b", "a", 1])})
    document.update({"seen": ArrayUnion([1.0, "c", {"k": 1}])})
    assert document.get().get("seen") == ["a", "b", 1, "c", {"k": 1}]

    document.update({"seen": ArrayRemove(["a", 1.0, {"k": 1}, "absent"])})
    assert document.get().get("seen") == ["b", "c"]

    document.update({"scalar": 5})
    document.update({"scalar": ArrayUnion([1])})
    assert document.get().get("scalar") == [1]


def test_an_element_that_is_there_already_changes_nothing(client: firestore.Client):
    document = client.document("c/d")
    first = document.set({"seen": ["a"]}).update_time

    assert document.update({"seen": ArrayUnion(["a"])}).update_time == first


def test_projects_and_databases_do_not_see_each_other(server: LocalFirestore, connect: Connect):
    one, other = connect(server), connect(server)
    named = connect(server, project=one.project, database="paper")
    for number, client in enumerate((one, other, named)):
        client.document("c/d").set({"whose": number})

    assert [client.document("c/d").get().get("whose") for client in (one, other, named)] == [0, 1, 2]
    named.document("c/d").delete()
    assert one.document("c/d").get().exists
    with pytest.raises(exceptions.NotFound, match='database_id: "paper"'):
        named.document("c/d").update({"a": 1})


def test_of_many_writers_with_preconditions_none_is_lost(client: firestore.Client):
    document = client.document("c/counter")
    document.set({"value": 0})

    def count() -> None:
        done = 0
        while done < 10:
            read = document.get()
            option = client.write_option(last_update_time=read.update_time)
            try:
                document.update({"value": read.get("value") + 1}, option=option)
            except exceptions.FailedPrecondition:
                continue
            done += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert document.get().get("value") == 40
