"""Which Firestore is meant: Google's, or a local server that is named explicitly and never by the environment."""

import re
from dataclasses import dataclass
from pathlib import Path

_HOST = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")
_NAME = re.compile(r"\(default\)|[A-Za-z0-9][A-Za-z0-9.:-]*")
_GOOGLE = ".googleapis.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A database of a project on a server."""

    project: str
    database: str
    emulator_host: str | None
    """``host:port`` of a local server; ``None``: Google's."""
    credentials_file: Path | None
    """A service account's key; ``None``: what the machine is given by default. Local servers need none."""

    def __str__(self) -> str:
        place = "Google Cloud" if self.emulator_host is None else f"local server {self.emulator_host}"
        return f"project {self.project}, database {self.database}, {place}"

    @property
    def fault(self) -> str | None:
        """Why it cannot be meant, with the remedy."""
        for name, value in (("project", self.project), ("database", self.database)):
            if not _NAME.fullmatch(value):
                return f"{name} {value!r} is no name: set it"
        if self.emulator_host is None:
            return None
        if self.credentials_file is not None:
            return "a local server takes no credentials: unset the file, or the server"
        match = _HOST.fullmatch(self.emulator_host)
        if match is None or not 0 < int(match["port"]) < 2**16:
            return f"local server {self.emulator_host!r} is not host:port"
        if match["host"].lower().endswith(_GOOGLE):
            return f"local server {self.emulator_host!r} is Google's own: unset it to mean the real Firestore"
        return None
