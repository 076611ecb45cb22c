"""Serve Dagster's UI, daemon and code server in the foreground, and leave no process behind however it ends.

`dagster dev` alone leaves processes where it is killed, and ignores SIGTERM where a script started it in the background: such
a shell has SIGINT ignored, which children inherit and dagster copies. So it runs in a session of its own under this process,
which owns the signals and, on Linux, adopts what its children leave: nothing descends from us that we do not see and end.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import click

LOOPBACK = "127.0.0.1"
POLL_S = 0.2

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_IS_LINUX = sys.platform.startswith("linux")
_LIBC = ctypes.CDLL(None) if _IS_LINUX else None


class Patience(NamedTuple):
    """Seconds that processes get to end after each signal, before the next and ruder one."""

    interrupt_s: float
    terminate_s: float
    kill_s: float


# Sensors and runs in flight get ten seconds to end by themselves.
PATIENCE = Patience(interrupt_s=10, terminate_s=5, kill_s=5)
OUTER_PATIENCE = Patience(interrupt_s=sum(PATIENCE) + 5, terminate_s=5, kill_s=5)


class _Process(NamedTuple):
    parent: int
    group: int
    is_zombie: bool


def run_dev(*, port: int, directory: Path) -> int:
    """Serve the workspace of a checkout on loopback until a signal or a failure, and return the exit code.

    The web server has no login and runs mutations for whoever reaches it: it is bound to loopback only.

    Args:
        port: where the UI listens.
        directory: the checkout; dagster.yaml in it says where Dagster keeps its records, workspace.yaml what is served.

    Raises:
        click.ClickException: the port is taken, or the directory holds no dagster.yaml or no workspace.yaml.
    """
    for name in ("dagster.yaml", "workspace.yaml"):
        if not (directory / name).is_file():
            raise click.ClickException(f"{directory} holds no {name}: start from the checkout")
    _refuse_a_taken_port(port)
    click.echo(f"http://{LOOPBACK}:{port} is starting; Ctrl-C stops it and everything it started")
    quiet = ("-W", "ignore:Function `dev_command` is superseded")  # by a tool that is no part of the lock
    arguments = f"-m dagster dev --host {LOOPBACK} --port {port} --workspace workspace.yaml".split()
    # Twice: whichever of the two is killed, the other one ends what is left.
    guarded = [sys.executable, "-m", "hedge_pipeline.supervisor", sys.executable, *quiet, *arguments]
    return supervise(guarded, directory=directory, patience=OUTER_PATIENCE)


def supervise(command: Sequence[str], *, directory: Path, patience: Patience = PATIENCE) -> int:
    """Run the command until it ends or a signal asks us to, then end whatever it started.

    Returns 0 if a signal asked and nothing remains, else 1. Children that we had before are left alone.
    """
    spared = frozenset(pid for pid, process in _processes().items() if process.parent == os.getpid())
    signals = _StopSignals()
    _end_with_parent()
    child = subprocess.Popen(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_terminate_with_supervisor,  # noqa: PLW1509 this process has one thread
    )
    try:
        while child.poll() is None and not signals.received:
            time.sleep(POLL_S)
    finally:
        remaining = _stop(child, spared, patience)
        signals.restore()
    if remaining:
        click.echo(f"still running after SIGKILL: {sorted(remaining)}", err=True)
    return 0 if signals.received and not remaining else 1


class _StopSignals:
    """Notes the signals that ask to stop, also where SIGINT was inherited as ignored.

    A handler, unlike SIG_IGN, is reset to the default in the child: that is what makes dagster hear SIGTERM again.
    """

    def __init__(self) -> None:
        self.received = False
        self._before = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} is not free: choose another, as in PORT={port + 1}"
            ) from error


def _end_with_parent() -> None:
    """Adopt what our children leave, and get SIGTERM when our own parent dies, however it dies."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _terminate_with_supervisor() -> None:
    """Between fork and exec: a SIGKILL of the supervisor still ends dagster, which ends its children itself."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _stop(child: subprocess.Popen[bytes], spared: frozenset[int], patience: Patience) -> set[int]:
    """End the child and all it started, gently first; return the processes that remain."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        remaining = _wait_until_gone(child, spared, patience.interrupt_s)
    else:
        remaining = _descendants(child.pid, spared)
    for number, patience_s in ((signal.SIGTERM, patience.terminate_s), (signal.SIGKILL, patience.kill_s)):
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        remaining = _wait_until_gone(child, spared, patience_s)
    return remaining


def _wait_until_gone(child: subprocess.Popen[bytes], spared: frozenset[int], patience_s: float) -> set[int]:
    deadline = time.monotonic() + patience_s
    while True:
        child.poll()
        remaining = _descendants(child.pid, spared)
        if not remaining or time.monotonic() > deadline:
            return remaining
        time.sleep(POLL_S)


def _descendants(group: int, spared: frozenset[int]) -> set[int]:
    """Living processes of the child's group or below us, without those that lived before it; dead ones are reaped."""
    processes = _processes()
    found = {os.getpid()}
    grown = True
    while grown:
        grown = False
        for pid, process in processes.items():
            ours = process.parent in found or process.group == group
            if ours and pid not in found and pid not in spared:
                found.add(pid)
                grown = True
    found.discard(os.getpid())
    for pid in found:
        process = processes[pid]
        if process.is_zombie and process.parent == os.getpid() and pid != group:
            os.waitpid(pid, os.WNOHANG)
    return {pid for pid in found if not processes[pid].is_zombie}


def _processes() -> dict[int, _Process]:
    """Every process of this machine that can be seen, by its id."""
    if not _IS_LINUX:
        listing = subprocess.run(
            ["/bin/ps", "-axo", "pid=,ppid=,pgid=,state="], capture_output=True, text=True, check=True
        )
        rows = [line.split() for line in listing.stdout.splitlines()]
        return {
            int(pid): _Process(int(ppid), int(pgid), state.startswith("Z")) for pid, ppid, pgid, state in rows
        }
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name stands in parentheses and may hold anything, so read from the last one.
            state, parent, group, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(entry.name)] = _Process(int(parent), int(group), state == "Z")
    return found


if __name__ == "__main__":
    code = supervise(sys.argv[1:], directory=Path.cwd())
    if code:
        click.echo("dagster ended by itself; the lines above say why", err=True)
    sys.exit(code)
