"""A process to be killed: it does what a run worker or a valuing process does, and says each step and each commit.

It speaks through a pipe before a step begins, when it has ended and after a commit has returned; what it has sent before
a SIGKILL arrives. The step functions are wrapped in this process alone. What a long-lived process has loaded is loaded
here, once, before the forks.
"""

import itertools
import os
import time
from collections.abc import Callable
from functools import wraps
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import dagster as dg

import hedge_pipeline.adapters.ccxt_venue
import hedge_pipeline.adapters.firestore
import hedge_pipeline.adapters.prices
import hedge_pipeline.composition
import hedge_pipeline.definitions
import hedge_pipeline.domain.schemas
from hedge_pipeline import cycle, publishing
from hedge_pipeline.adapters.state_store import SqlStateStore
from hedge_pipeline.cycle import executing, order_reading, planning, protecting
from hedge_pipeline.settings import load_settings

STEPS = {
    "read_account": "account reading",
    "read_marks": "marks",
    "read_instruments": "instruments",
    "read_income": "income",
    "read_prices": "prices",
    "value_reserves": "prices",
    "take_nav": "valuing",
    "advance_peak": "peak",
    "decide": "gate",
    "publish": "publishing",
}
"""Step functions of a cycle, and the phase each belongs to."""
TRADING_STEPS: dict[str, tuple[ModuleType, str]] = {
    "read_orders": (order_reading, "open orders"),
    "read_fills": (order_reading, "fills"),
    "read_terms": (order_reading, "terms"),
    "protect": (protecting, "protecting"),
    "read_candles": (planning, "candles"),
    "read_regimes": (planning, "regimes"),
    "plan_ladders": (planning, "ladders"),
    "plan_orders": (planning, "order plans"),
    "execute_plans": (executing, "executing"),
}
"""Steps of a bar and of a protection cycle, by the module whose attribute the assets call."""
JOBS = ("reserves_job", "nav_job", "gate_job", "publication_job")
"""One whole cycle as runs."""


class Said(NamedTuple):
    """One thing the process says of itself."""

    what: str
    """``ready``, ``run``, ``over``, ``begin``, ``end`` or ``kept``."""
    name: str = ""
    rows: tuple[object, ...] = ()
    """Rows whose commit has returned."""


def run_jobs(home: Path, records: Path, pipe: Connection) -> None:
    """One cycle as runs of Dagster in this process, then wait to be killed."""
    _executed(home, records, pipe, JOBS)


def _executed(home: Path, records: Path, pipe: Connection, jobs: tuple[str, ...]) -> None:
    _observed(home, pipe)
    records.mkdir(parents=True, exist_ok=True)
    with (home / "runs.log").open("ab") as log:
        os.dup2(log.fileno(), 2)  # Dagster tells every event of a run
    with dg.DagsterInstance.local_temp(str(records), overrides={"telemetry": {"enabled": False}}) as instance:
        pipe.send(Said("ready"))
        for name in jobs:
            job = hedge_pipeline.definitions.defs.resolve_job_def(name)
            pipe.send(Said("run", name))
            job.execute_in_process(instance=instance, raise_on_error=False)
        pipe.send(Said("over"))
        while True:
            time.sleep(60)


def run_trading(home: Path, records: Path, pipe: Connection) -> None:
    """A protection cycle and a bar of trading as runs in this process, then wait to be killed."""
    _executed(home, records, pipe, ("protection_job", "trading_job", "protection_job"))


def run_cycles(home: Path, count: int, pipe: Connection) -> None:
    """Cycles one after another, as the heartbeat does them, until killed; says when so many are over."""
    _observed(home, pipe)
    fund = hedge_pipeline.composition.build_fund(load_settings())
    pipe.send(Said("ready"))
    for number in itertools.count(1):
        for name in STEPS:
            getattr(_home_of(name), name)(fund)
        if number == count:
            pipe.send(Said("over"))


def _observed(home: Path, pipe: Connection) -> None:
    os.environ["HEDGE_HOME"] = str(home)
    for name, phase in STEPS.items():
        setattr(_home_of(name), name, _told(getattr(_home_of(name), name), phase, pipe))
    for name, (module, phase) in TRADING_STEPS.items():
        setattr(module, name, _told(getattr(module, name), phase, pipe))
    SqlStateStore.append = _acknowledged(SqlStateStore.append, pipe)  # type: ignore[method-assign]
    SqlStateStore.append_new_income = _acknowledged(  # type: ignore[method-assign]
        SqlStateStore.append_new_income, pipe
    )


def _home_of(name: str) -> ModuleType:
    """The module whose attribute everybody calls."""
    return publishing if name == "publish" else cycle


def _told(step: Callable[[Any], Any], phase: str, pipe: Connection) -> Callable[[Any], Any]:
    @wraps(step)
    def told(fund: Any, *rest: Any) -> Any:
        pipe.send(Said("begin", phase))
        try:
            return step(fund, *rest)
        finally:
            pipe.send(Said("end", phase))

    return told


def _acknowledged(append: Callable[..., Any], pipe: Connection) -> Callable[..., Any]:
    @wraps(append)
    def acknowledged(store: Any, *rows: Any, **closing: Any) -> Any:
        result = append(store, *rows, **closing)
        kept = rows[0] if append.__name__ == "append_new_income" else rows
        pipe.send(Said("kept", append.__name__, (*kept, *closing.get("closing", ()))))
        return result

    return acknowledged
