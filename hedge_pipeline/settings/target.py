"""Where documents may be published from these settings, or why nowhere.

Development publishes to this machine alone; staging never to production's project; production never to an emulator. A
variable that leaked into the wrong process must not redirect what it publishes, so its presence alone refuses.
"""

import re
from dataclasses import dataclass

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings.environment import EMULATOR, Environment, Profile
from hedge_pipeline.settings.model import Settings

_HOST = re.compile(r"[A-Za-z0-9.\-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One database of one project, at Google or at an emulator."""

    project: str
    database: str
    emulator_host: str | None
    """``host:port`` of an emulator; ``None``: Google, or the local server."""
    local: bool = False
    """Whether it is the server that belongs to this home directory."""

    def __str__(self) -> str:
        server = "the local server" if self.local else self.emulator_host or "Google"
        return f"{self.project}/{self.database} at {server}"


def publication_target(settings: Settings) -> Target:
    """The target of these settings.

    Raises:
        InvalidSettings: they may publish nowhere; says what to set or unset.
    """
    emulator = settings.firestore_emulator_host
    if settings.env is Environment.PROD:
        return _production(settings, emulator)
    if emulator is not None:
        return _emulated(settings, emulator)
    if settings.env is Environment.STAGING and settings.publication.project is not None:
        return _staging(settings, settings.publication.project)
    if settings.profile is Profile.PAPER and settings.env is Environment.DEV:
        return Target(
            project=_own_project(settings),
            database=settings.publication.database,
            emulator_host=None,
            local=True,
        )
    raise InvalidSettings(
        f"{settings.profile} × {settings.env} has nowhere to publish to: set {EMULATOR} to an emulator's host:port"
        + (", or publication.project" if settings.env is Environment.STAGING else "")
    )


def _production(settings: Settings, emulator: str | None) -> Target:
    if emulator is not None:
        raise InvalidSettings(
            f"{EMULATOR} is set and this is prod: unset it, or nothing would reach production"
        )
    if not settings.allow_prod:
        raise InvalidSettings(
            "HEDGE_ALLOW_PROD is not set, and publishing to prod needs it beside HEDGE_ENV=prod"
        )
    project = settings.publication.project
    if project is None:
        raise InvalidSettings("publication.project is missing: prod publishes to a project named by hand")
    return Target(project=project, database=settings.publication.database, emulator_host=None)


def _staging(settings: Settings, project: str) -> Target:
    production = settings.publication.production_project
    if production is None:
        raise InvalidSettings(
            "publication.production_project is missing: staging must know which project it may not touch"
        )
    if project == production:
        raise InvalidSettings(
            "publication.project is production's: staging publishes to a project of its own"
        )
    return Target(project=project, database=settings.publication.database, emulator_host=None)


def _emulated(settings: Settings, emulator: str) -> Target:
    if not _HOST.fullmatch(emulator):
        raise InvalidSettings(f"{EMULATOR} is not host:port: correct it, or unset it")
    return Target(
        project=_own_project(settings), database=settings.publication.database, emulator_host=emulator
    )


def _own_project(settings: Settings) -> str:
    """Emulators take any name; this one is nobody's real project."""
    return f"hedge-{settings.env}"
