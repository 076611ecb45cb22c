"""A key is dangerous for what it may do beyond its use, and doubtful where it cannot do its work or does the unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.key_permissions import (
    MOVES_MONEY,
    READS,
    TRADES,
    KeyPermissions,
    KeyUse,
    judge_key,
)

READING = frozenset({"enableReading"})
TRADING = frozenset({"enableReading", "enableFutures"})
EVERY = sorted(READS | TRADES | MOVES_MONEY.keys() | {"enableTimeTravel"})


def key(granted: frozenset[str], *, bound: bool = True) -> KeyPermissions:
    return KeyPermissions(is_bound_to_addresses=bound, granted=granted)


@pytest.mark.parametrize(("use", "granted"), [(KeyUse.READING, READING), (KeyUse.TRADING, TRADING)])
def test_a_key_that_may_do_its_work_and_nothing_else_is_fit(use: KeyUse, granted: frozenset[str]):
    verdict = judge_key(key(granted), use)

    assert (verdict.dangers, verdict.doubts) == ((), ())


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize("use", KeyUse)
@pytest.mark.parametrize("name", MOVES_MONEY)
def test_a_key_that_moves_money_is_dangerous_whatever_it_is_for(use: KeyUse, name: str):
    (danger,) = judge_key(key((TRADING if use is KeyUse.TRADING else READING) | {name}), use).dangers

    assert name in danger


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize(("use", "granted"), [(KeyUse.READING, READING), (KeyUse.TRADING, TRADING)])
def test_a_key_that_works_from_anywhere_is_dangerous(use: KeyUse, granted: frozenset[str]):
    (danger,) = judge_key(key(granted, bound=False), use).dangers

    assert "ipRestrict" in danger


@pytest.mark.finding("S3-CFG-2")
@pytest.mark.parametrize("name", sorted(TRADES))
def test_a_key_held_for_reading_must_not_trade(name: str):
    (danger,) = judge_key(key(READING | {name}), KeyUse.READING).dangers

    assert name in danger


def test_a_key_held_for_trading_that_may_not_is_told():
    (doubt,) = judge_key(key(READING), KeyUse.TRADING).doubts

    assert "enableFutures" in doubt


def test_a_key_that_may_not_read_is_told():
    (doubt,) = judge_key(key(frozenset()), KeyUse.READING).doubts

    assert "enableReading" in doubt


def test_a_permission_this_program_does_not_know_is_told_and_does_not_stop_live():
    verdict = judge_key(key(READING | {"enableTimeTravel"}), KeyUse.READING)

    assert verdict.dangers == ()
    assert "enableTimeTravel" in verdict.doubts[0]


@given(granted=st.frozensets(st.sampled_from(EVERY)), bound=st.booleans(), use=st.sampled_from(KeyUse))
def test_one_more_permission_never_makes_a_key_less_dangerous(
    *, granted: frozenset[str], bound: bool, use: KeyUse
):
    before = judge_key(key(granted, bound=bound), use).dangers
    for name in EVERY:
        after = judge_key(key(granted | {name}, bound=bound), use).dangers
        assert len(after) >= len(before)
