"""What the environment says: which settings to load, and the secrets. The only reader of the environment.

It selects; it does not configure. An empty variable is a mistake of whoever exported it, not an absent one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from hedge_pipeline.settings.faults import Fault, nearest, shown
from hedge_pipeline.settings.masking import MASK

PREFIX = "HEDGE_"
SELECTORS = (
    "HEDGE_PROFILE",
    "HEDGE_ENV",
    "HEDGE_ALLOW_PROD",
    "HEDGE_HOME",
    "HEDGE_CONFIG",
    "HEDGE_SECRETS_FILE",
)
SECRETS = (
    "HEDGE_VENUE_READ_KEY",
    "HEDGE_VENUE_READ_SECRET",
    "HEDGE_VENUE_TRADE_KEY",
    "HEDGE_VENUE_TRADE_SECRET",
    "HEDGE_STATE_URL",
    "HEDGE_COINGECKO_KEY",
)
TOOLING = ("HEDGE_TEST_DATA",)
"""Read by the tests alone."""
EMULATOR = "FIRESTORE_EMULATOR_HOST"
"""Google's own name: its client reads it too."""


class Profile(StrEnum):
    """Which venue: our own, the public demo, the real one."""

    PAPER = "paper"
    DEMO = "demo"
    LIVE = "live"


class Environment(StrEnum):
    """Which deployment."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


Choice = TypeVar("Choice", Profile, Environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to load, and for where."""

    profile: Profile | None
    """``None``: named wrongly, which is a fault already told."""
    env: Environment | None
    allow_prod: bool
    home: Path
    config_file: Path
    config_named: bool
    """Somebody named the file, so it must be there."""
    secrets_file: Path | None
    firestore_emulator_host: str | None


def snapshot() -> dict[str, str]:
    """The environment as it is now; later changes take effect at the next load."""
    return dict(os.environ)


def select(environment: Mapping[str, str], config_file: Path | None, faults: list[Fault]) -> Selection:
    """Read the selectors; what is wrong with them is appended to ``faults``."""
    faults.extend(_unknown_and_empty(environment))
    home = _path(environment, "HEDGE_HOME", faults) or _checkout() / ".hedge"
    if home.exists() and not home.is_dir():
        faults.append(_fault("HEDGE_HOME", shown(str(home)), "is not a directory", "name a directory"))
    named = config_file.absolute() if config_file else _path(environment, "HEDGE_CONFIG", faults)
    return Selection(
        profile=_choice(environment, "HEDGE_PROFILE", Profile.PAPER, faults),
        env=_choice(environment, "HEDGE_ENV", Environment.DEV, faults),
        allow_prod=_allow_prod(environment, faults),
        home=home,
        config_file=named or home / "hedge.toml",
        config_named=named is not None,
        secrets_file=_path(environment, "HEDGE_SECRETS_FILE", faults),
        firestore_emulator_host=environment.get(EMULATOR),
    )


def _unknown_and_empty(environment: Mapping[str, str]) -> list[Fault]:
    known = (*SELECTORS, *SECRETS, *TOOLING)
    faults = []
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            remedy = nearest(name, known) or f"known are {', '.join(known)}"
            faults.append(_fault(name, MASK, "is no setting", remedy))
        elif not environment[name].strip():
            faults.append(_fault(name, '""', "is empty", "give it a value or unset it"))
    return faults


def _fault(name: str, value: str | None, problem: str, remedy: str) -> Fault:
    return Fault(key=name, value=value, problem=problem, remedy=remedy, origin="environment")


def _choice(environment: Mapping[str, str], name: str, default: Choice, faults: list[Fault]) -> Choice | None:
    """The chosen member of the default's kind; nothing close to a name is accepted for it."""
    words = [str(choice) for choice in type(default)]
    value = environment.get(name, default)
    if value in words:
        return type(default)(value)
    if value.strip():
        remedy = nearest(value.strip().lower(), words) or f"write one of {', '.join(words)}"
        faults.append(_fault(name, shown(value), "is not a choice", remedy))
    return None


def _allow_prod(environment: Mapping[str, str], faults: list[Fault]) -> bool:
    value = environment.get("HEDGE_ALLOW_PROD", "0")
    if value.strip() and value not in {"0", "1"}:
        faults.append(
            _fault("HEDGE_ALLOW_PROD", shown(value), "is not a choice", "write 1 to allow prod, or unset it")
        )
    return value == "1"


def _path(environment: Mapping[str, str], name: str, faults: list[Fault]) -> Path | None:
    value = environment.get(name, "")
    if value.startswith("~"):
        faults.append(
            _fault(name, shown(value), "holds a ~ that no shell has expanded", "write the whole path")
        )
    if "\0" in value:
        faults.append(_fault(name, None, "holds a zero byte", "write a path"))
        return None
    return Path(value).resolve() if value.strip() else None


def _checkout() -> Path:
    """The checkout we are called in, else the working directory."""
    here = Path.cwd().resolve()
    return next((place for place in (here, *here.parents) if (place / ".git").exists()), here)
