"""Loading from lines of a settings file and an environment that holds nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from hedge_pipeline.domain.errors import InvalidSettings
from hedge_pipeline.settings import Settings, load_settings

READ_KEY, READ_SECRET = "rk7Qm2Zx9Lr4Tn8Wd1Va", "rs3Hb6Yc0Pe5Gu9Jf2Xo"
TRADE_KEY, TRADE_SECRET = "tk8Wn1Bq6Mz3Ks7Rd4Li", "ts2Fv9Ae5Ty0Ch6Ug3Pj"
LIVE = {
    "HEDGE_PROFILE": "live",
    "HEDGE_ENV": "prod",
    "HEDGE_ALLOW_PROD": "1",
    "HEDGE_VENUE_READ_KEY": READ_KEY,
    "HEDGE_VENUE_READ_SECRET": READ_SECRET,
}
DEMO = {
    "HEDGE_PROFILE": "demo",
    "HEDGE_VENUE_READ_KEY": READ_KEY,
    "HEDGE_VENUE_READ_SECRET": READ_SECRET,
}
KILL_SWITCH = (
    "kill_switch.enabled = true",
    "kill_switch.check_interval_seconds = 5",
    "kill_switch.max_drawdown = 0.05",
    "kill_switch.max_funding_cost_bps = 20",
    "kill_switch.max_margin_ratio = 0.80",
    "kill_switch.max_loss_amount_usdt = 1000",
)


class Load(Protocol):
    def __call__(self, *lines: str, env: Mapping[str, str] | None = None) -> Settings: ...


Refused = Callable[..., str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings from the lines of hedge.toml and an environment."""

    def loaded(*lines: str, env: Mapping[str, str] | None = None) -> Settings:
        (tmp_path / "hedge.toml").write_text("\n".join(lines), encoding="utf-8")
        return load_settings({"HEDGE_HOME": str(tmp_path), **(env or {})})

    return loaded


@pytest.fixture
def refused(load: Load) -> Refused:
    """The text that refuses the lines and the environment; without the summary line."""

    def text(*lines: str, env: Mapping[str, str] | None = None) -> str:
        with pytest.raises(InvalidSettings) as caught:
            load(*lines, env=env)
        return str(caught.value).split("\n", maxsplit=1)[1]

    return text
