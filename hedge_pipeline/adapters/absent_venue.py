"""A venue that cannot even be asked: every source of it fails for one reason, and each attempt is a row all the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentVenue:
    """``Venue`` of ports where there is none."""

    account: str
    clock: Clock
    reason: str

    def read_account(self) -> AccountReading:
        now = self.clock.now()
        return AccountReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            answered_at=None,
            clock=None,
            hedge_mode=None,
            multi_assets_mode=None,
            balances=None,
            totals=None,
            account_positions=None,
            positions=None,
            sources=self._failed("clock", "balances", "positions", "modes"),
        )

    def read_marks(self, _held: Sequence[str], _assets: Sequence[str]) -> MarksReading:
        now = self.clock.now()
        return MarksReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            marks=None,
            asset_rates=None,
            sources=self._failed("marks", "asset_rates"),
        )

    def read_instruments(self, _held: Sequence[str]) -> InstrumentsReading:
        now = self.clock.now()
        return InstrumentsReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            instruments=None,
            sources=self._failed("instruments"),
        )

    def read_income(self, _since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        raise SourceUnavailable("income", self.reason)

    def _failed(self, *names: str) -> tuple[SourceHealth, ...]:
        return tuple(SourceHealth(source=name, ok=False, as_of=None, error=self.reason) for name in names)
