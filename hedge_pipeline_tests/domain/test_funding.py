"""The side that pays too much funding shrinks before the settlement; unknown funding opens nothing."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedge_pipeline.domain.account import Mark
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.funding import FundingRule, FundingState, FundingVerdict, guard_funding
from hedge_pipeline.domain.grid import Ladders
from hedge_pipeline_tests.domain.trading_examples import (
    CENTER,
    LONG,
    SHORT,
    START,
    golden_ladders,
    levels,
    quantities,
)

MINUTE = timedelta(minutes=1)
EIGHT_HOURS = timedelta(hours=8)
RULE = FundingRule(
    window=480 * MINUTE,
    max_cost_bps=Decimal(12),
    max_age=timedelta(seconds=60),
    future_tolerance=timedelta(seconds=1),
)


def mark(rate: str = "0.002", minutes_until: float = 240, **changes: Any) -> Mark:
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "mark_price": CENTER,
        "index_price": CENTER,
        "funding_rate": Decimal(rate),
        "next_funding_at": START + minutes_until * MINUTE,
        "as_of": START,
    }
    return Mark(**{**fields, **changes})


def guard(
    stated: Mark | None,
    interval: timedelta | None = EIGHT_HOURS,
    rule: FundingRule = RULE,
    ladders: Ladders | None = None,
) -> FundingVerdict:
    return guard_funding(ladders or golden_ladders(), stated, interval, rule, now=START)


def total(verdict: FundingVerdict) -> tuple[Decimal, Decimal]:
    return sum(quantities(verdict.ladders.long), Decimal(0)), sum(
        quantities(verdict.ladders.short), Decimal(0)
    )


ALL = Decimal("0.01361")


@pytest.mark.finding("S3-FUND-1")
@pytest.mark.parametrize(
    ("rate", "window", "minutes_until", "cost_bps", "left", "state"),
    [
        ("0.0020", 480, 240, "20", ("0.006805", ALL), FundingState.SHRUNK),
        ("0.0012", 480, 240, "12", (ALL, ALL), FundingState.AFFORDABLE),
        ("0.0013", 480, 0, "13", ("0", ALL), FundingState.SHRUNK),
        ("-0.0020", 480, 120, "20", (ALL, "0.0034025"), FundingState.SHRUNK),
        ("0.0020", 480, 481, "20", (ALL, ALL), FundingState.DISTANT),
        ("0.0020", 60, 30, "2.5", (ALL, ALL), FundingState.AFFORDABLE),
        ("0.0100", 60, 30, "12.5", ("0.006805", ALL), FundingState.SHRUNK),
    ],
)
def test_the_documented_settlements_shrink_what_they_always_did(
    rate: str, window: int, minutes_until: int, cost_bps: str, left: Any, state: FundingState
):
    verdict = guard(mark(rate, minutes_until), rule=replace(RULE, window=window * MINUTE))

    assert verdict.state is state
    assert verdict.cost_bps == Decimal(cost_bps)
    assert total(verdict) == tuple(map(Decimal, left))


@pytest.mark.finding("S3-FUND-1")
@pytest.mark.parametrize(("hours", "cost_bps"), [(8, "4"), (4, "8"), (2, "16"), (1, "32")])
def test_a_shorter_interval_of_the_symbols_own_charges_the_rate_more_often(hours: int, cost_bps: str):
    verdict = guard(mark("0.0004", 30), timedelta(hours=hours))

    assert verdict.cost_bps == Decimal(cost_bps)
    assert verdict.state is (FundingState.SHRUNK if hours <= 2 else FundingState.AFFORDABLE)


@pytest.mark.finding("S3-FUND-1")
def test_the_cost_is_told_in_money_too():
    verdict = guard(mark("0.0020", 240, mark_price=Decimal(99_000)))

    notional = ALL * 99_000
    assert verdict.cost_usd == notional * Decimal("0.0020") * 1, "over one whole interval"
    assert guard(mark("-0.0020", 240), timedelta(hours=4)).cost_usd == ALL * CENTER * Decimal("0.0020") * 2


@pytest.mark.finding("S3-FUND-1")
@given(
    st.decimals(min_value="-0.05", max_value="0.05", places=5),
    st.integers(0, 1000),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(60, 1440),
)
def test_only_the_side_that_pays_ever_shrinks(rate: Decimal, minutes_until: int, hours: int, window: int):
    before = golden_ladders()
    verdict = guard(
        mark(str(rate), minutes_until), timedelta(hours=hours), replace(RULE, window=window * MINUTE)
    )
    paying, paid = (LONG, SHORT) if rate >= 0 else (SHORT, LONG)

    assert verdict.paying_side is paying
    assert verdict.ladders.of(paid) == before.of(paid)
    assert 0 <= verdict.kept <= 1
    assert quantities(verdict.ladders.of(paying)) == (
        [quantity * verdict.kept for quantity in quantities(before.of(paying))] if verdict.kept else []
    )
    assert levels(verdict.ladders.of(paying)) == (levels(before.of(paying)) if verdict.kept else [])


@given(st.integers(0, 480), st.integers(0, 480))
def test_the_closer_the_settlement_the_less_is_left(one: int, other: int):
    near, far = sorted((one, other))

    assert guard(mark(minutes_until=near)).kept <= guard(mark(minutes_until=far)).kept


@pytest.mark.finding("S3-FUND-1")
@pytest.mark.parametrize(
    ("stated", "interval", "told"),
    [
        (None, EIGHT_HOURS, "could not be read"),
        (mark(), None, "interval is not known"),
        (mark(), timedelta(0), "interval is not known"),
        (mark(symbol="ETHUSDT"), EIGHT_HOURS, "the mark is of ETHUSDT"),
        (mark("NaN"), EIGHT_HOURS, "is none"),
        (mark(mark_price=Decimal(0)), EIGHT_HOURS, "is none"),
        (mark(as_of=START - timedelta(seconds=61)), EIGHT_HOURS, "61 s old"),
        (mark(as_of=START + timedelta(seconds=2)), EIGHT_HOURS, "2 s ahead of us"),
        (mark(minutes_until=-1), EIGHT_HOURS, "names no next one"),
    ],
)
def test_unknown_funding_is_a_state_of_its_own_and_opens_nothing(
    stated: Mark | None, interval: timedelta | None, told: str
):
    verdict = guard(stated, interval)

    assert verdict.state is FundingState.UNKNOWN
    assert told in verdict.detail
    assert verdict.ladders.rungs == ()
    assert (verdict.paying_side, verdict.cost_bps, verdict.cost_usd) == (None, None, None)
    assert verdict.kept == 0


@pytest.mark.finding("X-16")
def test_the_rates_age_and_the_settlement_are_judged_by_the_jobs_clock():
    stated = mark(minutes_until=240)
    later = START + timedelta(seconds=60)

    assert guard_funding(golden_ladders(), stated, EIGHT_HOURS, RULE, now=later).kept == Decimal(239) / 480
    too_late = later + timedelta(microseconds=1)
    assert (
        guard_funding(golden_ladders(), stated, EIGHT_HOURS, RULE, now=too_late).state is FundingState.UNKNOWN
    )


@pytest.mark.parametrize(
    "changes", [{"window": timedelta(0)}, {"max_cost_bps": Decimal(-1)}, {"max_cost_bps": Decimal("NaN")}]
)
def test_a_rule_that_cannot_be_applied_is_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidState, match="funding_"):
        replace(RULE, **changes)
