"""The servers of the paper profile: found where somebody started them, else children of this process for its life.

`hedge local up` writes their addresses to `local.json` under the home directory. A file whose server does not
answer is a failed source; it is never restarted silently.
"""

import atexit
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
_POLL_SECONDS = 0.05
_lock = threading.Lock()
_children: dict[Path, "LocalServers"] = {}


@dataclass(frozen=True, slots=True)
class LocalServers:
    """One process that serves the derivatives venue, its spot prices and a price provider."""

    base_url: str
    admin_token: str = field(repr=False)
    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether its process exists; not whether it answers."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


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
    file = ready_file(home)
    try:
        content = json.loads(file.read_text())
        return LocalServers(content["base_url"], content["admin_token"], content["pid"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise SourceUnavailable("local servers", f"{file} cannot be read: {fault}; run `hedge local down`") from None


def for_this_process(home: Path) -> LocalServers:
    """Those that run already, else children of this process, started once and ended with it.

    Raises:
        SourceUnavailable: they do not start.
    """
    with _lock:
        found = running(home)
        if found is not None:
            return found
        child = _children.get(home)
        if child is None or not child.is_alive:
            file = home / "paper" / f"child-{os.getpid()}.json"
            child = _children[home] = _start(home, file, ["--parent-pid", str(os.getpid())], detached=False)
            atexit.register(_end, child.pid)
        return child


def up(home: Path, options: PathOptions) -> LocalServers:
    """Start the servers for others to use.

    Raises:
        CommandRefused: they run already.
        SourceUnavailable: they do not start.
    """
    found = running(home)
    if found is not None and found.is_alive:
        raise CommandRefused(f"the local servers run already at {found.base_url} (pid {found.pid})")
    return _start(home, ready_file(home), options.arguments(), detached=True)


def down(home: Path) -> bool:
    """Stop what `local.json` names and remove the file; whether there was anything to stop."""
    found = running(home)
    if found is None:
        return False
    if found.is_alive:
        _end(found.pid)
    ready_file(home).unlink(missing_ok=True)
    return True


def _start(home: Path, ready: Path, arguments: Sequence[str], *, detached: bool) -> LocalServers:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = home / "paper"
    if not state.exists():
        _copy_paper_fund(home)
    state.mkdir(exist_ok=True, mode=0o700)
    log = state / "venue.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hedge_pipeline.paper", "--state-dir", str(state / "venue"),
             "--ready-file", str(ready), *arguments],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=detached,
        )  # fmt: skip
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
    process.kill()
    raise SourceUnavailable("local servers", f"did not start within {START_SECONDS:g} s (see {log})")


def _copy_paper_fund(home: Path) -> None:
    """Give a new paper fund its holdings; files that are there are somebody's."""
    for source in resources.files("hedge_pipeline.paper_fund").iterdir():
        target = home / source.name
        if source.name.endswith(".toml") and not target.exists():
            target.write_text(source.read_text())


def _end(pid: int) -> None:
    """Ask, wait, insist."""
    for sent, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience  # noqa: TID251 - a wait for a process
        while time.monotonic() < deadline:  # noqa: TID251 - likewise
            if _gone(pid):
                return
            time.sleep(_POLL_SECONDS)


def _gone(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return True
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
