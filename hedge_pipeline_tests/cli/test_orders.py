"""Orders of the command line: they say what they are about, sign, and refuse in one line that tells what would help."""

from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.domain.flows import FlowInstruction, FlowPurpose
from hedge_pipeline.domain.verdicts import Command, TradingState
from hedge_pipeline_tests.cli.conftest import Hedge
from hedge_pipeline_tests.stage import Stage

MUTATING = [
    ("run",), ("dev",), ("halt", "--reason", "why"), ("rearm", "--reason", "why"), ("inception", "--reason", "why"),
    ("rebuild-peak", "--reason", "why"), ("flow", "register", "subscription", "USDT", "5", "--reason", "why"),
    ("flow", "classify", "KEY", "--as", "loss", "--reason", "why"), ("local", "up"), ("local", "down"),
    ("take-over", "--reason", "why"), ("import", "--firestore", "--apply", "--reason", "why"), ("backup", "copy.db"),
    ("local", "fault", "drop", "*"), ("local", "deposit", "USDT", "5"), ("local", "withdraw", "USDT", "5"),
]  # fmt: skip


def test_halt_and_rearm(hedge: Hedge, stage: Stage):
    halted = hedge("halt", "--actor", "ada", "--reason", "a look")
    assert halted.exit_code == 0
    assert "HALTED since" in halted.output
    assert cycle.judge(stage.fund).state is TradingState.HALTED

    rearmed = hedge("rearm", "--actor", "bob", "--reason", "looked")
    assert rearmed.exit_code == 0
    assert "re-armed: ACTIVE" in rearmed.output
    assert [(row.kind, row.actor) for row in stage.fund.store.rows(Command, "main")][-2:] == [
        ("halt", "ada"),
        ("rearm", "bob"),
    ]


def test_an_order_is_signed_by_whoever_gives_it(hedge: Hedge, stage: Stage):
    hedge("halt", "--reason", "a look")

    order = stage.fund.store.rows(Command, "main")[-1]
    assert order.actor
    assert order.actor != "hedge_pipeline"


def test_a_refusal_is_one_line_on_stderr_that_says_what_would_help(hedge: Hedge, stage: Stage):
    answer = hedge("rearm", "--reason", "why not")

    assert answer.exit_code == 1
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "nothing is latched" in answer.stderr
    assert "hedge explain" in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("halt",), ("rearm",), ("inception",), ("rebuild-peak",), ("status", "--yaml"), ("nonsense",),
        ("rearm", "--reason", "why", "--waiver-limit", "0.25"),
        ("rearm", "--reason", "why", "--waiver-limit", "a lot", "--waiver-for", "4h"),
        ("rearm", "--reason", "why", "--waiver-limit", "0.25", "--waiver-for", "soon"),
        ("flow", "register", "gift", "USDT", "5", "--reason", "why"),
        ("flow", "register", "subscription", "USDT", "0", "--reason", "why"),
        ("flow", "register", "subscription", "USDT", "NaN", "--reason", "why"),
        ("flow", "register", "subscription", "USDT", "5", "--from", "noon", "--reason", "why"),
        ("flow", "register", "subscription", "USDT", "5", "--from", "2026-11-20T12:00:00", "--reason", "why"),
        ("flow", "classify", "KEY", "--as", "gift", "--reason", "why"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_apart_from_a_refusal(hedge: Hedge, stage: Stage, arguments: tuple[str, ...]):
    answer = hedge(*arguments)

    assert answer.exit_code == 2, answer.output
    assert answer.stderr


def test_a_waiver_is_asked_for_in_one_breath(hedge: Hedge, stage: Stage):
    hedge("halt", "--reason", "a look")

    answer = hedge("rearm", "--reason", "looked", "--waiver-limit", "0.25", "--waiver-for", "4h")

    assert answer.exit_code == 1
    assert "re-arm without one" in answer.stderr


def test_inception_refuses_a_fund_that_has_a_baseline(hedge: Hedge, stage: Stage):
    answer = hedge("inception", "--reason", "again")

    assert answer.exit_code == 1
    assert "hedge rebuild-peak" in answer.stderr


def test_a_flow_is_announced_without_a_sign(hedge: Hedge, stage: Stage):
    answer = hedge(
        "flow", "register", "to-treasury", "USDT", "500", "--within", "2h", "--reason", "to cold storage"
    )

    assert answer.exit_code == 0, answer.output
    (instruction,) = stage.fund.store.rows(FlowInstruction, "main")
    assert (instruction.purpose, instruction.amount) == (FlowPurpose.TREASURY_TRANSFER, Decimal(-500))
    assert instruction.instruction_id in answer.output


def test_a_key_that_does_not_wait_is_refused(hedge: Hedge, stage: Stage):
    answer = hedge("flow", "classify", "TRANSFER:1", "--as", "loss", "--reason", "gone")

    assert answer.exit_code == 1
    assert "no such flow waits" in answer.stderr


def test_orders_about_a_fund_that_is_not_there_make_none(hedge: Hedge, home: Path):
    answer = hedge("halt", "--reason", "why")

    assert answer.exit_code == 1
    assert "hedge run" in answer.stderr
    assert not home.exists()


@pytest.mark.finding("S1-FS-7")
@pytest.mark.parametrize(
    "arguments",
    [order for order in MUTATING if order[0] not in {"run", "dev", "local", "backup"}],
    ids=" ".join,
)
def test_an_order_says_what_it_is_about_and_that_is_dev_unless_told(
    hedge: Hedge, stage: Stage, arguments: tuple[str, ...]
):
    assert hedge(*arguments).stdout.startswith(f"paper × dev   account main   {stage.home}\n")


@pytest.mark.finding("S1-FS-7")
@pytest.mark.parametrize("arguments", [*MUTATING, ("status",), ("explain",), ("preflight",)], ids=" ".join)
@pytest.mark.parametrize("profile", [None, "live"])
def test_production_without_its_confirmation_is_refused_before_anything_happens(
    hedge: Hedge, home: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], profile: str | None
):
    monkeypatch.setenv("HEDGE_ENV", "prod")
    if profile:
        monkeypatch.setenv("HEDGE_PROFILE", profile)

    answer = hedge(*arguments)

    assert answer.exit_code == 1
    assert "HEDGE_ALLOW_PROD" in answer.output
    assert not home.exists()


@pytest.mark.live_stack
def test_a_peak_is_planned_then_rebuilt_then_reviewed(hedge: Hedge, home: Path):
    assert hedge("local", "up").exit_code == 0
    assert hedge("run").exit_code == 0

    plan = hedge("rebuild-peak", "--plan")
    assert plan.exit_code == 0, plan.output
    assert "nothing was written" in plan.output
    assert "venue income" in plan.output

    rebuilt = hedge("rebuild-peak", "--reason", "to be sure")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert "rebuilt_from" in rebuilt.output
    assert "HALTED" in hedge("status").output
    assert hedge("rearm", "--reason", "reviewed").exit_code == 0
    assert "ACTIVE" in hedge("status").output
