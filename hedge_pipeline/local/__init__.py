"""The servers of the paper profile: found where somebody started them, else children of this process for its life.

`hedge local up` writes their addresses to `local.json` under the home directory. A file whose server does not
answer is a failed source; it is never restarted silently.
"""

import atexit
import json
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hedge_pipeline.domain.errors import CommandRefused, SourceUnavailable
from hedge_pipeline.local import firestore, processes, venue
from hedge_pipeline.local.firestore import FirestoreKind, LocalFirestore, StartingFirestore
from hedge_pipeline.local.home import alone_in
from hedge_pipeline.local.sharing import S, Sharing
from hedge_pipeline.local.venue import LocalServers, PathOptions

__all__ = [
    "FirestoreKind",
    "LocalFirestore",
    "LocalServers",
    "PathOptions",
    "down",
    "end_children",
    "firestore_for_this_process",
    "for_this_process",
    "ready_file",
    "running",
    "running_firestore",
    "up",
]

T = TypeVar("T")
_VENUE, _FIRESTORE = "venue", "Firestore server"
_lock = threading.Lock()


def ready_file(home: Path) -> Path:
    return home / "local.json"


def running(home: Path) -> LocalServers | None:
    """The venue that `local.json` names, answering or not; ``None`` without the file.

    Raises:
        SourceUnavailable: the file cannot be understood.
    """
    return _named_in(ready_file(home), venue.named)


def running_firestore(home: Path) -> LocalFirestore | None:
    """The Firestore server that `local.json` names, answering or not; ``None`` where it names none.

    Raises:
        SourceUnavailable: the file cannot be understood.
    """
    named = _named_in(ready_file(home), _firestore_of)
    # The venue takes local.json along when it ends, and writes it anew before the other is added.
    return named or _named_in(_firestore_file(home), firestore.named)


def for_this_process(home: Path) -> LocalServers:
    """The venue that runs already, be it as a child of another process, else a child of this one, ended with it.

    Raises:
        SourceUnavailable: it does not start.
    """
    with _lock:
        return _venues.for_this_process(home)


def firestore_for_this_process(home: Path) -> LocalFirestore:
    """The Firestore server that runs already, likewise, else a child of this process, ended with it.

    Raises:
        SourceUnavailable: it does not start.
    """
    with _lock:
        return _firestores.for_this_process(home)


def end_children() -> None:
    """End those that were started as children of this process."""
    with _lock:
        _venues.end_children()
        _firestores.end_children()


def up(
    home: Path,
    options: PathOptions,
    *,
    with_this_process: bool = False,
    told: Callable[[str], object] = lambda _text: None,
) -> LocalServers:
    """Start what does not run of the venue and the Firestore server, until `down` or, if asked, until this process ends.

    Args:
        home: whose servers.
        options: which path a venue that is started walks.
        with_this_process: let what is started end with this process.
        told: is told, in words, what was there and what is started beside it.

    Raises:
        CommandRefused: both run already.
        SourceUnavailable: one of them does not start; then neither is started.
    """
    with alone_in(home):
        return _up(home, options, with_this_process=with_this_process, told=told)


def down(home: Path) -> str | None:
    """Stop what `local.json` names and remove the file; what was done, in words, or ``None``: there is nothing."""
    named: list[tuple[str, LocalServers | LocalFirestore | None]] = []
    is_unreadable = False
    for name, find in ((_VENUE, running), (_FIRESTORE, running_firestore)):
        try:
            named.append((name, find(home)))
        except SourceUnavailable:
            is_unreadable = True
    done = []
    for name, server in named:
        if server is not None:
            done.append(f"{name} {'stopped' if server.is_alive else 'had ended already'} (pid {server.pid})")
            server.end()
    for file in (ready_file(home), _firestore_file(home)):
        file.unlink(missing_ok=True)
    if is_unreadable:
        done.append(f"{ready_file(home)} could not be read and is removed; whatever it named may still run")
    return ", ".join(done) or None


def _up(
    home: Path, options: PathOptions, *, with_this_process: bool, told: Callable[[str], object]
) -> LocalServers:
    old, old_firestore = running(home), running_firestore(home)
    if old and old.is_alive and old_firestore and old_firestore.is_alive:
        raise CommandRefused(f"the local servers run already at {old.base_url} (pid {old.pid})")
    until = ["--parent-pid", str(os.getpid())] if with_this_process else []
    kept, kept_firestore = _if_alive(old, _VENUE, told), _if_alive(old_firestore, _FIRESTORE, told)
    # Both at once: java takes as long as the venue.
    starting = None
    if kept_firestore is None:
        starting = _starting_firestore(home, _firestore_file(home), until, detached=True)
    try:
        servers = kept or _start_venue(home, ready_file(home), [*options.arguments(), *until], detached=True)
    except BaseException:
        if starting is not None:
            starting.kill()
        raise
    if starting is not None:
        try:
            kept_firestore = starting.ready()
        except BaseException:
            if kept is None:
                servers.end()
            raise
        told(f"{kept_firestore.words} is started (pid {kept_firestore.pid})")
    _add(home, kept_firestore)
    return servers


def _if_alive(server: S | None, name: str, told: Callable[[str], object]) -> S | None:
    if server is None:
        return None
    told(
        f"the {name} {'runs already and is left alone' if server.is_alive else 'has died'} (pid {server.pid})"
    )
    return server if server.is_alive else None


def _firestore_file(home: Path) -> Path:
    """Where the Firestore server for every process says that it serves; `local.json` says the same after it."""
    return home / "paper" / "firestore.json"


def _add(home: Path, server: LocalFirestore | None) -> None:
    """Name the Firestore server in `local.json`, beside the venue."""
    if server is None:
        return
    content = json.loads(ready_file(home).read_text())
    content |= {f"firestore_{name}": value for name, value in server.content.items()}
    processes.write_whole(ready_file(home), content)


def _start_venue(home: Path, ready: Path, arguments: Sequence[str], *, detached: bool) -> LocalServers:
    return venue.named(venue.starting(home, ready, arguments, detached=detached).ready())


def _starting_firestore(
    home: Path, ready: Path, arguments: Sequence[str], *, detached: bool
) -> StartingFirestore:
    return StartingFirestore(home, ready, arguments, detached=detached)


def _named_in(file: Path, read: Callable[[dict[str, Any]], T]) -> T | None:
    try:
        return read(json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise SourceUnavailable(
            "local servers", f"{file} cannot be read: {fault}; run `hedge local down`"
        ) from None


def _firestore_of(content: dict[str, Any]) -> LocalFirestore | None:
    if "firestore_host" not in content:  # an older one wrote the file
        return None
    return firestore.named({name: content[f"firestore_{name}"] for name in ("host", "pid", "kind")})


_venues: Sharing[LocalServers] = Sharing(
    running=running,
    start=partial(_start_venue, detached=False),
    named_in=lambda file: _named_in(file, venue.named),
    prefix="child",
)
_firestores: Sharing[LocalFirestore] = Sharing(
    running=running_firestore,
    start=lambda home, ready, arguments: _starting_firestore(home, ready, arguments, detached=False).ready(),
    named_in=lambda file: _named_in(file, firestore.named),
    prefix="firestore-child",
)
atexit.register(end_children)
