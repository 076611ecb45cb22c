"""The file of a SQLite store: private to its owner, and migrated by one process at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hedge_pipeline.domain.errors import StoreUnavailable

_PATIENCE_S = 30.0
_PAUSE_S = 0.02


def make_empty(path: Path) -> None:
    """An empty file of mode 0600 in a directory of mode 0700, unless there is one.

    Never opens a file that is there: closing its descriptor would drop SQLite's locks of this process.
    """
    _make_directory(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _make_directory(path: Path) -> None:
    """``mkdir(parents=True)`` would make the parents with wider permissions."""
    if not path.exists():
        _make_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The right to migrate the store at ``path``: a kernel lock on a file beside it, which ends with the process.

    SQLite's own locks are not enough: switching a file to WAL while another process does the same fails at
    once, however long the busy timeout.
    """
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(lock, path)
        yield
    finally:
        os.close(lock)


def _wait_for(lock: int, path: Path) -> None:
    for _ in range(int(_PATIENCE_S / _PAUSE_S)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise StoreUnavailable(
        f"state store at {path}: another process has been migrating it for {_PATIENCE_S:.0f} s;"
        " stop the process that hangs"
    )
