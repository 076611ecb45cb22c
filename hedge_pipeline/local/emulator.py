"""Google's Firestore emulator, found where gcloud, apt and firebase put it, with a java that can run it."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_JAVA = 17
_JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_DEBIAN = Path("/usr/lib/google-cloud-sdk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """What it takes to run it."""

    java: Path
    jar: Path


def find() -> Emulator | str:
    """The emulator and a java that can run it, or why not."""
    java = shutil.which("java")
    if java is None:
        return "java is not on PATH"
    version = _java_version(Path(java))
    if version is not None and version < OLDEST_JAVA:
        return f"{java} is Java {version}, and it needs {OLDEST_JAVA} or later"
    for jar in _jars():
        if jar.is_file():
            return Emulator(java=Path(java), jar=jar)
    return "its jar is in none of the places where gcloud, apt and firebase put it"


def _jars() -> Iterator[Path]:
    yield _DEBIAN / _JAR
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        yield Path(gcloud).resolve().parents[1] / _JAR
    yield Path.home() / "google-cloud-sdk" / _JAR
    cache = Path.home() / ".cache" / "firebase" / "emulators"
    yield from sorted(cache.glob("cloud-firestore-emulator-v*.jar"), key=_version_of, reverse=True)


def _version_of(jar: Path) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", jar.stem)))


def _java_version(java: Path) -> int | None:
    """The major version as its installation says, without starting it; ``None`` where it does not say."""
    try:
        release = (java.resolve().parents[1] / "release").read_text()
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    return int(found[1]) if found else None
