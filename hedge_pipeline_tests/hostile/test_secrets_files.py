"""The file of secrets, spoiled one line at a time: no refusal quotes any of it."""

from pathlib import Path as File

import pytest

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import load_settings
from hedge_pipeline.settings.environment import SECRETS
from hedge_pipeline_tests.hostile.counting import CANARY, COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.mutations import (
    Mutant,
    Path,
    Raw,
    Spoilers,
    digits,
    half_pair,
    misspelled,
    mutants,
    word,
)

URL = "HEDGE_STATE_URL"
VALID = {name: f"{CANARY}x{number}" for number, name in enumerate(SECRETS) if name != URL} | {
    URL: "postgresql://ana:hUnTeR2pAsSw0rD@127.0.0.1/fund"
}


def _line(name: str) -> Spoilers:
    """Whole lines, as they would stand in the file."""
    value = VALID[name]
    spoilers: Spoilers = {
        "no sign": lambda draw: Raw(f"{name} {value}{word(draw)}"),
        "the sides are swapped": lambda draw: Raw(f"{value}{word(draw)} = {name}"),
        "a misspelled name": lambda draw: Raw(f"{misspelled(draw, name)}={value}{digits(draw, 1, 3)}"),
        "a dash in the name": lambda draw: Raw(f"{name}-{word(draw)}={value}"),
        "empty": lambda draw: Raw(f"{name}={' ' * draw.randint(0, 99)}"),
        "quotes with nothing in them": lambda draw: Raw(f'{name}="{" " * draw.randint(0, 99)}"'),
        "twice": lambda draw: Raw(f"{name}={value}\n{name}={value}{word(draw)}"),
        "blanks inside": lambda draw: Raw(f"{name}={value} {word(draw)}"),
        "a template": lambda draw: Raw(f"{name}=${{{word(draw)}}}"),
        "another script": lambda draw: Raw(f"{name}={value}{chr(draw.randrange(0x400, 0x4FF))}"),
        "a control character": lambda draw: Raw(f"{name}={value}{chr(draw.randrange(1, 9))}{word(draw)}"),
        "no UTF-8": lambda draw: Raw(f"{name}={value}{chr(draw.randrange(0xDC80, 0xDD00))}{word(draw)}"),
        "half a surrogate pair": lambda draw: Raw(f"{name}={half_pair(draw, value)}{word(draw)}"),
    }
    if name == URL:
        spoilers = {
            **spoilers,
            "another server": lambda draw: Raw(
                f"{name}={word(draw)}://ana:{value[-40:]}{word(draw)}@host/fund"
            ),
            "no database": lambda draw: Raw(f"{name}=postgresql://ana:hUnTeR2pAsSw0rD{word(draw)}@host"),
            "a relative file": lambda draw: Raw(f"{name}=sqlite:///{word(draw)}.sqlite"),
            "a port that is none": lambda draw: Raw(
                f"{name}=postgresql://a:hUnTeR2pAsSw0rD@host:{draw.randint(65536, 10**9)}/fund"
            ),
        }
    return spoilers


def places() -> dict[Path, Spoilers]:
    oversized: Spoilers = {
        "oversized": lambda draw: {
            **VALID,
            URL: Raw(f"# {word(draw)}\n" * draw.randint(14_000, 30_000) + f"{URL}={VALID[URL]}"),
        }
    }
    return {(): oversized} | {(name,): _line(name) for name in VALID}


@pytest.mark.parametrize("count", COUNTS)
def test_a_spoiled_file_of_secrets_is_refused_by_name_or_line_and_never_quoted(tmp_path: File, count: int):
    file = tmp_path / "secrets"
    file.touch(0o600)
    (tmp_path / "hedge.toml").write_text("", encoding="utf-8")

    def read(document: dict[str, str]) -> str | None:
        lines = [text if isinstance(text, Raw) else f"{name}={text}" for name, text in document.items()]
        content = "\n".join(lines).encode(
            "utf-8", "surrogatepass" if _holds_half(lines) else "surrogateescape"
        )
        file.write_bytes(content)
        environment = {"HEDGE_HOME": str(tmp_path), "HEDGE_SECRETS_FILE": str(file)}
        return told_by(lambda: load_settings(environment), InvalidSettings)

    assert read(VALID) is None
    tally = Tally("settings: secrets")
    with tally.timed():
        for mutant in mutants(VALID, places(), count=count):
            tally.judge(mutant, read(mutant.document), *names_of(mutant))
    tally.settle(count)


def names_of(mutant: Mutant) -> tuple[str, ...]:
    """The secret's own name; its line where the name may be a secret itself; the file where there are no lines."""
    if not mutant.field:
        return ("is too large",)
    if mutant.deed in {"no UTF-8", "half a surrogate pair"}:
        return ("is not UTF-8 text",)
    return (mutant.field, f"line {[*VALID].index(mutant.field) + 1} ")


def _holds_half(lines: list[str]) -> bool:
    return any(
        "\ud800" <= letter < "\udc80" or "\udcff" < letter <= "\udfff" for line in lines for letter in line
    )
