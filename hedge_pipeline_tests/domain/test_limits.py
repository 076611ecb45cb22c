"""The limits as values: what they are built from, and the fingerprint that names them."""

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.limits import Freshness, Ladder, RiskLimits

LIMITS = RiskLimits(
    freshness=Freshness(
        nav=timedelta(seconds=90),
        peak=timedelta(seconds=120),
        marks=timedelta(seconds=60),
        source_spread=timedelta(seconds=10),
        future_tolerance=timedelta(seconds=1),
        round_trip=timedelta(seconds=2),
        clock_offset_reduce=timedelta(seconds=1),
        clock_offset_halt=timedelta(milliseconds=2500),
        instruments=timedelta(hours=24),
        income_final=timedelta(seconds=60),
        income_overlap=timedelta(minutes=10),
        reconcile_grace=timedelta(seconds=180),
        transit=timedelta(hours=24),
    ),
    drawdown=Ladder(
        warn=Decimal("0.10"), reduce=Decimal("0.15"), halt=Decimal("0.20"), flatten=Decimal("0.25")
    ),
    daily_loss=Ladder(warn=Decimal("0.05"), reduce=Decimal("0.10"), halt=Decimal("0.15")),
    hard_ceiling=Decimal("0.30"),
    depeg=Decimal("0.01"),
    tripwire=Decimal("0.05"),
    jump_factor=Decimal(3),
    jump_step=Decimal("0.20"),
    mark_tolerance=Decimal("0.005"),
    cooldown=timedelta(minutes=60),
    reserves_halt_trading=False,
    reset_timezone="UTC",
)


def changed(value: object) -> object:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case None:
            return Decimal("0.9")
        case str():
            return "Asia/Tokyo"
        case timedelta():
            return value + timedelta(microseconds=1)
        case Decimal():
            return value + Decimal("1E-20")
        case int():
            return value + 1
    raise AssertionError(value)


def others(limits: Any) -> Iterator[Any]:
    """The same limits with one leaf changed, for every leaf."""
    for field in fields(limits):
        value = getattr(limits, field.name)
        for other in others(value) if is_dataclass(value) else (changed(value),):
            yield replace(limits, **{field.name: other})


def test_every_limit_is_part_of_the_fingerprint():
    fingerprints = [other.fingerprint() for other in others(LIMITS)]

    assert len(fingerprints) >= 30
    assert len({LIMITS.fingerprint(), *fingerprints}) == len(fingerprints) + 1


@given(zeros=st.integers(0, 6))
def test_the_way_a_number_is_written_does_not_change_the_fingerprint(zeros: int):
    longer = Decimal("0.01" + "0" * zeros)

    assert replace(LIMITS, depeg=longer).fingerprint() == LIMITS.fingerprint()


def test_the_fingerprint_is_the_same_in_every_process_and_release():
    assert LIMITS.fingerprint() == "8843def01bee"


def test_limits_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        LIMITS.depeg = Decimal(1)  # type: ignore[misc]  # that it fails is the point
