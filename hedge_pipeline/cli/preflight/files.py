"""What lies on this machine: room on the disks, and files that others could read or change."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hedge_pipeline.adapters.state_store.opening import sqlite_path
from hedge_pipeline.cli.preflight.lines import Line
from hedge_pipeline.settings import Settings

GROWTH_PER_DAY = 50_000_000
"""Bytes that a running fund adds at most, its history and Dagster's records together."""
DAGSTER = Path(".hedge/dagster")
"""Where dagster.yaml keeps Dagster's records, below the folder a dagster command is started in."""
_MIB = 2**20
_OTHERS = 0o077
_PASSING = 0o011


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a file system has left for us."""

    free: int
    """Bytes that this user may still write."""
    is_writable: bool


def disk_lines(settings: Settings) -> Iterator[Line]:
    least = settings.history.least_free_mib
    for name, folder in (("disk, home", settings.home), ("disk, Dagster", Path.cwd() / DAGSTER)):
        yield disk_line(name, folder, space_at(folder), least_free_mib=least)


def space_at(folder: Path) -> Space:
    """Of the file system that holds the folder, or will once it is made."""
    place = next(each for each in (folder, *folder.parents) if each.exists())
    found = os.statvfs(place)
    is_writable = not found.f_flag & os.ST_RDONLY and os.access(place, os.W_OK | os.X_OK)
    return Space(free=found.f_bavail * found.f_frsize, is_writable=is_writable)


def disk_line(name: str, folder: Path, space: Space, *, least_free_mib: int) -> Line:
    told = f"{_size(space.free)} free at {folder}, {space.free // GROWTH_PER_DAY} days at 50 MB a day"
    if not space.is_writable:
        return Line(
            name=name,
            told=f"{folder} is read-only: nothing can be recorded, so the gate closes",
            remedy="mount the file system writable and give the folder to this user, or set HEDGE_HOME to another place",
        )
    if space.free < least_free_mib * _MIB:
        remedy = (
            f"free some: more than {_size(least_free_mib * _MIB)} is needed (history.least_free_mib); what may go first is "
            f"{DAGSTER}/compute_logs and old copies of the store"
        )
        return Line(name=name, told=told, remedy=remedy)
    return Line(name=name, told=told)


def mode_lines(settings: Settings) -> Iterator[Line]:
    """The home and what holds secrets or figures must be ours alone; settings and holdings, out of others' reach."""
    ours = [settings.home, settings.home / "paper", settings.home / "local.json"]
    state = sqlite_path(settings.state_url.get_secret_value())
    ours += [] if state is None else [state]
    reachable = [settings.holdings_folder / name for name in ("treasury.toml", "reserves.toml")]
    reachable += [] if settings.config_file is None else [settings.config_file]
    open_files = [path for path in ours if _mode(path) & _OTHERS]
    open_files += [path for path in reachable if _mode(path) & _OTHERS and _can_be_reached(path)]
    for path in open_files:
        wanted = "700" if path.is_dir() else "600"
        told = f"{path} can be read or changed by others (mode {_mode(path):04o})"
        yield Line(name="file modes", told=told, remedy=f"chmod {wanted} {path}")
    if not open_files:
        looked = sum(path.exists() for path in (*ours, *reachable))
        yield Line(name="file modes", told=f"{looked} files and folders, none of them open to others")


def _mode(path: Path) -> int:
    """Its permissions; none where there is no such file."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _can_be_reached(path: Path) -> bool:
    """Whether others may pass every folder above it."""
    return all(_mode(folder) & _PASSING for folder in path.parents)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / _MIB:.0f} MiB"
