"""The home of a paper fund: made with its holdings, and with one process at a time starting servers for it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from hedge_pipeline.domain.errors import SourceUnavailable


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Wait for whoever else starts servers for this home, which is made, and then be the only one.

    Raises:
        SourceUnavailable: it cannot be written to.
    """
    make(home)
    try:
        lock = (home / "paper" / "starting.lock").open("ab")
    except OSError as error:
        raise _not_written(home, error) from None
    with lock:  # closing it lets the next one in, as does our end
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(home: Path) -> None:
    """The home of a paper fund, with its holdings; files that are there are somebody's.

    Raises:
        SourceUnavailable: it cannot be written to.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = home / "paper"
        if state.exists():
            return
        for source in resources.files("hedge_pipeline.paper_fund").iterdir():
            if source.name.endswith(".toml") and not (home / source.name).exists():
                _put_whole(home / source.name, source.read_text())
        state.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise _not_written(home, error) from None


def _put_whole(target: Path, text: str) -> None:
    """Empty holdings would be believed: on a full disk the file is not there rather than cut short."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    fresh.write_text(text)
    fresh.replace(target)


def _not_written(home: Path, error: OSError) -> SourceUnavailable:
    return SourceUnavailable(
        "local servers", f"cannot start: {home} cannot be written: {error.strerror}; make room on its disk"
    )
