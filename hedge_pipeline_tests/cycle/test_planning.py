"""A bar from what the store holds: what is not known there, or too old, wants, plans and opens nothing, and is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline import cycle
from hedge_pipeline.cycle import planning
from hedge_pipeline.cycle.order_reading import read_terms
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.account import AccountReading, MarksReading
from hedge_pipeline.domain.regime import Regime
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.trading.plans import PlanRow, RegimeRow
from hedge_pipeline.domain.trading.readings import (
    CandlesReading,
    FillsReading,
    OrdersReading,
    TermsReading,
)
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT
from hedge_pipeline_tests.cycle.turns import BTC, MINUTE, Turns, turns


@pytest.fixture
def trading(tmp_path: Path) -> Iterator[Turns]:
    with turns(tmp_path / "home") as found:
        yield found


def newest(trading: Turns, table: Any) -> Any:
    row = trading.fund.latest(table)
    assert row is not None
    return row


def reasons(row: PlanRow) -> set[str]:
    return {veto.reason for vetoed in row.vetoed for veto in vetoed.vetoes}


def with_strategy(trading: Turns, **changes: Any) -> None:
    policy = trading.fund.trading
    (strategy,) = policy.strategies
    trading.fund = replace(trading.fund, trading=replace(policy, strategies=(replace(strategy, **changes),)))


def test_each_step_appends_one_row_per_symbol(trading: Turns):
    row = trading.plan()
    store, now = trading.fund.store, trading.fund.now()

    assert [len(store.rows(table, "main")) for table in (CandlesReading, RegimeRow, PlanRow)] == [1, 1, 1]
    candles = newest(trading, CandlesReading)
    assert (len(candles.candles), candles.interval) == (90, MINUTE)
    assert row.cycle == trading.ladder.cycle == newest(trading, RegimeRow).cycle
    assert row.cycle <= now < row.cycle + MINUTE
    assert newest(trading, RegimeRow).reading.as_of == row.cycle
    assert trading.ladder.center == trading.ladder.mid_price


def test_the_center_is_the_one_of_the_last_row_until_the_price_is_too_far(trading: Turns):
    trading.plan()
    center = trading.ladder.center
    trading.wait()
    trading.plan()
    assert trading.ladder.center == center
    assert trading.ladder.mid_price != center


@pytest.mark.finding("S3-REG-1")
@pytest.mark.finding("S3-EXCH-3")
def test_a_strategy_that_is_not_warm_opens_nothing_until_it_is(trading: Turns):
    """It asks for three warm-ups of candles; the venue has as many as it likes, so a failing list keeps it cold."""
    trading.stage.control.set_fault("GET /fapi/v1/klines", "respond", status=200, body="[]")
    for _ in range(2):
        done = trading.bar()
        assert done.symbols[0].sent == 0
        assert done.symbols[0].why is not None
        assert done.symbols[0].why.startswith("candles missing")
        assert "the venue has no finished ones of BTCUSDT" in done.symbols[0].why
    trading.stage.control.clear_faults()
    assert trading.bar().symbols[0].accepted == 12


@pytest.mark.finding("S3-EXCH-3")
def test_a_stale_bar_sends_nothing_and_takes_down_what_rests_and_recovers(trading: Turns):
    with_strategy(trading, candle_max_age=timedelta(seconds=90))
    trading.trade()
    trading.stage.control.set_fault("GET /fapi/v1/klines", "drop")

    done = trading.bar()
    assert done.symbols[0].why == "no entry is missing", "one failed request is no reason to want nothing"
    assert len(trading.entries) == 12
    done = trading.bar()
    assert done.symbols[0].why is not None
    assert done.symbols[0].why.startswith("candles stale")
    assert (done.symbols[0].canceled, trading.entries) == (12, [])
    trading.stage.control.clear_faults()
    assert trading.bar().symbols[0].accepted == 12


def test_what_the_store_knows_too_little_or_too_long_of_is_named(trading: Turns):
    """One source after the other fails, and is read again."""
    trading.plan()
    fund, store = trading.fund, trading.fund.store
    long_ago = fund.now() - timedelta(hours=1)
    reread: dict[Any, Callable[[], object]] = {
        OrdersReading: lambda: store.append(fund.orders.read_orders()),
        FillsReading: trading.tick,
        ExitCover: lambda: protect(fund),
        AccountReading: lambda: cycle.read_account(fund),
        MarksReading: lambda: cycle.read_marks(fund),
        TermsReading: lambda: read_terms(fund),
    }
    withheld: list[tuple[Any, dict[str, Any], str]] = [
        (OrdersReading, {"as_of": None, "orders": None}, "what rests at the venue is not known"),
        (OrdersReading, {"as_of": long_ago}, "what rests at the venue is not known"),
        (ExitCover, {"as_of": None}, "exits were not looked at lately: does the protection job run?"),
        (ExitCover, {"as_of": long_ago}, "exits were not looked at lately: does the protection job run?"),
    ]
    for table, changes, told in withheld:
        store.append(replace(newest(trading, table), **changes))
        (row,) = planning.plan_orders(fund)
        assert (row.entries, row.vetoed, row.withheld) == ((), (), told)
        reread[table]()
        assert len(planning.plan_orders(fund)[0].entries) == 12
    vetoed: list[tuple[Any, dict[str, Any], str]] = [
        (FillsReading, {"as_of": None}, "risk_state_unavailable"),
        (FillsReading, {"as_of": long_ago}, "risk_state_unavailable"),
        (AccountReading, {"positions": None}, "exposure_unavailable"),
        (AccountReading, {"as_of": long_ago}, "exposure_unavailable"),
        (AccountReading, {"totals": None}, "margin_unavailable"),
        (MarksReading, {"marks": None}, "exposure_unavailable"),
        (TermsReading, {"configs": None}, "leverage_unavailable"),
        (TermsReading, {"as_of": long_ago}, "leverage_unavailable"),
    ]
    for table, changes, reason in vetoed:
        store.append(replace(newest(trading, table), **changes))
        (row,) = planning.plan_orders(fund)
        assert (row.entries, row.withheld, len(row.vetoed)) == ((), None, 12)
        assert reason in reasons(row)
        reread[table]()
        assert len(planning.plan_orders(fund)[0].entries) == 12
    store.append(replace(newest(trading, TermsReading), terms=None))
    assert reasons(planning.plan_orders(fund)[0]) == {"stress_unavailable"}


def test_unknown_funding_wants_nothing_and_says_so(trading: Turns):
    trading.stage.control.set_fault("GET /fapi/v1/fundingInfo", "drop")
    row = trading.plan()

    assert (trading.ladder.ladders, row.entries) == (None, ())
    assert row.withheld == trading.ladder.withheld
    assert row.withheld is not None
    assert row.withheld.startswith("funding is not known")


def test_isolated_margin_is_not_traded(trading: Turns):
    trading.plan()
    terms = newest(trading, TermsReading)
    isolated = tuple(replace(each, cross_margin=False) for each in terms.configs)
    trading.fund.store.append(replace(terms, configs=isolated))
    (row,) = planning.plan_orders(trading.fund)

    assert row.entries == ()
    assert row.withheld is not None
    assert "isolated margin" in row.withheld


def test_a_position_that_nobody_adopted_is_not_added_to(tmp_path: Path):
    with turns(tmp_path / "home", account=DEFAULT_ACCOUNT, trading={"adopt_all": False}) as trading:
        row = trading.plan()

    assert row.entries == ()
    assert row.withheld is not None
    assert "hedge adopt" in row.withheld


def test_without_its_own_setting_nothing_is_opened(tmp_path: Path):
    with turns(tmp_path / "home", trading={"enabled": False}) as trading:
        row = trading.plan()
        done = trading.execute()

    assert (row.entries, row.withheld) == (
        (),
        "opening orders are not enabled: set trading.enabled in the settings",
    )
    assert done.symbols[0].why == row.withheld


def test_a_rung_planned_again_within_its_bar_gets_another_name(trading: Turns):
    trading.trade()
    name = trading.entries[0].client_order_id
    for attempt in ("01", "02"):
        rests = next(each for each in trading.entries if each.client_order_id[:-2] == name[:-2])
        trading.stage.control.cancel_order(symbol=BTC, origClientOrderId=rests.client_order_id)
        trading.tick()
        row = trading.plan()

        assert [entry.order.client_order_id for entry in row.entries] == [name[:-2] + attempt]
        assert trading.execute().symbols[0].accepted == 1
        assert len(trading.entries) == 12


@pytest.mark.finding("S3-RISK-1")
def test_what_filled_and_was_settled_after_the_positions_were_read_still_counts(trading: Turns):
    """No position shows it, no list names it, nobody waits for it: without it the side could be filled twice."""
    trading.trade()
    fund, store = trading.fund, trading.fund.store
    sent = store.rows(Intent, "main")
    positions = newest(trading, AccountReading)
    filled = [
        OrderUpdate(
            account="main", client_order_id=each.client_order_id, symbol=BTC, recorded_at=fund.clock.now(),
            as_of=positions.as_of, answer=Answer.ACCEPTED, status=None, venue_order_id="1",
            filled_quantity=each.order.quantity, settled=True, code=None, message="",
        )
        for each in sent
    ]  # fmt: skip
    store.append(*filled, replace(newest(trading, OrdersReading), orders=()))
    (row,) = planning.plan_orders(fund)
    assert (row.entries, len(row.waiting)) == ((), 12)

    trading.tick(1)
    store.append(replace(newest(trading, OrdersReading), orders=()))
    (row,) = planning.plan_orders(fund)
    assert (len(row.entries), row.waiting) == (12, ()), "the positions read since then show whatever filled"


def test_an_operator_throttle_lets_everything_through_until_there_is_a_command(trading: Turns):
    assert planning.current_throttle(trading.fund) == Decimal(1)


def test_a_regime_is_told_from_the_newest_candles_there_are(trading: Turns):
    planning.read_candles(trading.fund)
    (row,) = planning.read_regimes(trading.fund)

    assert row.reading.is_warm
    assert row.reading.regime in set(Regime)
    assert row.reading.as_of == row.cycle
