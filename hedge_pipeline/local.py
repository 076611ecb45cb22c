"""The servers of the paper profile: found where somebody started them, else children of this process for its life.

`hedge local up` writes their addresses to `local.json` under the home directory. A file whose server does not
answer is a failed source; it is never restarted silently.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_PROC = Path("/proc/self").parent
_POLL_SECONDS = 0.05
_lock = threading.Lock()
_started: dict[int, subprocess.Popen[bytes]] = {}
"""By pid, what this process started; a child has to be waited for by its parent."""
_children: dict[Path, "LocalServers"] = {}
_found: dict[Path, "LocalServers"] = {}
"""Last seen in each file: once a process has used those, their absence is a failed source, never a reason to start."""


@dataclass(frozen=True, slots=True)
class LocalServers:
    """One process that serves the derivatives venue, its spot prices and a price provider."""

    base_url: str
    admin_token: str = field(repr=False)
    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether its process exists; not whether it answers. A pid that somebody else has now is not it."""
        child = _started.get(self.pid)
        if child is not None:
            return child.poll() is None
        return "hedge_pipeline.paper" in _command_of(self.pid)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOptions:
    """Which path the paper venue walks."""

    seed: int = 1
    pace: str = "1"
    data: Path | None = None
    start: str | None = None
    multi_assets: bool = False

    def arguments(self) -> list[str]:
        given = ["--seed", str(self.seed), "--pace", self.pace]
        given += ["--data", str(self.data)] if self.data else []
        given += ["--start", self.start] if self.start else []
        return [*given, "--multi-assets"] if self.multi_assets else given


def ready_file(home: Path) -> Path:
    return home / "local.json"


def running(home: Path) -> LocalServers | None:
    """What `local.json` names, answering or not; ``None`` without the file.

    Raises:
        SourceUnavailable: the file cannot be understood.
    """
    return _named_in(ready_file(home))


def _named_in(file: Path) -> LocalServers | None:
    try:
        content = json.loads(file.read_text())
        return LocalServers(content["base_url"], content["admin_token"], content["pid"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise SourceUnavailable(
            "local servers", f"{file} cannot be read: {fault}; run `hedge local down`"
        ) from None


def for_this_process(home: Path) -> LocalServers:
    """Those that run already, be it as children of another process, else children of this one, ended with it.

    Raises:
        SourceUnavailable: they do not start.
    """
    with _lock:
        found = running(home) or _found.get(home)
        if found is not None:
            _found[home] = found
            return found
        child = _children.get(home) or _of_another_process(home)
        if child is not None:
            return child
        try:
            file = home / "paper" / f"child-{os.getpid()}.json"
            child = _children[home] = _start(home, file, ["--parent-pid", str(os.getpid())], detached=False)
        except SourceUnavailable:
            child = _of_another_process(home)  # which was quicker
            if child is None:
                raise
            return child
        atexit.register(end_children)
        return child


def _of_another_process(home: Path) -> LocalServers | None:
    """Servers that live as children of another process of this home: a daemon's runs use those of its code server."""
    for file in (home / "paper").glob("child-*.json"):
        with contextlib.suppress(SourceUnavailable):
            found = _named_in(file)
            if found is not None and found.is_alive:
                return found
    return None


def end_children() -> None:
    """End those that were started as children of this process."""
    with _lock:
        while _children:
            _, child = _children.popitem()
            _end(child)


def up(home: Path, options: PathOptions, *, with_this_process: bool = False) -> LocalServers:
    """Start the servers for others to use, until `down` or, if asked, until this process ends.

    Raises:
        CommandRefused: they run already.
        SourceUnavailable: they do not start.
    """
    found = running(home)
    if found is not None and found.is_alive:
        raise CommandRefused(f"the local servers run already at {found.base_url} (pid {found.pid})")
    until = ["--parent-pid", str(os.getpid())] if with_this_process else []
    return _start(home, ready_file(home), [*options.arguments(), *until], detached=True)


def down(home: Path) -> str | None:
    """Stop what `local.json` names and remove the file; what was done, in words, or ``None``: there is no file."""
    try:
        found = running(home)
    except SourceUnavailable:
        ready_file(home).unlink(missing_ok=True)
        return f"{ready_file(home)} could not be read and is removed; whatever it named may still run"
    if found is None:
        return None
    was_alive = found.is_alive
    if was_alive:
        _end(found)
    ready_file(home).unlink(missing_ok=True)
    return f"stopped (pid {found.pid})" if was_alive else f"they had ended already (pid {found.pid})"


def _start(home: Path, ready: Path, arguments: Sequence[str], *, detached: bool) -> LocalServers:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = home / "paper"
    if not state.exists():
        _copy_paper_fund(home)
    state.mkdir(exist_ok=True, mode=0o700)
    log = state / "venue.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program, each argument our own
            [sys.executable, "-m", "hedge_pipeline.paper", "--state-dir", str(state / "venue"),
             "--ready-file", str(ready), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=detached,
        )  # fmt: skip
    _started[process.pid] = process
    try:
        return _ready(process, ready, log)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> LocalServers:
    deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - a wait for a process, not a fact's age
    while time.monotonic() < deadline:  # noqa: TID251 - likewise
        if ready.exists():
            content = json.loads(ready.read_text())
            if content["pid"] == process.pid:
                return LocalServers(content["base_url"], content["admin_token"], process.pid)
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
            raise SourceUnavailable("local servers", f"did not start: {last[0]} (see {log})")
        time.sleep(_POLL_SECONDS)
    raise SourceUnavailable("local servers", f"did not start within {START_SECONDS:g} s (see {log})")


def _copy_paper_fund(home: Path) -> None:
    """Give a new paper fund its holdings; files that are there are somebody's."""
    for source in resources.files("hedge_pipeline.paper_fund").iterdir():
        target = home / source.name
        if source.name.endswith(".toml") and not target.exists():
            target.write_text(source.read_text())


def _end(servers: LocalServers) -> None:
    """Ask, wait, insist."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if _ended(servers, within_s=0):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(servers.pid, sent)
        if _ended(servers, within_s=STOP_SECONDS):
            return


def _ended(servers: LocalServers, *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s  # noqa: TID251 - a wait for a process
    while servers.is_alive:
        if time.monotonic() >= deadline:  # noqa: TID251 - likewise
            return False
        time.sleep(_POLL_SECONDS)
    return True


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
