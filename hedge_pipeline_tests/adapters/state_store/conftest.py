"""Stores for the tests: one suite over both engines."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline_tests.adapters.state_store.postgres_server import WHEEL, PostgresServer, wheel_programs

ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if wheel_programs() is None:
        pytest.skip(f"the wheel {WHEEL} is not installed: no Postgres server to test on")
    with PostgresServer(durable=False) as server:
        yield server


def new_schema(server: PostgresServer) -> str:
    """URL whose tables lie in an empty schema: a database of its own would cost each test 7 MB of files."""
    name = f"store_{next(_numbers)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server.url()}&options=-csearch_path%3D{name}"


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where no store is yet."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/home/state.db"
    return new_schema(request.getfixturevalue("postgres"))


@pytest.fixture
def store(url: str) -> Iterator[SqlStateStore]:
    opened = open_state_store(url, create=True)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def lasting_store(
    engine: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[SqlStateStore]:
    """One store for many examples, which tell themselves apart by account."""
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db"
    else:
        url = new_schema(request.getfixturevalue("postgres"))
    opened = open_state_store(url, create=True)
    yield opened
    opened.close()
