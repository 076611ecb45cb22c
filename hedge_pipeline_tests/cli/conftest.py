"""The command as a person calls it, over a home directory of its own."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hedge_pipeline import local
from hedge_pipeline.cli import main
from hedge_pipeline_tests.stage import Stage, staged

Hedge = Callable[..., Result]


@pytest.fixture
def hedge() -> Hedge:
    """Call `hedge` with these arguments."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return call


@pytest.fixture
def home() -> Iterator[Path]:
    """The home directory of the environment; its servers end with the test."""
    place = Path(os.environ["HEDGE_HOME"])
    yield place
    local.end_children()
    local.down(place)
    local._venues.found.pop(place, None)


@pytest.fixture
def stage(home: Path) -> Iterator[Stage]:
    """A fund in that home, valued just now by the wall clock, which is what a command reads."""
    with staged(home, start=datetime.now(UTC) - timedelta(seconds=30)) as built:
        built.beat()
        yield built
