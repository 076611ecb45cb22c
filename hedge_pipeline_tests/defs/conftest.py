"""Definitions over a staged fund, with a Dagster instance of their own."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from hedge_pipeline.definitions import build_definitions
from hedge_pipeline_tests.defs.driving import Ticker
from hedge_pipeline_tests.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path / "home") as built:
        yield built


@pytest.fixture
def definitions(stage: Stage) -> dg.Definitions:
    return build_definitions(stage.fund)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def tick(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Ticker:
    return Ticker(definitions, instance)
