"""Google's Firestore emulator as a child process: java itself, on a port of our own choosing, ended with the tests."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

JAR = Path("/usr/lib/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en")
PATIENCE_S = 30.0
TRIES = 5


def absent() -> str | None:
    """Why it cannot be started here."""
    if shutil.which("java") is None:
        return "java is not installed"
    return None if JAR.is_file() else f"Google's Firestore emulator is not installed ({JAR})"


@contextmanager
def google_emulator(log: Path) -> Iterator[str]:
    """``host:port`` of one that runs until it is left."""
    for _ in range(TRIES):
        port = free_port()
        process = _start(port, log)
        try:
            if _answers(process, port):
                yield f"127.0.0.1:{port}"
                return
        finally:
            end(process)
    raise RuntimeError(f"the emulator did not start: {log.read_text()}")


def free_port() -> int:
    """One that nobody holds now; somebody may the next moment, hence the tries."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _start(port: int, log: Path) -> subprocess.Popen[bytes]:
    command = ["java", *JVM, "-cp", str(JAR), MAIN, "--host", "127.0.0.1", "--port", str(port)]
    if sys.platform == "linux" and (guard := shutil.which("setpriv")):
        command = [guard, "--pdeathsig", "TERM", *command]  # it ends with us even if we are killed
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), opener.open(f"http://127.0.0.1:{port}/", timeout=1) as answer:
            return answer.read().strip() == b"Ok" and _holds(process.pid, port)
        time.sleep(0.05)
    return False


def _holds(pid: int, port: int) -> bool:
    """Whether the process itself listens there; a stranger who took the port in between answers as well."""
    if sys.platform != "linux":
        return True
    sockets = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and int(parts[1].rsplit(":", 1)[1], 16) == port:
                sockets.add(f"socket:[{parts[9]}]")
    return any(str(link.readlink()) in sockets for link in Path(f"/proc/{pid}/fd").iterdir())
