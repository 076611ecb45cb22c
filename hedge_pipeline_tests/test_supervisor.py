"""However the supervisor ends, nothing that it started survives it.

Every process of a case carries a token in its environment, so that one which left its parent, session and group is found.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import click
import pytest

from hedge_pipeline.supervisor import run_dev

REPOSITORY = Path(__file__).resolve().parents[1]
PATIENCE_S = 150.0  # a busy machine takes a minute to start everything

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks for processes in /proc, which this system has not"
)

SUPERVISE_STUBBORN = """
import sys
from pathlib import Path
from hedge_pipeline.supervisor import Patience, supervise
patience = Patience(interrupt_s=0.5, terminate_s=0.5, kill_s=5)
sys.exit(supervise([sys.executable, "stubborn.py"], directory=Path.cwd(), patience=patience))
"""
# Ignores every polite signal, and leaves a grandchild in a session of its own, whose parent is gone.
STUBBORN = """
import os, signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
else:
    os.wait()
open(f"ready.{os.getpid()}", "w").close()
time.sleep(600)
"""

SERVE = """
import sys
from pathlib import Path
from hedge_pipeline.supervisor import run_dev
sys.exit(run_dev(port=int(sys.argv[1]), directory=Path.cwd()))
"""
# A sensor that starts by itself and a run that is in flight for ten minutes.
ENDLESS = """
import time
from pathlib import Path
import dagster as dg

@dg.op
def wait():
    Path("ready.run").touch()
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def endless():
    wait()

@dg.sensor(job=endless, minimum_interval_seconds=4, default_status=dg.DefaultSensorStatus.RUNNING)
def at_once():
    return dg.RunRequest(run_key="once")

defs = dg.Definitions(jobs=[endless], sensors=[at_once])
"""


class Case:
    """A supervisor started by a shell in the background, as a script would start it."""

    def __init__(self, folder: Path, script: str, *arguments: str) -> None:
        self.folder = folder
        self.token = f"SUPERVISED_BY={uuid4()}"
        (folder / "case.py").write_text(script)
        name, _, value = self.token.partition("=")
        # A shell without job control starts `&` with SIGINT ignored, which is the point.
        line = f'"{sys.executable}" case.py {" ".join(arguments)} & echo $! >supervisor.pid; wait $!'
        with (folder / "output").open("wb") as output:
            self.shell = subprocess.Popen(
                ["/bin/sh", "-c", line],
                cwd=folder,
                env={**os.environ, name: value, "PYTHONPATH": f"{REPOSITORY}"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def processes(self) -> set[int]:
        """Living processes that carry the token."""
        found = set()
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.token.encode() in environ.read_bytes():
                    found.add(int(environ.parent.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found

    def supervisor(self) -> int:
        return int((self.folder / "supervisor.pid").read_text())

    def wait_for(self, what: str, is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            assert time.monotonic() < deadline, f"waited in vain for {what}:\n{self.output()}"
            time.sleep(0.1)

    def output(self) -> str:
        return (self.folder / "output").read_text(errors="replace")

    def close(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.shell.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Case]]:
    cases: list[Case] = []

    def start_case(script: str, *arguments: str) -> Case:
        cases.append(Case(tmp_path, script, *arguments))
        return cases[-1]

    yield start_case
    for case in cases:
        case.close()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_port_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").touch()
    (tmp_path / "workspace.yaml").touch()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"port {port} is not free.*PORT="):
            run_dev(port=port, directory=tmp_path)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="holds no dagster"):
        run_dev(port=free_port(), directory=tmp_path)
    (tmp_path / "dagster.yaml").touch()
    with pytest.raises(click.ClickException, match="holds no workspace"):
        run_dev(port=free_port(), directory=tmp_path)


@needs_proc
@pytest.mark.live_stack
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_processes_that_ignore_signals_and_left_their_session_are_ended(
    start: Callable[..., Case], tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    case = start(SUPERVISE_STUBBORN)
    case.wait_for("both processes", lambda: len(list(tmp_path.glob("ready.*"))) == 2)

    os.kill(case.supervisor(), number)

    case.wait_for("the end", lambda: not case.processes())
    assert case.shell.wait() == 0


@needs_proc
@pytest.mark.live_stack
def test_a_supervisor_whose_parent_is_killed_ends_with_all_it_started(
    start: Callable[..., Case], tmp_path: Path
) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    case = start(SUPERVISE_STUBBORN)
    case.wait_for("both processes", lambda: len(list(tmp_path.glob("ready.*"))) == 2)

    case.shell.kill()

    case.wait_for("the end", lambda: not case.processes())


def kill_the_supervisor(case: Case) -> None:
    os.kill(case.supervisor(), signal.SIGKILL)


def kill_dagster(case: Case) -> None:
    """Below the supervisor runs its double, and below that one `dagster dev`."""
    double = only_child(case.supervisor())
    os.kill(only_child(double), signal.SIGKILL)


def kill_the_double(case: Case) -> None:
    os.kill(only_child(case.supervisor()), signal.SIGKILL)


def only_child(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


@needs_proc
@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.live_stack
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda case: os.kill(case.supervisor(), signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda case: os.kill(case.supervisor(), signal.SIGINT), id="SIGINT"),
        pytest.param(lambda case: case.shell.kill(), id="its parent is killed"),
        pytest.param(kill_the_supervisor, id="it is killed itself"),
        pytest.param(kill_the_double, id="its double is killed"),
        pytest.param(kill_dagster, id="dagster is killed"),
    ],
)
def test_serving_dagster_leaves_no_process_behind(
    start: Callable[..., Case], tmp_path: Path, end: Callable[[Case], None]
) -> None:
    (tmp_path / "dagster.yaml").write_text((REPOSITORY / "dagster.yaml").read_text())
    (tmp_path / "endless.py").write_text(ENDLESS)
    (tmp_path / "workspace.yaml").write_text("load_from: [{python_module: endless}]")
    port = free_port()
    case = start(SERVE, str(port))
    case.wait_for("a run in flight", (tmp_path / "ready.run").exists)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=10) as answer:
        assert answer.status == 200

    end(case)

    case.wait_for("the end", lambda: not case.processes())
    with closing(socket.create_server(("127.0.0.1", port))):
        pass  # the port is free again
