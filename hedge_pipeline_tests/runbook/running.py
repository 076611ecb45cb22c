"""A section of the page carried out: its situations let happen, its commands called, what they print compared."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from click.testing import CliRunner

from hedge_pipeline.cli import main
from hedge_pipeline_tests.runbook.page import Command, Section, Situation, filled, matched
from hedge_pipeline_tests.runbook.paper import REPOSITORY, PaperFund
from hedge_pipeline_tests.runbook.situations import SITUATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command as it went."""

    command: Command
    text: str
    """With what its placeholders stood for."""
    exit_code: int
    printed: str


def run(text: str, paper: PaperFund) -> tuple[int, str]:
    """Exit code and everything printed. `hedge` in this process, all else by the shell in the folder of the checkout."""
    words = shlex.split(text)
    environment = dict(word.split("=", 1) for word in takewhile(lambda word: "=" in word, words))
    if words[len(environment)] == "hedge":
        answer = CliRunner(env=environment).invoke(main, words[len(environment) + 1 :])
        if answer.exception is not None and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        return answer.exit_code, answer.output
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        text,
        shell=True,
        cwd=paper.folder,
        env=os.environ | {"PATH": tools, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def carry_out(section: Section, paper: PaperFund) -> list[tuple[Ran, bool]]:
    """Each command with whether it did what the page says; ends with the first that did not."""
    known: dict[str, str] = {}
    done: list[tuple[Ran, bool]] = []
    for step in section.steps:
        if isinstance(step, Situation):
            SITUATIONS[step.name](paper)
            continue
        text = filled(step.text, known)
        exit_code, printed = run(text, paper)
        found = matched(step.output, printed, known)
        done.append(
            (
                Ran(command=step, text=text, exit_code=exit_code, printed=printed),
                found is not None and exit_code == step.exit_code,
            )
        )
        if found is None:
            break
        known |= found
    return done
