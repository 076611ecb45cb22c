"""A Postgres server that is out of reach, restarted or asked to keep a commit."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from hedge_pipeline.adapters.state_store import open_state_store
from hedge_pipeline.adapters.state_store.driver_errors import secrets_of, translated
from hedge_pipeline.domain.errors import StoreUnavailable
from hedge_pipeline.domain.verdicts import Command
from hedge_pipeline_tests.adapters.state_store.examples import plain
from hedge_pipeline_tests.adapters.state_store.postgres_server import PostgresServer

ROW = plain(Command, account="main")


@pytest.fixture
def restartable(postgres: PostgresServer) -> Iterator[PostgresServer]:
    with PostgresServer(durable=False) as server:
        yield server


@pytest.mark.finding("S3-SEC-3")
@pytest.mark.parametrize(
    "address",
    [
        "fund:hunter2@127.0.0.1:1/x",
        "127.0.0.1:1/x?password=hunter2&user=fund",
        "fund:hunter2@/x?host=/nowhere",
    ],
)
def test_a_server_out_of_reach_is_named_without_the_password(address: str):
    with pytest.raises(StoreUnavailable) as refused:
        open_state_store(f"postgresql://{address}", create=True)

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "x: " in str(refused.value)


@pytest.mark.finding("S3-SEC-3")
@pytest.mark.parametrize(
    "address", ["fund:p%40ss@host/x", "host/x?password=p%40ss", "host/x?sslpassword=p%40ss"]
)
@pytest.mark.parametrize("written", ["p@ss", "p%40ss"])
def test_a_driver_that_repeats_the_password_is_not_quoted(address: str, written: str):
    hidden = secrets_of(make_url(f"postgresql://{address}"))

    complaint = r"^state store at x: bad address \*\*\* given$"
    with pytest.raises(StoreUnavailable, match=complaint), translated(sqlite3, "x", hidden):
        raise sqlite3.OperationalError(f"bad address {written}\ngiven")


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_named(postgres: PostgresServer):
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        open_state_store(postgres.url("nowhere"), create=True)


@pytest.mark.postgres
def test_a_server_that_was_restarted_is_found_again(restartable: PostgresServer):
    store = open_state_store(restartable.url(), create=True)
    store.append(ROW)

    restartable.stop()
    with pytest.raises(StoreUnavailable):
        store.append(ROW)
    with pytest.raises(StoreUnavailable):
        store.latest(Command, "main")
    restartable.start()

    store.append(ROW)
    assert store.rows(Command, "main") == [ROW, ROW]
    store.close()


@pytest.mark.postgres
def test_a_restart_costs_one_failure_however_many_connections_it_took(restartable: PostgresServer):
    store = open_state_store(restartable.url(), create=True)
    with store._database._connection(), store._database._connection(), store._database._connection():
        pass
    restartable.stop()
    restartable.start()

    with pytest.raises(StoreUnavailable):
        store.append(ROW)

    for _ in range(3):
        store.append(ROW)
    assert len(store.rows(Command, "main")) == 3
    store.close()


@pytest.mark.postgres
def test_a_commit_is_on_the_servers_disk_before_it_is_told(postgres: PostgresServer):
    store = open_state_store(postgres.url(), create=True)

    assert store._database.read("SHOW synchronous_commit", []) == [("on",)]
    assert store._database.read("SHOW timezone", []) == [("UTC",)]
    store.close()
