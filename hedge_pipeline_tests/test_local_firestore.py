"""The local Firestore server: Google's emulator where it is installed, else ours; found or started, never left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hedge_pipeline import local
from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.local import FirestoreKind, LocalFirestore, PathOptions, emulator, guard, processes
from hedge_pipeline.local.emulator import Emulator

pytestmark = pytest.mark.live_stack

PATIENCE_S = 20.0
CHILD = (
    "import sys, time; from pathlib import Path; from hedge_pipeline import local\n"
    "found = local.firestore_for_this_process(Path(sys.argv[1]))\n"
    "print(found.host, found.pid, found.kind, flush=True); time.sleep(600)"
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose servers end with the test."""
    place = tmp_path / "home"
    yield place
    local.end_children()
    local.down(place)
    for each in (local._venues, local._firestores):
        each.found.pop(place, None)


@pytest.fixture
def installed() -> Emulator:
    found = emulator.find()
    if not isinstance(found, Emulator):
        pytest.skip(f"Google's Firestore emulator is not installed: {found}")
    return found


@pytest.fixture
def without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def comes(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def ends(server: LocalFirestore) -> bool:
    return comes(lambda: not server.is_alive)


def port_of(server: LocalFirestore) -> int:
    return int(server.host.partition(":")[2])


def answers(server: LocalFirestore) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port_of(server)), timeout=2).close()
    except OSError:
        return False
    return True


def java_of(server: LocalFirestore) -> int:
    return int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text())


def is_there(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def spoken_by(parent: subprocess.Popen[str]) -> LocalFirestore:
    assert parent.stdout is not None
    host, pid, kind = parent.stdout.readline().split()
    return LocalFirestore(host, int(pid), FirestoreKind(kind))


def test_up_starts_both_and_down_ends_both(home: Path):
    notes: list[str] = []
    local.up(home, PathOptions(), told=notes.append)
    found = local.running_firestore(home)

    assert found is not None
    assert answers(found)
    content = json.loads(local.ready_file(home).read_text())
    assert content["firestore_host"] == found.host
    assert content["firestore_pid"] == found.pid
    assert content["firestore_kind"] == found.kind
    assert local.ready_file(home).stat().st_mode & 0o077 == 0
    assert notes == [f"{found.words} is started (pid {found.pid})"]
    assert local.firestore_for_this_process(home) == found
    with pytest.raises(CommandRefused, match="run already"):
        local.up(home, PathOptions())

    told = local.down(home)

    assert told is not None
    assert f"Firestore server stopped (pid {found.pid})" in told
    assert not found.is_alive
    assert not answers(found)
    assert local.running_firestore(home) is None


@pytest.mark.usefixtures("without_java")
def test_without_java_ours_is_used_and_that_is_said(home: Path, caplog: pytest.LogCaptureFixture):
    child = local.firestore_for_this_process(home)

    assert child.kind is FirestoreKind.OWN
    assert answers(child)
    assert "Google's Firestore emulator is not installed: java is not on PATH" in caplog.text


def test_an_emulator_that_does_not_start_is_replaced_by_ours_and_that_is_said(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    broken = Emulator(java=Path("/bin/false"), jar=tmp_path / "none.jar")
    monkeypatch.setattr(emulator, "find", lambda: broken)

    child = local.firestore_for_this_process(home)

    assert child.kind is FirestoreKind.OWN
    assert "emulator did not start" in caplog.text


def test_the_emulator_is_used_where_it_is_installed(home: Path, installed: Emulator):
    child = local.firestore_for_this_process(home)

    assert child.kind is FirestoreKind.EMULATOR
    assert guard.owns(java_of(child), port_of(child))
    assert not guard.owns(os.getpid(), port_of(child))
    java = java_of(child)
    local.end_children()
    assert not child.is_alive
    assert not is_there(java)


@pytest.mark.usefixtures("without_java")
def test_nobody_who_asks_gets_one_started_and_later_askers_get_the_same(home: Path):
    local.for_this_process(home)
    assert not list((home / "paper").glob("firestore*"))

    child = local.firestore_for_this_process(home)

    assert local.firestore_for_this_process(home) == child
    assert not local.ready_file(home).exists()


@pytest.mark.usefixtures("without_java")
def test_of_processes_that_ask_at_once_one_starts_it_and_all_share_it(home: Path):
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        told = {spoken_by(each) for each in asking}
    finally:
        for each in asking:
            each.kill()
            each.communicate()

    assert len(told) == 1
    assert ends(told.pop())


@pytest.mark.usefixtures("without_java")
def test_a_file_of_before_names_no_firestore_and_one_is_started(home: Path):
    home.mkdir()
    content = {"base_url": "http://127.0.0.1:9", "admin_token": "t", "pid": 1}
    local.ready_file(home).write_text(json.dumps(content))

    assert local.running_firestore(home) is None
    assert local.firestore_for_this_process(home).is_alive
    assert json.loads(local.ready_file(home).read_text()) == content


@pytest.mark.usefixtures("without_java")
def test_one_that_died_is_a_failed_source_until_up_starts_the_missing_one(home: Path):
    venue = local.up(home, PathOptions())
    died = local.firestore_for_this_process(home)
    os.kill(died.pid, signal.SIGKILL)
    assert ends(died)

    assert local.firestore_for_this_process(home) == died, "not restarted silently"

    notes: list[str] = []
    assert local.up(home, PathOptions(), told=notes.append) == venue
    again = local.firestore_for_this_process(home)
    assert again.is_alive
    assert again != died
    assert notes == [
        f"the venue runs already and is left alone (pid {venue.pid})",
        f"the Firestore server has died (pid {died.pid})",
        f"{again.words} is started (pid {again.pid})",
    ]
    assert json.loads(local.ready_file(home).read_text())["firestore_pid"] == again.pid


@pytest.mark.usefixtures("without_java")
def test_when_the_venue_has_died_alone_up_keeps_firestore_and_what_it_holds(home: Path):
    venue = local.up(home, PathOptions())
    kept = local.running_firestore(home)
    os.kill(venue.pid, signal.SIGTERM)
    assert comes(lambda: not venue.is_alive)

    assert local.running_firestore(home) == kept, "though the venue took local.json along"
    assert local.up(home, PathOptions()).pid != venue.pid
    assert local.running_firestore(home) == kept
    assert kept is not None
    assert json.loads(local.ready_file(home).read_text())["firestore_pid"] == kept.pid


@pytest.mark.usefixtures("without_java")
def test_a_venue_that_does_not_start_leaves_no_firestore(home: Path, tmp_path: Path):
    before = set(processes._started)
    with pytest.raises(SourceUnavailable, match="did not start: paper venue"):
        local.up(home, PathOptions(data=tmp_path))

    started = {pid: each for pid, each in processes._started.items() if pid not in before}
    assert [each for each in started.values() if each.poll() is None] == []
    left = local.running_firestore(home)  # one that was slow to end and was killed leaves its name behind
    assert left is None or not left.is_alive


@pytest.mark.parametrize("kind", list(FirestoreKind))
def test_it_ends_with_its_process_even_if_that_is_killed(
    home: Path, tmp_path: Path, kind: FirestoreKind, request: pytest.FixtureRequest
):
    request.getfixturevalue("installed" if kind is FirestoreKind.EMULATOR else "without_java")
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        child = spoken_by(parent)
        shared = local.firestore_for_this_process(home)
        parent.send_signal(signal.SIGKILL)

    assert shared == child
    assert child.kind is kind
    assert ends(child)
    assert comes(lambda: not answers(child))


@pytest.mark.parametrize("kind", list(FirestoreKind))
def test_with_this_process_both_end_with_it_even_if_it_is_killed(
    home: Path, kind: FirestoreKind, request: pytest.FixtureRequest
):
    request.getfixturevalue("installed" if kind is FirestoreKind.EMULATOR else "without_java")
    program = (
        "import sys; from pathlib import Path; from hedge_pipeline import local\n"
        "local.up(Path(sys.argv[1]), local.PathOptions(), with_this_process=True)\n"
        "print('up', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        found = local.running_firestore(home)
        parent.kill()

    assert found is not None
    assert found.kind is kind
    assert ends(found)
    assert comes(lambda: local.running(home) is None and local.running_firestore(home) is None)
    assert not answers(found)


@pytest.mark.skipif(not Path("/proc").exists(), reason="a killed guard takes java along on Linux alone")
def test_java_ends_when_its_guard_is_killed(home: Path, installed: Emulator):
    child = local.firestore_for_this_process(home)
    java = java_of(child)

    os.kill(child.pid, signal.SIGKILL)

    assert comes(lambda: not is_there(java))
    assert ends(child)


def test_when_java_dies_the_file_keeps_naming_it(home: Path, installed: Emulator):
    local.up(home, PathOptions())
    found = local.running_firestore(home)
    assert found is not None

    os.kill(java_of(found), signal.SIGKILL)

    assert ends(found)
    assert local.firestore_for_this_process(home) == found


@contextmanager
def stranger_who_answers_ok() -> Iterator[int]:
    """A server that passes for the emulator to whoever does not look who it is; its port."""

    class Ok(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Ok\n")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ok) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_port_that_somebody_took_is_passed_over(installed: Emulator, tmp_path: Path):
    program = (
        "import sys; from pathlib import Path; from hedge_pipeline.local import guard\n"
        "from hedge_pipeline.local.emulator import Emulator\n"
        "found = Emulator(java=Path(sys.argv[1]), jar=Path(sys.argv[2]))\n"
        "java, port = guard.start_java(found, map(int, sys.argv[3:]))\n"
        "print(port, guard.owns(java.pid, port), guard.owns(java.pid, int(sys.argv[3]))); guard.end_java(java)"
    )
    free = next(guard.free_ports())
    with stranger_who_answers_ok() as taken:
        done = subprocess.run(
            [sys.executable, "-c", program, str(installed.java), str(installed.jar), str(taken), str(free)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=120,
            check=True,
        )

    assert done.stdout.splitlines()[-1] == f"{free} True False"


def test_a_pid_that_somebody_else_has_now_is_left_alone(home: Path):
    home.mkdir()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        content = {"base_url": "http://127.0.0.1:9", "admin_token": "t", "pid": bystander.pid}
        content |= {"firestore_host": "127.0.0.1:9", "firestore_pid": bystander.pid, "firestore_kind": "own"}
        local.ready_file(home).write_text(json.dumps(content))

        assert f"Firestore server had ended already (pid {bystander.pid})" in (local.down(home) or "")
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("kind", ["", "strange", None])
def test_a_firestore_that_cannot_be_understood_is_a_failed_source_that_down_removes(home: Path, kind: object):
    home.mkdir()
    content = {"base_url": "http://127.0.0.1:9", "admin_token": "t", "pid": 1}
    content |= {"firestore_host": "127.0.0.1:9", "firestore_pid": 1, "firestore_kind": kind}
    local.ready_file(home).write_text(json.dumps(content))

    with pytest.raises(SourceUnavailable, match="hedge local down"):
        local.firestore_for_this_process(home)

    assert "removed" in (local.down(home) or "")
    assert not local.ready_file(home).exists()


class TestFinding:
    """Where the emulator is looked for."""

    @pytest.fixture(autouse=True)
    def nothing_installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "jdk" / "bin"))
        monkeypatch.setenv("HOME", str(tmp_path / "user"))
        monkeypatch.setattr(emulator, "_DEBIAN", tmp_path / "debian")

    @staticmethod
    def a_file(path: Path, text: str = "") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def test_without_java_there_is_none(self):
        assert emulator.find() == "java is not on PATH"

    def test_without_its_jar_there_is_none(self, tmp_path: Path):
        self.a_file(tmp_path / "jdk/bin/java")

        assert "its jar is in none of the places" in str(emulator.find())

    def test_a_java_that_is_too_old_is_none(self, tmp_path: Path):
        java = self.a_file(tmp_path / "jdk/bin/java")
        self.a_file(tmp_path / "jdk/release", 'IMPLEMENTOR="x"\nJAVA_VERSION="1.8.0_392"\n')

        assert emulator.find() == f"{java} is Java 8, and it needs 17 or later"

    @pytest.mark.parametrize("version", ["17.0.15", "21"])
    @pytest.mark.parametrize(
        "place",
        [
            "debian/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
            "user/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
            "user/.cache/firebase/emulators/cloud-firestore-emulator-v1.19.9.jar",
        ],
    )
    def test_it_is_found_where_it_is_put(self, tmp_path: Path, place: str, version: str):
        java = self.a_file(tmp_path / "jdk/bin/java")
        self.a_file(tmp_path / "jdk/release", f'JAVA_VERSION="{version}"\n')
        jar = self.a_file(tmp_path / place)

        assert emulator.find() == Emulator(java=java, jar=jar)

    def test_it_is_found_beside_gcloud(self, tmp_path: Path):
        java = self.a_file(tmp_path / "jdk/bin/java")
        gcloud = self.a_file(tmp_path / "sdk/bin/gcloud")
        jar = self.a_file(tmp_path / "sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
        (tmp_path / "jdk/bin/gcloud").symlink_to(gcloud)

        assert emulator.find() == Emulator(java=java, jar=jar)

    def test_of_several_in_the_cache_the_newest_is_taken(self, tmp_path: Path):
        self.a_file(tmp_path / "jdk/bin/java")
        cache = tmp_path / "user/.cache/firebase/emulators"
        for version in ("1.9.9", "1.19.8", "1.19.10"):
            self.a_file(cache / f"cloud-firestore-emulator-v{version}.jar")

        found = emulator.find()

        assert isinstance(found, Emulator)
        assert found.jar.name == "cloud-firestore-emulator-v1.19.10.jar"


def test_whoever_starts_servers_pays_for_no_import_of_google():
    program = "import sys, hedge_pipeline.local, hedge_pipeline.local.guard; print([m for m in sys.modules if m.split('.')[0] in {'google', 'grpc'}])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
