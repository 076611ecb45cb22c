"""What follows from what is stored, over every stored document hypothesis can think of."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.adapters.firestore.decision import Action, decide
from hedge_pipeline.adapters.firestore.delivering import deliver
from hedge_pipeline.adapters.firestore.patience import Patience, PublishingLimits
from hedge_pipeline.adapters.firestore.storage import Stored
from hedge_pipeline.domain.publication.deliveries import Outcome, Payload
from hedge_pipeline_tests.adapters.firestore.building import NAV, OURS, WRITER, payload
from hedge_pipeline_tests.adapters.firestore.memory_documents import MemoryDocuments
from hedge_pipeline_tests.examples import NOON
from hedge_pipeline_tests.fakes import ManualClock

small = st.integers(0, 3)
instants = small.map(lambda n: NOON + timedelta(seconds=n))
versions = st.tuples(instants, small, instants)
anything = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.text(max_size=3) | instants
documents = st.fixed_dictionaries(
    {},
    optional={
        "schema_version": st.just(1) | anything,
        "writer_id": st.just(WRITER) | anything,
        "env": st.just("dev") | anything,
        "run_id": st.just("a run") | anything,
        "as_of": instants | anything,
        "seq": small | anything,
        "published_at": instants | anything,
        "nav_usd": anything,
    },
)


def versioned(version: tuple[Any, int, Any], **fields: Any) -> Payload:
    as_of, seq, published_at = version
    return payload(as_of=as_of, seq=seq, published_at=published_at, run_id="a run", **fields)


@pytest.mark.finding("X-12")
@given(stored=documents, version=versions)
def test_only_an_older_version_of_ours_is_ever_replaced(stored: dict[str, Any], version: Any):
    sent = versioned(version)

    decision = decide(stored, sent, OURS)

    if decision.writes:
        assert decision.action is Action.REPLACE
        assert type(stored["schema_version"]) is int
        assert stored["schema_version"] in {0, 1}
        assert (stored["writer_id"], stored["env"]) == (WRITER, "dev")
        if stored["schema_version"] == 1:
            assert (stored["as_of"], stored["seq"], stored["published_at"]) < sent.version
    assert (decision.reason is None) == (decision.writes or decision.action is Action.ALREADY_THERE)


@given(first=versions, second=versions)
def test_two_versions_are_always_ordered(first: Any, second: Any):
    one, other = versioned(first), versioned(second)

    forth, back = decide(one.fields, other, OURS).action, decide(other.fields, one, OURS).action

    assert (forth, back) in {
        (Action.REPLACE, Action.OLDER),
        (Action.OLDER, Action.REPLACE),
        (Action.ALREADY_THERE, Action.ALREADY_THERE),
    }


def test_nothing_stored_is_created():
    assert decide(None, payload(), OURS).action is Action.CREATE


def test_what_an_archive_left_is_replaced_by_anything_of_ours():
    mark = {"schema_version": 0, "writer_id": WRITER, "env": "dev", "archived_to": "hedge/dev/archive/a~b"}

    assert decide(mark, payload(), OURS).action is Action.REPLACE
    assert decide(mark, payload(), {"another"}).action is Action.REFUSE
    assert decide(mark | {"env": "prod"}, payload(), OURS).action is Action.REFUSE
    assert decide(mark | {"schema_version": -1}, payload(), OURS).action is Action.REFUSE


@pytest.mark.parametrize(
    ("ours", "theirs"), [(1, 1.0), (1, True), (0, False), ([1], [True]), ({"a": 1}, {"a": 1.0}), (None, 0)]
)
def test_values_that_only_python_calls_equal_are_another_content(ours: object, theirs: object):
    stored = payload(run_id="another", value=theirs).fields

    assert decide(stored, payload(value=ours), OURS).action is Action.REFUSE
    assert decide(stored, payload(value=theirs), OURS).action is Action.ALREADY_THERE


def test_a_tuple_is_the_array_it_is_stored_as():
    stored = payload(run_id="another", pair=[1, 2]).fields

    assert decide(stored, payload(pair=(1, 2)), OURS).action is Action.ALREADY_THERE


class Steps:
    """Several publishers' documents under way: what each has remembered, and one clock that pauses move on."""

    def __init__(self, documents: MemoryDocuments) -> None:
        self.documents = documents
        self.clock = ManualClock()
        self.remembered: list[dict[str, Stored]] = [{}, {}, {}]

    def publish(self, who: int, sent: Payload) -> Outcome:
        return deliver(
            sent,
            OURS,
            documents=self.documents,
            patience=Patience(limits=PublishingLimits(), clock=self.clock, sleep=self.clock.pass_by),
            looked={},
            remembered=self.remembered[who],
        ).outcome


@pytest.mark.finding("X-12")
@given(
    jobs=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), max_size=14),
    mishaps=st.lists(st.sampled_from([None, None, "before", "after", "other"]), max_size=40),
)
def test_an_older_version_never_replaces_a_newer(jobs: list[tuple[int, int]], mishaps: list[str | None]):
    documents, script, depth = MemoryDocuments(), iter(mishaps), [0]
    steps = Steps(documents)
    between = iter(range(1, 7))

    def disturb() -> str | None:
        mishap = next(script, None)
        if mishap == "other":  # another process publishes between our look and our write
            version = next(between, None)
            if version is not None and depth[0] == 0:
                depth[0] += 1
                steps.publish(2, payload(version))
                depth[0] -= 1
            return None
        return mishap

    documents.disturb = disturb
    told = [(version, steps.publish(who, payload(version))) for who, version in jobs]

    seen = [fields["seq"] for fields in documents.history]
    assert seen == sorted(set(seen))
    in_place = [version for version, out in told if out in {Outcome.WRITTEN, Outcome.ALREADY_THERE}]
    if in_place:
        assert documents.stored[NAV].fields["seq"] >= max(in_place)
    assert {out for _, out in told} <= {
        Outcome.WRITTEN,
        Outcome.ALREADY_THERE,
        Outcome.OLDER,
        Outcome.FAILED,
    }


def test_a_document_somebody_else_always_writes_first_is_given_up_in_bounded_time():
    documents = MemoryDocuments()
    steps = Steps(documents)

    def replace(path: str, fields: Any, *, seen: Any, timeout: float) -> int:
        return MemoryDocuments.replace(documents, path, fields, seen=-1, timeout=timeout)

    assert steps.publish(0, payload(1)) is Outcome.WRITTEN
    documents.replace = replace  # type: ignore[method-assign]  # a server on which we are always late

    assert steps.publish(0, payload(2)) is Outcome.FAILED
    assert (
        steps.clock.monotonic() - ManualClock().monotonic() <= PublishingLimits().budget.total_seconds() + 1
    )
