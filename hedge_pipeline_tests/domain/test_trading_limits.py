"""Limits that would limit nothing are refused by name."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.domain.trading_limits import BreakerLimit, BucketLimit, RateLimit
from hedge_pipeline_tests.domain.trading_limit_examples import BTC, LIMITS


@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (LIMITS, "minimum_notional_usd"),
        (LIMITS, "max_order_exposure"),
        (LIMITS, "max_account_exposure"),
        (LIMITS, "max_margin_ratio"),
        (BTC, "max_order_notional_usd"),
        (BTC, "max_side_quantity"),
        (BTC, "max_side_exposure"),
        (BTC, "max_exposure"),
        (BTC, "max_leverage"),
        (LIMITS.buckets[0], "max_exposure"),
    ],
)
def test_no_figure_turns_a_limit_off(limits: Any, name: str, value: str):
    with pytest.raises(InvalidState, match=name):
        replace(limits, **{name: Decimal(value)})


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"symbols": (BTC, BTC)}, "one twice"),
        ({"buckets": (LIMITS.buckets[0],) * 2}, "one twice"),
        ({"buckets": (BucketLimit(bucket="alts", max_exposure=Decimal(1)),)}, "majors"),
        ({"max_margin_ratio": Decimal(1)}, "1 liquidates"),
        ({"fill_cooldown": -timedelta(seconds=1)}, "fill_cooldown"),
        ({"delivery_notice": -timedelta(seconds=1)}, "delivery_notice"),
        ({"max_open_sides": -1}, "max_open_sides"),
    ],
)
def test_limits_that_contradict_themselves_are_refused(changes: dict[str, Any], fault: str):
    with pytest.raises(InvalidState, match=fault):
        replace(LIMITS, **changes)


@pytest.mark.parametrize(("count", "seconds"), [(0, 60), (3, 0), (3, -1)])
def test_a_rate_of_nothing_is_refused(count: int, seconds: int):
    with pytest.raises(InvalidState, match="rate limit"):
        RateLimit(count=count, window=timedelta(seconds=seconds))
    with pytest.raises(InvalidState, match="circuit breaker"):
        BreakerLimit(failures=count, window=timedelta(seconds=60), cooldown=timedelta(seconds=seconds))


def test_a_symbol_without_limits_of_its_own_has_none():
    assert LIMITS.of("BTCUSDT") is BTC
    assert LIMITS.of("DOGEUSDT") is None
