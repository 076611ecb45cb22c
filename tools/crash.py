"""A recorded crash played to a live daemon that trades: what rested, what filled after the breach, what it cost.

`make crash FROM=2025-10-10T20:20 MINUTES=90 PACE=10`. The grid is loaded before the fall, with every entry resting. Whatever is said of
the book comes from the venue's own state file, which it writes before anybody can see a change.
"""

import argparse
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from hedge_pipeline import local
from hedge_pipeline.domain.trading.plans import LadderRow, PlanRow
from hedge_pipeline.domain.verdicts import BreachKind, GateDecision, Incident, TradingState
from hedge_pipeline.local import PathOptions
from tools import intact, venue_truth
from tools.book_truth import OPENING, OURS
from tools.stack import Stack, stack

TICK_S = 10.0
"""Cadence of the protection cycle."""
CYCLE_S = 4.0
"""What a cycle may last beyond its cadence: the daemon looks every few seconds."""
LOOK_S = 0.5
LOADED_S = 240.0
"""In which the gate has to open and the whole grid has to rest."""
RUNGS = 12
FAILING = (
    "/fapi/v3/account",
    "/fapi/v1/premiumIndex",
    "/fapi/v1/income",
    "/fapi/v1/assetIndex",
    "/api/v3/simple/price",
)
"""What values the fund: balances, marks, income, rates and prices. Positions, orders and fills answer."""
SETTINGS = """
[cadence]
valuation = "15s"
protection = "10s"

[risk.drawdown]
warn = 0.01
reduce = 0.015
halt = 0.02
flatten = 0.20

[strategy.grid]
base_qty = 0.05
grid_step_bps = 50
grid_levels_long = 6
grid_levels_short = 6
qty_scale = 1.05

[strategy.rebalance]
recenter_trigger_bps = 200
max_inventory_quote = 100000

[strategy.policy]
strategy = "throttled-counter"
counter_levels = 6
counter_qty_scale = 1

[strategy.position]
max_position_size = 2
max_leverage_used = 5
emergency_liquidation_buffer = 0.15
max_position_fraction = 1
"""


@dataclass(frozen=True)
class Moment:
    """The book as the venue had written it."""

    at: float
    """Wall clock, seconds."""
    held: dict[str, Fraction]
    """By position side."""
    stopped: dict[str, Fraction]
    """Quantity of our stops, by position side."""
    resting: tuple[str, ...]
    """Our opening orders."""


@dataclass
class Played:
    """What was seen."""

    breached_at: float | None = None
    loaded: Moment | None = None
    moments: list[Moment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def played(
    recording: Path, *, start: datetime, minutes: float, pace: int, faults: Sequence[str] = ()
) -> Played:
    """Load the grid, let so many minutes of the path pass, and look at everything.

    ``faults`` are endpoints that answer 503 from the breach on, beside Firestore, which is then gone too.
    """
    found = Played()
    options = PathOptions(pace=str(pace), data=recording, start=start.isoformat())
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            port = int(probe.getsockname()[1])
        with stack(checkout, options, files={"hedge.toml": SETTINGS}) as made:
            _close_what_is_not_traded(made)
            began = time.time()
            with made.served(port):
                _watch(made, found, until=began + minutes * 60 / pace, faults=faults)
            _settle(made, found)
    return found


def _close_what_is_not_traded(made: Stack) -> None:
    """Somebody closes the other symbols, so that the stress of the traded one is that of the account."""
    with made.control() as control:
        for position in venue_truth.kept(made.home)["positions"]:
            if position["symbol"] != "BTCUSDT":
                control.place_order(
                    symbol=position["symbol"],
                    side="SELL" if position["position_side"] == "LONG" else "BUY",
                    positionSide=position["position_side"],
                    type="MARKET",
                    quantity=position["quantity"],
                )


def _watch(made: Stack, found: Played, *, until: float, faults: Sequence[str]) -> None:
    deadline = time.time() + LOADED_S
    while time.time() < until:
        moment = _moment(made)
        found.moments.append(moment)
        if found.loaded is None and len(moment.resting) >= RUNGS:
            found.loaded = moment
            found.told.append(f"{len(moment.resting)} entries rest")
        if found.loaded is None and time.time() > deadline:
            found.defects.append(
                f"the grid did not load within {LOADED_S} s: {len(moment.resting)} entries; {_why(made)}"
            )
            return
        if found.loaded and found.breached_at is None:
            found.breached_at = _breached_at(made, found)
            if found.breached_at is not None:
                _fail(made, faults)
        time.sleep(LOOK_S)


def _breached_at(made: Stack, found: Played) -> float | None:
    """When a verdict first named a limit that closes the gate."""
    decision = made.fund.latest(GateDecision)
    crossed = [
        breach
        for breach in (decision.breaches if decision else ())
        if breach.kind is BreachKind.LIMIT and breach.ceiling < TradingState.ACTIVE
    ]
    if decision is None or not crossed:
        return None
    found.told.append(f"{decision.state.name}: {'; '.join(breach.message for breach in crossed)}")
    return decision.recorded_at.timestamp()


def _why(made: Stack) -> str:
    """What the latest verdict, ladder and plan say."""
    fund = made.fund
    decision, ladder, plan = fund.latest(GateDecision), fund.latest(LadderRow), fund.latest(PlanRow)
    breaches = [b.message for b in decision.breaches] if decision else ["never judged"]
    vetoes = sorted({veto.reason for each in plan.vetoed for veto in each.vetoes}) if plan else []
    told = [ladder.withheld if ladder else "no ladder", plan.withheld if plan else "no plan"]
    return "; ".join([*breaches, *filter(None, told), *vetoes])


def _fail(made: Stack, faults: Sequence[str]) -> None:
    if not faults:
        return
    with made.control() as control:
        for endpoint in faults:
            control.set_fault(endpoint, "respond", status=503, body="{}")
    firestore = local.running_firestore(made.home)
    if firestore is not None:
        os.kill(firestore.pid, signal.SIGKILL)


def _settle(made: Stack, found: Played) -> None:
    """With the daemon gone and the sources mended: what is left to prove."""
    with made.control() as control:
        control.clear_faults()
    if found.breached_at is None:
        found.defects.append("the gate never closed")
        return
    found.defects += _after_the_breach(venue_truth.kept(made.home), found.breached_at)
    found.defects += _uncovered(found.moments)
    found.defects += _latched(made)
    found.defects += venue_truth.ledger_defects(made.home)
    found.defects += _fills_and_income(venue_truth.kept(made.home))
    found.told.append(_loss(made))


def _after_the_breach(kept: dict[str, Any], breached_at: float) -> Iterator[str]:
    late = (breached_at + TICK_S + CYCLE_S) * 1000
    openings = {
        row["order_id"]: row
        for row in kept["order_book"]["orders"]
        if (row["side"], row["position_side"]) in OPENING and row["client_order_id"].startswith(OURS)
    }
    for row in openings.values():
        if row["created_ms"] > breached_at * 1000:
            yield f"{row['client_order_id']} was placed {row['created_ms'] / 1000 - breached_at:.1f} s after the breach"
        ended = row["updated_ms"] if row["status"] not in {"NEW", "PARTIALLY_FILLED"} else float("inf")
        if ended > late:
            yield f"{row['client_order_id']} rested until {ended / 1000 - breached_at:.1f} s after the breach"
    for trade in kept["trades"]:
        if trade["order_id"] in openings and trade["time_ms"] > late:
            yield f"{openings[trade['order_id']]['client_order_id']} filled {trade['time_ms'] / 1000 - breached_at:.1f} s after the breach"


def _uncovered(moments: Sequence[Moment]) -> Iterator[str]:
    """Sides without stops of their whole quantity for longer than a tick and a cycle."""
    since: dict[str, float] = {}
    for moment in moments:
        for side in ("LONG", "SHORT"):
            if moment.stopped.get(side, Fraction(0)) >= moment.held.get(side, Fraction(0)):
                since.pop(side, None)
            elif (
                moment.at - since.setdefault(side, moment.at) > TICK_S + CYCLE_S
                and moments[0].at + 60 < moment.at
            ):
                yield f"{side}: {float(moment.held[side])} held, {float(moment.stopped.get(side, 0))} stopped for {moment.at - since[side]:.0f} s"
                since[side] = moment.at


def _latched(made: Stack) -> Iterator[str]:
    incidents = made.fund.store.open_incidents(made.fund.account)
    if not any(incident.latched and incident.ceiling is TradingState.HALTED for incident in incidents):
        yield f"no halt is latched: {[incident.key for incident in made.fund.store.rows(Incident, made.fund.account)]}"


def _fills_and_income(kept: dict[str, Any]) -> Iterator[str]:
    """Realized profit and fees of the trades are those booked, to the last digit of a cent."""
    for name, income_type, sign in (("realized_pnl", "REALIZED_PNL", 1), ("commission", "COMMISSION", -1)):
        traded = sum((sign * Decimal(trade[name]) for trade in kept["trades"]), Decimal(0))
        booked = sum(
            (Decimal(row["amount"]) for row in kept["income"] if row["income_type"] == income_type),
            Decimal(0),
        )
        if abs(traded - booked) >= Decimal("0.01"):
            yield f"{income_type}: the trades say {traded}, the income list {booked}"


def _loss(made: Stack) -> str:
    snapshot = intact.latest_snapshot(made.fund)
    return f"NAV {snapshot.nav_usd}, wallet {sum(Decimal(row['amount']) for row in venue_truth.kept(made.home)['income']):.2f} booked"


def _moment(made: Stack) -> Moment:
    kept = venue_truth.kept(made.home)
    stopped: dict[str, Fraction] = {}
    for row in kept["order_book"]["conditionals"]:
        if row["status"] == "NEW" and row["client_algo_id"].startswith(OURS) and not row["close_position"]:
            stopped[row["position_side"]] = stopped.get(row["position_side"], Fraction(0)) + Fraction(
                row["quantity"]
            )
    return Moment(
        at=time.time(),
        held={
            p["position_side"]: Fraction(p["quantity"]) for p in kept["positions"] if p["symbol"] == "BTCUSDT"
        },
        stopped=stopped,
        resting=tuple(
            row["client_order_id"]
            for row in kept["order_book"]["orders"]
            if row["status"] in {"NEW", "PARTIALLY_FILLED"}
            and row["client_order_id"].startswith(OURS)
            and (row["side"], row["position_side"]) in OPENING
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--start", default="2025-10-10T20:20")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--pace", type=int, default=10)
    parser.add_argument("--fault", action="append", default=[])
    options = parser.parse_args()
    start = datetime.fromisoformat(options.start).replace(tzinfo=UTC)
    began = time.monotonic()
    found = played(
        options.recording, start=start, minutes=options.minutes, pace=options.pace, faults=options.fault
    )
    for line in found.told:
        print(line)
    for defect in found.defects:
        print(f"DEFECT {defect}")
    print(
        f"{timedelta(minutes=options.minutes)} of the path in {time.monotonic() - began:.0f} s, {len(found.moments)} looks"
    )
    return 1 if found.defects else 0


if __name__ == "__main__":
    sys.exit(main())
