"""A daemon that trades: from a bar's close to the venue's acknowledgement, beside empty runs, and from a fill to its stop.

Each minute one resting entry is taken away, so that the next bar sends one. In the same minute sensors of the same location ask
for a run of one empty step and for one of as many empty steps as a trading run has; both end when their run ends. Then the price
is moved through the closest entry, and the venue's own file tells when it was filled and when its stop was made.
"""

import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from socket import create_server
from typing import Any

import dagster as dg
import httpx

from benchmarks.empty_runs import DUE_S, MANY, ONE
from hedge_pipeline import local
from hedge_pipeline.defs.trading import CHAIN
from hedge_pipeline.domain.client_order_ids import Owner, recognize
from hedge_pipeline.domain.orders import OrderKind
from hedge_pipeline.domain.trading.intents import Answer, Intent, OrderUpdate
from hedge_pipeline.domain.verdicts import GateDecision, TradingState
from tools.stack import Stack, stack

BARS = int(sys.argv[1]) if len(sys.argv) > 1 else 6
FILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
GOAL = 1.2
STOP_GOAL_S = 20.0
"""Two turns of the protection sensor: one may have looked a moment before the fill."""
BTC = "BTCUSDT"
START_S, RUN_S, STOP_S = 300.0, 120.0, 60.0
BEYOND = Decimal("0.0004")
"""How far past an entry the price goes: the last price is a little off the mark."""
ASSETS = {asset.key.to_user_string() for asset in CHAIN}
GOING = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
WORKSPACE = """
load_from:
  - python_module:
      module_name: benchmarks.empty_runs
      location_name: hedge_pipeline
"""

Runs = Sequence[dg.RunRecord]


@dataclass(frozen=True)
class Way:
    """How long one run took from the instant that it was due: to being asked for, to its process being ready, to what it is for."""

    asked_s: float
    started_s: float
    done_s: float

    @property
    def total_s(self) -> float:
        return self.asked_s + self.run_s

    @property
    def run_s(self) -> float:
        """From being asked for: when a sensor's turn comes is chance, the same for every run."""
        return self.started_s + self.done_s


@contextmanager
def daemon() -> Iterator[Stack]:
    with closing(create_server(("127.0.0.1", 0))) as probe:
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder) / "checkout") as made:
        (made.folder / "workspace.yaml").write_text(WORKSPACE)
        with made.served(port):
            wait("an open gate", START_S, lambda: _is_active(made))
            yield made


def wait(what: str, seconds: float, is_true: Callable[[], object], pause_s: float = 0.5) -> None:
    until = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > until:
            raise SystemExit(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause_s)


def _is_active(made: Stack) -> bool:
    decision = made.fund.latest(GateDecision)
    return decision is not None and decision.state is TradingState.ACTIVE


def kept(made: Stack) -> dict[str, Any]:
    """The venue's own file."""
    return dict(json.loads((made.home / "paper" / "venue" / "state.json").read_text()))


def entries(made: Stack) -> list[dict[str, Any]]:
    """Of ours, that rest."""
    book = made.fund.trading.book(made.fund.store.store_id, made.fund.account, BTC)
    return [
        order
        for order in kept(made)["order_book"]["orders"]
        if order["status"] in {"NEW", "PARTIALLY_FILLED"}
        and (found := recognize(order["client_order_id"], book)).owner is Owner.OURS
        and found.name is not None
        and found.name.kind is OrderKind.ENTRY
    ]


def bars(made: Stack, instance: dg.DagsterInstance) -> None:
    """Let as many bars be traded, and take an entry away before each."""
    wait("the first orders", RUN_S + 60, lambda: bool(entries(made)))
    for _ in range(BARS + 1):
        time.sleep((50 - time.time()) % 60)  # ten seconds before the bar closes
        resting = entries(made)
        if resting:
            with made.control() as control:
                control.cancel_order(symbol=BTC, orderId=str(resting[0]["order_id"]))
    time.sleep(60)
    wait("the last run", RUN_S, lambda: not instance.get_runs(dg.RunsFilter(job_name=MANY, statuses=GOING)))


def acknowledged(made: Stack) -> list[tuple[float, float]]:
    """Of every entry, when it was made by the venue's file, and when its answer was stored; oldest first."""
    made_at = {
        each["client_order_id"]: each["created_ms"] / 1000 for each in kept(made)["order_book"]["orders"]
    }
    answered = {
        update.client_order_id: update.recorded_at.timestamp()
        for update in made.fund.recent(OrderUpdate, 5000)  # newest first: the oldest answer stays
        if update.answer is Answer.ACCEPTED
    }
    return sorted(
        (made_at[name], answered[name])
        for intent in made.fund.store.rows(Intent, made.fund.account)
        if intent.order.kind is OrderKind.ENTRY
        and (name := intent.client_order_id) in answered
        and name in made_at
    )


def trading_ways(made: Stack, runs: Runs) -> list[tuple[Way, dg.RunRecord]]:
    ways, answers = [], [answered_s for _, answered_s in acknowledged(made)]
    for run in runs:
        if run.start_time is None or run.end_time is None:
            continue
        bar = datetime.fromisoformat(run.dagster_run.tags["dagster/run_key"].removeprefix("bar closed "))
        created_s, started_s = run.create_timestamp.timestamp(), run.start_time
        of_run = [answered_s for answered_s in answers if started_s <= answered_s <= run.end_time]
        if of_run:
            way = Way(created_s - bar.timestamp(), started_s - created_s, of_run[0] - started_s)
            ways.append((way, run))
    return ways[1:]  # the first one places every entry


def empty_ways(runs: Runs, due_s: int) -> list[Way]:
    ways = []
    for run in runs:
        created_s = run.create_timestamp.timestamp()
        if run.start_time is not None and run.end_time is not None:
            due = created_s - created_s % 60 + due_s
            ways.append(Way(created_s - due, run.start_time - created_s, run.end_time - run.start_time))
    return ways[1:]


def told(name: str, ways: Sequence[Way]) -> float:
    """Print the medians; that from being asked for."""
    parts = [
        [way.asked_s for way in ways],
        [way.started_s for way in ways],
        [way.done_s for way in ways],
        [way.total_s for way in ways],
    ]
    asked_for = [way.run_s for way in ways]
    print(
        f"{name:<28}"
        + "".join(f"{statistics.median(part):>8.2f} s" for part in parts)
        + f"{statistics.median(asked_for):>12.2f} s  [{min(asked_for):.2f} .. {max(asked_for):.2f}] of {len(ways)}"
    )
    return statistics.median(asked_for)


def steps(instance: dg.DagsterInstance, runs: Runs) -> None:
    """Where a run's time goes: of each asset, of all checks together, and between the steps."""
    took: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        begun: dict[str, float] = {}
        of_run: dict[str, float] = defaultdict(float)
        for entry in instance.all_logs(run.dagster_run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            if event.event_type is dg.DagsterEventType.STEP_START:
                begun[event.step_key] = entry.timestamp
            elif event.event_type in {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}:
                key = event.step_key
                of_run[key if event.step_key in ASSETS else "all checks"] += entry.timestamp - begun[key]
        if begun and run.start_time is not None and run.end_time is not None:
            of_run["between steps"] = run.end_time - run.start_time - sum(of_run.values())
            of_run["the whole run"] = run.end_time - run.start_time
            for key, value in of_run.items():
                took[key].append(value)
    for key, values in took.items():
        print(f"  {key:<26}{1000 * statistics.median(values):>8.0f} ms")


def runs_meet_goal(made: Stack) -> bool:
    with made.instance() as instance:
        bars(made, instance)

        def runs(job: str) -> Runs:
            return instance.get_run_records(dg.RunsFilter(job_name=job), ascending=True)

        traded = trading_ways(made, runs("trading_job"))
        if len(traded) < BARS // 2:
            raise SystemExit(f"{len(traded)} of {BARS} bars sent an order: nothing to measure")
        print(
            f"{'from when it was due':<28}{'asked':>10}{'started':>10}{'done':>10}{'whole':>10}{'but asked':>14}"
        )
        ours = told("bar to acknowledgement", [way for way, _ in traded])
        empty = told("one empty step", empty_ways(runs(ONE), DUE_S[ONE]))
        many = told("as many empty steps", empty_ways(runs(MANY), DUE_S[MANY]))
        venue_s = [stored - there for there, stored in acknowledged(made)]
        print(f"the venue had the order {statistics.median(venue_s):.3f} s before its answer was stored")
        print("a trading run, step by step")
        steps(instance, [run for _, run in traded])
    ratio = ours / empty
    met = ratio <= GOAL
    print(
        f"ratio, from being asked for, to one empty step {ratio:.2f}, goal {GOAL}{'' if met else '   BEYOND'}; "
        f"to as many {ours / many:.2f}"
    )
    return met


def mark_price(made: Stack) -> Decimal:
    servers = local.running(made.home)
    assert servers is not None
    answer = httpx.get(f"{servers.base_url}/fapi/v1/premiumIndex", params={"symbol": BTC}, trust_env=False)
    return Decimal(answer.json()["markPrice"])


def _of_side(made: Stack, side: str) -> list[dict[str, Any]]:
    return [order for order in entries(made) if order["side"] == side]


def covered_s(made: Stack, entry: dict[str, Any]) -> float | None:
    """From the first execution of the entry to the first stop of its side made since; ``None``: not yet."""
    state = kept(made)
    filled_ms = [each["time_ms"] for each in state["trades"] if each["order_id"] == entry["order_id"]]
    side = (entry["symbol"], entry["position_side"])
    stopped_ms = [
        each["created_ms"]
        for each in state["order_book"]["conditionals"]
        if (each["symbol"], each["position_side"]) == side
        and filled_ms
        and each["created_ms"] >= filled_ms[0]
    ]
    return (min(stopped_ms) - filled_ms[0]) / 1000 if stopped_ms else None


def stops_meet_goal(made: Stack) -> bool:
    took: list[float] = []
    for number in range(FILLS):
        side = "SELL" if number % 2 else "BUY"  # in turn, or the price would run into the first stop
        wait(f"an entry to {side}", RUN_S, partial(_of_side, made, side))
        price = mark_price(made)
        nearest = min(_of_side(made, side), key=lambda order: abs(Decimal(order["price"]) - price))
        past = 1 - BEYOND if side == "BUY" else 1 + BEYOND
        with made.control() as control:
            control.move_price(BTC, Decimal(nearest["price"]) / price * past)
        wait("its stop", STOP_S, partial(covered_s, made, nearest))
        took.append(covered_s(made, nearest) or 0.0)
        time.sleep(len(took) % 7)  # at another moment of the cadence each time
    median, worst = statistics.median(took), max(took)
    met = worst <= STOP_GOAL_S
    print(
        f"fill to its stop {median:.1f} s  [{min(took):.1f} .. {worst:.1f}] of {len(took)}   "
        f"goal of the longest {STOP_GOAL_S:g} s{'' if met else '   BEYOND'}"
    )
    return met


def main() -> None:
    with daemon() as made:
        met = [runs_meet_goal(made), stops_meet_goal(made)]
    if not all(met):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
