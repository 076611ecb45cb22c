"""Killing one kind of process again and again on one fund, and proving after each kill that nothing was lost.

An instant is drawn uniformly: over a whole run, over one step of it, over a cadence of the daemon. Before each kill the
world moves: a price, a deposit, a realized profit, a fee, a source that refuses, an operator's halt.
"""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from hedge_pipeline import cycle, local
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from hedge_pipeline.local import PathOptions
from hedge_pipeline.operations import halting, rearming
from hedge_pipeline.paper.control import Control, VenueSilent
from tools import intact, venue_truth
from tools.kill_worker import STEPS, Said, run_cycles, run_jobs
from tools.stack import Stack

Server = TypeVar("Server")
PHASES = tuple(dict.fromkeys(STEPS.values()))
BETWEEN = "between"
PATIENCE_S = 180.0
ATTEMPTS = 3
"""Valuations after a kill, of which one has to be accepted: a snapshot that says it was too slow is no defect."""
SETTLING_CYCLES = 12
MOST_BOOKED = 40
CYCLES = 3
"""In which a venue is killed."""
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tools.kill_worker"])


@dataclass(frozen=True)
class Kill:
    """One SIGKILL and what was found afterwards."""

    victim: str
    phase: str
    in_run: bool
    drawn: str
    event: str
    seconds: float
    defects: tuple[str, ...]


@dataclass
class Trace:
    """What a process said, in order, until its end of the pipe closed."""

    pipe: Connection
    said: list[tuple[float, Said]] = field(default_factory=list)
    """With the monotonic second at which it was heard."""

    def __post_init__(self) -> None:
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                heard = self.pipe.recv()
                with self._more:
                    self.said.append((time.monotonic(), heard))
                    self._more.notify_all()

    def wait_for(self, what: str, name: str = "", *, after: int = 0) -> None:
        """Until it has said this, not counting its first ``after`` words.

        Raises:
            TimeoutError: it has not.
        """
        with self._more:
            if not self._more.wait_for(lambda: self._heard(what, name, after), PATIENCE_S):
                raise TimeoutError(f"waited {PATIENCE_S} s in vain for {what} {name}")

    def _heard(self, what: str, name: str, after: int) -> bool:
        return any(s.what == what and name in {"", s.name} for _, s in self.said[after:])

    def end(self) -> None:
        self._thread.join(PATIENCE_S)

    @property
    def rows(self) -> list[object]:
        return [row for _, heard in self.said for row in heard.rows]

    @property
    def phase(self) -> str:
        """The step that had begun and not ended."""
        steps = [heard for _, heard in self.said if heard.what in {"begin", "end"}]
        is_in_one = bool(steps) and steps[-1].what == "begin"
        return steps[-1].name if is_in_one else BETWEEN

    @property
    def is_over(self) -> bool:
        return any(heard.what == "over" for _, heard in self.said)

    @property
    def in_run(self) -> bool:
        return any(heard.what == "run" for _, heard in self.said) and not self.is_over

    def durations(self) -> dict[str, float]:
        """Seconds of each phase, and of all from ``ready`` to ``over``."""
        spans = dict.fromkeys(PHASES, 0.0)
        begun = 0.0
        for at, heard in self.said:
            if heard.what == "begin":
                begun = at
            elif heard.what == "end":
                spans[heard.name] = spans.get(heard.name, 0.0) + at - begun
        moments = [at for at, heard in self.said if heard.what in {"ready", "over"}]
        return {**spans, "all": moments[-1] - moments[0]}


@contextmanager
def started(target: Callable[..., None], *arguments: object) -> Iterator[tuple[Any, Trace]]:
    """A forked process and its trace; killed at the latest with the block."""
    ours, its = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=target, args=(*arguments, its))
    process.start()
    its.close()
    trace = Trace(ours)
    try:
        trace.wait_for("ready")
        yield process, trace
    finally:
        process.kill()
        process.join()
        trace.end()
        ours.close()


@dataclass
class Lane:
    """One fund, one sequence of draws."""

    stack: Stack
    rng: random.Random
    moved: dict[str, bool] = field(default_factory=dict)

    def disturb(self, *, special: bool = True) -> str:
        """Let something happen before a kill; what it was. A refusing source and a halt stand until `next_cycle`."""
        kinds: list[str] = [
            "nothing",
            "price",
            "deposit",
            "profit",
            "fee",
            *(("refused", "halted") if special else ()),
        ]
        kind = self.rng.choices(kinds, [3, 4, 3, 3, 2, *((2, 2) if special else ())])[0]
        amount = Decimal(self.rng.randrange(1, 50_000)).scaleb(-2)
        symbol = self.rng.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
        with self.stack.control() as control:
            match kind:
                case "price":  # there and back, so that no drawdown adds up
                    up = self.moved[symbol] = not self.moved.get(symbol, False)
                    control.move_price(symbol, "1.004" if up else "0.996")
                case "deposit":
                    control.deposit("USDT", amount)
                case "profit":
                    control.realize(symbol, amount * self.rng.choice((1, -1)))
                case "fee":
                    control.charge_commission(symbol, "BNB", amount / 10_000)
                case "refused":
                    control.set_fault(venue_truth.ACCOUNT, "respond", status=503, body="{}")
                case "halted":
                    halting.halt(self.stack.fund, actor="kills", reason="a latch has to survive")
        return kind

    def store_defects(self) -> list[str]:
        fund = self.stack.fund
        return [*intact.file_defects(self.stack.home / "state.sqlite"), *intact.store_defects(fund)]

    def next_cycle(self, event: str) -> list[str]:
        """One cycle in this process, judged; then what the event left standing is taken away and the gate has to open."""
        fund, defects = self.stack.fund, []
        if event == "refused":
            decision = cycle.run_cycle(fund)
            if self._accepted() or decision.state is not TradingState.HALTED:
                defects.append(f"a refusing account: accepted {self._accepted()}, {decision.state.name}")
            defects += intact.gate_defects(fund, decision)
            with self.stack.control() as control:
                control.clear_faults()
        decision, worth = self._valued()
        for _ in range(ATTEMPTS - 1):
            if not self._accepted():
                decision, worth = self._valued()
        defects += intact.cycle_defects(self.stack, worth, intact.latest_snapshot(fund))
        defects += intact.gate_defects(fund, decision)
        if event == "halted":
            if decision.state is not TradingState.HALTED:
                defects.append(f"halted by an operator, and {decision.state.name} after a kill")
            rearming.rearm(fund, actor="kills", reason="the latch has survived")
        else:
            defects += intact.closed_without_a_reason(fund, decision)
        return [*defects, *self.settle(), *intact.publication_defects(fund)]

    def _valued(self) -> tuple[GateDecision, Fraction]:
        """One cycle, and what the venue says the account was worth in it."""
        with venue_truth.held_still(self.stack.home, venue_truth.ACCOUNT, venue_truth.RATES):
            return cycle.run_cycle(self.stack.fund), self.worth(venue_truth.rates_of(self.stack.home))

    def worth(self, rates: Mapping[str, Fraction]) -> Fraction:
        fund = self.stack.fund
        return venue_truth.worth_in(fund.numeraire, self.stack.home, rates, uncounted=fund.uncounted)

    def settle(self) -> list[str]:
        """Cycles until nothing is wrong any more."""
        fund = self.stack.fund
        decision = cycle.run_cycle(fund)
        for _ in range(SETTLING_CYCLES):
            if not decision.breaches:
                return [*self.store_defects(), *intact.gate_defects(fund, decision)]
            time.sleep(0.2)
            decision = cycle.run_cycle(fund)
        return [f"{SETTLING_CYCLES} cycles later: {[breach.message for breach in decision.breaches]}"]

    def _accepted(self) -> bool:
        return intact.latest_snapshot(self.stack.fund).accepted

    def kill_workers(self, count: int) -> Iterator[Kill]:
        """A process that executes a cycle as runs; every other draw over the run, else over one step."""
        self._measured(run_jobs, self.stack.home, self.stack.records)  # makes the stores
        spans = self._measured(run_jobs, self.stack.home, self.stack.records)
        phases = self.rng.sample(PHASES, len(PHASES))
        for number in range(count):
            aimed = phases[number // 2 % len(phases)] if number % 2 else None
            yield self._kill_a_worker(spans, aimed)

    def _measured(self, target: Callable[..., None], *arguments: object) -> dict[str, float]:
        """What it takes when nobody kills it; afterwards nothing is wrong."""
        with started(target, *arguments) as (_, trace):
            trace.wait_for("over")
        defects = self.settle()
        if defects:
            raise RuntimeError(f"before any kill: {defects}")
        return trace.durations()

    def _kill_a_worker(self, spans: dict[str, float], aimed: str | None) -> Kill:
        begun = time.monotonic()
        venue_truth.wait_for_weight(self.stack.home)
        event = self.disturb()
        share = self.rng.random()
        with started(run_jobs, self.stack.home, self.stack.records) as (process, trace):
            if aimed:
                trace.wait_for("begin", aimed)
            time.sleep(share * spans[aimed or "all"])
            process.kill()
        if trace.is_over:
            spans |= trace.durations()  # it was measured when something else was going on too
        defects = [
            *intact.missing(self.stack.fund, trace.rows),
            *self.store_defects(),
            *self.next_cycle(event),
        ]
        return Kill(
            victim="run worker",
            phase=trace.phase,
            in_run=trace.in_run,
            drawn=f"{share:.3f} of {aimed or 'the run'}",
            event=event,
            seconds=time.monotonic() - begun,
            defects=tuple(defects),
        )

    def kill_servers(self, count: int) -> Iterator[Kill]:
        """The venue, while a process values the fund and somebody books rows; every third time the Firestore server."""
        spans = self._measured(run_cycles, self.stack.home, CYCLES)
        phases = self.rng.sample(PHASES, len(PHASES))
        for number in range(count):
            aimed = phases[number // 2 % len(phases)] if number % 2 else None
            yield self._kill_a_firestore(spans) if number % 3 == 2 else self._kill_a_venue(spans, aimed)

    def _kill_a_venue(self, spans: dict[str, float], aimed: str | None) -> Kill:
        begun = time.monotonic()
        share, home = self.rng.random(), self.stack.home
        venue_truth.wait_for_weight(home)
        with started(run_cycles, home, CYCLES) as (_, trace), _booking(home) as booked:
            if aimed:
                trace.wait_for("begin", aimed)
            time.sleep(share * spans[aimed] / CYCLES if aimed else share * spans["all"])
            os.kill(alive(local.running(home)).pid, signal.SIGKILL)
            phase, heard = trace.phase, len(trace.said)
            trace.wait_for("begin", "account reading", after=heard)
            trace.wait_for("end", "gate", after=len(trace.said))
        unseen = list(self._verdict_without_sources())
        local.up(home, PathOptions(), with_this_process=True)
        kept = {row.tran_id for row in venue_truth.ledger_rows(home)}
        lost = [f"venue: row {tran_id} was answered and is gone" for tran_id in booked if tran_id not in kept]
        defects = [
            *unseen,
            *lost,
            *venue_truth.ledger_defects(home),
            *intact.missing(self.stack.fund, trace.rows),
            *self.store_defects(),
            *self.next_cycle("restarted"),
        ]
        return Kill(
            victim="venue",
            phase=phase,
            in_run=False,
            drawn=f"{share:.3f} of {aimed or 'some cycles'}",
            event=f"{len(booked)} rows booked",
            seconds=time.monotonic() - begun,
            defects=tuple(defects),
        )

    def _kill_a_firestore(self, spans: dict[str, float]) -> Kill:
        """It keeps everything in memory: after it a cycle is as good as before, and all is published again."""
        begun, share, home = time.monotonic(), self.rng.random(), self.stack.home
        venue_truth.wait_for_weight(home)
        with started(run_cycles, home, CYCLES) as (_, trace):
            trace.wait_for("begin", "publishing")
            time.sleep(share * spans["publishing"] / CYCLES)
            os.kill(alive(local.running_firestore(home)).pid, signal.SIGKILL)
            phase, heard = trace.phase, len(trace.said)
            trace.wait_for("end", "gate", after=heard)
        valued = intact.latest_snapshot(self.stack.fund)
        defects = [] if valued.accepted else [f"without Firestore: {[p.message for p in valued.problems]}"]
        defects += intact.missing(self.stack.fund, trace.rows)
        local.up(home, PathOptions(), with_this_process=True)
        return Kill(
            victim="Firestore",
            phase=phase,
            in_run=False,
            drawn=f"{share:.3f} of publishing",
            event="nothing",
            seconds=time.monotonic() - begun,
            defects=(*defects, *self.store_defects(), *self.next_cycle("nothing")),
        )

    def _verdict_without_sources(self) -> Iterator[str]:
        decision = self.stack.fund.latest(GateDecision)
        if self._accepted() or decision is None or decision.state is not TradingState.HALTED:
            yield f"without a venue: accepted {self._accepted()}, {decision and decision.state.name}"


def alive(server: Server | None) -> Server:
    """Raises RuntimeError: it does not run."""
    if server is None:
        raise RuntimeError("it should run, and does not")
    return server


@contextmanager
def _booking(home: Path) -> Iterator[list[str]]:
    """Rows booked one after another while the block lasts; ids of those the venue has answered for."""
    booked: list[str] = []
    enough = threading.Event()

    def book() -> None:
        with suppress(VenueSilent), Control.from_ready_file(local.ready_file(home)) as control:
            for number in range(MOST_BOOKED):
                row = control.realize("BTCUSDT", Decimal(number % 2 * 2 - 1) / 8)
                booked.append(str(row["tran_id"]))
                if enough.wait(0.01):
                    break

    thread = threading.Thread(target=book)
    thread.start()
    try:
        yield booked
    finally:
        enough.set()
        thread.join(PATIENCE_S)
