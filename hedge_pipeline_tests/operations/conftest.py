"""A fund that trades already, and one that nobody has declared a baseline for."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from hedge_pipeline.domain.limits import Ladder
from hedge_pipeline_tests.stage import Stage, staged

HARDLY = Ladder(warn=Decimal("0.97"), reduce=Decimal("0.98"), halt=Decimal("0.99"))
"""The day's loss stays out of the way of tests of the drawdown."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Paper, after its first cycle: ACTIVE."""
    with staged(tmp_path / "home", limits={"daily_loss": HARDLY}) as built:
        built.beat()
        yield built


@pytest.fixture
def serious(tmp_path: Path) -> Iterator[Stage]:
    """As outside paper: two people, and no baseline unless somebody declares one."""
    with staged(tmp_path / "home", limits={"daily_loss": HARDLY}) as built:
        built.fund = replace(built.fund, self_inception=False, two_people=True)
        built.beat()
        yield built
