"""One database: connections from a pool, transactions, and the driver's errors as our own.

Connections commit each statement by itself unless a transaction is begun: then a read is one round trip.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from hedge_pipeline.adapters.state_store.driver_errors import translated
from hedge_pipeline.adapters.state_store.engines import begin_frozen, begin_writing
from hedge_pipeline.adapters.state_store.forms import SQLITE

Connection = Any
"""A driver's own: ``execute`` and cursors are the same in sqlite3 and psycopg."""

_LISTS_LOCK = 0x696E636F6D65


class Database:
    """A pool over one engine. Safe to share between threads, and across a fork."""

    def __init__(self, engine: sa.Engine, *, place: str, secrets: Sequence[str]) -> None:
        self._engine = engine
        self._place = place
        self._secrets = secrets
        self._begin = begin_writing(engine.dialect)

    @property
    def dialect(self) -> sa.Dialect:
        return self._engine.dialect

    def close(self) -> None:
        self._engine.dispose()

    def read(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._connection() as connection:
            found: list[tuple[Any, ...]] = connection.execute(sql, values).fetchall()
            return found

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed when it is left, undone when an error leaves it."""
        with self._connection() as connection:
            connection.execute(self._begin)
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def frozen(self) -> Iterator[Connection]:
        """One transaction that reads everything as of its first read, whatever others write meanwhile."""
        with self._connection() as connection:
            connection.execute(begin_frozen(self.dialect))
            yield connection
            connection.execute("ROLLBACK")

    def one_at_a_time(self, connection: Connection) -> None:
        """Let no other transaction add income or fills until this one ends.

        Row ids are dealt when a row is inserted and seen when it is committed. Were two transactions to
        overtake each other, a row could appear below a row id that a reader has already passed.
        SQLite has one writer anyway.
        """
        if self.dialect.name != SQLITE:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LISTS_LOCK])

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with translated(self._engine.dialect.loaded_dbapi, self._place, self._secrets):
            pooled = self._engine.raw_connection()
            try:
                yield pooled.dbapi_connection
            except self.dialect.loaded_dbapi.Error as error:
                self._forget_if_lost(pooled, error)
                raise
            finally:
                pooled.close()  # undoes what was not committed

    def _forget_if_lost(self, pooled: Any, error: Any) -> None:
        """A server that went away took all its connections with it."""
        if self.dialect.is_disconnect(error, pooled.dbapi_connection, None):
            pooled.invalidate()
            self._engine.dispose()
