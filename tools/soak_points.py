"""Where a process may die, another one act, or a write fail: around each request and each write of what is under test."""

from collections.abc import Callable
from typing import Any

from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.domain.errors import StoreUnavailable

WRITES = frozenset({"append", "append_new_income", "append_new_fills", "take_over", "forget"})


class Killed(BaseException):
    """The process that was asking or writing is dead."""


class Points:
    """The instants at which a process may die or another one act: around each request and each write."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._then: Callable[[], object] | None = None
        self._writes_left: int | None = None
        self.dead = False

    def plan(self, count: int, then: Callable[[], object] | None = None) -> None:
        """At the ``count``-th point from now let somebody else act, or let the process die."""
        self._left, self._then = count, then

    def refuse(self, count: int) -> None:
        """Let the ``count``-th write from now fail, and the process live."""
        self._writes_left = count

    def forget(self) -> None:
        self._left = self._then = self._writes_left = None
        self.dead = False

    def write(self) -> None:
        """Raises StoreUnavailable where a write is refused."""
        if self._writes_left is not None:
            self._writes_left -= 1
            if not self._writes_left:
                self._writes_left = None
                raise StoreUnavailable("state store: database or disk is full")

    def reach(self) -> None:
        if self.dead:
            raise Killed
        if self._left is None:
            return
        self._left -= 1
        if self._left:
            return
        self._left, then = None, self._then
        if then is None:
            self.dead = True
            raise Killed
        then()


class Written:
    """A state store with a point before and after each write."""

    def __init__(self, store: SqlStateStore, points: Points) -> None:
        self._store, self._points = store, points

    def __getattr__(self, name: str) -> Any:
        if self._points.dead:
            raise Killed
        found = getattr(self._store, name)
        if name not in WRITES:
            return found

        def write(*args: Any, **named: Any) -> Any:
            self._points.reach()
            self._points.write()
            result = found(*args, **named)
            self._points.reach()
            return result

        return write
