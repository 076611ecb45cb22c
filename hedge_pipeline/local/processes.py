"""Server processes of ours: started, awaited by the file they write once serving, told from strangers, and ended."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hedge_pipeline.domain.errors import SourceUnavailable

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_PROC = Path("/proc/self").parent
_POLL_SECONDS = 0.05
_started: dict[int, subprocess.Popen[bytes]] = {}
"""By pid, what this process started; a child has to be waited for by its parent."""


class Starting:
    """A program that has been started and has not yet said that it serves."""

    def __init__(
        self, name: str, program: str, arguments: Sequence[str], *, ready: Path, log: Path, detached: bool
    ) -> None:
        self._name, self._ready, self._log = name, ready, log
        with _opened(log, name) as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, each argument our own
                [sys.executable, "-m", program, "--ready-file", str(ready), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=detached,
            )
        _started[self._process.pid] = self._process

    def ready(self) -> dict[str, Any]:
        """What it writes once it serves.

        Raises:
            SourceUnavailable: it ends instead, or takes too long and is ended.
        """
        try:
            return self._await()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _await(self) -> dict[str, Any]:
        deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - a wait for a process, not a fact's age
        while time.monotonic() < deadline:  # noqa: TID251 - likewise
            if self._ready.exists():
                content: dict[str, Any] = json.loads(self._ready.read_text())
                if content["pid"] == self._process.pid:
                    return content
            if self._process.poll() is not None:
                last = self._log.read_text(errors="replace").strip().splitlines()[-1]
                told = "no output" if last == "starting" else last
                raise SourceUnavailable(self._name, f"did not start: {told} (see {self._log})")
            time.sleep(_POLL_SECONDS)
        raise SourceUnavailable(self._name, f"did not start within {START_SECONDS:g} s (see {self._log})")


def _opened(log: Path, name: str) -> BinaryIO:
    """The log with a line in it: on a full disk the program itself could not say why it ends."""
    try:
        output = log.open("ab", buffering=0)
        output.write(b"starting\n")
    except OSError as error:
        raise SourceUnavailable(
            name, f"cannot start: {log} cannot be written: {error.strerror}; make room on its disk"
        ) from None
    return output


def is_alive(pid: int, *programs: str) -> bool:
    """Whether a process exists and is one of these programs; not whether it answers."""
    child = _started.get(pid)
    if child is not None:
        return child.poll() is None
    command = _command_of(pid)
    return any(program in command for program in programs)


def end(pid: int, *programs: str) -> None:
    """Ask, wait, insist."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if not is_alive(pid, *programs):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)
        deadline = time.monotonic() + STOP_SECONDS  # noqa: TID251 - a wait for a process
        while is_alive(pid, *programs) and time.monotonic() < deadline:  # noqa: TID251 - likewise
            time.sleep(_POLL_SECONDS)


def write_whole(file: Path, content: dict[str, Any]) -> None:
    """Replace a file at once, readable by its owner alone."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(json.dumps(content))
    fresh.replace(file)


def _command_of(pid: int) -> str:
    """The command line of a process; empty when it has ended, also when nobody has noticed yet."""
    if _PROC.is_dir():
        try:
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    found = subprocess.run(  # noqa: S603 - a fixed program and a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return found.stdout
