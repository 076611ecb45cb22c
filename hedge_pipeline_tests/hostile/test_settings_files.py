"""Settings files, spoiled one value at a time, before the loader of settings."""

from datetime import timedelta
from itertools import zip_longest
from pathlib import Path as File
from typing import Any

import pytest

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.model import SECTIONS
from hedge_pipeline.settings.values import Section, duration_text
from hedge_pipeline_tests.hostile.counting import COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.mutations import Mutant, Pairs, mutants
from hedge_pipeline_tests.hostile.texts import toml_lines
from hedge_pipeline_tests.hostile.toml_spoilers import SYNTAX, setting_places


def written(section: Section) -> dict[str, Any]:
    """A section as a person would write all of it; what is unset stays out."""
    return {
        name: _written(getattr(section, name))
        for name in type(section).model_fields
        if getattr(section, name) is not None
    }


def _written(value: Any) -> Any:
    if isinstance(value, Section):
        return written(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    return list(value) if isinstance(value, tuple) else value


class Desk:
    """A home directory with one settings file in it."""

    def __init__(self, home: File) -> None:
        self.home = home

    def refusal(self, *tables: dict[str, Any]) -> str | None:
        text = "".join(toml_lines(table) for table in tables)
        (self.home / "hedge.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
        return told_by(lambda: load_settings({"HEDGE_HOME": str(self.home)}), InvalidSettings)


@pytest.fixture
def desk(tmp_path: File) -> Desk:
    return Desk(tmp_path)


def changed(sound: dict[str, Any], spoiled: Any) -> Any:
    """What a person would write into the file: the rest is as the profile beneath has it."""
    if isinstance(spoiled, Pairs):
        names = [name for name, _ in spoiled]
        return Pairs((name, value) for name, value in spoiled if names.count(name) > 1)
    return {name: value for name, value in spoiled.items() if name not in sound or value is not sound[name]}


def about(section: str, refusal: str | None) -> str | None:
    """The lines of a refusal that tell faults of one section, or of the file."""
    lines = [line.strip() for line in (refusal or "").splitlines()[1:]]
    mine = [
        line
        for line in lines
        if line.startswith((f"{section}.", f"{section} ", f"{section}:", "HEDGE_CONFIG"))
    ]
    return "\n".join(mine) or None


def names_of(section: str, mutant: Mutant) -> tuple[str, ...]:
    """The setting; of a misspelled one, the table that knows no such setting."""
    if mutant.deed in {"the field is misspelled", "a secret for a name"}:
        return ("is no setting", "looks like a secret")
    return (f"{section}.{mutant.field}",)


@pytest.mark.parametrize("count", COUNTS)
def test_a_spoiled_settings_file_is_refused_by_the_key_of_its_setting(desk: Desk, count: int):
    settings = load_settings({"HEDGE_HOME": str(desk.home)})
    sound = {name: written(getattr(settings, name)) for name in SECTIONS}
    assert desk.refusal(*({name: table} for name, table in sound.items())) is None
    tallies = {name: Tally(f"settings: {name}") for name in SECTIONS}
    shared: dict[str, list[Mutant]] = {name: [] for name in SECTIONS}

    for name, table in sound.items():
        places = setting_places(SECTIONS[name], table)
        for mutant in mutants(table, places, count=count, seldom=SYNTAX):
            if mutant.deed not in SYNTAX:
                shared[name].append(mutant)
                continue
            with tallies[name].timed():
                told = desk.refusal({name: changed(table, mutant.document)})
            tallies[name].judge(mutant, told, *names_of(name, mutant))
    # Faults are told all at once: one spoiled value of each section goes into the same file.
    for together in zip_longest(*shared.values()):
        spoiled = {name: mutant for name, mutant in zip(shared, together, strict=True) if mutant is not None}
        with tallies[next(iter(spoiled))].timed():
            told = desk.refusal(*({name: changed(sound[name], m.document)} for name, m in spoiled.items()))
        for name, mutant in spoiled.items():
            tallies[name].judge(mutant, about(name, told), *names_of(name, mutant))

    for tally in tallies.values():
        tally.settle(count)
