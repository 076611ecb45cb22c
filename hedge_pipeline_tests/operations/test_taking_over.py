"""A restored copy is read and acts on nothing until a person takes it over; then it is reviewed like any other halt."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.backup import back_up
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.publication.deliveries import Outcome
from hedge_pipeline.domain.verdicts import RESTORED_COPY, Command, TradingState
from hedge_pipeline.operations import own_writers, rearm, take_over
from hedge_pipeline.publishing import publish
from hedge_pipeline.read_model import read_fund
from hedge_pipeline_tests.fakes import MemoryPublisher, MemoryStage, memory_stage


@pytest.fixture
def original(tmp_path: Path) -> Iterator[MemoryStage]:
    """It trades and publishes."""
    home = tmp_path / "home"
    home.mkdir()
    stage = memory_stage(home)
    assert stage.beat(4).state is TradingState.ACTIVE
    publish(stage.fund)
    yield stage
    stage.close()


@pytest.fixture
def copy(original: MemoryStage, tmp_path: Path) -> Iterator[MemoryStage]:
    """A copy of it, opened as the store of the same fund."""
    file = back_up(original.store, tmp_path / "copy.db", at=original.clock.at).file
    with closing(open_state_store(f"sqlite:///{file}", create=False)) as store:
        yield replace(original, fund=replace(original.fund, store=store), store=store, decisions=[])


def test_a_copy_is_read_and_valued_and_never_trades(copy: MemoryStage):
    assert copy.peak.drawdown == 0

    assert copy.beat(4).state is TradingState.HALTED
    assert copy.nav.accepted
    breaches = {breach.source: breach for breach in read_fund(copy.fund).decision.breaches}
    assert "is a copy of store" in breaches[RESTORED_COPY].message


def test_a_copy_does_not_rearm(copy: MemoryStage):
    copy.beat(4)

    with pytest.raises(CommandRefused, match=r"copy made at .*hedge take-over"):
        rearm(copy.fund, actor="ada", reason="looks fine")

    assert cycle.judge(copy.fund).state is TradingState.HALTED


def test_a_copy_publishes_over_nobody(copy: MemoryStage):
    publisher = copy.fund.publisher
    assert isinstance(publisher, MemoryPublisher)
    before = {path: dict(fields) for path, fields in publisher.documents.items()}
    copy.beat(2)

    told = publish(copy.fund)

    assert own_writers(copy.fund) == frozenset()
    there = [document for document in told.documents if document.path in before]
    assert there
    assert {document.outcome for document in there} <= {Outcome.REFUSED, Outcome.WITHHELD}
    assert {path: publisher.documents[path] for path in before} == before


def test_taken_over_it_is_rearmed_trades_and_publishes_in_the_originals_place(
    original: MemoryStage, copy: MemoryStage
):
    copy.beat(4)
    old = original.store.store_id

    taken = take_over(copy.fund, actor="ada", reason="the original's machine is gone")

    assert taken.writer == old
    assert copy.store.store_id == taken.store_id != old
    assert own_writers(copy.fund) == {old, taken.store_id}
    assert copy.beat(2).state is TradingState.HALTED, "until somebody re-arms"
    assert rearm(copy.fund, actor="ada", reason="reviewed").state is TradingState.ACTIVE
    assert not any(document.outcome.failure for document in publish(copy.fund).documents)

    original.beat()
    refused = [
        document for document in publish(original.fund).documents if document.outcome is Outcome.REFUSED
    ]
    assert {document.found_writer for document in refused} >= {taken.store_id}, (
        "the original is not heard any more"
    )


def test_a_copy_is_taken_over_once(copy: MemoryStage):
    take_over(copy.fund, actor="ada", reason="the original is gone")

    with pytest.raises(CommandRefused, match="no copy"):
        take_over(copy.fund, actor="ada", reason="again")

    assert [row.kind for row in copy.fund.store.rows(Command, "main")].count("take_over") == 1


def test_an_original_has_nothing_to_take_over(original: MemoryStage):
    with pytest.raises(CommandRefused, match="no copy"):
        take_over(original.fund, actor="ada", reason="why not")


def test_taking_over_is_signed(copy: MemoryStage):
    for actor, reason in (("", "why"), ("ada", " ")):
        with pytest.raises(CommandRefused, match=r"actor|reason"):
            take_over(copy.fund, actor=actor, reason=reason)
    assert copy.store.copied_at is not None


def test_the_copy_of_a_taken_over_store_still_knows_whose_documents_it_may_write(
    copy: MemoryStage, tmp_path: Path
):
    first = take_over(copy.fund, actor="ada", reason="the original is gone")
    again = back_up(copy.store, tmp_path / "again.db", at=copy.clock.at).file
    with closing(open_state_store(f"sqlite:///{again}", create=False)) as store:
        fund = replace(copy.fund, store=store)
        second = take_over(fund, actor="ada", reason="gone too")

        assert own_writers(fund) == {first.writer, first.store_id, second.store_id}


LOST = "0123456789abcdef"


def test_documents_of_a_lost_store_are_taken_over_by_its_id(original: MemoryStage):
    assert own_writers(original.fund) == {original.store.store_id}

    taken = take_over(original.fund, actor="ada", reason="its disk died", writer=LOST)

    assert (taken.writer, taken.store_id) == (LOST, original.store.store_id)
    assert own_writers(original.fund) == {LOST, original.store.store_id}
    with pytest.raises(CommandRefused, match="already"):
        take_over(original.fund, actor="ada", reason="again", writer=LOST)
    with pytest.raises(CommandRefused, match="already"):
        take_over(original.fund, actor="ada", reason="myself", writer=original.store.store_id)


@pytest.mark.parametrize("writer", ["", "main", LOST.upper(), f"{LOST}0", f"{LOST} wrote, and x"])
def test_what_is_no_stores_id_takes_nothing_over(original: MemoryStage, writer: str):
    with pytest.raises(CommandRefused, match="no store's id"):
        take_over(original.fund, actor="ada", reason="why not", writer=writer)


def test_no_reason_can_pretend_to_be_a_take_over(original: MemoryStage):
    reason = f"takes over what store {LOST} wrote"
    take_over(original.fund, actor="ada", reason=reason, writer="f" * 16)

    assert own_writers(original.fund) == {"f" * 16, original.store.store_id}


def test_a_copy_takes_nothing_else_over(copy: MemoryStage):
    with pytest.raises(CommandRefused, match="copy made at"):
        take_over(copy.fund, actor="ada", reason="why not", writer=LOST)


def test_the_chain_of_a_copy_goes_on(copy: MemoryStage):
    take_over(copy.fund, actor="ada", reason="the original is gone")
    copy.beat(3)

    store: SqlStateStore = copy.store
    ordinals = [ordinal for (ordinal,) in store.columns(PeakState, "main", "ordinal")]
    assert ordinals == list(range(1, len(ordinals) + 1))
