"""Publishing to a real server: what is stored afterwards, and at what cost."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud import firestore

from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline_tests.adapters.firestore.building import CYCLE, NAV, OURS, cycle, outcomes, payload
from hedge_pipeline_tests.adapters.firestore.conftest import MakePublisher
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import FaultyProxy


def stored(database: firestore.Client, path: str = NAV) -> Any:
    return database.document(path).get().to_dict()


def test_what_is_published_can_be_read(publisher: FirestorePublisher, database: firestore.Client):
    (delivery,) = publisher.publish([payload()], own_writers=OURS)

    assert delivery.outcome is Outcome.WRITTEN
    assert delivery.error is None
    assert stored(database) == payload().fields
    assert publisher.read([NAV, f"{NAV}-2"]) == {NAV: payload().fields, f"{NAV}-2": None}
    assert publisher.read([]) == {}


def test_every_value_comes_back_as_it_was(publisher: FirestorePublisher):
    zone = timezone(timedelta(hours=5, minutes=30))
    values: dict[str, Any] = {
        "nothing": None,
        "flag": True,
        "count": 2**63 - 1,
        "ratio": 0.1,
        "text": "Ünïcode €",
        "at": datetime(2026, 11, 20, 17, 30, 0, 123456, tzinfo=zone),
        "list": [1, 2.0, "3", None, {"deep": [True]}],
        "pair": (1, 2),
        "empty": {"list": [], "map": {}, "text": ""},
        "keys": {"BTC/USD": 1, "a.b": 2, "`": 3},
    }
    publisher.publish([payload(**values)], own_writers=OURS)

    found = publisher.read([NAV])[NAV]

    assert found is not None
    assert {name: found[name] for name in values} == values | {"pair": [1, 2]}
    assert [type(value) for value in found["list"][:3]] == [int, float, str]
    assert found["at"].tzinfo is UTC


def test_a_field_of_the_version_before_is_gone(publisher: FirestorePublisher, database: firestore.Client):
    publisher.publish([payload(1, warning="depeg", nested={"old": 1, "kept": 1})], own_writers=OURS)

    publisher.publish([payload(2, nested={"kept": 2})], own_writers=OURS)

    assert stored(database) == payload(2, nested={"kept": 2}).fields


def test_the_first_publication_reads_once_and_the_next_not_at_all(
    publisher: FirestorePublisher, proxy: FaultyProxy
):
    assert set(outcomes(publisher.publish(cycle(1), own_writers=OURS))) == {Outcome.WRITTEN}
    assert proxy.calls == {"BatchGetDocuments": 1, "Commit": len(CYCLE)}

    assert set(outcomes(publisher.publish(cycle(2), own_writers=OURS))) == {Outcome.WRITTEN}
    assert proxy.calls == {"BatchGetDocuments": 1, "Commit": 2 * len(CYCLE)}


def test_the_same_again_is_there_already(publisher: FirestorePublisher, make_publisher: MakePublisher):
    publisher.publish([payload()], own_writers=OURS)

    again = publisher.publish([payload()], own_writers=OURS)
    after_a_restart = make_publisher().publish([payload(run_id="other run")], own_writers=OURS)

    assert outcomes([*again, *after_a_restart]) == [Outcome.ALREADY_THERE] * 2


@pytest.mark.finding("X-12")
def test_one_version_with_two_contents_is_a_contradiction(
    publisher: FirestorePublisher, database: firestore.Client
):
    publisher.publish([payload()], own_writers=OURS)

    (delivery,) = publisher.publish([payload(run_id="other run", nav_usd="1")], own_writers=OURS)

    assert delivery.outcome is Outcome.REFUSED
    assert "contradict" in str(delivery.error)
    assert stored(database) == payload().fields


def test_an_older_version_stays_out(publisher: FirestorePublisher, make_publisher: MakePublisher):
    publisher.publish([payload(2)], own_writers=OURS)

    remembered = publisher.publish([payload(1)], own_writers=OURS)
    unknown = make_publisher().publish([payload(1)], own_writers=OURS)

    assert outcomes([*remembered, *unknown]) == [Outcome.OLDER] * 2
    assert "newer version" in str(unknown[0].error)
    assert publisher.read([NAV])[NAV] == payload(2).fields


def test_a_fact_told_again_as_stale_replaces_it_fresh(publisher: FirestorePublisher):
    publisher.publish([payload()], own_writers=OURS)
    later = payload().fields["published_at"] + timedelta(minutes=5)

    told = publisher.publish([payload(stale=True, published_at=later)], own_writers=OURS)

    assert outcomes(told) == [Outcome.WRITTEN]


@pytest.mark.finding("X-12")
def test_a_memory_that_was_overtaken_is_no_licence(
    publisher: FirestorePublisher, make_publisher: MakePublisher
):
    publisher.publish([payload(1)], own_writers=OURS)
    make_publisher().publish([payload(3)], own_writers=OURS)

    assert outcomes(publisher.publish([payload(2)], own_writers=OURS)) == [Outcome.OLDER]
    assert publisher.read([NAV])[NAV] == payload(3).fields
    assert outcomes(publisher.publish([payload(4)], own_writers=OURS)) == [Outcome.WRITTEN]


def test_a_server_that_lost_everything_is_filled_again(
    publisher: FirestorePublisher, database: firestore.Client
):
    publisher.publish(cycle(2), own_writers=OURS)
    for path in CYCLE:
        database.document(path).delete()

    same = publisher.publish(cycle(2)[:1], own_writers=OURS)
    newer = publisher.publish(cycle(3)[1:], own_writers=OURS)

    assert set(outcomes([*same, *newer])) == {Outcome.WRITTEN}


@pytest.mark.finding("X-12")
@pytest.mark.parametrize(
    ("found", "why", "writer"),
    [
        ({"nav": 100.0}, "`hedge import`", None),
        ({"nav": 100.0, "writer_id": "old"}, "`hedge import`", "old"),
        (payload(schema_version=1.0).fields, "`hedge import`", OURS),
        (payload(schema_version=True).fields, "`hedge import`", OURS),
        (payload(writer_id="somebody").fields, "is written by store somebody", "somebody"),
        (payload(env="staging").fields, "env", OURS),
        (payload(schema_version=2).fields, "upgrade", None),
        (payload(as_of="yesterday").fields, "cannot be read", None),
    ],
)
def test_what_is_not_ours_to_replace_stays(publisher, database, found, why, writer):
    database.document(NAV).set(found)

    (delivery, other) = publisher.publish([payload(9), payload(9, f"{NAV}-2")], own_writers=OURS)

    assert delivery.outcome is Outcome.REFUSED
    assert why in delivery.error
    assert delivery.found_writer == (next(iter(OURS)) if writer is OURS else writer)
    assert stored(database) == found
    assert other.outcome is Outcome.WRITTEN


def test_a_writer_named_among_our_own_is_followed(publisher: FirestorePublisher):
    publisher.publish([payload(1, writer_id="before")], own_writers={"before"})

    told = publisher.publish([payload(2)], own_writers={*OURS, "before"})

    assert outcomes(told) == [Outcome.WRITTEN]


def test_a_bad_payload_keeps_no_other_from_being_sent(
    publisher: FirestorePublisher, proxy: FaultyProxy, database: firestore.Client
):
    bad, good = payload(nav_usd=float("nan")), payload(path=f"{NAV}-2")

    refused, written = publisher.publish([bad, good], own_writers=OURS)

    assert (refused.outcome, refused.attempts) == (Outcome.REFUSED, 0)
    assert "nav_usd" in str(refused.error)
    assert written.outcome is Outcome.WRITTEN
    assert proxy.calls["Commit"] == 1
    assert stored(database) is None


@pytest.mark.finding("S1-FS-5")
def test_a_publisher_has_one_environment(make_publisher: MakePublisher, proxy: FaultyProxy):
    (delivery,) = make_publisher(env="staging").publish([payload()], own_writers=OURS)

    assert delivery.outcome is Outcome.REFUSED
    assert "env" in str(delivery.error)
    assert not proxy.calls


def test_nothing_is_asked_about_a_path_that_cannot_be(publisher: FirestorePublisher, proxy: FaultyProxy):
    with pytest.raises(SourceUnavailable, match="even number"):
        publisher.read(["hedge/dev/state"])
    assert not proxy.calls


def test_nothing_to_publish_is_nothing(publisher: FirestorePublisher, proxy: FaultyProxy):
    assert publisher.publish([], own_writers=OURS) == ()
    assert not proxy.calls
