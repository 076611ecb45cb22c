"""Killing what trades: run workers inside a run, the venue under it, and everything of ours at once.

After each kill the venue's own books are read raw. After the next protection cycle no rung has two orders, every position has
its stops, the ledger has every fill; after everything died, no opening order rests once the countdown has ended.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hedge_pipeline import cycle, local
from hedge_pipeline.cycle.order_reading import read_fills, read_orders
from hedge_pipeline.cycle.protecting import protect
from hedge_pipeline.domain.trading.exit_cover import ExitCover
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.local import PathOptions
from tools import book_truth, intact, venue_truth
from tools.kill_lanes import Kill, alive, started
from tools.kill_worker import run_trading
from tools.stack import Stack, stack

COUNTDOWN_S = 15.0
SETTINGS = f'[cadence]\nprotection = "5s"\n\n[trading]\ncountdown = "{COUNTDOWN_S:g}s"\nburst_orders = 1000\nsymbol_orders = 10000\n'
CYCLES = 4
"""Protection cycles after a kill of which one must be undisturbed by a trade of the path."""
OPEN_GATE_S = 120.0


@dataclass
class TradingLane:
    """One fund that trades, one sequence of draws."""

    stack: Stack
    rng: random.Random
    up: bool = False
    spans: dict[str, float] = field(default_factory=dict)

    def begin(self) -> None:
        """Open the gate, load the grid, and see how long a run takes."""
        deadline = time.monotonic() + OPEN_GATE_S
        while not book_truth.book_at(self.stack.home).openings:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no grid within {OPEN_GATE_S} s: {self._why_nothing_rests()}")
            self._run()
        self.spans = self._run()

    def _run(self) -> dict[str, float]:
        with started(run_trading, self.stack.home, self.stack.records) as (_, trace):
            trace.wait_for("over")
        return trace.durations()

    def _why_nothing_rests(self) -> str:
        return "; ".join(breach.message for breach in cycle.judge(self.stack.fund).breaches)

    def disturb(self) -> str:
        """Something that gives the next run orders to send, or positions to cover."""
        kind = self.rng.choice(("recenter", "canceled by somebody", "small move", "somebody's trade"))
        with self.stack.control() as control:
            match kind:
                case "recenter":
                    self.up = not self.up
                    control.move_price("BTCUSDT", "1.023" if self.up else "0.978")
                case "small move":
                    self.up = not self.up
                    control.move_price("BTCUSDT", "1.006" if self.up else "0.994")
                case "canceled by somebody":
                    book = book_truth.book_at(self.stack.home)
                    for row in self.rng.sample(book.openings, min(4, len(book.openings))):
                        control.cancel_order(symbol=row["symbol"], orderId=str(row["orderId"]))
                case _:
                    side = self.rng.choice(("LONG", "SHORT"))
                    control.place_order(
                        symbol="BTCUSDT",
                        side="BUY" if side == "LONG" else "SELL",
                        positionSide=side,
                        type="MARKET",
                        quantity="0.004",
                    )
        return kind

    def kill_workers(self, count: int) -> Iterator[Kill]:
        for _ in range(count):
            venue_truth.wait_for_weight(self.stack.home)
            begun, event, share = time.monotonic(), self.disturb(), self.rng.random()
            with started(run_trading, self.stack.home, self.stack.records) as (process, trace):
                time.sleep(share * self.spans["all"])
                process.kill()
            yield self._proved("run worker", trace, event, f"{share:.3f} of the run", begun)

    def kill_venues(self, count: int) -> Iterator[Kill]:
        for _ in range(count):
            begun, event, share = time.monotonic(), self.disturb(), self.rng.random()
            with started(run_trading, self.stack.home, self.stack.records) as (_, trace):
                time.sleep(share * self.spans["all"])
                os.kill(alive(local.running(self.stack.home)).pid, signal.SIGKILL)
                time.sleep(0.3)
            local.up(self.stack.home, PathOptions(), with_this_process=True)
            yield self._proved("venue", trace, event, f"{share:.3f} of the run", begun)

    def kill_everything(self, count: int) -> Iterator[Kill]:
        """Everything but the venue, which is not ours; then nobody for as long as the countdown lasts."""
        for _ in range(count):
            venue_truth.wait_for_weight(self.stack.home)
            begun, event, share = time.monotonic(), self.disturb(), self.rng.random()
            with started(run_trading, self.stack.home, self.stack.records) as (process, trace):
                time.sleep(share * self.spans["all"])
                process.kill()
            time.sleep(COUNTDOWN_S + 1)
            left = book_truth.book_at(self.stack.home).openings
            defects = [f"{row['clientOrderId']} rests after the countdown" for row in left]
            told = self._proved("everything", trace, event, f"{share:.3f} of the run", begun, defects)
            self._run()
            yield told

    def _proved(
        self, victim: str, trace: Any, event: str, drawn: str, begun: float, defects: list[str] | None = None
    ) -> Kill:
        fund = self.stack.fund
        found = [
            *(defects or ()),
            *intact.file_defects(self.stack.home / "state.sqlite"),
            *intact.missing(fund, trace.rows),
            *self._after_a_protection_cycle(),
        ]
        return Kill(
            victim=victim,
            phase=trace.phase,
            in_run=trace.in_run,
            drawn=drawn,
            event=event,
            seconds=time.monotonic() - begun,
            defects=tuple(found),
        )

    def _after_a_protection_cycle(self) -> list[str]:
        """Held against a book that no trade of the path has changed since the cycle read it."""
        found: list[str] = []
        for _ in range(CYCLES):
            trades = len(self._trades())
            cycle.read_account(self.stack.fund)
            read_orders(self.stack.fund)
            read_fills(self.stack.fund)
            cover = protect(self.stack.fund)
            book = book_truth.book_at(self.stack.home)
            found = [*book_truth.order_defects(book), *book_truth.exit_defects(book), *self._ledger_defects()]
            if len(self._trades()) == trades:
                return found + self._told(cover, found)
            time.sleep(0.5)
        return found

    def _told(self, cover: ExitCover, found: list[str]) -> list[str]:
        return [f"the cycle said: {cover.problem}"] if found and cover.problem else []

    def _trades(self) -> list[dict[str, Any]]:
        trades: list[dict[str, Any]] = venue_truth.kept(self.stack.home)["trades"]
        return trades

    def _ledger_defects(self) -> Iterator[str]:
        fund = self.stack.fund
        known = {(row.symbol, row.fill_id) for row in fund.store.rows(LedgerFill, fund.account)}
        for trade in self._trades():
            if (trade["symbol"], str(trade["trade_id"])) not in known:
                yield f"the ledger lacks fill {trade['trade_id']} of {trade['symbol']}"


def killed(seed: int, *, workers: int, venues: int, everything: int) -> Iterator[Kill]:
    """One lane on a fund of its own. What it forks is born with its environment, so a process has one of them."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        os.environ.update(Stack(checkout).environment)
        with stack(checkout, files={"hedge.toml": SETTINGS}) as made:
            lane = TradingLane(made, random.Random(seed))
            lane.begin()
            yield from lane.kill_workers(workers)
            yield from lane.kill_venues(venues)
            yield from lane.kill_everything(everything)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--venues", type=int, default=20)
    parser.add_argument("--everything", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--json", action="store_true", help="one line of JSON for each kill")
    options = parser.parse_args()
    begun, kills = time.monotonic(), []
    print(f"seed {options.seed}", flush=True)
    for kill in killed(
        options.seed, workers=options.workers, venues=options.venues, everything=options.everything
    ):
        kills.append(kill)
        verdict = "; ".join(kill.defects) or "nothing lost"
        print(
            json.dumps(asdict(kill))
            if options.json
            else f"{time.monotonic() - begun:5.0f} s  {kill.victim:<10}  {kill.drawn:<18}  {kill.phase:<15}  {kill.event:<20}  {verdict}",
            flush=True,
        )
    in_run = sum(kill.in_run for kill in kills)
    print(f"{len(kills)} kills, {in_run} inside a run, {time.monotonic() - begun:.0f} s, seed {options.seed}")
    return 1 if any(kill.defects for kill in kills) else 0


if __name__ == "__main__":
    sys.exit(main())
