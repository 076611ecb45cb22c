"""Deciding about positions that were there before us: nothing is closed or covered until a person has said so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hedge_pipeline.cycle import READING, decide
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.trading.exit_cover import Adoption, ExitCover
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline.operations.adopting import adopt, find
from hedge_pipeline_tests.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An account with positions in BTC, ETH and SOL, on which nothing is adopted unasked."""
    with staged(tmp_path, trading={"adopt_all": False}) as made:
        for step in READING:
            step(made.fund)
        decide(made.fund)
        yield made


def covered(cover: ExitCover, symbol: str) -> set[bool]:
    return {side.stop_quantity == side.position_quantity for side in cover.sides if side.symbol == symbol}


def test_what_is_found_waits_for_a_decision_and_is_not_touched(stage: Stage) -> None:
    cover = protect(stage.fund)

    assert {found.symbol for found in find(stage.fund).symbols if found.undecided} == {
        "BTCUSDT", "ETHUSDT", "SOLUSDT",
    }  # fmt: skip
    assert not any(side.placed for side in cover.sides)
    assert all("hedge adopt" in (side.problem or "") for side in cover.sides)


def test_adopted_positions_get_their_stops_and_those_left_alone_get_none(stage: Stage) -> None:
    adopt(stage.fund, {"BTCUSDT": True, "ETHUSDT": False}, actor="ana", reason="ours now")

    cover = protect(stage.fund)

    assert covered(cover, "BTCUSDT") == {True}
    assert {side.stop_quantity for side in cover.sides if side.symbol == "ETHUSDT"} == {0}
    assert [found.symbol for found in find(stage.fund).symbols if found.undecided] == ["SOLUSDT"]
    assert {found.symbol for found in find(stage.fund).symbols if found.left_alone} == {"ETHUSDT"}


def test_a_decision_is_signed_and_stored_with_what_was_found(stage: Stage) -> None:
    (row,) = adopt(stage.fund, {"BTCUSDT": True}, actor="ana", reason="ours now")

    assert stage.fund.store.rows(Adoption, "main") == [row]
    (command,) = [each for each in stage.fund.store.rows(Command, "main") if each.kind == "adopt"]
    assert (command.actor, command.detail) == ("ana", "BTCUSDT adopted: LONG 0.800, SHORT 0.500")


def test_what_does_not_wait_cannot_be_decided(stage: Stage) -> None:
    adopt(stage.fund, {"BTCUSDT": True}, actor="ana", reason="ours now")

    with pytest.raises(CommandRefused, match="BTCUSDT, DOGEUSDT: nothing there waits"):
        adopt(stage.fund, {"BTCUSDT": False, "DOGEUSDT": True}, actor="ana", reason="again")

    assert len(stage.fund.store.rows(Adoption, "main")) == 1


@pytest.mark.parametrize("endpoint", ["/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/userTrades"])
def test_nothing_is_decided_by_half_an_account(stage: Stage, endpoint: str) -> None:
    stage.control.set_fault(endpoint, "respond", status=503, body="{}")

    with pytest.raises(CommandRefused, match="cannot be read"):
        adopt(stage.fund, {"BTCUSDT": True}, actor="ana", reason="ours now")

    assert not stage.fund.store.rows(Adoption, "main")


def test_a_person_without_a_name_or_a_reason_decides_nothing(stage: Stage) -> None:
    with pytest.raises(CommandRefused, match="reason"):
        adopt(stage.fund, {"BTCUSDT": True}, actor="ana", reason=" ")

    assert not stage.fund.store.rows(Adoption, "main")
