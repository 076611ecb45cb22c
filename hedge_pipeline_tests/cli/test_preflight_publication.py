"""What preflight says of the place of publication: where it is, who writes there, and that we can."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.firestore import FirestorePublisher
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.cli.preflight.publication import OTHERWISE, REMEDIES, remedy_of
from hedge_pipeline.domain.publication.deliveries import Outcome, Payload
from hedge_pipeline_tests.adapters.firestore.own_server import own_server
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.cli.test_preflight import KEYS, lines
from hedge_pipeline_tests.stage import Stage

pytestmark = pytest.mark.live_stack

PREFLIGHT = "hedge/dev/health/preflight"
NAV = "hedge/dev/state/nav"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_server(tmp_path_factory.mktemp("firestore") / "log") as address:
        yield address


@pytest.fixture
def server(host: str, monkeypatch: pytest.MonkeyPatch) -> FirestorePublisher:
    """A publisher to where `hedge` publishes to, in a database of the test's own."""
    database = f"test-{os.urandom(4).hex()}"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    home = Path(os.environ["HEDGE_HOME"])
    home.mkdir(mode=0o700)
    (home / "hedge.toml").write_text(f'[publication]\ndatabase = "{database}"\n')
    return FirestorePublisher(
        env="dev", project="hedge-dev", database=database, emulator_host=host, clock=SystemClock()
    )


def document(writer_id: str, **changes: Any) -> dict[str, Any]:
    now = SystemClock().now()
    return {
        "schema_version": 1, "env": "dev", "writer_id": writer_id, "run_id": "r", "as_of": now, "published_at": now,
        "expires_at": now + timedelta(minutes=1), "seq": 1, "stale": False,
    } | changes  # fmt: skip


def put(server: FirestorePublisher, path: str, fields: dict[str, Any]) -> None:
    (delivery,) = server.publish(
        [Payload(path=path, fields=fields)], own_writers=frozenset({fields["writer_id"]})
    )
    assert delivery.outcome is Outcome.WRITTEN, delivery


def test_writing_is_proven_by_a_document_that_is_created_and_then_replaced(
    server: FirestorePublisher, hedge: Hedge, stage: Stage
):
    first = hedge("preflight")
    created = server.read([PREFLIGHT])[PREFLIGHT]
    second = hedge("preflight")
    replaced = server.read([PREFLIGHT])[PREFLIGHT]

    assert first.exit_code == 0, first.output
    well = lines(first.output, "ok")
    assert well["publication"] == "answers; 0 of 9 documents can be read"
    assert well["writer"] == f"our store is {stage.fund.store.store_id}; none is published yet"
    assert well["writing"] == f"{PREFLIGHT} written"
    assert lines(second.output, "ok")["writer"].endswith("all 1 documents are ours")
    assert created is not None
    assert replaced is not None
    assert created["status"] == "ok"
    assert created["as_of"] < replaced["as_of"]


def test_the_document_tells_what_failed(server: FirestorePublisher, hedge: Hedge, stage: Stage):
    hedge("local", "up")
    hedge("local", "fault", "replace_field", KEYS, "path=enableWithdrawals", "value=true")

    answer = hedge("preflight")
    told = server.read([PREFLIGHT])[PREFLIGHT]

    assert answer.exit_code == 1
    assert told is not None
    assert told["status"] == "degraded"
    assert [problem.split(":")[0] for problem in told["problems"]] == ["read key", "trade key"]


def test_a_document_of_another_store_is_told_with_its_writer(
    server: FirestorePublisher, hedge: Hedge, stage: Stage
):
    put(server, PREFLIGHT, document("feedfacefeedface"))

    answer = hedge("preflight")

    failed = lines(answer.output, "FAIL")
    assert answer.exit_code == 1
    assert "feedfacefeedface" in failed["writer"]
    assert "feedfacefeedface" in failed["writing"]
    assert "hedge take-over --writer" in answer.output


@pytest.mark.finding("S1-FS-7")
def test_a_document_without_a_version_is_a_predecessors(
    server: FirestorePublisher, hedge: Hedge, stage: Stage
):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import firestore

    client = firestore.Client(
        project="hedge-dev", database=server.database, credentials=AnonymousCredentials()
    )
    client.document(NAV).set({"nav_usd": 1.0})

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert NAV in lines(answer.output, "FAIL")["writer"]
    assert "hedge import --firestore" in answer.output


def test_before_there_is_a_store_nothing_is_written(server: FirestorePublisher, hedge: Hedge, home: Path):
    answer = hedge("preflight")

    assert answer.exit_code == 0, answer.output
    assert "no store" in lines(answer.output, "ok")["writing"]
    assert server.read([PREFLIGHT]) == {PREFLIGHT: None}


def test_a_copy_is_told_and_writes_nothing(
    server: FirestorePublisher, hedge: Hedge, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert hedge("backup", str(tmp_path / "copy")).exit_code == 0
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    for name in ("hedge.toml", "treasury.toml", "reserves.toml"):
        shutil.copy(stage.home / name, other)
    monkeypatch.setenv("HEDGE_HOME", str(other))
    assert hedge("restore", str(tmp_path / "copy")).exit_code == 0
    hedge("local", "up")

    answer = hedge("preflight")
    hedge("local", "down")

    assert answer.exit_code == 1
    assert "is a copy made at" in lines(answer.output, "FAIL")["original"]
    assert "a copy publishes nothing" in lines(answer.output, "ok")["writing"]
    assert server.read([PREFLIGHT]) == {PREFLIGHT: None}


def test_nobody_answering_is_a_failure_with_its_remedy(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert list(lines(answer.output, "FAIL")) == ["publication"]
    assert "hedge local up" in answer.output


@pytest.mark.finding("S1-FS-7")
def test_a_target_that_is_refused_is_told_with_what_to_set(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HEDGE_ENV", "staging")

    answer = hedge("preflight")

    assert answer.exit_code == 1
    assert "nowhere: paper × staging" in lines(answer.output, "FAIL")["target"]
    assert "FIRESTORE_EMULATOR_HOST" in answer.output
    assert "publication" not in lines(answer.output, "ok")


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("PermissionDenied: 403 Missing or insufficient permissions.", "roles/datastore.user"),
        ("no credentials: Your default credentials were not found.", "gcloud auth application-default login"),
        ("Unauthenticated: 401 Request had invalid authentication credentials.", "gcloud auth"),
        ("NotFound: 404 The database (default) does not exist for project p", "publication.database"),
        ("ServiceUnavailable: 503 failed to connect to all addresses", "this machine reaches it"),
        ("no time left of 15 s; last: DeadlineExceeded: 504", "this machine reaches it"),
        ("ResourceExhausted: 429 Quota exceeded.", "quota"),
    ],
)
def test_googles_errors_come_with_what_to_do(reason: str, remedy: str):
    assert remedy in remedy_of(reason)


def test_an_error_nobody_foresaw_still_comes_with_something_to_do():
    assert remedy_of("Teapot: 418") == OTHERWISE
    assert OTHERWISE not in {remedy for _, remedy in REMEDIES}
