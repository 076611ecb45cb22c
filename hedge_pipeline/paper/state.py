"""What a venue remembers across restarts: one JSON file, replaced whole and durably at each change.

A kill at any instant leaves either the file before the change or the one after it. Money is written as text.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import Instrument
from hedge_pipeline.paper.ledger import Income, Ledger
from hedge_pipeline.paper.market import Market, Session, Shock
from hedge_pipeline.paper.order_state import kept_book, restored_book
from hedge_pipeline.paper.orders import OrderBook
from hedge_pipeline.paper.player import Player, UnknownSymbol
from hedge_pipeline.paper.positions import Position
from hedge_pipeline.paper.trades import Trade

VERSION = 1
_TRADE_MONEY = ("price", "quantity", "realized_pnl", "commission")


class StateUnusable(Exception):
    """The state kept here cannot be gone on with; the message says why and what to do."""


class StateDirectory(AbstractContextManager["StateDirectory"]):
    """The venue's state in a directory, which one venue holds at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._world: dict[str, Any] = {}
        """What must not change between runs: seed, recording, its start."""
        self._lock: int | None = None

    @property
    def file(self) -> Path:
        return self._path / "state.json"

    def __enter__(self) -> Self:
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise StateUnusable(
                f"{self._path}: another paper venue runs on this state; stop it first"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def world(self) -> dict[str, Any] | None:
        """The identity of the world that was kept; None where nothing was.

        Raises:
            StateUnusable: the file cannot be read.
        """
        kept = self._read()
        return kept and dict(kept["world"])

    def load(
        self, world: Mapping[str, Any], player: Player, instruments: Mapping[str, Instrument]
    ) -> Core | None:
        """The core as it was kept, not yet resumed; None where nothing was kept. What is saved from now on is of this world.

        Raises:
            StateUnusable: the file cannot be read, or is of another world.
        """
        self._world = dict(world)
        kept = self._read()
        if kept is None:
            return None
        for name, value in world.items():
            if kept["world"].get(name) != value:
                raise StateUnusable(
                    f"{self.file}: was kept with {name} {kept['world'].get(name)!r}, not {value!r}; "
                    f"start with that {name}, or use another state directory"
                )
        try:
            return _restored(kept, player, instruments)
        except (ValueError, KeyError, TypeError, ArithmeticError, UnknownSymbol) as error:
            raise self._unreadable(repr(error)) from error

    def _read(self) -> dict[str, Any] | None:
        try:
            kept = json.loads(self.file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._unreadable(repr(error)) from error
        if not isinstance(kept, dict) or not isinstance(kept.get("world"), dict):
            raise self._unreadable("it is not a state")
        if kept.get("version") != VERSION:
            raise self._unreadable(f"its version is {kept.get('version')!r}, not {VERSION}")
        return kept

    def _unreadable(self, why: str) -> StateUnusable:
        return StateUnusable(f"{self.file}: cannot be read: {why}; move it away to start afresh")

    def save(self, core: Core, now_ms: int) -> None:
        """Durable when it returns.

        Raises:
            StateUnusable: it cannot be written; what was kept before still stands.
        """
        body = json.dumps({"version": VERSION, "world": self._world, **_kept(core, now_ms)}, indent=1)
        try:
            write_durably(self.file, body)
        except OSError as error:
            raise StateUnusable(
                f"{self.file}: cannot be written: {error.strerror}; see that its disk has room and may be written to"
            ) from None


def write_durably(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner alone: what a reader finds is the old text or the new one."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _kept(core: Core, now_ms: int) -> dict[str, Any]:
    ledger = core.ledger
    return {
        "checkpoint_ms": now_ms,
        "multi_assets": core.multi_assets,
        "hedge_mode": core.hedge_mode,
        "funded_until_ms": core.funded_until_ms,
        "leverage": {symbol: i.leverage for symbol, i in core.instruments.items()},
        "opened_ms": ledger.opened_ms,
        "opening": {asset: str(balance) for asset, balance in ledger.opening.items()},
        "next_tran_id": ledger.next_tran_id,
        "income": [{**asdict(row), "amount": str(row.amount)} for row in ledger.rows],
        "positions": [
            {**asdict(p), "quantity": str(p.quantity), "entry_price": str(p.entry_price)}
            for p in core.positions.values()
        ],
        "trades": [
            {**asdict(t), **{name: str(getattr(t, name)) for name in _TRADE_MONEY}} for t in core.trades
        ],
        "order_book": kept_book(core.order_book),
        "sessions": [{**asdict(s), "pace": str(s.pace)} for s in core.market.sessions],
        "shocks": [{**asdict(s), "factor": str(s.factor)} for s in core.market.shocks],
    }


def _restored(kept: dict[str, Any], player: Player, instruments: Mapping[str, Instrument]) -> Core:
    market = Market(
        player,
        instruments,
        sessions=[Session(**{**s, "pace": Decimal(s["pace"])}) for s in kept["sessions"]],
        shocks=[Shock(**{**s, "factor": Decimal(s["factor"])}) for s in kept["shocks"]],
    )
    market.pause(kept["checkpoint_ms"])
    ledger = Ledger(
        opening={asset: Decimal(balance) for asset, balance in kept["opening"].items()},
        opened_ms=kept["opened_ms"],
        rows=[Income(**{**row, "amount": Decimal(row["amount"])}) for row in kept["income"]],
        next_tran_id=kept["next_tran_id"],
    )
    set_to = kept.get("leverage", {})  # absent from states kept before it could be set
    return Core(
        {symbol: replace(i, leverage=set_to.get(symbol, i.leverage)) for symbol, i in instruments.items()},
        market,
        ledger,
        positions=[
            Position(**{**p, "quantity": Decimal(p["quantity"]), "entry_price": Decimal(p["entry_price"])})
            for p in kept["positions"]
        ],
        multi_assets=kept["multi_assets"],
        hedge_mode=kept["hedge_mode"],
        funded_until_ms=kept["funded_until_ms"],
        trades=[
            Trade(**{**t, **{name: Decimal(t[name]) for name in _TRADE_MONEY}})
            for t in kept.get("trades", ())  # absent from states kept before there were any
        ],
        order_book=restored_book(kept["order_book"]) if "order_book" in kept else OrderBook(),  # likewise
    )
