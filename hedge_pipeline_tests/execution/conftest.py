"""One store for all tests of execution: each desk has an account of its own in it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline_tests.execution.desks import DeskStage, staged

Stages = Callable[..., DeskStage]


@pytest.fixture(scope="session")
def desk_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStateStore]:
    home = tmp_path_factory.mktemp("execution")
    with closing(open_state_store(f"sqlite:///{home}/state.sqlite", create=True)) as store:
        yield store


@pytest.fixture(scope="session")
def stages(desk_store: SqlStateStore) -> Stages:
    """Makes one stage after another: a property asks for one per example."""

    def make(**changes: Any) -> DeskStage:
        return staged(desk_store, **changes)

    return make


@pytest.fixture
def stage(stages: Stages) -> DeskStage:
    return stages()
