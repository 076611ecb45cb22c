"""How SQLite and Postgres are connected to and made durable.

Both keep a commit through a crash: WAL with ``synchronous=FULL`` on SQLite, ``synchronous_commit`` on
Postgres. Connections are pooled, because opening one costs several times what appending does.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError

from hedge_pipeline.adapters.state_store.forms import SQLITE
from hedge_pipeline.domain.errors import InvalidSettings, StoreUnavailable

BUSY_TIMEOUT_S = 10.0
"""How long a writer waits for another to finish."""


def sqlite_engine(path: Path, *, read_only: bool) -> sa.Engine:
    """Over a file that exists. It connects when it is first used."""
    url = URL.create(
        "sqlite",
        database=f"file:{quote(str(path))}",  # a plain path would create what is absent
        query={"uri": "true", "mode": "ro" if read_only else "rw"},
    )
    engine = _engine(
        url, paramstyle="qmark", timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    born = _identity(path)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "checkout")
    def _refuse_another_file(_connection: object, _record: object, _proxy: object) -> None:
        # An open file that was removed can be written to for ever, and nobody else would see it.
        if _identity(path) != born:
            raise StoreUnavailable(
                f"state store at {path}: the file was removed or replaced while this process had it open;"
                " start the process again"
            )

    return engine


def begin_writing(dialect: sa.Dialect) -> str:
    """SQLite: a transaction that reads before it writes may not wait for a writer, so it is one from the start."""
    return "BEGIN IMMEDIATE" if dialect.name == SQLITE else "BEGIN"


def begin_frozen(dialect: sa.Dialect) -> str:
    """A transaction that reads, and sees nothing of what others commit after its first read."""
    return "BEGIN" if dialect.name == SQLITE else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def use_wal(connection: sa.Connection) -> None:
    """Let readers and a writer work side by side. The file remembers it."""
    mode = str(connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one())
    if mode != "wal":
        raise StoreUnavailable(
            f"the state store's file system has no shared memory: its journal mode is {mode}"
        )


def postgres_engine(url: URL, *, read_only: bool) -> sa.Engine:
    """It connects when it is first used.

    Raises:
        InvalidSettings: its driver is not installed.
    """
    settings = {
        "timezone": "UTC",
        "synchronous_commit": "on",
        "lock_timeout": f"{BUSY_TIMEOUT_S * 1000:.0f}ms",
        "default_transaction_read_only": "on" if read_only else "off",
    }
    options = [str(url.query.get("options", "")), *(f"-c {name}={value}" for name, value in settings.items())]
    try:
        engine = _engine(
            url,
            paramstyle="format",
            autocommit=True,
            options=" ".join(options).strip(),
            application_name="hedge_pipeline",
            connect_timeout=5,
            tcp_user_timeout=round(BUSY_TIMEOUT_S * 1000),
        )
    except ModuleNotFoundError:
        raise InvalidSettings("Postgres needs its driver: install hedge-pipeline[postgres]") from None

    @event.listens_for(engine, "connect")
    def _keep_json_as_text(connection: Any, _record: object) -> None:
        from psycopg.types.string import TextLoader

        connection.adapters.register_loader("jsonb", TextLoader)

    return engine


def _engine(url: URL, *, paramstyle: Any, **connect_args: Any) -> sa.Engine:
    engine = sa.create_engine(
        url,
        paramstyle=paramstyle,
        connect_args=connect_args,
        hide_parameters=True,
        pool_size=4,
        max_overflow=-1,
    )

    @event.listens_for(engine, "connect")
    def _remember_the_process(_connection: object, record: Any) -> None:
        record.info["pid"] = os.getpid()

    @event.listens_for(engine, "checkout")
    def _refuse_connections_of_another_process(_connection: object, record: Any, proxy: Any) -> None:
        # A forked child must not speak on its parent's connections: SQLite's locks do not survive a fork.
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("opened by another process")

    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
