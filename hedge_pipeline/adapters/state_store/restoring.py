"""Putting a copy in place as the store of this home. It stays a copy: nothing acts before somebody takes it over."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hedge_pipeline.adapters.state_store.backup import put_in_place, refuse_damage, unfinished
from hedge_pipeline.adapters.state_store.driver_errors import translated
from hedge_pipeline.adapters.state_store.opening import open_state_store, sqlite_path
from hedge_pipeline.domain.errors import CommandRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A copy that is in place."""

    file: Path
    store_id: str
    copied_at: datetime
    aside: Path | None
    """Where the store that was there lies now; ``None``: there was none."""


def restore(source: Path, url: str, *, purpose: str, replace_at: datetime | None = None) -> Restored:
    """Put the backup ``source`` in place at ``url``. With ``replace_at`` a store that is there is kept aside under that instant.

    Raises:
        CommandRefused: it is no backup, it belongs elsewhere, or a store is there that must not go or is in use.
        InvalidState: the backup is damaged.
        StoreUnavailable: a file cannot be read or written.
    """
    file = sqlite_path(url)
    if file is None:
        raise CommandRefused(
            "a backup is restored as an SQLite file, and HEDGE_STATE_URL names a server: unset it, or restore the "
            "server with its own tools"
        )
    if file.exists() and replace_at is None:
        raise CommandRefused(f"{file} is there: --replace keeps it aside and puts the copy in its place")
    with translated(sqlite3, str(file), ()), unfinished(file) as partial:
        _copy(source, partial)
        with closing(open_state_store(f"sqlite:///{partial}", create=True, purpose=purpose)) as store:
            copied_at = store.copied_at
            if copied_at is None:
                raise CommandRefused(f"{source} is a store itself and no copy: `hedge backup` makes copies")
            refuse_damage(store, source)
            store_id = store.store_id
        aside = _set_aside(file, replace_at) if replace_at is not None and file.exists() else None
        _remove_orphans(file)
        put_in_place(partial, file)
    return Restored(file=file, store_id=store_id, copied_at=copied_at, aside=aside)


def _copy(source: Path, partial: Path) -> None:
    """The backup itself stays as it is. Leaves the copy ready for readers beside a writer."""
    if not source.is_file():
        raise CommandRefused(f"{source} is not there")
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as backup,
        closing(sqlite3.connect(partial, isolation_level=None)) as target,
    ):
        backup.backup(target)
        target.execute("PRAGMA journal_mode=WAL")


def _set_aside(file: Path, at: datetime) -> Path:
    """Under another name, with everything its journal still held.

    Raises:
        CommandRefused: a process has it open: what it writes from now on would be lost.
    """
    in_use = f"{file} is in use: stop whatever runs on it (`hedge dev`, `hedge run`), then restore again"
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0.5)) as store:
        try:
            (mode,) = store.execute("PRAGMA journal_mode=DELETE").fetchone()  # only its last user may
        except sqlite3.OperationalError:
            raise CommandRefused(in_use) from None
        if mode != "delete":
            raise CommandRefused(in_use)
        store.execute("PRAGMA journal_mode=WAL")
    aside = file.with_name(f"{file.name}.replaced-{at:%Y%m%dT%H%M%S.%fZ}")
    if aside.exists():
        raise CommandRefused(f"{aside} exists already")
    return file.rename(aside)


def _remove_orphans(file: Path) -> None:
    """A journal whose database is gone would be played into whatever takes its name next."""
    for rest in ("-wal", "-shm", "-journal"):
        file.with_name(file.name + rest).unlink(missing_ok=True)
