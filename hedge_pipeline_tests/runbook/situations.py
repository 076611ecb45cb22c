"""What has happened before a command of the runbook is run, by the name the page gives it."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

from hedge_pipeline import cycle, operations
from hedge_pipeline.cycle import closing
from hedge_pipeline.cycle.executing import execute_plans
from hedge_pipeline.cycle.order_reading import read_fills, read_orders, read_terms
from hedge_pipeline.cycle.planning import plan_ladders, plan_orders, read_candles, read_regimes
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.authority import BY_HAND, RunAuthority
from hedge_pipeline.domain.trading.unwanted import orders_of_a_second_trader
from hedge_pipeline.publishing import publish
from hedge_pipeline_tests.runbook.paper import CADENCE, REPOSITORY, PaperFund, forget_servers

MINUTES = timedelta(minutes=1)
POSITIONS = "/fapi/v3/positionRisk"
ENTRIES = "POST /fapi/v1/batchOrders"
CONDITIONALS = "POST /fapi/v1/algoOrder"


def nothing_yet(paper: PaperFund) -> None:
    paper.clock.behind = timedelta(0)


def valued(paper: PaperFund) -> None:
    """As the daemon leaves it: valued and published a moment ago."""
    paper.beats()
    paper.publish()


def halted(paper: PaperFund) -> None:
    operations.halt(paper.fund, actor="ada", reason="a look at the order book")


def stale(paper: PaperFund) -> None:
    """Nothing has run for ten minutes."""
    paper.beats(ago=10 * MINUTES)
    paper.publish()
    paper.clock.behind = timedelta(0)


def positions_down(paper: PaperFund) -> None:
    paper.control.set_fault(POSITIONS, "respond", status=500, body="down")
    paper.beats(1)


def venue_mended(paper: PaperFund) -> None:
    paper.control.clear_faults()
    paper.control.set_clock_offset(0)
    paper.control.set_mode(hedge_mode=True)


def clock_off(paper: PaperFund) -> None:
    paper.control.set_clock_offset(1.5)
    paper.beats(1)


def netting(paper: PaperFund) -> None:
    paper.control.set_fault("/fapi/v1/accountConfig", "replace_field", path="dualSidePosition", value=False)
    paper.beats(1)


def not_enabled(paper: PaperFund) -> None:
    _set(paper, "[trading]\nenabled = false")


def nothing_is_adopted(paper: PaperFund) -> None:
    """As outside paper: a person decides."""
    _set(paper, '[trading]\nfound_positions = "refuse"')


def wide_grid(paper: PaperFund) -> None:
    """Rungs twice as far apart: the last lies behind the stop of a position that was adopted."""
    _set(paper, "[strategy.grid]\ngrid_step_bps = 100")


def _set(paper: PaperFund, lines: str) -> None:
    file = paper.home / "hedge.toml"
    file.write_text(f"{file.read_text()}\n{lines}\n")


def stops_refused(paper: PaperFund) -> None:
    """The venue takes no conditional order."""
    body = json.dumps({"code": -4400, "msg": "Futures Trading Quantitative Rules violated"})
    paper.control.set_fault(CONDITIONALS, "respond", status=400, body=body)


def answers_lost(paper: PaperFund) -> None:
    """A bar's first batch never arrived, and the venue said that it does not know; two minutes have passed since."""
    paper.beats(ago=2 * MINUTES)
    body = json.dumps({"code": -1000, "msg": "Unknown error, please check your request or try again later."})
    paper.control.set_fault(ENTRIES, "respond", status=503, body=body)
    for step in (
        read_orders,
        read_fills,
        protect,
        read_candles,
        read_terms,
        read_regimes,
        plan_ladders,
        plan_orders,
    ):
        step(paper.fund)
    launched_at = paper.fund.clock.now()
    execute_plans(
        paper.fund, RunAuthority(run_id="0", job_name=BY_HAND, launched_at=launched_at, repeats=None)
    )
    paper.control.clear_faults()
    paper.beats()


def other_trades(paper: PaperFund) -> None:
    """A second deployment covers the positions of the same account."""
    other = paper.second()
    cycle.run_cycle(other)
    protect(other)


def other_stopped(paper: PaperFund) -> None:
    """It was stopped, and somebody canceled its orders at the venue."""
    for order in orders_of_a_second_trader(
        read_orders(paper.fund).orders or (),
        partial(paper.fund.trading.book, paper.fund.store.store_id, paper.fund.account),
    ):
        named = "origClientOrderId" if order.stop_price is None else "clientAlgoId"
        paper.control.cancel_order(symbol=order.symbol, **{named: order.client_order_id})


def liquidated(paper: PaperFund) -> None:
    """The venue closes a part of a position, under an id of its own."""
    paper.control.place_order(
        symbol="ETHUSDT", side="SELL", positionSide="LONG", type="MARKET", quantity="1", newClientOrderId="autoclose-1"
    )  # fmt: skip


def deleveraged(paper: PaperFund) -> None:
    """So it does for somebody else's sake, and a contract is delisted."""
    paper.control.deleverage("ETHUSDT", "SHORT", 1)
    paper.control.settle("SOLUSDT")


def mode_switched(paper: PaperFund) -> None:
    paper.control.set_mode(multi_assets=True)


def withdrawn(paper: PaperFund) -> None:
    """Somebody takes money out and tells nobody."""
    paper.beats(ago=5 * MINUTES)
    paper.control.withdraw("USDT", Decimal(5000))
    paper.beats()


def vanished(paper: PaperFund) -> None:
    """The wallet falls and no income row says why."""
    paper.beats(ago=10 * MINUTES)
    paper.control.set_fault("/fapi/v1/income", "hide_income")
    paper.control.withdraw("USDT", Decimal(1234))
    paper.beats(9)


def deposited(paper: PaperFund) -> None:
    """Money comes in that nobody announced."""
    paper.beats(ago=CADENCE)
    paper.control.deposit("USDT", Decimal(2500))
    paper.beats(1)


def left_for_the_treasury(paper: PaperFund) -> None:
    """It was announced, it has left, and a day later it has not arrived."""
    paper.beats(ago=timedelta(hours=26))
    operations.register_flow(
        paper.fund,
        purpose=FlowPurpose.TREASURY_TRANSFER,
        asset="USDT",
        amount=Decimal(-500),
        window_from=paper.fund.now(),
        window_until=paper.fund.now() + timedelta(hours=2),
        actor="ada",
        reason="to cold storage",
    )
    paper.control.withdraw("USDT", Decimal(500))
    paper.beats(ago=timedelta(hours=25))
    paper.beats(4)


def fallen_over_days(paper: PaperFund) -> None:
    """Two losses of about a ninth each, on two days, the last the day before yesterday."""
    for days in (3, 2):
        paper.beats(ago=timedelta(days=days, hours=2))
        _lose(paper, Decimal("0.115"))
        paper.beats(ago=timedelta(days=days, hours=1))
    paper.beats()


def fallen_on(paper: PaperFund) -> None:
    """It goes on falling, under a waiver."""
    _lose(paper, Decimal("0.06"))
    paper.beats(2)


def fallen_today(paper: PaperFund) -> None:
    paper.beats(ago=2 * MINUTES)
    _lose(paper, Decimal("0.12"))
    paper.beats()


def fallen_hard_today(paper: PaperFund) -> None:
    paper.beats(ago=2 * MINUTES)
    _lose(paper, Decimal("0.17"))
    paper.beats()


def wiped_out(paper: PaperFund) -> None:
    """Liquidation leaves nothing of the numeraire; what else there was goes in fees."""
    paper.beats(ago=2 * MINUTES)
    for part in _latest(paper).parts:
        if part.asset != "USDT":
            paper.control.charge_commission("BTCUSDT", part.asset, part.wallet_balance)
    _lose(paper, Decimal("1.01"))
    paper.beats()


def _lose(paper: PaperFund, fraction: Decimal) -> None:
    nav = _latest(paper).trading_nav
    assert nav is not None
    paper.control.realize("BTCUSDT", -(nav * fraction).quantize(Decimal("0.01")))


def _latest(paper: PaperFund) -> NavSnapshot:
    snapshot = paper.fund.latest(NavSnapshot)
    assert snapshot is not None
    return snapshot


def depegged(paper: PaperFund) -> None:
    paper.beats(ago=CADENCE)
    paper.control.move_price("USDTUSD", Decimal("0.98"))
    paper.beats(1)


def unpriced(paper: PaperFund) -> None:
    """Somebody writes down a holding that no provider knows."""
    paper.beats(ago=CADENCE)
    file = paper.home / "reserves.toml"
    file.write_text(file.read_text().replace("[holdings]", '[holdings]\nXYZ = "100"'))
    paper.beats(1)


def stopped(paper: PaperFund) -> None:
    """The daemon of this machine has been stopped."""
    paper.kept_open.close()


def store_lost(paper: PaperFund) -> None:
    """The disk died with everything the store held."""
    paper.kept_open.close()
    for file in paper.home.glob("state.sqlite*"):
        file.unlink()


def checkout(paper: PaperFund) -> None:
    """The folder has what Dagster's commands need of a checkout."""
    shutil.copy(REPOSITORY / "dagster.yaml", paper.folder)


def servers_of_its_own(paper: PaperFund) -> None:
    """None of ours serves: `hedge local` starts real ones."""
    (paper.home / "local.json").unlink()
    (paper.home / "hedge.toml").unlink()
    shutil.rmtree(paper.home / "paper")
    forget_servers()


def store_locked(paper: PaperFund) -> None:
    """Another process writes and does not come to an end."""
    paper.keep(sqlite3.connect(paper.home / "state.sqlite", isolation_level=None)).execute("BEGIN IMMEDIATE")


def store_of_a_later_program(paper: PaperFund) -> None:
    _set_level(paper, "9999")


def store_of_an_earlier_program(paper: PaperFund) -> None:
    _set_level(paper, "0001")


def _set_level(paper: PaperFund, level: str) -> None:
    with contextlib.closing(sqlite3.connect(paper.home / "state.sqlite")) as connection:
        connection.execute("UPDATE store_meta SET version_num = ?", (level,))
        connection.commit()


def server_gone(paper: PaperFund) -> None:
    """Nobody answers where `local.json` says that documents go, and it has been so for several publications."""
    named = json.loads((paper.home / "local.json").read_text())
    (paper.home / "local.json").write_text(json.dumps(named | {"firestore_host": "127.0.0.1:9"}))


def server_back(paper: PaperFund) -> None:
    named = json.loads((paper.home / "local.json").read_text())
    (paper.home / "local.json").write_text(json.dumps(named | {"firestore_host": paper.firestore_host}))


def another_writes(paper: PaperFund) -> None:
    """A second deployment publishes to the same place."""
    paper.beats(ago=CADENCE)
    other = paper.second()
    cycle.run_cycle(other)
    publish(other)
    paper.beats(1)
    for _ in range(2):
        publish(paper.fund)


def predecessor(paper: PaperFund) -> None:
    """What a predecessor left lies in the folder `old`."""
    paper.beats()
    now = paper.clock.now().timestamp()
    left = {
        "logs/nav_log.json": [
            {"t": now - 86_400 * 30, "nav": 139_000.0},
            {"t": now - 3600, "nav": 144_100.25},
        ],
        "config/treasury.json": {"BTC": 0.035, "XAUT": 0.59},
        "config/risk_limits.json": {"max_nav_drawdown_pct": 12.0},
    }
    for name, content in left.items():
        file = paper.folder / "old" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))


def days_gone_by(paper: PaperFund) -> None:
    """The fund has been valued on each of four days."""
    for days in (3, 2, 1):
        paper.beats(ago=timedelta(days=days))
    paper.beats()


def days_kept(paper: PaperFund) -> None:
    """The days that are over have been kept."""
    days_gone_by(paper)
    due = closing.days_due(paper.fund)
    assert due is not None
    first, last = due
    for number in range((last - first).days + 1):
        for keep in (closing.keep_minutes, closing.keep_day, closing.keep_drawdown):
            keep(paper.fund, first + timedelta(days=number))


SITUATIONS: dict[str, Callable[[PaperFund], None]] = {
    act.__name__: act
    for act in (
        nothing_yet, valued, halted, stale, positions_down, venue_mended, clock_off, netting, withdrawn, vanished,
        deposited, left_for_the_treasury, fallen_over_days, fallen_on, fallen_today, fallen_hard_today, wiped_out, depegged,
        unpriced, servers_of_its_own, stopped, store_lost, checkout, store_locked, store_of_a_later_program, store_of_an_earlier_program, server_gone, server_back,
        another_writes, predecessor, days_gone_by, days_kept, not_enabled, nothing_is_adopted, wide_grid, stops_refused,
        answers_lost, other_trades, other_stopped, liquidated, deleveraged, mode_switched,
    )
}  # fmt: skip
