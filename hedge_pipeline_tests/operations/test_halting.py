"""Halting works when nothing but the store does, and only a person ends it."""

from dataclasses import replace
from typing import Any

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.verdicts import Command, Incident, TradingState
from hedge_pipeline.operations import OPERATOR_HALT, halt
from hedge_pipeline_tests.stage import Stage


def commands(stage: Stage, kind: str) -> list[Command]:
    return [row for row in stage.fund.store.rows(Command, "main") if row.kind == kind]


def test_a_halt_closes_the_gate_at_once_and_keeps_it_closed(stage: Stage):
    halt(stage.fund, actor="ada", reason="something smells")

    assert cycle.judge(stage.fund).state is TradingState.HALTED
    assert stage.beat(5).state is TradingState.HALTED
    assert [row.reason for row in commands(stage, "halt")] == ["something smells"]


def test_a_halt_needs_nothing_but_the_store(stage: Stage):
    nothing: Any = object()
    cut_off = replace(stage.fund, venue=nothing, holdings=nothing, price=nothing)

    latch = halt(cut_off, actor="ada", reason="the venue is gone")

    assert latch.latched
    assert cycle.judge(cut_off).state is TradingState.HALTED


def test_a_second_halt_is_journaled_and_latches_nothing_more(stage: Stage):
    first = halt(stage.fund, actor="ada", reason="once")
    second = halt(stage.fund, actor="bob", reason="twice")

    assert second == first
    assert len(stage.fund.store.rows(Incident, "main", key=OPERATOR_HALT)) == 1
    assert [(row.actor, row.reason) for row in commands(stage, "halt")] == [("ada", "once"), ("bob", "twice")]


def test_the_halt_says_who_and_why(stage: Stage):
    halt(stage.fund, actor="ada", reason="something smells")

    breach = next(b for b in cycle.judge(stage.fund).breaches if b.source == OPERATOR_HALT)

    assert "halted by ada: something smells" in breach.message


@pytest.mark.parametrize(
    ("actor", "reason"), [("", "why"), ("  ", "why"), ("ada", ""), ("ada", "x" * 501), ("a\x00", "why")]
)
def test_an_order_is_signed_and_has_a_reason(stage: Stage, actor: str, reason: str):
    with pytest.raises(CommandRefused, match=r"actor|reason"):
        halt(stage.fund, actor=actor, reason=reason)

    assert commands(stage, "halt") == []
    assert cycle.judge(stage.fund).state is TradingState.ACTIVE
