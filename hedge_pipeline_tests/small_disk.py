"""A disk of a few megabytes that a test can fill: a file system in memory, mounted for the test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BLOCK = 4096


@dataclass(frozen=True)
class SmallDisk:
    """Where it is mounted."""

    path: Path

    @property
    def filler(self) -> Path:
        return self.path / "filler"

    def fill(self, *, leaving: int = 0) -> None:
        """Until nothing more can be written, or so many bytes can."""
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(BLOCK)) == BLOCK:
                    pass
            except OSError:
                pass
            file.truncate(max(0, file.tell() - leaving))

    def empty(self) -> None:
        """Give the room back."""
        self.filler.unlink()


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted at the path while the block lasts; skips where nothing can be mounted."""
    path.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(path)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no disk can be mounted here: there is no mount command")
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip() or mounted.returncode}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
