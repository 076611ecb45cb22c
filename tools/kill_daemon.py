"""Killing Dagster's daemon, alone or with its code server, while it beats; whoever supervises it starts it again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from fractions import Fraction

from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.account import AccountReading, IncomeReading, MarksReading
from hedge_pipeline.domain.drawdown import PeakState
from hedge_pipeline.domain.nav import NavSnapshot
from hedge_pipeline.domain.verdicts import GateDecision
from tools import intact, venue_truth
from tools.kill_lanes import BETWEEN, PATIENCE_S, Kill, Lane

CADENCE_S = 10.0
BEAT_S = 0.1
"""About what a beat lasts from its first row on."""
NEXT: dict[type[object], str] = {
    AccountReading: "marks",
    MarksReading: "income",
    IncomeReading: "valuing",
    NavSnapshot: "peak",
    PeakState: "gate",
}
"""The newest row of a beat that was cut short, and the step that would have come next."""


def kill_daemons(lane: Lane, count: int) -> Iterator[Kill]:
    """Every other draw over a cadence, else over a beat. The start after a kill proves it."""
    before: Kill | None = None
    for number in range(count + 1):
        begun, share = time.monotonic(), lane.rng.random()
        event = lane.disturb(special=False) if before else "nothing"
        still = ExitStack()
        still.enter_context(venue_truth.held_still(lane.stack.home, venue_truth.ACCOUNT))
        since = time.time()
        with still, lane.stack.served(_free_port()) as served:
            proof = list(_first_beat(lane, since))
            still.close()
            if before:
                yield replace(before, event=event, defects=(*before.defects, *proof))
            if number == count:
                return
            with_code_server = _wait_in_beat(lane, share) if number % 2 else _wait_in_cadence(lane, share)
            for pid in _victims(served.pid, with_code_server=with_code_server):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        before = Kill(
            victim="daemon",
            phase=_unfinished(lane.stack.fund),
            in_run=False,
            drawn=f"{share:.3f} of a {'beat' if number % 2 else 'cadence'}{' + code server' * with_code_server}",
            event="",
            seconds=time.monotonic() - begun,
            defects=tuple(lane.store_defects()),
        )


def _wait_in_beat(lane: Lane, share: float) -> bool:
    """Until a beat has read the account, and on into it; the code server, which beats, has to go too."""
    fund, deadline = lane.stack.fund, time.monotonic() + PATIENCE_S
    newest = fund.latest(AccountReading)
    while fund.latest(AccountReading) == newest:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no beat within {PATIENCE_S} s")
        time.sleep(0.002)
    time.sleep(share * BEAT_S)
    return True


def _wait_in_cadence(lane: Lane, share: float) -> bool:
    time.sleep(share * CADENCE_S)
    return lane.rng.random() < 0.5


def _first_beat(lane: Lane, since: float) -> Iterator[str]:
    """The first accepted valuation since then, with its verdict."""
    fund, deadline = lane.stack.fund, time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        snapshot, decision = fund.latest(NavSnapshot), fund.latest(GateDecision)
        if (
            snapshot is not None
            and decision is not None
            and snapshot.accepted
            and snapshot.attempted_at.timestamp() > since
            and decision.nav_ordinal == snapshot.ordinal
            and not any(breach.rule == "peak_covers_the_nav" for breach in decision.breaches)
        ):  # a verdict of the other sensor, between a NAV and its peak state, closes until the next
            # Not held still: a start takes so long that its stamps would be too old.
            rates = {part.asset: Fraction(part.rate) for part in snapshot.parts if part.rate is not None}
            yield from intact.cycle_defects(lane.stack, lane.worth(rates), snapshot)
            yield from intact.gate_defects(fund, decision)
            yield from intact.closed_without_a_reason(fund, decision)
            return
        time.sleep(0.1)
    newest = intact.latest_snapshot(fund)
    told = [problem.message for problem in newest.problems]
    yield f"no accepted valuation within {PATIENCE_S} s of a restart: the last is {newest.recorded_at}, {told}"


def _victims(served: int, *, with_code_server: bool) -> list[int]:
    wanted = ["dagster._daemon", *(("dagster code-server", "dagster api grpc") if with_code_server else ())]
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
    below = {served}
    while more := {int(pid) for pid, parent, _ in rows if int(parent) in below} - below:
        below |= more
    return [int(pid) for pid, _, words in rows if int(pid) in below and any(w in words for w in wanted)]


def _unfinished(fund: Fund) -> str:
    """The step that the latest beat did not come to, as the store shows it."""
    decision = fund.latest(GateDecision)
    newest = BETWEEN
    for row_class, phase in NEXT.items():
        newer = fund.store.columns(row_class, fund.account, "recorded_at", limit=1, newest_first=True)
        if newer and (decision is None or newer[0][0] > decision.recorded_at):
            newest = phase
    return newest


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])
