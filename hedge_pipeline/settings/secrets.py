"""The secrets: from the environment, or from a file that its owner alone can read; from nowhere else, stored nowhere.

The file holds one ``NAME=value`` a line, with the names of the environment variables.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from hedge_pipeline.settings.environment import SECRETS, Profile
from hedge_pipeline.settings.faults import Fault, nearest
from hedge_pipeline.settings.masking import MASK
from hedge_pipeline.settings.values import Section


class VenueKey(Section):
    """A key of the venue with the secret that signs for it."""

    key: SecretStr
    secret: SecretStr


class Secrets(Section):
    """Everything that must not be seen. Masked in every text; ask with ``get_secret_value``."""

    venue_read: VenueKey | None = None
    """Reads the account. In live it may neither trade nor withdraw."""
    venue_trade: VenueKey | None = None
    """Execution's alone."""
    coingecko_key: SecretStr | None = None

    def values(self) -> tuple[str, ...]:
        """All of them in plain text."""
        pairs = [key for key in (self.venue_read, self.venue_trade) if key is not None]
        held = [part for pair in pairs for part in (pair.key, pair.secret)]
        held += [] if self.coingecko_key is None else [self.coingecko_key]
        return tuple(secret.get_secret_value() for secret in held)


PAPER_READ = VenueKey(key=SecretStr("paper-read"), secret=SecretStr("paper-read-secret"))
PAPER_TRADE = VenueKey(key=SecretStr("paper-trade"), secret=SecretStr("paper-trade-secret"))
"""Known to everybody, accepted by the paper venue alone."""

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_LARGEST_FILE = 64 * 1024


def gather(environment: Mapping[str, str], file: Path | None, faults: list[Fault]) -> dict[str, str]:
    """Every declared secret that is set, by its variable's name; what is wrong is appended to ``faults``."""
    found = {name: environment[name] for name in SECRETS if environment.get(name, "").strip()}
    if file is not None:
        for name, value in _read_file(file, faults).items():
            if name in found:
                faults.append(
                    _fault(name, "is set in the environment and in the file", "keep it in one place", file)
                )
            found[name] = value
    for name, value in found.items():
        if re.search(r"\s|[^\x20-\x7e]", value):
            faults.append(_fault(name, "holds blanks or unprintable characters", "copy it again", None))
        if "${" in value:
            faults.append(_fault(name, "is a template nobody filled in", "write the secret itself", None))
    return found


def as_secrets(values: Mapping[str, str], profile: Profile, faults: list[Fault]) -> Secrets:
    """The secrets a profile uses. Paper uses its own venue keys and leaves real ones where they are."""
    coingecko = values.get("HEDGE_COINGECKO_KEY")
    paper = profile is Profile.PAPER
    return Secrets(
        venue_read=PAPER_READ if paper else _venue_key(values, "HEDGE_VENUE_READ", faults),
        venue_trade=PAPER_TRADE if paper else _venue_key(values, "HEDGE_VENUE_TRADE", faults),
        coingecko_key=None if coingecko is None else SecretStr(coingecko),
    )


def _venue_key(values: Mapping[str, str], name: str, faults: list[Fault]) -> VenueKey | None:
    key, secret = values.get(f"{name}_KEY"), values.get(f"{name}_SECRET")
    if key is not None and secret is not None:
        return VenueKey(key=SecretStr(key), secret=SecretStr(secret))
    if (key is None) != (secret is None):
        missing, present = ("KEY", "SECRET") if key is None else ("SECRET", "KEY")
        faults.append(
            _fault(f"{name}_{missing}", f"is missing beside {name}_{present}", "set both or neither", None)
        )
    return None


def _read_file(file: Path, faults: list[Fault]) -> dict[str, str]:
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            refusal = _refusal(file, status)
            content = stream.read(_LARGEST_FILE) if refusal is None else b""
        if refusal is None:
            return _parse(file, content.decode(), faults)
        faults.append(refusal)
    except UnicodeDecodeError:
        faults.append(_fault("HEDGE_SECRETS_FILE", "is not UTF-8 text", "write NAME=value lines", file))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        faults.append(_fault("HEDGE_SECRETS_FILE", problem, "correct the path, or unset it", file))
    return {}


def _refusal(file: Path, status: os.stat_result) -> Fault | None:
    if not stat.S_ISREG(status.st_mode):
        return _fault("HEDGE_SECRETS_FILE", "is not a file", "name a file of NAME=value lines", file)
    if status.st_mode & 0o077:
        problem = f"can be read by others (mode {stat.S_IMODE(status.st_mode):04o})"
        return _fault("HEDGE_SECRETS_FILE", problem, f"chmod 600 {file}", file)
    if status.st_uid != os.geteuid():
        return _fault(
            "HEDGE_SECRETS_FILE", "belongs to another user", f"chown it, then chmod 600 {file}", file
        )
    if status.st_size > _LARGEST_FILE:
        return _fault("HEDGE_SECRETS_FILE", "is too large for a file of secrets", "name the right file", file)
    return None


def _parse(file: Path, text: str, faults: list[Fault]) -> dict[str, str]:
    """Lines are never quoted back: any of them may hold a secret."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        match = _LINE.fullmatch(content)
        place = f"HEDGE_SECRETS_FILE line {number}"
        if match is None:
            faults.append(_fault(place, "is not NAME=value", "write one secret a line", file))
            continue
        name, value = match[1], _unquoted(match[2])
        if name not in SECRETS:
            near = nearest(name, SECRETS)
            # A name nobody knows may be a secret that slipped to the wrong side of the sign.
            faults.append(_fault(place, "names no secret", near or f"known are {', '.join(SECRETS)}", file))
        elif not value.strip():
            faults.append(_fault(f"{place}, {name}", "is empty", "give it a value or remove the line", file))
        elif name in found:
            faults.append(_fault(f"{place}, {name}", "is there twice", "remove one of them", file))
        else:
            found[name] = value
    return found


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" else value


def _fault(key: str, problem: str, remedy: str, file: Path | None) -> Fault:
    hidden = MASK if key in SECRETS else None
    return Fault(
        key=key, value=hidden, problem=problem, remedy=remedy, origin=None if file is None else str(file)
    )
