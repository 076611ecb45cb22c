"""The client behind the publisher: one, lazily made, that speaks to what was named and to nothing else."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.firestore_v1.services.firestore import FirestoreClient

from hedge_pipeline.adapters.firestore import AbsentPublisher, FirestorePublisher, client
from hedge_pipeline.adapters.firestore.destination import Destination
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.ports import Publisher
from hedge_pipeline_tests.adapters.firestore.building import NAV, OURS, cycle, outcomes, payload
from hedge_pipeline_tests.adapters.firestore.conftest import MakePublisher
from hedge_pipeline_tests.adapters.firestore.faulty_proxy import FaultyProxy
from hedge_pipeline_tests.examples import NOON


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The clients made from now on."""
    made: list[object] = []

    def make(**how: Any) -> FirestoreClient:
        made.append(how)
        return FirestoreClient(**how)

    monkeypatch.setattr(client, "FirestoreClient", make)
    return made


@pytest.mark.finding("S1-FS-2")
def test_one_client_serves_a_hundred_publications_of_two_publishers(
    make_publisher: MakePublisher, monkeypatch: pytest.MonkeyPatch
):
    made = counted(monkeypatch)
    publishers = [make_publisher(), make_publisher()]
    assert made == []  # none before the first call

    for version in range(100):
        told = publishers[version % 2].publish([payload(version)], own_writers=OURS)
        assert outcomes(told) == [Outcome.WRITTEN]

    assert len(made) == 1


@pytest.mark.finding("S1-FS-2")
def test_two_targets_have_two_clients(make_publisher: MakePublisher, monkeypatch: pytest.MonkeyPatch):
    made = counted(monkeypatch)

    make_publisher().publish([payload()], own_writers=OURS)
    make_publisher(database="paper").publish([payload()], own_writers=OURS)

    assert len(made) == 2
    assert make_publisher(database="paper").read([NAV])[NAV] == payload().fields


def test_a_forked_process_does_not_use_its_parents_client(
    publisher: FirestorePublisher, monkeypatch: pytest.MonkeyPatch
):
    parents = client.documents_at(publisher._destination)
    with monkeypatch.context() as patch:
        patch.setattr("hedge_pipeline.adapters.firestore.client.os.getpid", lambda: -1)
        assert client.documents_at(publisher._destination) is not parents
        client.close(publisher._destination)
    assert client.documents_at(publisher._destination) is parents


def test_closing_ends_the_connections_and_the_next_call_opens_others(
    publisher: FirestorePublisher, monkeypatch: pytest.MonkeyPatch
):
    publisher.publish([payload(1)], own_writers=OURS)
    before = client.documents_at(publisher._destination)

    publisher.close()

    with pytest.raises(SourceUnavailable, match=r"(?i)channel.*closed|closed channel"):
        before.read([NAV], timeout=1)
    assert outcomes(publisher.publish([payload(2)], own_writers=OURS)) == [Outcome.WRITTEN]


def test_neither_emulator_variable_nor_proxies_of_the_environment_lead_elsewhere(
    publisher: FirestorePublisher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert outcomes(publisher.publish([payload()], own_writers=OURS)) == [Outcome.WRITTEN]


def test_googles_own_is_meant_where_no_server_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    destination = Destination(
        project="fund", database="(default)", emulator_host=None, credentials_file=key_file(tmp_path)
    )

    documents = client.documents_at(destination)

    assert documents.api.transport.host == "firestore.googleapis.com:443"
    assert "Bearer owner" not in dict(documents.metadata).values()
    client.close(destination)


@pytest.mark.parametrize(
    ("different", "why"),
    [
        ({"project": ""}, "project '' is no name"),
        ({"database": "a/b"}, "database 'a/b' is no name"),
        ({"emulator_host": "http://127.0.0.1:8080"}, "is not host:port"),
        ({"emulator_host": ""}, "is not host:port"),
        ({"emulator_host": "127.0.0.1:0"}, "is not host:port"),
        ({"emulator_host": "firestore.googleapis.com:443"}, "Google's own"),
        ({"credentials_file": Path("key.json")}, "takes no credentials"),
    ],
)
@pytest.mark.finding("S2-FS-3")
def test_a_target_that_contradicts_itself_is_refused_with_every_document(different, why):
    wanted = {"env": "dev", "project": "fund", "emulator_host": "127.0.0.1:9", "clock": SystemClock()}

    refuses(FirestorePublisher(**wanted | different), why)


@pytest.mark.finding("S2-FS-3")
def test_a_client_that_would_speak_to_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch):
    transport = client._transport
    elsewhere = Destination(
        project="fund", database="(default)", emulator_host="127.0.0.1:9", credentials_file=None
    )
    monkeypatch.setattr(client, "_transport", lambda _: transport(elsewhere))

    refuses(
        FirestorePublisher(env="dev", project="fund", emulator_host="127.0.0.1:10", clock=SystemClock()),
        "would speak to 127.0.0.1:9",
    )


@pytest.mark.finding("S2-FS-3")
def test_no_credentials_are_no_silent_success(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")

    refuses(FirestorePublisher(env="dev", project="fund", clock=SystemClock()), "no credentials")


@pytest.mark.finding("S2-FS-3")
def test_a_missing_package_is_no_silent_success(monkeypatch: pytest.MonkeyPatch):
    package = sys.modules["hedge_pipeline.adapters.firestore"]
    monkeypatch.delattr(package, "client", raising=False)
    monkeypatch.setitem(sys.modules, "hedge_pipeline.adapters.firestore.client", None)

    refuses(FirestorePublisher(env="dev", project="fund", clock=SystemClock()), "install it")


@pytest.mark.finding("S2-FS-3")
def test_an_absent_publisher_fails_whatever_it_is_asked():
    refuses(AbsentPublisher("nowhere", "publishing is switched off for live"), "switched off for live")


def refuses(publisher: Publisher, why: str) -> None:
    deliveries = publisher.publish(cycle(), own_writers=OURS)

    assert set(outcomes(deliveries)) == {Outcome.REFUSED}
    assert all(why in str(delivery.error) for delivery in deliveries)
    assert [delivery.path for delivery in deliveries] == [sent.path for sent in cycle()]
    with pytest.raises(SourceUnavailable, match="firestore"):
        publisher.read([NAV])
    with pytest.raises(SourceUnavailable, match="firestore"):
        publisher.archive([NAV], under="hedge/dev/archive", writer_id="us", at=NOON)


def key_file(folder: Path, mode: int = 0o600) -> Path:
    """A service account's key, made up for one test."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "fund",
        "client_email": "publisher@fund.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
        "private_key": key.decode(),
    }
    file = folder / "key.json"
    file.write_text(json.dumps(account))
    file.chmod(mode)
    return file


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_others_can_read_is_refused(tmp_path: Path, mode: int):
    file = key_file(tmp_path, mode)

    refuses(of_file(file), f"chmod 600 {file}")


@pytest.mark.parametrize(
    "content",
    ["", "no json", "[]", "{}", '{"client_email": "a", "token_uri": "b", "private_key": "PR1VATE"}'],
)
def test_a_file_that_is_no_key_is_refused_without_quoting_it(tmp_path: Path, content: str):
    file = tmp_path / "key.json"
    file.write_text(content)
    file.chmod(0o600)

    refuses(of_file(file), "no service account's key")
    (delivery,) = of_file(file).publish([payload()], own_writers=OURS)
    assert "PR1VATE" not in str(delivery.error)


@pytest.mark.parametrize(("name", "why"), [("none.json", "No such file"), (".", "not a file")])
def test_a_key_file_that_is_not_there_is_refused(tmp_path: Path, name: str, why: str):
    refuses(of_file(tmp_path / name), why)


def of_file(file: Path) -> FirestorePublisher:
    return FirestorePublisher(env="dev", project="fund", credentials_file=file, clock=SystemClock())


def test_a_target_is_told_for_people():
    local = FirestorePublisher(env="dev", project="fund", emulator_host="127.0.0.1:9", clock=SystemClock())
    cloud = FirestorePublisher(env="prod", project="fund", database="live", clock=SystemClock())

    assert local.target == "project fund, database (default), local server 127.0.0.1:9"
    assert cloud.target == "project fund, database live, Google Cloud"


def test_importing_the_package_loads_nothing_of_googles():
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, hedge_pipeline.adapters.firestore; "
            "print([name for name in sys.modules if name.split('.')[0] in {'google', 'grpc'}])",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert told.stdout.strip() == "[]"


def test_what_is_asked_is_bounded_by_default(proxy: FaultyProxy, publisher: FirestorePublisher):
    assert publisher.limits.rpc == timedelta(seconds=5)
    assert publisher.limits.budget == timedelta(seconds=15)
    assert publisher.limits.attempts == 5
