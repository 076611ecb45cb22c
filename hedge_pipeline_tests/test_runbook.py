"""The runbook is true: every command on it runs and prints what it says, and every reason and incident is on it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedge_pipeline import local
from hedge_pipeline.domain.publication import trips
from hedge_pipeline.domain.risk_gate import RULES
from hedge_pipeline.domain.trading import alarms
from hedge_pipeline.domain.verdicts import RESTORED_COPY, TradingState
from hedge_pipeline.operations import OPERATOR_HALT
from hedge_pipeline.operations.baselines import PEAK_REBUILT
from hedge_pipeline_tests.adapters.firestore.own_server import own_server
from hedge_pipeline_tests.runbook.page import PAGE, Command, Section, Situation, matched, sections
from hedge_pipeline_tests.runbook.paper import PaperFund, forget_servers, paper_fund
from hedge_pipeline_tests.runbook.running import carry_out
from hedge_pipeline_tests.runbook.situations import SITUATIONS

TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = sections(TEXT)
OTHERS = {*trips.KEYS, *alarms.RULES, OPERATOR_HALT, PEAK_REBUILT, RESTORED_COPY}
"""Keys of incidents that no rule of the gate opens."""


def marked(section: Section) -> list[pytest.MarkDecorator]:
    return [pytest.mark.long] if section.is_long else []


@pytest.fixture(scope="module")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with own_server(tmp_path_factory.mktemp("firestore") / "log") as host:
        yield host


@pytest.fixture
def paper(tmp_path: Path, firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperFund]:
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HEDGE_HOME", str(folder / ".hedge"))
    with paper_fund(folder, firestore_host) as prepared:
        yield prepared
    local.end_children()
    local.down(folder / ".hedge")
    forget_servers()


@pytest.mark.live_stack
@pytest.mark.finding("S3-DOC-1")
@pytest.mark.parametrize(
    "section",
    [
        pytest.param(section, id=section.title, marks=marked(section))
        for section in SECTIONS
        if section.commands
    ],
)
def test_every_command_prints_what_the_page_says(section: Section, paper: PaperFund):
    for ran, is_as_told in carry_out(section, paper):
        expected = "\n".join(ran.command.output)
        assert is_as_told, (
            f"$ {ran.text}\n{ran.printed}\n(exit {ran.exit_code}) is not what the page says:\n{expected}\n"
            f"(exit {ran.command.exit_code})"
        )


def test_every_situation_is_known_and_used():
    named = {step.name for section in SECTIONS for step in section.steps if isinstance(step, Situation)}

    assert named <= set(SITUATIONS), named - set(SITUATIONS)
    assert set(SITUATIONS) <= named, set(SITUATIONS) - named


def index() -> dict[str, list[str]]:
    """Rows of the table of reasons, by the key of the incident."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TEXT.splitlines()]
    return {row[1].strip("`"): row for row in rows if len(row) == 5 and row[1].startswith("`")}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_of_the_gate_is_in_the_index_as_the_gate_has_it(rule):
    reason, _, allows, ends, _ = index()[rule.name]

    assert reason == f"`{rule.reason}`"
    assert allows == rule.ceiling.name
    assert (ends == "a person") == (rule.latches or rule.reason == "latched")


@pytest.mark.parametrize("key", sorted(OTHERS))
def test_every_other_incident_is_in_the_index(key: str):
    assert key in index()


@pytest.mark.parametrize("rule", alarms.RULES.values(), ids=lambda rule: rule.key)
def test_every_alarm_of_trading_is_in_the_index_as_it_is_judged(rule: alarms.Rule):
    reason, _, allows, ends, _ = index()[rule.key]

    assert reason == f"`{rule.reason}`"
    assert allows == (TradingState.ACTIVE if rule.ceiling is None else rule.ceiling).name
    assert (ends == "a person") == rule.latches


def test_the_index_knows_nothing_that_is_not_there():
    known = {rule.name for rule in RULES} | OTHERS

    assert set(index()) - known == {"store_is_readable"}


def test_every_link_leads_somewhere():
    titles = {anchor(section.title) for section in SECTIONS}

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= titles


def anchor(title: str) -> str:
    """As the forge makes it of a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    ("documented", "printed", "known", "found"),
    [
        (("a … c",), "a b c\n", {}, {}),
        (("…", "last"), "one\ntwo\nlast\n", {}, {}),
        (("…",), "", {}, {}),
        (("a",), "a\nb\n", {}, None),
        (("a", "…"), "b\n", {}, None),
        (("two  words",), "two     words\n", {}, {}),
        (("store STORE is",), "store 12ab is\n", {}, {"STORE": "12ab"}),
        (("store STORE is",), "store 12ab is\n", {"STORE": "34cd"}, None),
        (("STORE and STORE",), "1 and 2\n", {}, None),
        (("STORE and STORE",), "1 and 1\n", {}, {"STORE": "1"}),
    ],
)
def test_an_ellipsis_stands_for_anything_and_a_name_for_one_thing(
    documented: tuple[str, ...], printed: str, known: dict[str, str], found: dict[str, str] | None
):
    assert matched(documented, printed, known) == found


def test_commands_and_situations_are_read_in_order():
    (section,) = sections(
        "# Page\n\n## One\n<!-- situation: a, b -->\n```console\n$ x\nout\n$ y\n[exit 2]\n```\n<!-- situation: c -->\n"
    )

    assert section.steps == (
        Situation(name="a"),
        Situation(name="b"),
        Command(text="x", output=("out",), exit_code=0),
        Command(text="y", output=(), exit_code=2),
        Situation(name="c"),
    )
