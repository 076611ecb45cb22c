"""Incidents of what nobody ordered: one each, once, closed by what they say closes them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hedge_pipeline.domain.trading.alarms import (
    DELEVERAGED,
    LIQUIDATED,
    MODE_FLIPPED,
    RULES,
    SECOND_TRADER,
    SETTLED,
    Alarm,
    Modes,
    Rule,
    account_flips,
    incident_changes,
    second_trader_alarms,
)
from hedge_pipeline.domain.verdicts import Incident, IncidentChanges, TradingState
from hedge_pipeline_tests.domain.order_examples import NOW, SECOND

HOUR = timedelta(hours=1)


def alarm(rule: Rule, at: Any = NOW) -> Alarm:
    return Alarm(rule=rule, occurred_at=at, message="it happened")


def changes(alarms: list[Alarm], standing: list[Incident], **facts: Any) -> IncidentChanges:
    given: dict[str, Any] = {"last_opened": {}, "account": "main", "now": NOW, "orders_known": True}
    given |= facts
    last = given.pop("last_opened")
    return incident_changes(alarms, standing, last, **given)


def opened(rule: Rule, **facts: Any) -> Incident:
    (incident,) = changes([alarm(rule)], [], **facts).opened
    return incident


@pytest.mark.parametrize(
    ("rule", "reason", "ceiling", "latches"),
    [
        (SECOND_TRADER, "second_trader", TradingState.HALTED, False),
        (LIQUIDATED, "liquidated", TradingState.HALTED, True),
        (DELEVERAGED, "deleveraged", TradingState.REDUCING, False),
        (SETTLED, "settled", None, False),
        (MODE_FLIPPED, "mode_flipped", TradingState.HALTED, True),
    ],
)
def test_what_each_alarm_does(rule: Rule, reason: str, ceiling: TradingState | None, *, latches: bool):
    incident = opened(rule)

    assert (incident.reason, incident.ceiling, incident.latched) == (reason, ceiling, latches)
    assert (incident.opened_at, incident.closed_at) == (NOW, None)
    assert incident.remedy


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.reason)
def test_one_incident_is_open_at_a_time(rule: Rule):
    standing = opened(rule)

    assert changes([alarm(rule, NOW + SECOND)], [standing], last_opened={rule.key: NOW}).opened == ()


@pytest.mark.parametrize(
    "rule", [LIQUIDATED, DELEVERAGED, SETTLED, MODE_FLIPPED], ids=lambda rule: rule.reason
)
def test_an_event_that_was_told_does_not_open_again_and_a_later_one_does(rule: Rule):
    last = {rule.key: NOW}

    assert changes([alarm(rule, NOW)], [], last_opened=last).opened == ()
    assert len(changes([alarm(rule, NOW), alarm(rule, NOW + SECOND)], [], last_opened=last).opened) == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_second_trader_is_gone_only_when_somebody_has_looked(*, known: bool):
    standing = opened(SECOND_TRADER)

    assert bool(changes([], [standing], orders_known=known).closed) is known
    assert changes([alarm(SECOND_TRADER)], [standing]).closed == ()
    assert len(changes([alarm(SECOND_TRADER)], [], last_opened={SECOND_TRADER.key: NOW}).opened) == 1


def test_what_latches_is_closed_by_no_cycle():
    for rule in (LIQUIDATED, MODE_FLIPPED):
        assert changes([], [opened(rule)], now=NOW + 1000 * HOUR).closed == ()


def test_what_lasts_ends_by_the_clock():
    for rule in (DELEVERAGED, SETTLED):
        incident = opened(rule)
        assert changes([], [incident], now=NOW + HOUR - SECOND).closed == ()
        assert changes([], [incident], now=NOW + HOUR).closed == ((incident, "expired"),)


def test_nobody_elses_incident_is_closed():
    other = opened(SECOND_TRADER)

    assert changes([], [replace(other, key="operator_halt")]).closed == ()


def test_a_mode_flips_between_two_readings_in_either_direction():
    def modes(number: int, *, hedge: bool = True, multi: bool = False) -> Modes:
        return Modes(as_of=NOW + number * SECOND, hedge_mode=hedge, multi_assets_mode=multi)

    told = [
        flip.message
        for flip in account_flips(
            [modes(3, multi=True), modes(2, multi=True), modes(1, hedge=False), modes(0)]
        )
    ]

    assert [text.partition(" since")[0] for text in told] == [
        "the account: hedge mode was off and is on",
        "the account: multi assets mode was off and is on",
        "the account: hedge mode was on and is off",
    ]
    assert list(account_flips([modes(0)])) == []


def test_no_trace_is_no_second_trader():
    assert list(second_trader_alarms([], NOW)) == []
    (found,) = second_trader_alarms(["a", "b"], NOW)
    assert found.message == "a; b"
