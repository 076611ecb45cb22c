"""What the drivers raise, as errors of this project and without secrets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hedge_pipeline.domain.errors import InvalidState, StoreUnavailable

_REMEDIES = {
    "SQLITE_BUSY": "another process holds it: stop the process that hangs",
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_IOERR": "look at the disk: it is full, or it fails",
    "SQLITE_READONLY": "it is open for reading only, or its files may not be written",
    "SQLITE_CANTOPEN": "see that the file exists and may be opened",
    "SQLITE_NOTADB": "the file is damaged or something else: restore a copy",
    "SQLITE_CORRUPT": "the file is damaged: restore a copy",
    "25006": "it is open for reading only",
    "53100": "make room on the server's disk",
    "53300": "the server has no connection left",
    "55P03": "another process holds it: stop the process that hangs",
}
"""By the beginning of SQLite's error name or Postgres's SQLSTATE."""


def secrets_of(url: URL) -> tuple[str, ...]:
    """Every password a URL carries, as it is and as it is written in a URL."""
    carried = [url.password, *(url.query.get(name) for name in ("password", "sslpassword"))]
    return tuple(form for secret in carried if secret for form in (str(secret), quote(str(secret), safe="")))


def is_unique_violation(error: Exception) -> bool:
    return _code(error) in {"SQLITE_CONSTRAINT_UNIQUE", "23505"}


@contextmanager
def translated(driver: Any, place: str, secrets: Sequence[str]) -> Iterator[None]:
    """Turn what a driver raises into ``InvalidState`` or ``StoreUnavailable``.

    The driver's exception is not chained: its text may repeat a connection string.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, driver.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        text = " ".join(str(cause).split())
        for secret in secrets:
            text = text.replace(secret, "***")
        if isinstance(cause, (driver.IntegrityError, driver.DataError)):
            raise InvalidState(f"state store at {place}: a row was refused: {text}") from None
        raise StoreUnavailable(f"state store at {place}: {text}{_remedy(_code(cause))}") from None


def _code(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")


def _remedy(code: str) -> str:
    return next((f" ({remedy})" for start, remedy in _REMEDIES.items() if code.startswith(start)), "")
