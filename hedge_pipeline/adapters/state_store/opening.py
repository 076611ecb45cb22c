"""Opening a store: whether it is there and at this program's level, and bringing it there if asked."""

import secrets
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from hedge_pipeline.adapters.state_store.database import Database
from hedge_pipeline.adapters.state_store.driver_errors import secrets_of, translated
from hedge_pipeline.adapters.state_store.engines import begin_writing, postgres_engine, sqlite_engine, use_wal
from hedge_pipeline.adapters.state_store.forms import SQLITE
from hedge_pipeline.adapters.state_store.migrations import LEVEL, migrate
from hedge_pipeline.adapters.state_store.sqlite_file import held, make_empty
from hedge_pipeline.adapters.state_store.store import SqlStateStore, StoreMeta
from hedge_pipeline.adapters.state_store.tables import STORE_META
from hedge_pipeline.domain.errors import InvalidSettings, StoreUnavailable

_SQLITE_URL = "sqlite:///"
_WANTED = "give sqlite:///path or postgresql://…"
_MIGRATION_LOCK = 0x6865646765
"""Key of the Postgres advisory lock under which one process at a time migrates."""


def open_state_store(
    url: str, *, create: bool, read_only: bool = False, purpose: str | None = None
) -> SqlStateStore:
    """The store at ``sqlite:///path``, the path as it stands, or ``postgresql://…``.

    With ``create`` an absent store is made and an earlier one migrated, once, however many processes ask at
    the same time; without it neither happens. ``read_only`` refuses every append.
    A store made for one ``purpose`` is refused to every other: rows of a paper fund are no history of a live one.

    Raises:
        InvalidSettings: the URL names no store this program can use, or one made for something else.
        StoreUnavailable: absent, at another level, or out of reach.
    """
    if create and read_only:
        raise InvalidSettings("a program that only reads the state store cannot create it")
    migrating: AbstractContextManager[None] = nullcontext()
    hidden: tuple[str, ...] = ()
    if url.startswith(_SQLITE_URL):
        path = _path(url)
        place = str(path)
        _find_file(path, create=create)
        engine = sqlite_engine(path, read_only=read_only)
        migrating = held(path)
    else:
        parsed = _postgres_url(url)
        place, hidden = _without_secrets(parsed), secrets_of(parsed)
        engine = postgres_engine(parsed, read_only=read_only)
    try:
        with translated(engine.dialect.loaded_dbapi, place, hidden):
            meta = _meta(engine)
            if create and (meta is None or meta.level < LEVEL):
                with migrating:
                    meta = _migrated(engine, purpose)
        database = Database(engine, place=place, secrets=hidden)
        return SqlStateStore(database, _usable(meta, place, purpose))
    except BaseException:
        engine.dispose()
        raise


def sqlite_path(url: str) -> Path | None:
    """The file of a store's URL; ``None``: it is kept by a server."""
    return _path(url) if url.startswith(_SQLITE_URL) else None


def _path(url: str) -> Path:
    """Everything behind the slashes as it stands: a path needs no quoting."""
    text = url.removeprefix(_SQLITE_URL)
    if text in {"", ":memory:"} or "?" in text:
        raise InvalidSettings(f"the state store is a file that other processes can open: {_WANTED}")
    return Path(text).absolute()


def _postgres_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidSettings(f"the state store's URL is none: {_WANTED}") from None
    if parsed.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise InvalidSettings(f"the state store cannot be kept in {parsed.drivername}: {_WANTED}")
    return parsed.set(drivername="postgresql+psycopg")


def _without_secrets(url: URL) -> str:
    """Options are left out: they may hold a password too."""
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


def _find_file(path: Path, *, create: bool) -> None:
    try:
        if create:
            make_empty(path)
        elif not path.exists():
            raise _absent(str(path))
    except OSError as error:
        raise StoreUnavailable(f"state store at {path}: {error}") from None


def _meta(engine: sa.Engine) -> StoreMeta | None:
    """``None``: there is no store in this database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(STORE_META.name):
            return None
        columns = (STORE_META.c.version_num, STORE_META.c.store_id, STORE_META.c.purpose)
        found = connection.execute(sa.select(*columns)).one_or_none()
    return None if found is None else StoreMeta(level=found[0], store_id=found[1], purpose=found[2])


def _migrated(engine: sa.Engine, purpose: str | None) -> StoreMeta | None:
    """All levels in one transaction, so that no process ever finds the store between two."""
    with engine.connect() as connection:
        if engine.dialect.name == SQLITE:
            use_wal(connection)
        connection.exec_driver_sql(begin_writing(engine.dialect))
        if engine.dialect.name != SQLITE:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        STORE_META.create(connection, checkfirst=True)
        migrate(connection)
        unnamed = STORE_META.c.store_id.is_(None)
        connection.execute(
            STORE_META.update().where(unnamed).values(store_id=secrets.token_hex(8), purpose=purpose)
        )
        connection.commit()
    return _meta(engine)


def _usable(meta: StoreMeta | None, place: str, purpose: str | None) -> StoreMeta:
    if meta is None:
        raise _absent(place)
    if meta.level < LEVEL:
        raise StoreUnavailable(
            f"state store at {place}: it is at level {meta.level} and this program needs {LEVEL};"
            " start `hedge run` or `hedge dev` once to migrate it"
        )
    if meta.level > LEVEL:
        raise StoreUnavailable(
            f"state store at {place}: it is at level {meta.level}, made by a later program than this one"
            f" ({LEVEL}); use that program, or restore the copy made before it was migrated"
        )
    if purpose is not None and meta.purpose != purpose:
        raise InvalidSettings(
            f"state store at {place}: it was made for {meta.purpose or 'nobody in particular'} and this process is"
            f" {purpose}; give each its own HEDGE_HOME, or its own HEDGE_STATE_URL"
        )
    return meta


def _absent(place: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"state store at {place}: there is none; start `hedge run` or `hedge dev` once to make it"
    )
