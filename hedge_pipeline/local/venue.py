"""The paper venue's process: the derivatives venue, its spot prices and a price provider in one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hedge_pipeline.local import processes
from hedge_pipeline.local.processes import Starting

PROGRAM = "hedge_pipeline.paper"


@dataclass(frozen=True, slots=True)
class LocalServers:
    """One process that serves the derivatives venue, its spot prices and a price provider."""

    base_url: str
    admin_token: str = field(repr=False)
    pid: int

    @property
    def is_alive(self) -> bool:
        """Whether its process exists; not whether it answers. A pid that somebody else has now is not it."""
        return processes.is_alive(self.pid, PROGRAM)

    def end(self) -> None:
        processes.end(self.pid, PROGRAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOptions:
    """Which path the paper venue walks."""

    seed: int = 1
    pace: str = "1"
    data: Path | None = None
    start: str | None = None
    multi_assets: bool = False

    def arguments(self) -> list[str]:
        given = ["--seed", str(self.seed), "--pace", self.pace]
        given += ["--data", str(self.data)] if self.data else []
        given += ["--start", self.start] if self.start else []
        return [*given, "--multi-assets"] if self.multi_assets else given


def starting(home: Path, ready: Path, arguments: Sequence[str], *, detached: bool) -> Starting:
    """A venue over the state of this home."""
    state = home / "paper"
    given = ["--state-dir", str(state / "venue"), *arguments]
    return Starting("local servers", PROGRAM, given, ready=ready, log=state / "venue.log", detached=detached)


def named(content: dict[str, Any]) -> LocalServers:
    """What a ready file says."""
    return LocalServers(content["base_url"], content["admin_token"], content["pid"])
