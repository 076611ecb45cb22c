"""What may happen: kinds of steps with their weights. Each does one thing to the stage and says in a few words what it was."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from hedge_pipeline import cycle, operations
from hedge_pipeline.cycle import Fund, executing, order_reading, planning, protecting
from hedge_pipeline.domain.errors import CommandRefused, StoreUnavailable
from hedge_pipeline.domain.flows import FlowPurpose
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.trading.authority import TRADING_JOB, RunAuthority
from hedge_pipeline.operations import WaiverRequest
from hedge_pipeline.read_model import waiting_flows
from tools.soak_clean import can_be_held, can_cancel
from tools.soak_points import Killed
from tools.soak_world import (
    Play,
    calm,
    countdown,
    deleveraging,
    fault,
    foreign_cancel,
    foreign_fill,
    foreign_order,
    funding,
    jump,
    mend,
    outage,
    transfer,
    trend,
    wait,
)

BAR_MS = 60_000
LATE_MS = 20_000
"""Before a bar closes its predecessor is not traded any more."""

Step = Callable[[Play], str]


def value(fund: Fund) -> str:
    """One valuation with its verdict, as the heartbeat does it."""
    decision = cycle.run_cycle(fund)
    return f"{decision.state.name} {', '.join(breach.reason for breach in decision.breaches[:3])}"


def valuation(play: Play) -> str:
    text = value(play.fund)
    play.truth.check_gate(play.stage)
    return text


def protect(fund: Fund) -> str:
    """One protection cycle, as its job does it."""
    cycle.read_account(fund)
    order_reading.read_orders(fund)
    order_reading.read_fills(fund)
    cover = protecting.protect(fund)
    placed = sum(len(side.placed) for side in cover.sides)
    canceled = sum(len(side.canceled) for side in cover.sides)
    return f"placed {placed}, canceled {canceled} and {len(cover.canceled_entries)}, armed {cover.armed}, {cover.problem}"


def protection(play: Play) -> str:
    stage, truth = play.stage, play.truth
    stage.settle_venue()
    truth.counts["protection cycles"] += 1
    truth.refusals, began_ms, trades = 0, stage.clock.ms, len(stage.core.trades)
    began, free, cancels = stage.other.now(), can_be_held(stage), can_cancel(stage)
    text = protect(stage.fund)
    if cancels and can_cancel(stage):
        truth.check_shut(stage, began)
    if free and can_be_held(stage):
        truth.check_protection(stage, began_ms, trades)
    return text


def trade(fund: Fund) -> str:
    """One bar, as the trading job does it, as if every check had let it pass."""
    launched_at = fund.clock.now()
    decision = cycle.run_cycle(fund)
    order_reading.read_orders(fund)
    order_reading.read_fills(fund)
    protecting.protect(fund)
    planning.read_candles(fund)
    order_reading.read_terms(fund)
    planning.read_regimes(fund)
    planning.plan_ladders(fund)
    plans = planning.plan_orders(fund)
    executing.execute_plans(
        fund, RunAuthority(run_id="soak", job_name=TRADING_JOB, launched_at=launched_at, repeats=None)
    )
    told = [
        f"{plan.symbol} keep {len(plan.keep)} cancel {len(plan.cancel)} send {len(plan.entries)} "
        f"veto {len(plan.vetoed)} {plan.withheld or ''}"
        for plan in plans
    ]
    return f"{decision.state.name} {'; '.join(told)}"


def trading(play: Play) -> str:
    """On a closed bar; a little time passes where the next one is far away."""
    left_ms = BAR_MS - play.stage.clock.ms % BAR_MS
    bar_ms = play.stage.clock.ms + left_ms - BAR_MS
    if bar_ms == play.bar_ms:
        play.stage.pass_by(min(left_ms + 500, LATE_MS) / 1000)
        bar_ms = play.stage.clock.ms - play.stage.clock.ms % BAR_MS
    play.bar_ms = bar_ms
    return trade(play.fund)


def begin(play: Play) -> None:
    """The first valuation: before it nobody knows the instruments, and no exit can be placed."""
    cycle.run_cycle(play.fund)


ACTS: dict[str, Callable[[Play], str]] = {
    "valuation": valuation,
    "protection": protection,
    "trading": trading,
}


def kill(play: Play) -> str:
    """A process dies between two of its deeds, and another begins."""
    stage, name = play.stage, play.rng.choice(("valuation", "protection", "protection", "trading", "trading"))
    point = play.rng.randint(1, {"valuation": 30, "protection": 40, "trading": 110}[name])
    stage.points.plan(point)
    text = "ended before"
    with suppress(Killed):
        text = ACTS[name](play)
    died = stage.points.dead
    play.truth.counts[f"killed while {name}"] += died
    stage.restart()
    stage.pass_by(play.rng.choice((0.1, 1, 5)))
    return f"{name} at its point {point}: {'died' if died else text}"


def meanwhile(play: Play) -> str:
    """Somebody else acts between two deeds of a process."""
    stage, rng = play.stage, play.rng
    name = rng.choice(("protection", "trading", "trading"))
    point = rng.randint(1, {"protection": 40, "trading": 110}[name])
    others: tuple[tuple[str, Callable[[], str]], ...] = (
        ("halt", lambda: _halt(stage.other)),
        ("valuation", lambda: value(stage.other)),
        ("protection", lambda: protect(stage.other)),
        ("price", lambda: jump(play)),
        ("fill", lambda: foreign_fill(play)),
    )
    what, act = rng.choice(others)
    acted: list[str] = []

    def interfere() -> None:
        acted.append(act())

    stage.points.plan(point, interfere)
    stage.meanwhile = True
    text = trade(stage.fund) if name == "trading" else protect(stage.fund)
    stage.meanwhile = False
    stage.points.forget()
    play.truth.counts[f"{what} meanwhile"] += bool(acted)
    return f"{what} at point {point} of {name}: {acted} / {text}"


def refusal(play: Play) -> str:
    """The state store refuses one write, and the process goes on."""
    name, write = (
        play.rng.choice(("valuation", "protection", "protection", "trading", "trading")),
        play.rng.randint(1, 30),
    )
    play.stage.points.refuse(write)
    text = "the write failed"
    with suppress(StoreUnavailable):
        text = {"valuation": value, "protection": protect, "trading": trade}[name](play.fund)
    play.stage.points.forget()
    return f"write {write} of {name}: {text}"


def _halt(fund: Fund) -> str:
    return operations.halt(fund, actor="ana", reason="to see it stop").key


def halt(play: Play) -> str:
    return _halt(play.fund)


def rearm(play: Play) -> str:
    """A person says what flowed, and takes the latches off."""
    fund = play.fund
    for flow in waiting_flows(fund, fund.latest(NavSnapshot)):
        purpose = FlowPurpose.SUBSCRIPTION if flow.amount > 0 else FlowPurpose.REDEMPTION
        with suppress(CommandRefused):
            operations.classify_flow(fund, flow.flow_key, purpose=purpose, actor="ana", reason="told so")
    text, waiver = (
        "",
        WaiverRequest(drawdown_limit=Decimal("0.28"), expires_at=fund.now() + timedelta(hours=1)),
    )
    for request in (None, waiver):
        try:
            decision = operations.rearm(fund, actor="ana", reason="looked at", waiver=request)
        except CommandRefused as refusal:
            text = str(refusal)[:80]
        else:
            play.truth.check_gate(play.stage)
            return f"{decision.state.name} with {request}"
    return text


def venue_restart(play: Play) -> str:
    seconds = play.rng.choice((1, 5, 20))
    text = ""
    play.stage.listening = False
    if play.rng.random() < 0.5:
        text = protect(play.fund)
    play.stage.restart_venue(seconds)
    play.stage.listening = True
    return f"down for {seconds} s {text}"


KINDS: dict[str, tuple[float, Step]] = {
    "valuation": (14, valuation),
    "protection": (13.5, protection),
    "trading": (12, trading),
    "calm": (7, calm),
    "rearm": (6, rearm),
    "trend": (4.5, trend),
    "kill": (3.5, kill),
    "meanwhile": (3.5, meanwhile),
    "mend": (3.5, mend),
    "fault": (2.5, fault),
    "wait": (2.5, wait),
    "jump": (2.5, jump),
    "refusal": (2.35, refusal),
    "countdown": (2.35, countdown),
    "deleveraging": (2.35, deleveraging),
    "foreign cancel": (2.35, foreign_cancel),
    "foreign fill": (2.35, foreign_fill),
    "foreign order": (2.35, foreign_order),
    "funding": (2.35, funding),
    "halt": (2.35, halt),
    "outage": (2.35, outage),
    "transfer": (2.35, transfer),
    "venue restart": (2.35, venue_restart),
}
"""Weight in a hundred and deed, by name: none is rarer than two."""
