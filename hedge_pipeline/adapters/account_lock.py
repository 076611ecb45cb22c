"""The account's lock: a kernel file lock, which ends with its process and is never waited for."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileAccountLock:
    """``AccountLock`` of ports among the processes of one machine. Not reentrant: the second holder of a process is refused too."""

    def __init__(self, folder: Path, account: str) -> None:
        self._path = folder / f".{account}.lock"

    @contextmanager
    def hold(self) -> Iterator[bool]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield _taken(descriptor)
        finally:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
