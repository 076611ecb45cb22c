"""A paper fund to run the page on: its venue serves from this process, by a clock that can lie in the past until now."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from hedge_pipeline import cycle, local
from hedge_pipeline.adapters.system_clock import SystemClock
from hedge_pipeline.composition import build_fund
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.verdicts import GateDecision
from hedge_pipeline.local.home import make
from hedge_pipeline.paper.control import Control
from hedge_pipeline.paper.server import serve
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.paper.world import World, open_core
from hedge_pipeline.publishing import publish
from hedge_pipeline.settings import load_settings

REPOSITORY = Path(__file__).parents[2]
CADENCE = timedelta(seconds=30)
NOBODY = 2**22 + 1
"""Above every pid: what `local.json` names here is served from this process, and nothing may end it."""
EARLIEST = timedelta(days=4)
"""How far back the venue's account goes."""


@dataclass(eq=False)
class Timeline:
    """``Clock`` of ports: the machine's, so far behind."""

    behind: timedelta = EARLIEST

    def now(self) -> datetime:
        return SystemClock().now() - self.behind

    def monotonic(self) -> float:
        return SystemClock().monotonic() - self.behind.total_seconds()

    def boot_id(self) -> str:
        return SystemClock().boot_id()

    def milliseconds(self) -> int:
        return round(self.now().timestamp() * 1000)


@dataclass
class PaperFund:
    """What a situation drives."""

    folder: Path
    """Stands for the checkout; the home is below it."""
    venue: PaperVenue
    control: Control
    firestore_host: str
    kept_open: ExitStack
    clock: Timeline = field(default_factory=Timeline)

    @property
    def home(self) -> Path:
        return self.folder / ".hedge"

    @cached_property
    def fund(self) -> Fund:
        """By the timeline's clock, as the daemon had it."""
        return self.held(build_fund(load_settings(), clock=self.clock))

    def beats(self, times: int = 3, *, ago: timedelta = timedelta(0)) -> GateDecision:
        """So many whole cycles, a cadence apart, the last so long ago; time only goes on."""
        decision = None
        for left in reversed(range(times)):
            self.clock.behind = min(self.clock.behind, ago + left * CADENCE)
            decision = cycle.run_cycle(self.fund)
        assert decision is not None
        return decision

    def keep(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Open until the end of the section."""
        self.kept_open.callback(connection.close)
        return connection

    def second(self) -> Fund:
        """Another deployment over the same account: its own home, the same servers and the same place of publication."""
        home = self.folder / "other"
        home.mkdir(mode=0o700)
        for name in ("hedge.toml", "local.json", "treasury.toml", "reserves.toml"):
            shutil.copy(self.home / name, home)
        (home / "paper").mkdir()
        return self.held(build_fund(load_settings({"HEDGE_HOME": str(home)}), clock=self.clock))

    def held(self, fund: Fund) -> Fund:
        self.kept_open.callback(fund.store.close)  # type: ignore[attr-defined]  # of the adapter, not of the port
        return fund

    def publish(self) -> None:
        publish(self.fund)


def forget_servers() -> None:
    """What a process has once found it goes on expecting; a section begins anew."""
    local._venues.found.clear()
    local._firestores.found.clear()


@contextmanager
def paper_fund(folder: Path, firestore_host: str, *, at_least: timedelta = EARLIEST) -> Iterator[PaperFund]:
    """A fund in ``folder``/.hedge, published to a database of its own; `hedge local` finds its servers running."""
    home = folder / ".hedge"
    home.mkdir(mode=0o700)
    (home / "hedge.toml").write_text(f'[publication]\ndatabase = "runbook-{os.urandom(4).hex()}"\n')
    clock = Timeline(behind=at_least)
    core = open_core(World(seed=7), now_ms=clock.milliseconds())
    venue = PaperVenue(core, clock.milliseconds, weight_limit=None)
    with serve(venue) as url, Control(url, venue.admin_token) as control, ExitStack() as kept_open:
        make(home)
        named = {
            "base_url": url, "admin_token": venue.admin_token, "pid": NOBODY,
            "firestore_host": firestore_host, "firestore_pid": NOBODY, "firestore_kind": "own",
        }  # fmt: skip
        (home / "local.json").touch(mode=0o600)
        (home / "local.json").write_text(json.dumps(named))
        yield PaperFund(
            folder=folder,
            venue=venue,
            control=control,
            firestore_host=firestore_host,
            kept_open=kept_open,
            clock=clock,
        )
