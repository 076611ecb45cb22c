"""Old rows leave the state store once history holds them, and nothing the fund needs goes with them."""

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import hot_rows
from hedge_pipeline.cycle import closing
from hedge_pipeline.cycle.letting_go import Departure, let_go
from hedge_pipeline.domain.account import AccountReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import InvalidState, StoreUnavailable
from hedge_pipeline.domain.history.hot import HOT
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.readings import LedgerFill, OrdersReading
from hedge_pipeline.domain.verdicts import TradingState
from hedge_pipeline_tests.adapters.state_store.examples import fill, intent, plain
from hedge_pipeline_tests.fakes import MemoryStage, memory_stage

BEGAN = datetime(2026, 8, 1, 12, tzinfo=UTC)
DAYS = [date(2026, 8, 1) + timedelta(days=number) for number in range(17)]
OLD = DAYS[:3]
"""Older than 14 days on the last one."""
EVERY = [(table, name) for table, name in HOT.items() if name != "publications"]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """Seventeen days with a few beats each, kept in history, and the morning after: where they lie, and what time it is."""
    home = tmp_path_factory.mktemp("lived")
    built = memory_stage(home, at=BEGAN)
    for _ in DAYS:
        built.beat(4)
        built.clock.pass_by(timedelta(days=1).total_seconds() - 120)
    built.beat(4)
    for day in DAYS:
        for keep in (closing.keep_minutes, closing.keep_drawdown, closing.keep_day):
            keep(built.fund, day)
    built.close()
    return home, built.clock.now()


@pytest.fixture
def stage(
    lived: tuple[Path, datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MemoryStage]:
    monkeypatch.setattr(hot_rows, "KEPT", 4)
    home, now = lived
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    built = memory_stage(tmp_path, at=now)
    yield built
    built.close()


def stored(stage: MemoryStage) -> dict[str, int]:
    return {name: len(stage.store.rows(table, "main")) for table, name in EVERY}


def days_in_store(stage: MemoryStage, table: type) -> set[date]:
    return {row[0].date() for row in stage.store.columns(table, "main", "recorded_at")}


def test_rows_older_than_the_hot_days_leave(stage: MemoryStage):
    before = stored(stage)

    gone = list(let_go(stage.fund))

    assert [departure.day for departure in gone] == OLD
    after = stored(stage)
    assert sum(before.values()) - sum(after.values()) == sum(departure.left for departure in gone) > 0
    assert days_in_store(stage, PeakState) == {*DAYS[3:], date(2026, 8, 18)}


def test_every_row_that_left_is_in_the_archive(stage: MemoryStage):
    before = {table: {row[0]: row for row in _plain(stage, table)} for table, _ in EVERY}

    list(let_go(stage.fund))

    for table, _ in EVERY:
        archived = [row for day in OLD for row in stage.fund.history.archived(table, day) or ()]
        here = {row[0] for row in _plain(stage, table)}
        assert {row[0] for row in archived} >= before[table].keys() - here
        assert all(before[table][row[0]] == row for row in archived)


def _plain(stage: MemoryStage, table: type) -> list[tuple[Any, ...]]:
    return stage.store.plain(table, "main", *[field.name for field in fields(table)], most=10_000)


def test_the_fund_goes_on_as_if_nothing_had_happened(stage: MemoryStage):
    peak, positions = stage.peak, stage.fund.last_known(AccountReading, "positions")

    list(let_go(stage.fund))

    assert (stage.peak, stage.fund.last_known(AccountReading, "positions")) == (peak, positions)
    assert stage.beat(3).state is TradingState.ACTIVE
    assert stage.peak.high_water_mark >= peak.high_water_mark


def test_days_can_be_made_again_from_what_is_left(stage: MemoryStage):
    list(let_go(stage.fund))

    for day in DAYS:
        for keep in (closing.keep_minutes, closing.keep_drawdown, closing.keep_day):
            assert keep(stage.fund, day) is Written.UNCHANGED, (keep.__name__, day)


def test_rows_of_trading_leave_with_the_others_and_what_explains_positions_stays(stage: MemoryStage):
    beats = [datetime(2026, 8, 1, 13, tzinfo=UTC) + timedelta(days=number) for number in range(17)]
    read = [plain(OrdersReading, account="main", recorded_at=beat, attempted_at=beat) for beat in beats]
    stage.store.append(*read, *(intent(number, recorded_at=beat) for number, beat in enumerate(beats)))
    stage.store.append_new_fills([fill(number, recorded_at=beat) for number, beat in enumerate(beats)])

    list(let_go(stage.fund))

    assert stage.store.rows(OrdersReading, "main") == read[3:]
    archived = [row for day in OLD for row in stage.fund.history.archived(OrdersReading, day) or ()]
    assert [row[3] for row in archived] == beats[:3]
    assert len(stage.store.unsettled("main")) == len(stage.store.rows(LedgerFill, "main")) == 17


def test_a_second_time_there_is_nothing_to_do(stage: MemoryStage):
    list(let_go(stage.fund))
    before = stored(stage)

    again = list(let_go(stage.fund))

    assert all(departure.left == 0 for departure in again)
    assert stored(stage) == before


@pytest.mark.parametrize("table", ["nav_minutes", "nav_daily", "drawdown_history"])
def test_nothing_leaves_before_history_holds_its_day(stage: MemoryStage, tmp_path: Path, table: str):
    folder = tmp_path / "history" / table
    (folder / f"day={OLD[1]}").rename(folder / "elsewhere")

    assert [departure.day for departure in let_go(stage.fund)] == OLD[:1]


def test_a_row_that_is_not_the_archived_one_keeps_its_day_here(stage: MemoryStage, tmp_path: Path):
    first = next(iter(let_go(stage.fund)))
    assert isinstance(first, Departure)
    rows = _plain(stage, NavSnapshot)
    stage.fund.history.archive_day(
        NavSnapshot,
        OLD[1],
        [row for row in rows if row[4].date() == OLD[1]],
        at=stage.clock.now(),
        reason=None,
    )
    with sqlite3.connect(tmp_path / "state.sqlite") as edited:
        edited.execute("UPDATE nav_snapshots SET trading_nav = '1' WHERE recorded_at LIKE ?", (f"{OLD[1]}%",))

    with pytest.raises(InvalidState, match=f"nav_snapshots on {OLD[1]} is not the archived one"):
        list(let_go(stage.fund))
    assert OLD[1] in days_in_store(stage, NavSnapshot)


def test_a_departure_cut_short_is_taken_up_again(stage: MemoryStage, monkeypatch: pytest.MonkeyPatch):
    forget, calls = stage.store.forget, []

    def cut_short(table: type, account: str, seqs: list[int]) -> int:
        calls.append(table)
        if len(calls) == 7:
            forget(table, account, seqs[: len(seqs) // 2])
            raise StoreUnavailable("the disk is full")
        return forget(table, account, seqs)

    monkeypatch.setattr(stage.store, "forget", cut_short)
    with pytest.raises(StoreUnavailable):
        list(let_go(stage.fund))
    monkeypatch.undo()
    monkeypatch.setattr(hot_rows, "KEPT", 4)

    gone = list(let_go(stage.fund))

    assert [departure.day for departure in gone] == OLD
    assert not set(OLD) & days_in_store(stage, PeakState)


def test_rows_recorded_late_are_archived_with_the_others(stage: MemoryStage):
    list(let_go(stage.fund))
    last = stage.nav
    late = last.__class__(**{
        **{name: getattr(last, name) for name in last.__slots__},
        "ordinal": last.ordinal + 1, "accepted": False, "recorded_at": datetime(2026, 8, 3, 23, tzinfo=UTC),
    })  # fmt: skip
    stage.store.append(late, *[last.__class__(**{
        **{name: getattr(last, name) for name in last.__slots__}, "ordinal": last.ordinal + 2 + n,
    }) for n in range(4)])  # fmt: skip

    list(let_go(stage.fund))

    kept = stage.fund.history.archived(NavSnapshot, OLD[2])
    assert kept is not None
    assert kept[-1][2] == late.ordinal
    assert OLD[2] not in days_in_store(stage, PeakState)
