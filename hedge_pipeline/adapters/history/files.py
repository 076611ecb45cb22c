"""One file per table, day and version: written whole or not at all, never changed, the highest version counts.

A file's bytes are a function of its rows, so a backfill that was killed and starts again arrives at the same bytes. Other
rows for a stored day are refused unless somebody gives a reason; then they become the next version, which carries it.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hedge_pipeline.adapters.history import archive, tables
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.partitions import Restatement, Written

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

REASON, RESTATED_AT = b"hedge.reason", b"hedge.restated_at"


class HistoryFiles:
    """The history below one folder. Safe to share between threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        return self._root

    def write_day(
        self, kind: type[Any], day: date, rows: Sequence[Any], *, at: datetime, reason: str | None = None
    ) -> Written:
        """As in the port."""
        return self.write_table(
            tables.table_name(kind), day, tables.as_table(kind, rows), at=at, reason=reason
        )

    def write_table(
        self, name: str, day: date, table: Any, *, at: datetime, reason: str | None = None
    ) -> Written:
        """As ``write_day``, of a table by its name."""
        with self._alone():
            latest = self._latest(name, day)
            if latest is None:
                self._keep(name, day, 1, table)
                return Written.WRITTEN
            version, path = latest
            stored = _read(path)
            if stored.equals(table):
                return Written.UNCHANGED
            if not reason or not reason.strip():
                raise InvalidState(
                    f"{name} of {day}: {_difference(stored, table)}; a stored day is restated only with a reason"
                )
            told = {REASON: reason.strip().encode(), RESTATED_AT: at.astimezone(UTC).isoformat().encode()}
            self._keep(name, day, version + 1, table.replace_schema_metadata(told))
            return Written.RESTATED

    def days(self, kind: type[Any]) -> list[date]:
        return self.days_of(tables.table_name(kind))

    def days_of(self, name: str) -> list[date]:
        """Days of a table that are stored, in order."""
        return list(self._days(name))

    def first(self, kind: type[Any]) -> date | None:
        return next(self._days(tables.table_name(kind)), None)

    def holds(self, kind: type[Any], day: date) -> bool:
        return self._latest(tables.table_name(kind), day) is not None

    def rows(self, kind: type[Any], day: date) -> list[Any] | None:
        table = self.table(tables.table_name(kind), day)
        return None if table is None else tables.as_rows(kind, table)

    def last(self, kind: type[Any], day: date) -> Any:
        table = self.table(tables.table_name(kind), day)
        return tables.as_rows(kind, table.slice(table.num_rows - 1))[0] if table and table.num_rows else None

    def table(self, name: str, day: date) -> Any:
        """The day's Arrow table in its latest version; ``None``: the day is not stored.

        Raises:
            InvalidState: its file is damaged.
        """
        latest = self._latest(name, day)
        return None if latest is None else _read(latest[1])

    def floats(self, kind: type[Any], column: str, *, days: int | None = None) -> "NDArray[float64]":
        import numpy as np
        import pyarrow as pa

        parts = [
            _read(path, [column]).column(column).drop_null().cast(pa.float64()).to_numpy()
            for path in self.files(tables.table_name(kind))[-days if days else None :]
        ]
        return np.concatenate(parts) if parts else np.empty(0)

    def files(self, name: str) -> list[Path]:
        """The file that counts of every stored day, in order of days."""
        found = (self._latest(name, day) for day in self.days_of(name))
        return [latest[1] for latest in found if latest]

    def restatements(self, kind: type[Any]) -> tuple[Restatement, ...]:
        return self.restatements_of(tables.table_name(kind))

    def restatements_of(self, name: str) -> tuple[Restatement, ...]:
        """Every version of a table's days after the first, in order."""
        import pyarrow.parquet as pq

        found = []
        for day in self.days_of(name):
            for version, path in _versions(self._folder(name, day))[1:]:
                told = pq.read_schema(path).metadata or {}
                found.append(
                    Restatement(
                        table=name,
                        day=day,
                        version=version,
                        reason=told[REASON].decode(),
                        restated_at=datetime.fromisoformat(told[RESTATED_AT].decode()),
                    )
                )
        return tuple(found)

    def highest_nav_per_unit(self, account: str) -> tuple[Decimal, datetime] | None:
        import pyarrow.compute as pc

        highest: tuple[Decimal, datetime] | None = None
        for path in self.files(tables.table_name(Minute)):
            table = _read(path, ["account", "high", "minute"])
            own = table.filter(pc.equal(table["account"], account)).drop_null()
            value = pc.max(own["high"]).as_py()
            if value is not None and (highest is None or value > highest[0]):
                minute = own["minute"][pc.index(own["high"], value).as_py()].as_py()
                highest = value, minute.astimezone(UTC)
        return highest

    def archive_day(
        self,
        table: type[Any],
        day: date,
        rows: Sequence[tuple[Any, ...]],
        *,
        at: datetime,
        reason: str | None,
    ) -> Written:
        kept = archive.to_arrow(table, rows)
        return self.write_table(archive.archive_name(table), day, kept, at=at, reason=reason)

    def last_archived(self, table: type[Any]) -> date | None:
        return next(iter(self.days_of(archive.archive_name(table))[-1:]), None)

    def archived(self, table: type[Any], day: date) -> list[tuple[Any, ...]] | None:
        stored = self.table(archive.archive_name(table), day)
        return None if stored is None else archive.from_arrow(table, stored)

    def _keep(self, name: str, day: date, version: int, table: Any) -> None:
        """Whole or not at all: written aside, made durable, then named."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = self._folder(name, day)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_over in folder.glob(".*.tmp"):
            left_over.unlink()
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        target = folder / f"v{version:04d}.parquet"
        aside = folder / f".{target.name}.{os.getpid()}.tmp"
        descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sink.getvalue())
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
        for parent in (folder, folder.parent):
            _make_durable(parent)

    def _days(self, name: str) -> Iterator[date]:
        folder = self._root / name
        for found in sorted(folder.iterdir()) if folder.is_dir() else ():
            if found.name.startswith("day=") and _versions(found):
                yield date.fromisoformat(found.name[4:])

    def _latest(self, name: str, day: date) -> tuple[int, Path] | None:
        found = _versions(self._folder(name, day))
        return found[-1] if found else None

    def _folder(self, name: str, day: date) -> Path:
        return self._root / name / f"day={day.isoformat()}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time; the lock ends with the process. Readers need none: a file never changes."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._root / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _versions(folder: Path) -> list[tuple[int, Path]]:
    return sorted((int(path.stem[1:]), path) for path in folder.glob("v[0-9][0-9][0-9][0-9].parquet"))


def _read(path: Path, columns: list[str] | None = None) -> Any:
    """A file's table, its pages verified by their checksums."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return (
            pq.ParquetFile(path, page_checksum_verification=True)
            .read(columns, use_threads=False)
            .replace_schema_metadata(None)
        )
    except (pa.ArrowException, OSError) as damage:
        raise InvalidState(
            f"history file {path} cannot be read: {damage}; restore it from a backup, or remove it and materialize its day"
        ) from None


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _difference(stored: Any, new: Any) -> str:
    """The first thing that differs, in words."""
    if stored.schema != new.schema:
        return f"columns were {', '.join(stored.column_names)} and would be {', '.join(new.column_names)}"
    if stored.num_rows != new.num_rows:
        return f"{stored.num_rows} rows are stored and {new.num_rows} would be"
    for name in stored.column_names:
        pairs = zip(stored.column(name).to_pylist(), new.column(name).to_pylist(), strict=True)
        for number, (was, now) in enumerate(pairs):
            if was != now:
                return f"{name} of row {number} is {was} and would be {now}"
    return "nothing that can be named differs"
