"""What the soak plays on: one paper venue, one state store, and processes over both that die and are started again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from hedge_pipeline.adapters.account_lock import FileAccountLock
from hedge_pipeline.adapters.ccxt_venue import CcxtOrderVenue, CcxtVenue, CcxtVenueHistory, Credentials
from hedge_pipeline.adapters.history import HistoryFiles
from hedge_pipeline.adapters.holdings import HoldingsFiles
from hedge_pipeline.adapters.prices import HoldingsPricer
from hedge_pipeline.adapters.state_store import SqlStateStore, open_state_store
from hedge_pipeline.cycle import Fund
from hedge_pipeline.domain.prices import PriceLimits
from hedge_pipeline.domain.trading import alarms
from hedge_pipeline.domain.trading.alarms import DELEVERAGED
from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.domain.trading.readings import FillOrigin
from hedge_pipeline.paper import admin, walk
from hedge_pipeline.paper.control import Control, ControlRefused
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import INSTRUMENTS
from hedge_pipeline.paper.market import Market
from hedge_pipeline.paper.requests import Answer, Request
from hedge_pipeline.paper.seed import PAPER_KEYS, AccountSeed, SeedPosition
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline.paper.venue import PaperVenue
from hedge_pipeline.settings import load_settings
from hedge_pipeline_tests.fakes import MemoryPublisher
from tools.soak_market import BASES, DrawnPlayer
from tools.soak_points import Points, Written
from tools.soak_wire import SoakClock, Wire, forget_clients, wired

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LISTED = {symbol: INSTRUMENTS[symbol] for symbol in BASES}
ACCOUNT = AccountSeed(
    balances={"USDT": Decimal(20_000)},
    positions=(
        SeedPosition(symbol="BTCUSDT", position_side="LONG", quantity=Decimal("0.012")),
        SeedPosition(symbol="BTCUSDT", position_side="SHORT", quantity=Decimal("0.008")),
        SeedPosition(symbol="ETHUSDT", position_side="LONG", quantity=Decimal("0.400")),
    ),
)
SOON_OVER = replace(DELEVERAGED, lasts=timedelta(seconds=30))
"""An hour without a single opening order, again and again, would leave little to find."""


class Door(Control):
    """The venue's back door without a wire."""

    def __init__(self, venue: PaperVenue) -> None:
        self.venue = venue

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self, method: str, action: str, **body: Any) -> Any:
        sent = {name: value for name, value in body.items() if value is not None}
        try:
            return admin.ACTIONS[method, f"/paper/{action}"](self.venue, sent)
        except ValueError as error:
            raise ControlRefused(f"{action}: {error}") from None


class SoakStage:
    """Everything there is, under one clock."""

    def __init__(self, home: Path, clock: SoakClock, rng: Random, observer: "Observer") -> None:
        self.home, self.clock, self.observer = home, clock, observer
        self.points = Points()
        self.stores: list[SqlStateStore] = []
        self.player = DrawnPlayer(Random(rng.random()))
        market = Market(self.player, LISTED, sessions=())
        market.resume(self.clock.ms, pace=Decimal(1))
        core = Core.opened(ACCOUNT, LISTED, market, now_ms=self.clock.ms)
        core.order_book.seed = rng.randrange(10**6)
        self.venue = self._venue(core)
        self.listening = True
        self.meanwhile = False
        """Whether another process acts in the middle of a step."""
        self.settings = load_settings({"HEDGE_HOME": str(home)})
        self.policy = soak_policy(self.settings.trading_policy())
        """What truth holds everything against."""
        for name in ("treasury.toml", "reserves.toml"):
            (home / name).write_text("")
        self.publisher = MemoryPublisher()
        self.fund = self._fund(1)
        self.other = self._fund(2)
        """Of another process, which lives on whatever happens to the first."""
        self.store_id = self.other.store.store_id

    @property
    def core(self) -> Core:
        return self.venue.core

    @property
    def door(self) -> Door:
        return Door(self.venue)

    @property
    def path_ms(self) -> int:
        return self.core.market.path_at(self.clock.ms)

    def pass_by(self, seconds: float, deviation_bps: float = 3.0, drift_bps: float = 0.0) -> None:
        """Let time pass with prices drawn for it."""
        self.player.wander(self.path_ms + round(seconds * 1000), deviation_bps, drift_bps)
        self.core.unreached = None  # what lies ahead was drawn anew
        self.clock.pass_by(timedelta(seconds=seconds))
        self.settle_venue()

    def settle_venue(self) -> None:
        """Let the venue do what is due."""
        if self.listening:
            self.venue.act(lambda *_: None)

    def restart(self) -> None:
        """A new process over the same store and venue."""
        self.points.forget()
        self.close()
        forget_clients()
        self.fund, self.other = self._fund(1), self._fund(2)

    def restart_venue(self, seconds: float) -> None:
        """Stop it and start it again from what it kept; prices stand still meanwhile."""
        now_ms = self.clock.ms
        with StateDirectory(self.home / "venue") as kept:
            kept.load({}, self.player, LISTED)
            kept.save(self.core, now_ms)
            self.clock.pass_by(timedelta(seconds=seconds))
            core = kept.load({}, self.player, LISTED)
        if core is None:
            raise RuntimeError("the venue kept nothing")
        (self.home / "venue" / "state.json").unlink()
        core.market.resume(self.clock.ms, pace=Decimal(1))
        walk.advance(core, self.clock.ms)
        self.venue = self._venue(core)

    def close(self) -> None:
        for store in self.stores:
            store.close()
        self.stores.clear()

    def _venue(self, core: Core) -> PaperVenue:
        return PaperVenue(core, self.clock.milliseconds, weight_limit=None)

    def serve(self, request: Request) -> Answer | None:
        """One request of a process: it may die before it is sent, or before the answer is read."""
        self.points.reach()
        if not self.listening:
            return None
        self.observer.asked(self, request)
        answer = self.venue.answer(request)
        self.observer.answered(self, request, answer)
        self.points.reach()
        return answer

    def _fund(self, process: int) -> Fund:
        url = f"http://127.0.0.1:{process}"
        points = self.points if process == 1 else Points()
        opened = open_state_store(f"sqlite:///{self.home / 'state.sqlite'}", create=False)
        self.stores.append(opened)
        store: Any = Written(opened, points)
        credentials = Credentials(api_key="paper", secret=PAPER_KEYS["paper"])
        symbols = self.settings.venue.symbols
        at: dict[str, Any] = {
            "account": "main",
            "base_url": url,
            "credentials": credentials,
            "clock": self.clock,
        }
        return Fund(
            account="main",
            store=store,
            venue=CcxtVenue(**at, symbols=symbols),
            holdings=HoldingsFiles(folder=self.home, clock=self.clock),
            price=HoldingsPricer(account="main", sources=(), limits=PriceLimits()),
            price_limits=PriceLimits(),
            clock=self.clock,
            limits=replace(self.settings.limits(), recovery_cycles=2),
            numeraire="USDT",
            publisher=self.publisher,
            history=HistoryFiles(self.home / "history"),
            venue_history=CcxtVenueHistory(**at),
            orders=CcxtOrderVenue(**at),
            lock=FileAccountLock(self.home, "main"),
            trading=as_told(self.policy),
            symbols=symbols,
            self_inception=True,
            two_people=False,
        )


class Observer:
    """Looks at every request before and after the venue has acted on it."""

    def asked(self, stage: SoakStage, request: Request) -> None:
        raise NotImplementedError

    def answered(self, stage: SoakStage, request: Request, answer: Answer) -> None:
        raise NotImplementedError


def as_told(policy: TradingPolicy) -> TradingPolicy:
    """What the fund is told of its policy: all of it, unless somebody breaks this."""
    return policy


def soak_policy(policy: TradingPolicy) -> TradingPolicy:
    """The paper policy with a narrow grid and caps that bind: what is to be found has to happen often."""
    (strategy,) = policy.strategies
    (symbol,) = policy.limits.symbols
    shape = replace(
        strategy.shape,
        step_bps=Decimal(20),
        levels_long=4,
        levels_short=4,
    )
    limits = replace(
        policy.limits,
        symbols=(replace(symbol, max_side_quantity=Decimal("0.030")),),
        max_account_exposure=Decimal("0.6"),
        stop_cooldown=timedelta(minutes=1),
    )
    return replace(policy, strategies=(replace(strategy, shape=shape),), limits=limits)


@contextmanager
def staged(template: Path, home: Path, seed: str, observer: Observer) -> Iterator[SoakStage]:
    """A stage in an empty folder. ``template`` holds an empty state store, which takes longer to make than to copy."""
    rng = Random(seed)
    ids = Random(f"{seed} ids")
    home.mkdir(parents=True, exist_ok=True)
    if not template.exists():
        with mock.patch("secrets.token_hex", lambda size=16: "5" * 2 * size):
            open_state_store(f"sqlite:///{template}", create=True).close()
    shutil.copy(template, home / "state.sqlite")
    clock = SoakClock(START)
    wire = Wire(clock)
    forget_clients()
    with (
        wired(wire),
        mock.patch("secrets.token_hex", lambda size=16: ids.randbytes(size).hex()),
        mock.patch.dict(os.environ, {"HEDGE_HOME": str(home)}),
        mock.patch.dict(alarms.RULES, {DELEVERAGED.key: SOON_OVER}),
        mock.patch.dict(alarms.ORIGINS, {FillOrigin.DELEVERAGING: SOON_OVER}),
    ):
        stage = SoakStage(home, clock, rng, observer)
        wire.serve = stage.serve
        try:
            yield stage
        finally:
            with suppress(Exception):
                stage.close()
            forget_clients()
