"""Files of holdings, spoiled one field at a time, before their reader."""

from pathlib import Path as File
from typing import Any

import pytest

from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.domain.errors import SourceMalformed
from hedge_pipeline_tests.adapters.provider_stub import TickingClock
from hedge_pipeline_tests.hostile.counting import CANARY, CANARY_URL, COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.mutations import (
    Mutant,
    Path,
    Raw,
    Renamed,
    Spoilers,
    digits,
    leaves,
    mutants,
    named,
    nested_list,
    nested_table,
    word,
)
from hedge_pipeline_tests.hostile.texts import toml_lines
from hedge_pipeline_tests.hostile.toml_spoilers import (
    BROKEN,
    CONTAINERS,
    DATES,
    FLAGS,
    FLOATS,
    NOT_NUMBERS,
    WHOLES,
)

HOLDINGS: dict[str, Any] = {
    "holdings": {"BTC": "0.035", "ETH": "-1.5", "XAUT": "2", "NOTE_A": 3},
    "routes": {
        "XAUT": {"class": "crypto", "sources": ["coingecko:tether-gold", "spot:XAUTUSDT"], "cross_check": "spot:XAUTUSDT"}
    },
    "manual": {"NOTE_A": {"price": "1200.00", "currency": "USD", "as_of": "2026-11-01T00:00:00Z", "max_age_days": 30}},
}  # fmt: skip

SECRETS: Spoilers = {
    "a secret": lambda draw: draw.choice([CANARY, CANARY_URL]) + word(draw),
}
OTHERS: Spoilers = {**BROKEN, **SECRETS, **CONTAINERS, **FLAGS, "a word": word}
QUANTITY: Spoilers = {
    **OTHERS,
    **FLOATS,
    **DATES,
    **NOT_NUMBERS,
    "NaN in text": lambda draw: draw.choice(
        ["NaN", "sNaN", f"NaN{draw.randrange(10**6)}", "Infinity", "-inf"]
    ),
    "huge": lambda draw: draw.choice(["", "-"]) + digits(draw, 17, 45),
    "a huge integer": lambda draw: int(digits(draw, 17, 40)),
    "a huge exponent": lambda draw: f"{draw.randint(1, 9)}e{draw.randint(16, 10**6)}",
    "tiny": lambda draw: f"{draw.randint(1, 9)}e-{draw.randint(19, 10**6)}",
    "blanks around it": lambda draw: f" {digits(draw, 1, 9)} ",
    "grouped digits": lambda draw: f"{digits(draw, 1, 3)}{draw.choice(',_ ')}{digits(draw, 3, 3)}",
    "a unit": lambda draw: f"{digits(draw, 1, 9)}{draw.choice(['%', ' BTC', 'k'])}",
    "digits of another script": lambda draw: "".join(
        chr(0x660 + int(figure)) for figure in digits(draw, 1, 12)
    ),
}
PRICE: Spoilers = {
    **QUANTITY,
    "negative": lambda draw: f"-{digits(draw, 1, 9)}",
    "a negative integer": lambda draw: -draw.randrange(1, 10**9),
}
SOURCE: Spoilers = {
    **OTHERS,
    **WHOLES,
    **FLOATS,
    **DATES,
    "another provider": lambda draw: f"{word(draw)}:{word(draw)}",
    "a provider without identifier": lambda draw: (
        draw.choice(["spot:", "coingecko:", "manual: "]) + " " * draw.randint(0, 40)
    ),
    "an unknown pair": lambda draw: f"spot:{word(draw).upper()}ZZZ",
}
AS_OF: Spoilers = {
    **OTHERS,
    **WHOLES,
    **FLOATS,
    "a day": DATES["a date"],
    "a time of day": DATES["a time of day"],
    "no time zone": lambda draw: f"20{draw.randint(16, 90)}-0{draw.randint(1, 9)}-10T00:00:00",
    "before 2015": lambda draw: (
        f"{draw.randint(1000, 2014)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}T00:00:00Z"
    ),
    "after 2100": lambda draw: Raw(
        f"{draw.randint(2100, 9999)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}T00:00:00Z"
    ),
    "no such day": lambda draw: f"20{draw.randint(16, 90)}-02-3{draw.randint(0, 9)}T00:00:00Z",
    "milliseconds": lambda draw: str(draw.randrange(1_500_000_000_000, 1_900_000_000_000)),
}
DAYS: Spoilers = {
    **OTHERS,
    **FLOATS,
    **DATES,
    "too few": lambda draw: -draw.randrange(10**9),
    "too many": lambda draw: draw.randrange(3661, 10**12),
    "a number in text": lambda draw: digits(draw, 1, 3),
}
WORD: Spoilers = {**OTHERS, **WHOLES, **FLOATS, **DATES}
TABLE: Spoilers = {
    **BROKEN,
    **SECRETS,
    **FLAGS,
    **WHOLES,
    **FLOATS,
    **DATES,
    "a word": word,
    "a list": nested_list,
}
KINDS: dict[str, Spoilers] = {
    "holdings": TABLE, "routes": TABLE, "manual": TABLE, "XAUT": TABLE, "NOTE_A": TABLE, "class": WORD,
    "sources": {**WORD, "a table": nested_table}, "cross_check": SOURCE, "price": PRICE,
    "currency": {**WORD, "small letters": word, "unpriced": lambda draw: f"{word(draw).upper()}X"},
    "as_of": AS_OF, "max_age_days": DAYS,
}  # fmt: skip
OPTIONAL = ("cross_check", "max_age_days", "NOTE_A", "XAUT")
"""What may be missing, or be called something else."""


def places() -> dict[Path, Spoilers]:
    found: dict[Path, Spoilers] = {}
    for path, _ in leaves(HOLDINGS):
        if not path:
            continue
        name = path[-1]
        if isinstance(name, int):
            found[path] = SOURCE
            continue
        held = path[0] == "holdings" and len(path) == 2
        names = named(HOLDINGS, path)
        if len(path) == 1:
            names = {deed: spoil for deed, spoil in names.items() if deed != "the field is missing"}
        elif name in OPTIONAL or held:
            names = {"the field is there twice": names["the field is there twice"]}
        if held:
            names = {
                **names,
                "small letters": lambda draw: Renamed(word(draw)),
                "a secret for a name": lambda draw: Renamed(CANARY + word(draw)),
            }
        found[path] = {**(QUANTITY if held else KINDS[str(name)]), **names}
    return found


def names_of(mutant: Mutant) -> tuple[str, ...]:
    """The key and its table; of a list, its own name; of a renamed asset, what is wrong with the name."""
    steps = [step for step in mutant.field.split(".") if not step.isdigit()]
    return (steps[-1], "assets are written in capitals", "unknown key")


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("place", ["treasury", "reserves"])
def test_a_spoiled_file_of_holdings_is_refused_by_the_name_of_its_field(
    tmp_path: File, place: str, count: int
):
    files = HoldingsFiles(folder=tmp_path, clock=TickingClock())

    def read(document: Any) -> str | None:
        (tmp_path / f"{place}.toml").write_bytes(toml_lines(document).encode("utf-8", "surrogateescape"))
        return told_by(files.read, SourceMalformed)

    assert read(HOLDINGS) is None
    tally = Tally(f"holdings: {place}")
    with tally.timed():
        for mutant in mutants(HOLDINGS, places(), count=count, seed=len(place)):
            tally.judge(mutant, read(mutant.document), *names_of(mutant))
    tally.settle(count)


def test_a_file_of_holdings_of_any_length_is_not_read(tmp_path: File):
    (tmp_path / "treasury.toml").write_text(toml_lines(HOLDINGS) + "# filler\n" * 200_000, encoding="utf-8")

    told = told_by(HoldingsFiles(folder=tmp_path, clock=TickingClock()).read, SourceMalformed)

    assert told == "treasury.toml: it is longer than 1000000 bytes"
