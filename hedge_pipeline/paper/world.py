"""Which world a venue plays, and the core that lives in it: opened afresh, or resumed from what was kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from hedge_pipeline.paper import walk
from hedge_pipeline.paper.core import Core
from hedge_pipeline.paper.instruments import INSTRUMENTS, Instrument
from hedge_pipeline.paper.market import Market
from hedge_pipeline.paper.player import Player
from hedge_pipeline.paper.seed import DEFAULT_ACCOUNT, SYNTHETIC_TERMS, AccountSeed
from hedge_pipeline.paper.state import StateDirectory
from hedge_pipeline.paper.synthetic import SyntheticPlayer


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where prices come from."""

    seed: int = 1
    recording: Path | None = None
    """Folder of recorded candles; None: everything is synthetic."""
    start: datetime | None = None
    """Instant of the recording at which the path begins; None: its first bar."""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be the same again for a kept state to make sense."""
        return {
            "seed": self.seed,
            "recording": str(self.recording) if self.recording else None,
            "start": self.start.isoformat() if self.start else None,
        }

    @classmethod
    def chosen(
        cls,
        *,
        seed: int | None,
        recording: Path | None,
        start: datetime | None,
        kept: Mapping[str, Any] | None,
    ) -> Self:
        """What was asked for, completed by the world that was kept, if any."""
        kept = kept or {}
        if recording is None and kept.get("recording"):
            recording = Path(kept["recording"])
        if start is None and kept.get("start"):
            start = datetime.fromisoformat(kept["start"])
        return cls(seed=int(kept.get("seed", 1)) if seed is None else seed, recording=recording, start=start)

    def cast(self) -> tuple[Player, Mapping[str, Instrument]]:
        """Its player, and the contracts listed in it."""
        synthetic = SyntheticPlayer(self.seed, SYNTHETIC_TERMS)
        if self.recording is None:
            return synthetic, INSTRUMENTS
        from hedge_pipeline.paper.recorded import recorded_player

        return recorded_player(self.recording, start=self.start, otherwise=synthetic)


def open_core(
    world: World,
    *,
    now_ms: int,
    pace: Decimal = Decimal(1),
    account: AccountSeed = DEFAULT_ACCOUNT,
    kept: StateDirectory | None = None,
) -> Core:
    """The core of a venue opening now.

    Where a state was kept it goes on: the path from where it stood, and the funding missed meanwhile is charged.

    Raises:
        StateUnusable: what was kept cannot be read, or is of another world.
    """
    player, instruments = world.cast()
    core = kept.load(world.identity, player, instruments) if kept else None
    if core is None:
        market = Market(player, instruments, sessions=())
        market.resume(now_ms, pace=pace)
        core = Core.opened(account, instruments, market, now_ms=now_ms)
        core.order_book.seed = world.seed
        return core
    core.market.resume(now_ms, pace=pace)
    walk.advance(core, now_ms)
    return core
