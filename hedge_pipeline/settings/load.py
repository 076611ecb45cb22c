"""Loading: a profile, under a person's file, under the environment's secrets, checked as a whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hedge_pipeline.settings.checking import Checker, known_keys
from hedge_pipeline.settings.document import Cleaner, merged, read_document, read_profile
from hedge_pipeline.settings.environment import SECRETS, Profile, Selection, select, snapshot
from hedge_pipeline.settings.faults import Fault, dotted, lookup, refusal
from hedge_pipeline.settings.invariants import startup_invariants
from hedge_pipeline.settings.model import SECTIONS, Settings
from hedge_pipeline.settings.secrets import as_secrets, gather
from hedge_pipeline.settings.state import state_url
from hedge_pipeline.settings.unknown import remedy_for
from hedge_pipeline.settings.values import Section


def load_settings(env: Mapping[str, str] | None = None, *, config_file: Path | None = None) -> Settings:
    """The settings this process runs with.

    ``env`` stands in for the environment, ``config_file`` for ``HEDGE_CONFIG``. Nothing is kept between loads.

    Raises:
        InvalidSettings: names every fault at once, each with its remedy and none with a secret.
    """
    environment = snapshot() if env is None else dict(env)
    faults: list[Fault] = []
    selection = select(environment, config_file, faults)
    secrets = gather(environment, selection.secrets_file, faults)
    sections = _sections(selection, environment, faults)
    settings = _assembled(selection, secrets, sections, faults)
    if settings is None or faults:
        # A secret refused by name is in no section, yet its value may stand elsewhere.
        refused = (environment.get(name, "") for name in SECRETS)
        raise refusal(faults, secrets=(*secrets.values(), *refused))
    return settings


def _sections(
    selection: Selection, environment: Mapping[str, str], faults: list[Fault]
) -> dict[str, Section | None]:
    """Every section; ``None`` for one that is wrong."""
    known = known_keys(SECTIONS)
    profile = selection.profile or Profile.PAPER
    written = read_document(selection.config_file, required=selection.config_named, faults=faults)
    cleaner = Cleaner(
        origin=str(selection.config_file), environment=environment, known_keys=known, faults=faults
    )
    person = cleaner.clean(written)
    tree = merged(read_profile(profile), person)

    def origin(path: tuple[str | int, ...]) -> str:
        return str(selection.config_file) if lookup(person, path) is not None else f"profile {profile}"

    for name in sorted(tree.keys() - SECTIONS.keys()):
        remedy = remedy_for(name, known)
        faults.append(
            Fault(
                key=dotted((name,)),
                value=None,
                problem="is no setting",
                remedy=remedy,
                origin=origin((name,)),
            )
        )
    checker = Checker(known_keys=known, origin=origin, faults=faults)
    return {name: checker.section(name, kind, tree) for name, kind in SECTIONS.items()}


def _assembled(
    selection: Selection,
    secrets: Mapping[str, str],
    sections: Mapping[str, Section | None],
    faults: list[Fault],
) -> Settings | None:
    """The settings, with what the invariants find appended to ``faults``; ``None`` without a known profile.

    A section that is wrong is replaced by one that is right, so that the others are judged too; nothing is then
    said about that section, and nothing is returned to the caller in the end.
    """
    if selection.profile is None or selection.env is None:
        state_url(secrets.get("HEDGE_STATE_URL"), selection.home, faults)
        return None
    spare = {**read_profile(Profile.PAPER), **read_profile(selection.profile)}
    content: dict[str, Any] = {
        name: section or SECTIONS[name].model_validate(spare.get(name, {}))
        for name, section in sections.items()
    }
    settings = Settings(
        profile=selection.profile,
        env=selection.env,
        allow_prod=selection.allow_prod,
        home=selection.home,
        config_file=selection.config_file if selection.config_file.is_file() else None,
        state_url=state_url(secrets.get("HEDGE_STATE_URL"), selection.home, faults),
        secrets=as_secrets(secrets, selection.profile, faults),
        firestore_emulator_host=selection.firestore_emulator_host,
        **content,
    )
    wrong = {name for name, section in sections.items() if section is None}
    faults.extend(
        fault
        for fault in startup_invariants(settings)
        if wrong.isdisjoint({fault.key.partition(".")[0], fault.beside})
    )
    return settings
