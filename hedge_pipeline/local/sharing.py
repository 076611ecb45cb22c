"""How the processes of one home come by a server: one that was started for all, else a child of the first that asks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.local.home import alone_in


class Server(Protocol):
    """A server that runs in a process of its own."""

    @property
    def pid(self) -> int: ...

    @property
    def is_alive(self) -> bool: ...

    def end(self) -> None: ...


S = TypeVar("S", bound=Server)


class Sharing(Generic[S]):
    """One kind of server, found or started; not for several threads at once."""

    def __init__(
        self,
        *,
        running: Callable[[Path], S | None],
        start: Callable[[Path, Path, list[str]], S],
        named_in: Callable[[Path], S | None],
        prefix: str,
    ) -> None:
        """Say how a server is found and started.

        Args:
            running: what was started for every process of a home.
            start: starts one for a home, with its ready file and further arguments.
            named_in: what a ready file names.
            prefix: how the ready files of children begin.
        """
        self._running, self._start, self._named_in, self._prefix = running, start, named_in, prefix
        self._children: dict[Path, S] = {}
        self.found: dict[Path, S] = {}
        """What was last found for all. Once a process has used that, its absence is a failed source, not a reason to start."""

    def for_this_process(self, home: Path) -> S:
        """The one that runs already, be it as a child of another process, else a child of this one.

        Raises:
            SourceUnavailable: it does not start.
        """
        found = self._running(home) or self.found.get(home)
        if found is not None:
            self.found[home] = found
            return found
        child = self._children.get(home) or self._of_another_process(home)
        if child is not None:
            return child
        with alone_in(home):
            return self._running(home) or self._of_another_process(home) or self._new_child(home)

    def _new_child(self, home: Path) -> S:
        ready = home / "paper" / f"{self._prefix}-{os.getpid()}.json"
        child = self._children[home] = self._start(home, ready, ["--parent-pid", str(os.getpid())])
        return child

    def end_children(self) -> None:
        while self._children:
            _, child = self._children.popitem()
            child.end()

    def _of_another_process(self, home: Path) -> S | None:
        """A child of another process of this home: a daemon's runs use those of its code server."""
        for file in (home / "paper").glob(f"{self._prefix}-*.json"):
            try:
                found = self._named_in(file)
            except SourceUnavailable:
                continue
            if found is not None and found.is_alive:
                return found
        return None
