"""A venue that cannot even be asked: every source of it fails for one reason, and each attempt is a row all the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.errors import SourceUnavailable
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.market_data import Fill
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.sources import SourceHealth
from hedge_pipeline.domain.trading.intents import Answer, Answered
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, TermsReading
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
            sources=_failed(("clock", "balances", "positions", "modes"), self.reason),
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
            sources=_failed(("marks", "asset_rates"), self.reason),
        )

    def read_instruments(self, _held: Sequence[str]) -> InstrumentsReading:
        now = self.clock.now()
        return InstrumentsReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            instruments=None,
            sources=_failed(("instruments",), self.reason),
        )

    def read_income(self, _since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        raise SourceUnavailable("income", self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentOrders:
    """``OrderVenue`` of ports where there is none: what is to be placed never leaves, what may rest is not known."""

    account: str
    clock: Clock
    reason: str

    def read_orders(self) -> OrdersReading:
        now = self.clock.now()
        return OrdersReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            orders=None,
            sources=_failed(("orders", "conditionals"), self.reason),
        )

    def read_fills(self, _symbol: str, _after: str | None, _since: datetime) -> tuple[Fill, ...]:
        raise SourceUnavailable("fills", self.reason)

    def name_of(self, _venue_order_id: str, _symbol: str) -> str | None:
        raise SourceUnavailable("order", self.reason)

    def read_terms(self, _symbols: Sequence[str]) -> TermsReading:
        now = self.clock.now()
        return TermsReading(
            account=self.account,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            configs=None,
            terms=None,
            sources=_failed(("symbol_configs", "brackets", "funding_intervals"), self.reason),
        )

    def read_candles(self, symbol: str, interval: timedelta, _most: int) -> CandlesReading:
        now = self.clock.now()
        return CandlesReading(
            account=self.account,
            symbol=symbol,
            interval=interval,
            attempted_at=now,
            recorded_at=now,
            as_of=None,
            candles=None,
            sources=_failed(("candles",), self.reason),
        )

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        return tuple(self._unreached(order.client_order_id, order.symbol, Answer.DENIED) for order in orders)

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        return tuple(self._unreached(order.client_order_id, order.symbol, Answer.UNKNOWN) for order in orders)

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        return self._unreached(client_order_id, symbol, Answer.UNKNOWN)

    def set_countdown(self, _symbol: str, _countdown: timedelta) -> str | None:
        return self.reason

    def set_leverage(self, _symbol: str, _leverage: int) -> str | None:
        return self.reason

    def _unreached(self, client_order_id: str, symbol: str, answer: Answer) -> Answered:
        return Answered(
            client_order_id=client_order_id,
            symbol=symbol,
            answer=answer,
            order=None,
            code=None,
            message=self.reason,
        )


def _failed(names: Sequence[str], reason: str) -> tuple[SourceHealth, ...]:
    return tuple(SourceHealth(source=name, ok=False, as_of=None, error=reason) for name in names)
