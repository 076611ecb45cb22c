"""The runbook read as data: sections, each with the situations it names and the commands it shows, in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
PLACEHOLDERS = ("FLOW", "STORE")
"""Words in a documented output that stand for whatever is printed there, and mean that in later commands."""
ANYTHING = "…"

_COMMENT = re.compile(r"<!-- situation: (.+?) -->")
_EXIT = re.compile(r"\[exit (\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What has happened by then, by the name of the function that lets it happen."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One `$` line with what it is said to print."""

    text: str
    output: tuple[str, ...]
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One symptom."""

    title: str
    steps: tuple[Situation | Command, ...]
    is_long: bool
    """Whether it starts real processes, which `make test` leaves out."""

    @property
    def commands(self) -> list[Command]:
        return [step for step in self.steps if isinstance(step, Command)]


def sections(text: str) -> list[Section]:
    parts = re.split(r"(?m)^## ", text)[1:]
    return [_section(part) for part in parts]


def _section(part: str) -> Section:
    title, _, body = part.partition("\n")
    return Section(title=title.strip(), steps=tuple(_steps(body)), is_long="<!-- long -->" in body)


def _steps(body: str) -> Iterator[Situation | Command]:
    block: list[str] | None = None
    for line in body.splitlines():
        if block is not None:
            if line == "```":
                yield from _commands(block)
                block = None
            else:
                block.append(line)
        elif line == "```console":
            block = []
        elif found := _COMMENT.fullmatch(line.strip()):
            yield from (Situation(name=name.strip()) for name in found[1].split(","))


def _commands(block: list[str]) -> Iterator[Command]:
    text, output = "", list[str]()
    for line in [*block, "$ "]:
        if not line.startswith("$ "):
            output.append(line.rstrip())
            continue
        if text:
            exits = [int(found[1]) for shown in output if (found := _EXIT.fullmatch(shown))]
            shown = tuple(line for line in output if not _EXIT.fullmatch(line))
            yield Command(text=text, output=shown, exit_code=exits[0] if exits else 0)
        text, output = line.removeprefix("$ ").strip(), []


def matched(documented: tuple[str, ...], printed: str, known: dict[str, str]) -> dict[str, str] | None:
    """What the placeholders stood for, if this was printed; ``None``: something else was.

    A line that is an ellipsis stands for any lines, an ellipsis in a line for anything in it.
    """
    seen: set[str] = set()
    pattern = "".join(_pattern(line, known, seen) for line in documented)
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())
    found = re.fullmatch(pattern, text)
    return None if found is None else found.groupdict()


def _pattern(line: str, known: dict[str, str], seen: set[str]) -> str:
    if line == ANYTHING:
        return r"(?:.*\n)*?"
    escaped = re.escape(line).replace(re.escape(ANYTHING), ".*?")
    escaped = re.sub(r"(?:\\ ){2,}", r" +", escaped)  # columns are as wide as their widest cell
    for name in re.findall("|".join(PLACEHOLDERS), escaped):
        if name in known:
            stands_for = re.escape(known[name])
        else:
            stands_for = f"(?P={name})" if name in seen else rf"(?P<{name}>[^\s')]+)"
        seen.add(name)
        place = escaped.rindex(name) if f"<{name}>" in escaped else escaped.index(name)
        escaped = escaped[:place] + stands_for + escaped[place + len(name) :]
    return f"{escaped}\n"


def filled(command: str, known: dict[str, str]) -> str:
    """The command with what the placeholders stand for."""
    for name, value in known.items():
        command = re.sub(rf"\b{name}\b", value, command)
    return command
