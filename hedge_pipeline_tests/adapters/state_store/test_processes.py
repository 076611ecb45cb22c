"""Several processes on one store, and processes that are killed."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.errors import ConcurrentAppend
from hedge_pipeline.domain.trading.readings import FillOrigin, LedgerFill
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store import appender
from hedge_pipeline_tests.adapters.state_store.examples import fill, income, intent, plain

CHECKOUT = Path(__file__).resolve().parents[3]


def start(url: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", appender.__name__, url, name, str(count)]
    return subprocess.Popen(command, cwd=CHECKOUT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_several_processes_make_one_store_and_append_to_it_at_once(url: str):
    processes = [start(url, name, 15) for name in "abc"]
    answers = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 3, "\n".join(error for _, error in answers)
    store = open_state_store(url, create=False)
    assert {line.split()[1] for lines, _ in answers for line in lines.splitlines()} == {store.store_id}
    peaks = store.rows(PeakState, "main")
    assert [peak.ordinal for peak in peaks] == list(range(1, 46)), "a chain without holes or forks"
    assert {peak.origin for peak in peaks} == set("abc")
    assert len(store.rows(Command, "main")) == 45, "each with the row it was appended with"
    assert len(store.rows(IncomeRow, "main")) == 15, "and the same income only once"
    store.close()


@pytest.mark.finding("S1-DD-4")
def test_what_was_appended_survives_a_kill(url: str):
    process = start(url, "victim", 10**6)
    assert process.stdout is not None
    kept = [int(process.stdout.readline().split()[0]) for _ in range(5)]
    process.kill()
    rest, _ = process.communicate()
    kept += [int(line.split()[0]) for line in rest.splitlines() if line.count(" ") == 1]

    for read_only in (True, False):
        store = open_state_store(url, create=False, read_only=read_only)
        ordinals = [peak.ordinal for peak in store.rows(PeakState, "main")]
        assert ordinals == list(range(1, len(ordinals) + 1))
        assert len(ordinals) - kept[-1] in {0, 1}, "what was said to be kept, and at most one more"
        assert len(store.rows(Command, "main")) == len(ordinals)
        store.close()


def test_threads_share_a_store(store: SqlStateStore):
    errors: list[Exception] = []
    origins = dict(zip("abcdef", [FillOrigin.UNKNOWN, FillOrigin.OURS] * 3, strict=True))

    def work(name: str) -> None:
        try:
            for number in range(15):
                store.append(plain(Command, account="main", actor=name, reason=str(number)))
                store.latest(Command, "main", actor=name)
                store.append_new_income([income(number)])
                store.append_new_fills([fill(number, origin=origins[name])])
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(store.rows(Command, "main")) == 90
    assert len(store.rows(IncomeRow, "main")) == 15
    assert [row.origin for row in store.rows(LedgerFill, "main")] == [FillOrigin.OURS] * 15


def test_of_several_who_want_to_send_the_same_order_one_may(store: SqlStateStore):
    stored: list[str] = []

    def work(name: str) -> None:
        for number in range(15):
            with suppress(ConcurrentAppend):
                store.append(intent(number, strategy=name))
                stored.append(f"order-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(stored) == sorted(row.client_order_id for row in store.unsettled("main"))
    assert len(stored) == len(set(stored)) == 15


def test_a_forked_child_uses_connections_of_its_own(store: SqlStateStore):
    store.append(plain(Command, account="main", actor="parent"))
    with store._database._connection() as connection:
        of_the_parent = connection

    child = os.fork()
    if child == 0:
        try:
            store.append(plain(Command, account="main", actor="child"))
            with store._database._connection() as connection:
                os._exit(2 if connection is of_the_parent else 0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    store.append(plain(Command, account="main", actor="parent"))

    assert os.waitstatus_to_exitcode(status) == 0
    assert [row.actor for row in store.rows(Command, "main")] == ["parent", "child", "parent"]


def test_readers_are_not_held_up_by_a_writer(store: SqlStateStore, url: str):
    store.append(plain(Command, account="main", actor="before"))
    reader = open_state_store(url, create=False, read_only=True)

    with store._database.writing() as connection:
        sql = store._statements.insert(Command)
        connection.execute(sql, store._encoded(Command, [plain(Command, account="main", actor="during")])[0])
        assert [row.actor for row in reader.rows(Command, "main")] == ["before"]

    assert [row.actor for row in reader.rows(Command, "main")] == ["before", "during"]
    reader.close()


def test_income_of_two_processes_is_seen_in_the_order_of_its_row_ids(store: SqlStateStore, url: str):
    """A baseline passes over row ids: none may come to light below one that was seen."""
    other = open_state_store(url, create=False)
    done = threading.Event()

    def append_another() -> None:
        other.append_new_income([income(2)])
        done.set()

    thread = threading.Thread(target=append_another)
    with store._database.writing() as connection:
        store._insert(connection, IncomeRow, [income(1)], store._encoded(IncomeRow, [income(1)]))
        thread.start()
        assert not done.wait(0.2), "the second waits for the first to be seen"
    thread.join()

    assert store.rows(IncomeRow, "main") == [income(1), income(2)]
    other.close()
