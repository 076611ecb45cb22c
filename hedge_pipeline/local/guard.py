"""Google's emulator, guarded: `python -m hedge_pipeline.local.guard --java JAVA --jar JAR --ready-file FILE`.

The emulator's own launchers leave java running when they are ended, and on a port that is taken java dies while clients talk
to whoever has it. So java is a child of this small process, which looks for a free port, sees to it that java is the one that
listens there, and takes java along when it ends, be it killed.
"""

import argparse
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hedge_pipeline.local import processes
from hedge_pipeline.local.emulator import Emulator

LOOPBACK = "127.0.0.1"
MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_PROC = Path("/proc")
_ATTEMPTS = 3
_START_SECONDS = 25.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.1
_WATCH_SECONDS = 0.25
_LISTENS = "0A"  # linux/tcp_states.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


class DidNotStart(Exception):
    """The emulator ended or did not come to listen, on every port that was tried."""


def free_ports() -> Iterator[int]:
    """Ports that were free a moment ago; somebody may be quicker."""
    for _ in range(_ATTEMPTS):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        yield port


def start_java(emulator: Emulator, ports: Iterable[int]) -> tuple[subprocess.Popen[bytes], int]:
    """Run the emulator on the first of these ports on which it comes to listen itself.

    Raises:
        DidNotStart: on none of them.
    """
    for port in ports:
        java = subprocess.Popen(  # noqa: S603 - a program that was found, each argument our own
            _command(emulator, port),
            stdin=subprocess.DEVNULL,
            preexec_fn=_terminate_with_us,  # noqa: PLW1509 - this process has one thread
        )
        try:
            if _comes_to_serve(java, port):
                return java, port
        except BaseException:
            java.kill()
            raise
        end_java(java)
    raise DidNotStart("it came to listen on no port; its output says why")


def end_java(java: subprocess.Popen[bytes]) -> None:
    java.terminate()
    try:
        java.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        java.kill()
        java.wait()


def _command(emulator: Emulator, port: int) -> list[str]:
    # No -Xmx: it keeps every version of every document, 6 KB of each update, and dies when that is full.
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en"]
    listen = ["--host", LOOPBACK, "--port", str(port)]
    return [str(emulator.java), *options, "-cp", str(emulator.jar), MAIN_CLASS, *listen]


def _terminate_with_us() -> None:
    """Between fork and exec: a SIGKILL of this process still ends java."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _comes_to_serve(java: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS  # noqa: TID251 - a wait for a process, not a fact's age
    while time.monotonic() < deadline:  # noqa: TID251 - likewise
        if java.poll() is not None:
            return False
        if owns(java.pid, port) and _answers_ok(port):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def owns(pid: int, port: int) -> bool:
    """Whether this process, and not a stranger, listens on the port; taken as given where that cannot be seen."""
    if not _PROC.is_dir():
        return True
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in (_PROC / "self" / "net" / table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTENS and int(columns[1].rpartition(":")[2], 16) == port:
                listening.add(f"socket:[{columns[9]}]")
    try:
        return any(str(each.readlink()) in listening for each in (_PROC / str(pid) / "fd").iterdir())
    except OSError:  # it has ended, or a file was closed meanwhile
        return False


def _answers_ok(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().strip() == b"Ok"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the emulator until SIGTERM, SIGINT or, if asked, the parent's end; 1 when it ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m hedge_pipeline.local.guard", description=__doc__)
    parser.add_argument("--java", type=Path, required=True)
    parser.add_argument("--jar", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--parent-pid", type=int)
    options = parser.parse_args(argv)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    options.ready_file.unlink(missing_ok=True)
    try:
        java, port = start_java(Emulator(java=options.java, jar=options.jar), free_ports())
    except DidNotStart as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    content = {"host": f"{LOOPBACK}:{port}", "pid": os.getpid(), "kind": "emulator"}
    processes.write_whole(options.ready_file, content)
    while not stopping.wait(_WATCH_SECONDS) and options.parent_pid in {None, os.getppid()}:
        if java.poll() is not None:
            sys.stderr.write(f"Google's Firestore emulator ended by itself, code {java.returncode}\n")
            return 1  # the ready file stays: a server that died is a failed source, not an absent one
    options.ready_file.unlink(missing_ok=True)
    end_java(java)
    return 0


if __name__ == "__main__":
    sys.exit(main())
