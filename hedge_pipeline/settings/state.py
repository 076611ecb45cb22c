"""Where the state store is: one file under the home directory unless an address says otherwise.

An address may hold a password, so it is a secret until its public form is asked for.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from hedge_pipeline.settings.faults import Fault
from hedge_pipeline.settings.masking import MASK

_SERVER_SCHEMES = ("postgresql", "postgresql+psycopg")


def state_url(given: str | None, home: Path, faults: list[Fault]) -> SecretStr:
    """The store's SQLAlchemy address; a fault is appended where the given one cannot keep state."""
    if given is None:
        return SecretStr(f"sqlite:///{home / 'state.sqlite'}")
    problem = _problem(given)
    if problem is not None:
        remedy = "write postgresql://user:password@host/database or sqlite:////whole/path/state.sqlite"
        faults.append(Fault(key="HEDGE_STATE_URL", value=MASK, problem=problem, remedy=remedy))
    return SecretStr(given)


def _problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme == "sqlite":
        # Four slashes: a relative path would be another store in every directory, and memory forgets.
        whole = not parts.netloc and parts.path.startswith("//") and len(parts.path) > len("//")
        return None if whole else "names no file by its whole path"
    if parts.scheme not in _SERVER_SCHEMES:
        return "is neither SQLite nor Postgres"
    return None if parts.path.strip("/") else "names no database"


def public_url(url: SecretStr) -> str:
    """The address without user, password and options."""
    parts = urlsplit(url.get_secret_value())
    if parts.scheme == "sqlite":
        return f"sqlite://{parts.path}"
    return (
        f"{parts.scheme}://{parts.hostname or ''}{'' if parts.port is None else f':{parts.port}'}{parts.path}"
    )


def passwords(url: SecretStr) -> tuple[str, ...]:
    """What in the address must not be seen: the password as written, and as it reads unquoted."""
    written = urlsplit(url.get_secret_value()).password
    return () if written is None else (written, unquote(written))
