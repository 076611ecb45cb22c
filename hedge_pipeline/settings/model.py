"""The settings of one process: frozen, complete, coherent; every section an attribute."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from hedge_pipeline.domain.limits import RiskLimits
from hedge_pipeline.domain.trading.policy import TradingPolicy
from hedge_pipeline.settings.environment import Environment, Profile
from hedge_pipeline.settings.fund import CadenceSettings, FundSettings, PublicationSettings
from hedge_pipeline.settings.history import HistorySettings
from hedge_pipeline.settings.prices import PricesSettings
from hedge_pipeline.settings.risk import FreshnessSettings, RiskSettings, risk_limits
from hedge_pipeline.settings.secrets import Secrets
from hedge_pipeline.settings.state import passwords, public_url
from hedge_pipeline.settings.strategy import KillSwitchSettings, StrategySettings
from hedge_pipeline.settings.trading import TradingSettings, trading_policy
from hedge_pipeline.settings.values import Section
from hedge_pipeline.settings.venue import VenueSettings


class Settings(Section):
    """Everything a process is told from outside. Made by ``load_settings`` alone."""

    profile: Profile
    env: Environment
    allow_prod: bool
    home: Path
    """All state lives under it; absolute, not necessarily there yet."""
    config_file: Path | None
    """The user's file that was read; ``None``: there is none."""
    state_url: SecretStr
    """SQLAlchemy address; it may hold a password."""
    secrets: Secrets
    firestore_emulator_host: str | None
    """As the environment has it, also when empty: Google's client takes an empty one for an emulator too."""

    fund: FundSettings
    cadence: CadenceSettings
    freshness: FreshnessSettings
    risk: RiskSettings
    venue: VenueSettings
    prices: PricesSettings
    publication: PublicationSettings
    history: HistorySettings
    strategy: StrategySettings
    kill_switch: KillSwitchSettings
    trading: TradingSettings

    @property
    def history_folder(self) -> Path:
        """Closed days lie below it."""
        return self.home / "history"

    @property
    def holdings_folder(self) -> Path:
        return self.home / self.fund.holdings_folder

    def limits(self) -> RiskLimits:
        """What the gate compares with."""
        return risk_limits(
            self.risk,
            self.freshness,
            recv_window_ms=self.venue.recv_window_ms,
            reset_timezone=self.fund.reset_timezone,
        )

    def trading_policy(self) -> TradingPolicy:
        """What the strategy may send, and how positions are guarded."""
        return trading_policy(
            self.trading,
            self.strategy,
            self.venue,
            self.kill_switch,
            freshness=self.limits().freshness,
            protection=self.cadence.protection,
            by_hand=self.profile is Profile.PAPER,
        )

    def public(self) -> dict[str, Any]:
        """The settings as JSON-ready values, without any secret: for logs, metadata and the store."""
        content = self.model_dump(mode="json", exclude={"secrets", "state_url"})
        return {**content, "state_url": public_url(self.state_url)}

    def fingerprint(self) -> str:
        """First 12 hex digits of a SHA-256 over ``public()``."""
        return hashlib.sha256(json.dumps(self.public(), sort_keys=True).encode()).hexdigest()[:12]

    def secret_values(self) -> tuple[str, ...]:
        """Every secret in plain text: to take them out of what drivers wrote, for nothing else."""
        return (*self.secrets.values(), *passwords(self.state_url))


SECTIONS: dict[str, type[Section]] = {
    "fund": FundSettings,
    "cadence": CadenceSettings,
    "freshness": FreshnessSettings,
    "risk": RiskSettings,
    "venue": VenueSettings,
    "prices": PricesSettings,
    "publication": PublicationSettings,
    "history": HistorySettings,
    "strategy": StrategySettings,
    "kill_switch": KillSwitchSettings,
    "trading": TradingSettings,
}
"""The tables of a settings file."""
