"""Checks of the trading and protection assets, each on the rows that should fail it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hedge_pipeline.cycle.order_reading import read_orders
from hedge_pipeline.defs.heartbeat import beat
from hedge_pipeline.defs.market import (
    candles_are_finished_and_without_gaps,
    terms_of_every_strategy_are_known,
)
from hedge_pipeline.defs.planning import (
    every_regime_is_known,
    every_symbol_has_its_ladders,
    plans_are_within_limits,
)
from hedge_pipeline.defs.protection import (
    every_position_has_its_stop,
    exits_are_recent,
    no_opening_order_rests_behind_a_closed_gate,
    no_order_is_of_unknown_outcome,
    nobody_else_trades_in_our_name,
)
from hedge_pipeline.domain.orders import KnownOrder
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.plans import PlanRow
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, TermsReading
from hedge_pipeline.operations import halt
from hedge_pipeline_tests.cycle.turns import Turns, turns


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[Turns]:
    """One bar traded, then looked after once."""
    with turns(tmp_path / "home") as found:
        found.trade()
        found.tick()
        yield found


def evaluated(check: Any, trading: Turns) -> dg.AssetCheckResult:
    verdict = check(fund=trading.fund)
    assert isinstance(verdict, dg.AssetCheckResult)
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    return verdict


def test_after_a_traded_bar_all_of_them_pass(trading: Turns) -> None:
    for check in (
        candles_are_finished_and_without_gaps, terms_of_every_strategy_are_known, every_regime_is_known,
        every_symbol_has_its_ladders, plans_are_within_limits, every_position_has_its_stop, exits_are_recent,
        no_opening_order_rests_behind_a_closed_gate, no_order_is_of_unknown_outcome, nobody_else_trades_in_our_name,
    ):  # fmt: skip
        verdict = evaluated(check, trading)
        assert verdict.passed, (check, verdict.description)


def again(trading: Turns, table: type[Any], **changes: Any) -> None:
    """The latest row once more, changed."""
    row = trading.fund.latest(table)
    assert row is not None
    trading.fund.store.append(replace(row, **changes))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: (*rows[:-3], *rows[-2:]), "is missing"),
        (lambda _: (), "there is none"),
        (lambda _: None, "there is none"),
        (lambda rows: rows[:-40], "s ago, allowed are"),
        (
            lambda rows: (*rows, replace(rows[-1], open_at=rows[-1].open_at + timedelta(minutes=1))),
            "which is not over",
        ),
    ],
)
def test_candles_that_cannot_be_believed_fail_with_their_fault(trading: Turns, spoil: Any, told: str) -> None:
    reading = trading.fund.latest(CandlesReading)
    assert reading is not None
    again(trading, CandlesReading, candles=spoil(reading.candles))

    verdict = evaluated(candles_are_finished_and_without_gaps, trading)

    assert not verdict.passed
    assert "BTCUSDT**: " in (verdict.description or "")
    assert told in (verdict.description or "")


def test_terms_that_lack_a_symbol_fail_with_its_name(trading: Turns) -> None:
    again(trading, TermsReading, configs=(), terms=())

    verdict = evaluated(terms_of_every_strategy_are_known, trading)

    assert not verdict.passed
    assert verdict.description == (
        "- **BTCUSDT**: leverage and margin type unknown, brackets unknown, funding interval unknown"
    )


def test_a_plan_beyond_a_cap_fails_with_the_entry(trading: Turns) -> None:
    plan = next(row for row in trading.fund.store.rows(PlanRow, "main") if row.entries)
    entry = plan.entries[0]
    large = replace(entry, order=replace(entry.order, quantity=Decimal(1000)))
    trading.fund.store.append(replace(plan, entries=(large,)))

    verdict = evaluated(plans_are_within_limits, trading)

    assert not verdict.passed
    assert "account: " in (verdict.description or "")
    assert "more than one order may be" in (verdict.description or "")


def test_a_plan_over_unknown_marks_fails(trading: Turns) -> None:
    plan = next(row for row in trading.fund.store.rows(PlanRow, "main") if row.entries)
    trading.fund.store.append(plan)
    again(trading, OrdersReading, orders=None)

    verdict = evaluated(plans_are_within_limits, trading)

    assert not verdict.passed
    assert "are not known" in (verdict.description or "")


def test_protection_that_has_not_looked_lately_fails(trading: Turns) -> None:
    trading.stage.clock.pass_by(trading.fund.trading.silence)
    assert not evaluated(exits_are_recent, trading).passed
    again(trading, ExitCover, as_of=None)
    verdict = evaluated(every_position_has_its_stop, trading)
    assert not verdict.passed
    assert "positions are not known" in (verdict.description or "")


def test_what_rests_behind_a_closed_gate_fails_until_it_is_canceled(trading: Turns) -> None:
    assert trading.entries
    read_orders(trading.fund)
    halt(trading.fund, actor="ada", reason="a look")
    before = evaluated(no_opening_order_rests_behind_a_closed_gate, trading)
    trading.tick()
    after = evaluated(no_opening_order_rests_behind_a_closed_gate, trading)

    assert not before.passed
    assert "BTCUSDT LONG" in (before.description or "")
    assert after.passed, after.description


def test_an_order_whose_answer_was_lost_fails_until_the_venue_has_told(tmp_path: Path) -> None:
    with turns(tmp_path / "home") as trading:
        trading.stage.control.set_fault("POST /fapi/v1/batchOrders", "lose_answer")
        trading.stage.control.set_fault("GET /fapi/v1/order", "drop")
        trading.trade()
        before = evaluated(no_order_is_of_unknown_outcome, trading)
        trading.stage.control.clear_faults()
        trading.tick()
        after = evaluated(no_order_is_of_unknown_outcome, trading)

    assert not before.passed
    assert "BTCUSDT entry hp-" in (before.description or "")
    assert after.passed, after.description


def test_an_order_of_another_store_fails_with_its_name(trading: Turns) -> None:
    reading = trading.fund.latest(OrdersReading)
    assert reading is not None
    assert reading.orders
    theirs: KnownOrder = replace(reading.orders[0], client_order_id="hp-aaaaaaaa-bbbbbbb-el001-0tosupo-00")
    again(trading, OrdersReading, orders=(*reading.orders, theirs))

    verdict = evaluated(nobody_else_trades_in_our_name, trading)

    assert not verdict.passed
    assert "hp-aaaaaaaa-bbbbbbb-el001-0tosupo-00" in (verdict.description or "")


def test_a_beat_of_protection_evaluates_every_one_of_its_checks(trading: Turns) -> None:
    from hedge_pipeline.defs import account, orders, protection
    from hedge_pipeline.defs.jobs import PROTECTION

    checks = dg.load_asset_checks_from_modules([account, orders, protection])

    seen = beat(trading.fund, PROTECTION, checks)

    names = {event.check_name for event in seen.events if isinstance(event, dg.AssetCheckEvaluation)}
    assert names == {
        spec.name
        for check in checks
        for spec in check.check_specs
        if spec.asset_key in {asset.key for asset in PROTECTION}
    }
    assert seen.failed == ()
