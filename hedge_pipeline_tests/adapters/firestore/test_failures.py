"""Servers that fail: what is tried again, for how long, and that no document pays for another."""

import time
from pathlib import Path

import grpc
import pytest
from google.cloud import firestore

from hedge_pipeline.adapters.firestore import FirestorePublisher, PublishingLimits
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline_tests.adapters.firestore import google_emulator
from hedge_pipeline_tests.adapters.firestore.building import CYCLE, NAV, OURS, cycle, outcomes, payload
from hedge_pipeline_tests.adapters.firestore.conftest import MakePublisher, Pauses
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import (
    LOST_REPLY,
    UNAVAILABLE,
    Fault,
    FaultyProxy,
    faulty_proxy,
)
from hedge_pipeline_tests.fakes import ManualClock

TRANSIENT = (
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
)
PERMANENT = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNIMPLEMENTED,
)


@pytest.mark.finding("S1-FS-6")
@pytest.mark.parametrize("code", TRANSIENT, ids=lambda code: code.name)
@pytest.mark.parametrize("method", ["Commit", "BatchGetDocuments"])
def test_what_may_pass_is_tried_five_times_with_growing_pauses(publisher, proxy, pauses, code, method):
    proxy.first(method, *[Fault(before=code)] * 4)
    told = publisher.publish([payload(1)], own_writers=OURS)

    assert outcomes(told) == [Outcome.WRITTEN]
    # A look that fails before the documents' own tries is no try of any document.
    assert told[0].attempts == (5 if method == "Commit" else 4)
    doubling = [0.25, 0.5, 1, 2][: told[0].attempts - 1]
    assert all(full / 2 <= pause <= full for pause, full in zip(pauses.taken, doubling, strict=True))


@pytest.mark.finding("S1-FS-6")
@pytest.mark.parametrize("code", TRANSIENT, ids=lambda code: code.name)
def test_five_failures_are_enough(publisher, proxy, pauses, code):
    proxy.always("Commit", Fault(before=code))

    (delivery,) = publisher.publish([payload()], own_writers=OURS)

    assert (delivery.outcome, delivery.attempts) == (Outcome.FAILED, 5)
    assert "refused by the test's proxy" in str(delivery.error)
    assert proxy.calls["Commit"] == 5
    assert len(pauses.taken) == 4


@pytest.mark.finding("S1-FS-6")
@pytest.mark.parametrize("code", PERMANENT, ids=lambda code: code.name)
@pytest.mark.parametrize("method", ["Commit", "BatchGetDocuments"])
def test_a_no_is_taken_for_an_answer(publisher, proxy, pauses, code, method):
    proxy.always(method, Fault(before=code))

    (delivery,) = publisher.publish([payload()], own_writers=OURS)

    assert (delivery.outcome, delivery.attempts) == (Outcome.FAILED, 1)
    assert proxy.calls[method] == (1 if method == "Commit" else 2)  # two: together, then by itself
    assert pauses.taken == []


@pytest.mark.finding("S1-FS-6")
def test_a_longest_pause_is_four_seconds(make_publisher: MakePublisher, proxy: FaultyProxy, pauses: Pauses):
    proxy.always("Commit", UNAVAILABLE)

    make_publisher(limits=PublishingLimits(attempts=9)).publish([payload()], own_writers=OURS)

    assert all(2 <= pause <= 4 for pause in pauses.taken[4:])


@pytest.mark.finding("S1-FS-6")
def test_reading_is_tried_again_and_named_when_it_fails(
    publisher: FirestorePublisher, proxy: FaultyProxy, pauses: Pauses
):
    proxy.first("BatchGetDocuments", *[UNAVAILABLE] * 4)
    assert publisher.read([NAV]) == {NAV: None}
    assert len(pauses.taken) == 4

    proxy.always("BatchGetDocuments", UNAVAILABLE)
    with pytest.raises(SourceUnavailable, match="firestore: ServiceUnavailable: 503 refused"):
        publisher.read([NAV])


@pytest.mark.parametrize("method", ["first", "next"])
def test_a_lost_reply_is_found_to_have_been_applied(publisher, proxy, database, method):
    if method == "next":
        publisher.publish([payload(1)], own_writers=OURS)
    proxy.first("Commit", LOST_REPLY)

    (delivery,) = publisher.publish([payload(2)], own_writers=OURS)

    assert (delivery.outcome, delivery.attempts) == (Outcome.ALREADY_THERE, 2)
    assert database.document(NAV).get().to_dict() == payload(2).fields
    assert outcomes(publisher.publish([payload(3)], own_writers=OURS)) == [Outcome.WRITTEN]


def test_a_write_given_up_and_applied_later_replaces_nothing_newer(
    make_publisher: MakePublisher, proxy: FaultyProxy, hasty: PublishingLimits
):
    slow, other = make_publisher(limits=hasty), make_publisher()
    slow.publish([payload(1)], own_writers=OURS)
    proxy.first("Commit", Fault(delay_s=1.5))

    slow.publish([payload(2)], own_writers=OURS)
    told = other.publish([payload(3)], own_writers=OURS)
    time.sleep(1)  # the proxy's, until it has passed on what was given up

    assert outcomes(told) == [Outcome.WRITTEN]
    assert other.read([NAV])[NAV] == payload(3).fields


def test_one_document_that_fails_keeps_no_other_back(publisher: FirestorePublisher, proxy: FaultyProxy):
    publisher.publish(cycle(1), own_writers=OURS)
    proxy.always("Commit", UNAVAILABLE, of=CYCLE[0])

    told = publisher.publish(cycle(2), own_writers=OURS)

    assert outcomes(told) == [Outcome.FAILED] + [Outcome.WRITTEN] * (len(CYCLE) - 1)


def test_one_document_that_is_slow_keeps_no_other_waiting(
    make_publisher: MakePublisher, proxy: FaultyProxy, hasty: PublishingLimits
):
    publisher = make_publisher(limits=hasty)
    publisher.publish(cycle(1), own_writers=OURS)
    proxy.always("Commit", Fault(delay_s=1.5), of=CYCLE[0])
    began = time.monotonic()

    told = publisher.publish(cycle(2), own_writers=OURS)

    assert outcomes(told[1:]) == [Outcome.WRITTEN] * (len(CYCLE) - 1)
    assert time.monotonic() - began < hasty.budget.total_seconds() + 3


def test_a_server_that_is_not_there_is_told_at_once(make_publisher: MakePublisher):
    publisher = make_publisher(emulator_host=f"127.0.0.1:{google_emulator.free_port()}")
    began = time.monotonic()

    told = publisher.publish(cycle(), own_writers=OURS)

    assert set(outcomes(told)) == {Outcome.FAILED}
    assert {delivery.attempts for delivery in told} == {5}
    assert time.monotonic() - began < 10  # a client left to itself tries for a minute
    with pytest.raises(SourceUnavailable, match="ServiceUnavailable"):
        publisher.read([NAV])


def test_a_server_that_never_answers_costs_the_budget_and_no_more(
    make_publisher: MakePublisher, proxy: FaultyProxy, hasty: PublishingLimits
):
    proxy.plan = lambda *_: Fault(delay_s=1.5, before=grpc.StatusCode.UNAVAILABLE)
    publisher = make_publisher(limits=hasty, sleep=time.sleep)
    began = time.monotonic()

    told = publisher.publish(cycle(), own_writers=OURS)

    assert set(outcomes(told)) == {Outcome.FAILED}
    assert time.monotonic() - began < hasty.budget.total_seconds() + 3


def test_what_the_budget_does_not_reach_is_not_tried(make_publisher: MakePublisher, proxy: FaultyProxy):
    clock = ManualClock()
    publisher = make_publisher(clock=clock, sleep=clock.pass_by, limits=PublishingLimits(at_once=1))
    publisher.publish(cycle(1), own_writers=OURS)
    before = proxy.calls["Commit"]

    def plan(method: str, request: bytes) -> Fault:
        clock.pass_by(4)
        return UNAVAILABLE

    proxy.plan = plan
    told = publisher.publish(cycle(2), own_writers=OURS)

    assert set(outcomes(told)) == {Outcome.FAILED}
    assert told[0].attempts > 0
    assert "no time left of 15 s; last: ServiceUnavailable" in str(told[0].error)
    assert (told[-1].attempts, told[-1].error) == (0, "no time left of 15 s")
    assert proxy.calls["Commit"] - before < 5


def test_a_server_that_dies_and_comes_back_empty_is_published_to_again(
    server: str, project: str, pauses: Pauses, make_publisher: MakePublisher, database: firestore.Client
):
    with faulty_proxy(server) as between:
        port = int(between.host.rpartition(":")[2])
        publisher = make_publisher(emulator_host=between.host)
        publisher.publish(cycle(1), own_writers=OURS)
        dying = iter(range(3))
        between.plan = lambda *_: None if next(dying, None) is not None else UNAVAILABLE
        told = publisher.publish(cycle(2), own_writers=OURS)
        assert sorted(outcomes(told)) == [Outcome.FAILED] * 4 + [Outcome.WRITTEN] * 3
    assert set(outcomes(publisher.publish(cycle(3), own_writers=OURS))) == {Outcome.FAILED}

    for path in CYCLE:
        database.document(path).delete()
    with faulty_proxy(server, port=port):
        deadline = time.monotonic() + 10
        while True:  # the channel looks for the server again after a moment of its own
            told = publisher.publish(cycle(4), own_writers=OURS)
            if set(outcomes(told)) <= {Outcome.WRITTEN, Outcome.ALREADY_THERE}:
                break
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        assert publisher.read(CYCLE) == {sent.path: sent.fields for sent in cycle(4)}


def test_errors_carry_no_secrets(publisher: FirestorePublisher, proxy: FaultyProxy, tmp_path: Path):
    class Leaking(Exception):
        pass

    def leak(method: str, request: bytes) -> Fault:
        raise Leaking("token=S3CRET")

    proxy.plan = leak

    (delivery,) = publisher.publish([payload()], own_writers=OURS)

    assert delivery.outcome is Outcome.FAILED
    assert "S3CRET" not in str(delivery.error)
