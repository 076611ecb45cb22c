"""SQL over closed days and live rows: exact, read-only, and alone in its own memory."""

import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.history.sql import Sql
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.adapters.state_store.tables import TABLE_NAMES
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.errors import CommandRefused, StoreUnavailable
from hedge_pipeline.domain.history.minutes import Minute
from hedge_pipeline.domain.market_data import Candle, Fill
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.readings import CandlesReading
from hedge_pipeline_tests import examples
from hedge_pipeline_tests.adapters.history.test_files import DAY, NOW, ROWS, minute
from hedge_pipeline_tests.adapters.state_store.examples import fill, income, intent, plain

LIVE = {name: row_class for row_class, name in TABLE_NAMES.items()}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.sqlite"


@pytest.fixture
def store(url: str) -> Iterator[SqlStateStore]:
    opened = open_state_store(url, create=True)
    yield opened
    opened.close()


@pytest.fixture
def history(tmp_path: Path) -> HistoryFiles:
    files = HistoryFiles(tmp_path / "history")
    files.write_day(Minute, DAY, ROWS, at=NOW)
    return files


@pytest.fixture
def sql(history: HistoryFiles, url: str, store: SqlStateStore) -> Sql:
    return Sql(
        history, store=lambda: open_state_store(url, create=False, read_only=True), live=LIVE, account="main"
    )


def ask(sql: Sql, query: str) -> list[tuple[Any, ...]]:
    return list(sql.ask(query).rows())


def test_closed_days_are_asked_by_the_name_of_their_asset(sql: Sql):
    assert ask(sql, "SELECT count(*), sum(accepted)::INT FROM nav_minutes") == [(5, 10)]
    assert ask(sql, "SELECT close, minute FROM history.nav_minutes ORDER BY minute LIMIT 1") == [
        (Decimal("1.000000000001"), datetime(2026, 11, 20, tzinfo=UTC))
    ]


def test_the_last_version_of_a_day_is_asked(sql: Sql, history: HistoryFiles):
    history.write_day(Minute, DAY, [minute(0)], at=NOW, reason="fewer")
    assert ask(sql, "SELECT count(*) FROM nav_minutes") == [(1,)]


def test_a_table_without_a_day_is_empty_not_unknown(sql: Sql):
    assert ask(sql, "SELECT day FROM nav_daily") == []
    assert ask(sql, "SELECT seq FROM archive.nav_snapshots") == []


def test_live_rows_are_exact_and_typed(sql: Sql, store: SqlStateStore):
    part = examples.nav_snapshot(trading_nav=Decimal("0.123456789012345678"), as_of=NOW)
    store.append(part)

    ((nav, as_of, accepted, asset),) = ask(
        sql, "SELECT trading_nav, as_of, accepted, parts->0->>'asset' FROM nav_snapshots"
    )

    assert (nav, as_of, accepted, asset) == (Decimal("0.123456789012345678"), NOW, True, part.parts[0].asset)


def test_a_live_amount_beyond_eighteen_places_is_rounded_half_even(sql: Sql, store: SqlStateStore):
    store.append(plain(NavSnapshot, account="main", ordinal=1, trading_nav=Decimal("1.0000000000000000005")))
    assert ask(sql, "SELECT trading_nav FROM nav_snapshots") == [(Decimal("1.000000000000000000"),)]


def test_live_and_closed_meet_in_one_question(sql: Sql, store: SqlStateStore, history: HistoryFiles):
    store.append_new_income([income(1), income(2)])
    history.write_day(IncomeRow, DAY, [income(1)], at=NOW)

    assert ask(sql, "SELECT count(*) FROM income") == [(2,)]
    assert ask(sql, "SELECT count(*) FROM history.income") == [(1,)]
    assert ask(
        sql,
        "WITH late AS (SELECT tran_id FROM income EXCEPT SELECT tran_id FROM history.income) SELECT * FROM late",
    ) == [("2",)]


def test_fills_and_candles_are_live_rows_and_closed_days_by_one_name_each(
    sql: Sql, store: SqlStateStore, history: HistoryFiles
):
    closed = plain(Candle, open_at=NOW)
    read = plain(
        CandlesReading,
        account="main",
        symbol="BTCUSDT",
        interval=timedelta(minutes=5),
        candles=(closed,),
        recorded_at=NOW,
    )
    store.append_new_fills([fill(1), fill(2)])
    store.append(read, replace(read, candles=None))
    history.write_day(Fill, DAY, [plain(Fill, account="main", fill_id="1", filled_at=NOW)], at=NOW)
    history.write_day(Candle, DAY, [closed], at=NOW)
    names = [column.name for column in fields(CandlesReading)]
    rows = store.plain(CandlesReading, "main", *names, most=1)
    history.archive_day(CandlesReading, DAY, rows, at=NOW, reason=None)

    assert ask(sql, "SELECT fill_id, origin FROM fills ORDER BY fill_id") == [("1", "ours"), ("2", "ours")]
    assert ask(
        sql,
        "SELECT live.fill_id, closed.fill_id FROM fills live LEFT JOIN history.fills closed USING (fill_id) ORDER BY 1",
    ) == [("1", "1"), ("2", None)]
    assert ask(sql, "SELECT symbol, interval, candles->0->>'close' FROM candles") == [
        ("BTCUSDT", "300", "1.5"),
        ("BTCUSDT", "300", None),
    ]
    assert ask(sql, "SELECT close FROM history.candles") == [(Decimal("1.5"),)]
    assert ask(sql, "SELECT interval, len(candles) > 2 FROM archive.candles") == [("300", True)]
    assert ask(sql, "SELECT (SELECT count(*) FROM candles), (SELECT count(*) FROM archive.candles)") == [
        (2, 1)
    ]


def test_an_intent_is_asked_by_the_fields_of_its_order(sql: Sql, store: SqlStateStore):
    store.append(intent(1), intent(2))

    assert ask(sql, """SELECT client_order_id, "order"->>'limit_price' FROM intents ORDER BY 1""") == [
        ("order-1", "65000.1"),
        ("order-2", "65000.1"),
    ]
    assert "settled" not in dict(row[:2] for row in ask(sql, "DESCRIBE intents"))


def test_archived_rows_are_asked_with_money_as_numbers(sql: Sql, store: SqlStateStore, history: HistoryFiles):
    store.append(plain(NavSnapshot, account="main", ordinal=1, trading_nav=Decimal("1.5"), recorded_at=NOW))
    names = [column.name for column in fields(NavSnapshot)]
    rows = store.plain(NavSnapshot, "main", *names, most=10)
    history.archive_day(NavSnapshot, DAY, rows, at=NOW, reason=None)

    assert history.archived(NavSnapshot, DAY) == rows
    assert ask(sql, "SELECT trading_nav * 2 FROM archive.nav_snapshots") == [(Decimal(3),)]


def test_only_what_a_query_names_is_read(history: HistoryFiles):
    def absent() -> SqlStateStore:
        raise StoreUnavailable("the state store is not there")

    sql = Sql(history, store=absent, live=LIVE, account="main")

    assert ask(sql, "SELECT count(*) FROM nav_minutes") == [(5,)]
    with pytest.raises(StoreUnavailable):
        sql.ask("SELECT count(*) FROM incidents")


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{path}'",
        "ATTACH '{path}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA database_list",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO nav_minutes VALUES (1)",
        "DELETE FROM nav_snapshots",
        "DROP VIEW nav_minutes",
        "EXPORT DATABASE '{path}'",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_nothing_but_one_question_is_answered(sql: Sql, tmp_path: Path, statement: str):
    path = tmp_path / "written"
    with pytest.raises(CommandRefused) as refused:
        sql.ask(statement.format(path=path))
    assert "\n" not in str(refused.value)
    assert not path.exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{path}')",
        "SELECT * FROM read_csv('{path}')",
        "SELECT * FROM read_parquet('{folder}/history/nav_minutes/day=2026-11-20/v0001.parquet')",
        "SELECT * FROM '{path}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_blob('{folder}/state.sqlite')",
        "SELECT * FROM sqlite_scan('{folder}/state.sqlite', 'nav_snapshots')",
    ],
)
def test_no_file_can_be_opened(sql: Sql, tmp_path: Path, query: str):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    with pytest.raises(CommandRefused) as refused:
        sql.ask(query.format(path=secret, folder=tmp_path))
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_python_has_at_hand_is_no_table(sql: Sql):
    leaked = pa.table({"password": ["hunter2"]})
    with pytest.raises(CommandRefused, match="leaked does not exist"):
        sql.ask("SELECT * FROM leaked")
    assert leaked.num_rows == 1


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nope", "nope does not exist"),
        ("SELECT x FROM nav_minutes", '"x"'),
    ],
)
def test_a_wrong_question_is_told_in_a_line(sql: Sql, query: str, complaint: str):
    with pytest.raises(CommandRefused, match=complaint) as refused:
        sql.ask(query)
    assert "\n" not in str(refused.value)


def test_a_table_describes_itself(sql: Sql):
    columns = dict(row[:2] for row in ask(sql, "DESCRIBE nav_snapshots"))
    assert columns["trading_nav"] == "DECIMAL(38,18)"
    assert columns["as_of"] == "TIMESTAMP WITH TIME ZONE"
    assert columns["parts"] == "VARCHAR"


def test_every_name_that_is_offered_can_be_asked(sql: Sql):
    for name in sql.names():
        assert ask(sql, f"SELECT count(*) FROM {name}")


def test_a_question_neither_waits_for_a_writer_nor_lets_one_wait(sql: Sql, store: SqlStateStore):
    """A write transaction stays open while the question is answered; a writer commits while answers are read."""
    store.append(*[plain(NavSnapshot, account="main", ordinal=n) for n in range(1, 200)])
    with store._database.writing() as connection:
        connection.execute("UPDATE nav_snapshots SET complete = 1")
        assert ask(sql, "SELECT count(*) FROM nav_snapshots WHERE complete") == [(0,)]
    stopped, failures, appended = threading.Event(), [], []

    def write() -> None:
        ordinal = 200
        while not stopped.is_set():
            try:
                store.append(plain(NavSnapshot, account="main", ordinal=ordinal))
            except StoreUnavailable as error:
                failures.append(error)
            appended.append(ordinal)
            ordinal += 1

    writer = threading.Thread(target=write)
    writer.start()
    counts = [ask(sql, "SELECT count(*) FROM nav_snapshots")[0][0] for _ in range(5)]
    stopped.set()
    writer.join()

    assert failures == []
    assert appended
    assert counts == sorted(counts)


def test_days_of_years_are_one_table(tmp_path: Path, store: SqlStateStore):
    history = HistoryFiles(tmp_path / "long")
    for number in range(30):
        day = date(2026, 1, 1) + timedelta(days=number)
        history.write_day(Minute, day, [minute(0, day=day)], at=NOW)
    sql = Sql(history, store=lambda: store, live=LIVE, account="main")

    assert ask(sql, "SELECT count(DISTINCT day), max(day) FROM nav_minutes") == [(30, date(2026, 1, 30))]
