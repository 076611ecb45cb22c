"""How many mutants each model meets, what became of them, and where the figures are kept for the table."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hedge_pipeline_tests.hostile.mutations import Mutant

QUICK = 500
FULL = 5_000
FIGURES = "HOSTILE_FIGURES"
"""Names the file that a line of JSON per model is appended to."""

COUNTS = [
    pytest.param(QUICK, id="quick"),
    pytest.param(FULL, id="full", marks=(pytest.mark.long, pytest.mark.timeout(900))),
]
"""The suite meets few of each; the long tests meet all of them."""

CANARY = "CG-cAnArY5eCr3tOfTh3FuNd9876543210"
CANARY_URL = "https://ana:hUnTeR2pAsSw0rD@host.example/path"
CANARIES = (CANARY, "hUnTeR2pAsSw0rD")
"""Secrets planted where documents hold text: none may stand in an error."""


@dataclass
class Tally:
    """What became of one model's mutants."""

    model: str
    mutants: int = 0
    refused: int = 0
    named: int = 0
    seconds: float = 0.0
    """Of this process's work, whatever else the machine does."""
    deeds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Mutants believed, refused without the name of the field, or refused with a secret; some of them."""

    def judge(self, mutant: Mutant, told: str | None, *names: str) -> None:
        """``told`` is the refusal, ``None`` if there was none; any of ``names`` tells the field."""
        self.mutants += 1
        self.deeds[mutant.deed] += 1
        is_named = told is not None and any(name in told for name in names)
        self.refused += told is not None
        self.named += is_named
        leaked = [canary for canary in CANARIES if told is not None and canary in told]
        if (told is None or not is_named or leaked) and len(self.wrong) < 20:
            fault = "believed" if told is None else "with a secret" if leaked else "not named"
            self.wrong.append(
                f"{fault}: {mutant.field}: {mutant.deed}: {quoted(mutant.document)}: {told!r:.300}"
            )
        if leaked:
            self.named -= is_named

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = time.process_time()
        yield
        self.seconds += time.process_time() - began

    def settle(self, count: int) -> None:
        """Hold that there were so many mutants, all refused and named, and keep the figures."""
        kept = os.environ.get(FIGURES)
        if kept:
            line = {
                "model": self.model,
                "deeds": len(self.deeds),
                "mutants": self.mutants,
                "refused": self.refused,
                "named": self.named,
                "seconds": self.seconds,
            }
            with Path(kept).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        assert not self.wrong, "\n".join(self.wrong)
        assert self.mutants >= count
        assert self.refused == self.named == self.mutants


def quoted(document: object) -> str:
    try:
        return f"{document!r:.300}"
    except ValueError:
        return "a number that cannot be written"


def told_by(
    read: Callable[[], object], refusals: type[Exception] | tuple[type[Exception], ...]
) -> str | None:
    """The text of the refusal; any other exception is a defect of the reader."""
    try:
        read()
    except refusals as refusal:
        return str(refusal)
    return None
