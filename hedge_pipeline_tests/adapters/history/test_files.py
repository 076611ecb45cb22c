"""Files of closed days: whole or not there, the same bytes for the same rows, never silently another."""

import multiprocessing
import os
import stat
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedge_pipeline.adapters.history import HistoryFiles, tables
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.history.partitions import Written
from hedge_pipeline.domain.market_data import Candle
from hedge_pipeline_tests.adapters.state_store.examples import anything, income

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 21, 0, 10, tzinfo=UTC)


def minute(number: int, **given: Any) -> Minute:
    start = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=number)
    unknown: dict[str, Any] = dict.fromkeys(Minute._fields)
    return Minute(
        **{**unknown, "account": "main", "minute": start, "day": DAY, "attempts": 2, "accepted": 2,
           "close": Decimal("1.000000000001"), "high": Decimal("1.1"), **given}
    )  # fmt: skip


ROWS = [minute(n) for n in range(5)]


@pytest.fixture
def history(tmp_path: Path) -> HistoryFiles:
    return HistoryFiles(tmp_path / "history")


def versions(history: HistoryFiles) -> dict[str, bytes]:
    folder = history.root / "nav_minutes" / "day=2026-11-20"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_is_read_back(history: HistoryFiles):
    assert history.write_day(Minute, DAY, ROWS, at=NOW) is Written.WRITTEN

    assert history.rows(Minute, DAY) == ROWS
    assert history.last(Minute, DAY) == ROWS[-1]
    assert history.holds(Minute, DAY)
    assert history.days(Minute) == [DAY]
    assert history.first(Minute) == DAY


@pytest.mark.finding("X-13")
@pytest.mark.parametrize("kind", tables.TABLES, ids=lambda kind: kind.__name__)
def test_columns_are_the_fields_of_the_row_in_order(kind: Any):
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else list(kind._fields)
    kept = tables.TABLES[kind]

    assert tables.schema_of(kind).names == [name for name in names if name not in kept.without]
    assert set(kept.key) <= set(names)


def test_what_was_never_written_is_not_there(history: HistoryFiles):
    assert history.rows(Minute, DAY) is None
    assert history.last(Minute, DAY) is None
    assert history.days(Minute) == []
    assert history.first(Minute) is None
    assert len(history.floats(Minute, "close")) == 0


def test_a_day_without_rows_is_stored_too(history: HistoryFiles):
    history.write_day(Minute, DAY, [], at=NOW)

    assert history.rows(Minute, DAY) == []
    assert history.last(Minute, DAY) is None


@given(st.permutations(ROWS))
@settings(max_examples=20)
def test_the_same_rows_are_the_same_bytes_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Minute]
):
    one, two = (HistoryFiles(tmp_path_factory.mktemp("history")) for _ in range(2))
    one.write_day(Minute, DAY, ROWS, at=NOW)
    two.write_day(Minute, DAY, rows, at=NOW + timedelta(days=3))

    assert versions(one) == versions(two)


def test_the_same_rows_again_change_nothing(history: HistoryFiles):
    history.write_day(Minute, DAY, ROWS, at=NOW)
    before = versions(history)

    assert history.write_day(Minute, DAY, ROWS, at=NOW, reason="once more") is Written.UNCHANGED
    assert versions(history) == before


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (
            [*ROWS[:-1], minute(4, close=Decimal(2))],
            "close of row 4 is 1.000000000001 and would be 2.000000000000",
        ),
        (ROWS[:-1], "5 rows are stored and 4 would be"),
    ],
)
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_other_rows_are_refused_without_a_reason(
    history: HistoryFiles, other: list[Minute], difference: str, reason: str | None
):
    history.write_day(Minute, DAY, ROWS, at=NOW)

    with pytest.raises(InvalidState, match=f"nav_minutes of 2026-11-20: {difference}"):
        history.write_day(Minute, DAY, other, at=NOW, reason=reason)
    assert history.rows(Minute, DAY) == ROWS


def test_a_restatement_is_kept_beside_what_it_restates(history: HistoryFiles):
    history.write_day(Minute, DAY, ROWS, at=NOW)
    first = versions(history)
    other = [minute(9)]

    assert history.write_day(Minute, DAY, other, at=NOW, reason="a feed was wrong") is Written.RESTATED

    assert history.rows(Minute, DAY) == other
    assert versions(history).items() > first.items()
    (told,) = history.restatements(Minute)
    assert (told.table, told.day, told.version, told.reason, told.restated_at) == (
        "nav_minutes", DAY, 2, "a feed was wrong", NOW,
    )  # fmt: skip
    assert history.write_day(Minute, DAY, ROWS, at=NOW, reason="it was right") is Written.RESTATED
    assert [entry.version for entry in history.restatements(Minute)] == [2, 3]


def test_a_value_that_does_not_fit_names_its_column(history: HistoryFiles):
    with pytest.raises(InvalidState, match=r"nav_minutes\.close: .*data loss"):
        history.write_day(Minute, DAY, [minute(0, close=Decimal("1.0000000000001"))], at=NOW)
    with pytest.raises(InvalidState, match=r"nav_minutes\.close: "):
        history.write_day(Minute, DAY, [minute(0, close=Decimal(10) ** 27)], at=NOW)
    with pytest.raises(InvalidState, match=r"nav_minutes\.attempts: a value is unknown"):
        history.write_day(Minute, DAY, [minute(0, attempts=None)], at=NOW)
    assert history.days(Minute) == []


def test_when_a_fact_was_looked_up_is_no_part_of_it(history: HistoryFiles):
    from hedge_pipeline.domain.account import IncomeRow

    history.write_day(IncomeRow, DAY, [income(1, recorded_at=NOW)], at=NOW)

    assert (
        history.write_day(IncomeRow, DAY, [income(1, recorded_at=NOW + timedelta(days=1))], at=NOW)
        is Written.UNCHANGED
    )
    with pytest.raises(TypeError, match="does not keep recorded_at"):
        history.rows(IncomeRow, DAY)


candles = st.builds(
    Candle,
    symbol=st.text("ABC", min_size=1, max_size=3),
    interval=st.just(timedelta(minutes=1)),
    open_at=anything(datetime),
    **{
        name: st.decimals("-1e19", "1e19", places=18, allow_nan=False, allow_infinity=False)
        for name in ("open", "high", "low", "close", "volume")
    },
)


@given(st.lists(candles, max_size=4))
@settings(max_examples=40)
def test_amounts_and_instants_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, rows: list[Candle]):
    history = HistoryFiles(tmp_path_factory.mktemp("history"))
    history.write_day(Candle, DAY, rows, at=NOW)

    assert history.rows(Candle, DAY) == sorted(rows, key=lambda row: (row.open_at, row.symbol, row.interval))


@pytest.mark.parametrize("damage", [b"", b"PAR1", None])
def test_a_damaged_file_is_named_with_what_to_do(history: HistoryFiles, damage: bytes | None):
    history.write_day(Minute, DAY, [minute(n) for n in range(500)], at=NOW)
    (path,) = history.files("nav_minutes")
    content = path.read_bytes()
    path.write_bytes(
        damage if damage is not None else content[:200] + bytes([content[200] ^ 1]) + content[201:]
    )

    with pytest.raises(InvalidState, match=r"v0001\.parquet cannot be read: .*restore it from a backup"):
        history.rows(Minute, DAY)


def test_what_a_killed_writer_left_is_not_read_and_goes_away(history: HistoryFiles):
    folder = history.root / "nav_minutes" / "day=2026-11-20"
    folder.mkdir(parents=True)
    (folder / ".v0001.parquet.4711.tmp").write_bytes(b"half a file")

    assert not history.holds(Minute, DAY)
    assert history.days(Minute) == []
    history.write_day(Minute, DAY, ROWS, at=NOW)
    assert list(versions(history)) == ["v0001.parquet"]


def test_a_write_that_fails_leaves_nothing_behind(history: HistoryFiles, monkeypatch: pytest.MonkeyPatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        history.write_day(Minute, DAY, ROWS, at=NOW)
    assert not history.holds(Minute, DAY)


def test_only_the_owner_may_read_it(history: HistoryFiles):
    before = os.umask(0)
    try:
        history.write_day(Minute, DAY, ROWS, at=NOW)
    finally:
        os.umask(before)
    (path,) = history.files("nav_minutes")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, history.root)} == {0o700}


def _write(root: Path, number: int) -> str:
    rows = [minute(n, attempts=2 + number) for n in range(50)]
    return HistoryFiles(root).write_day(Minute, DAY, rows, at=NOW, reason=f"writer {number}").value


def test_writers_of_several_processes_take_turns(tmp_path: Path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        outcomes = pool.starmap(_write, [(tmp_path, number) for number in range(3)])

    history = HistoryFiles(tmp_path)
    assert sorted(outcomes) == ["restated", "restated", "written"]
    assert [entry.version for entry in history.restatements(Minute)] == [2, 3]
