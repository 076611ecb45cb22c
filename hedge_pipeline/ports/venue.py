"""What the fund asks of a derivatives venue: what the account is, what was, and orders."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.market_data import Candle, Fill, FundingRate
from hedge_pipeline.domain.orders import KnownOrder, NewOrder
from hedge_pipeline.domain.trading.intents import Answered
from hedge_pipeline.domain.trading.readings import CandlesReading, OrdersReading, TermsReading


class Venue(Protocol):
    """The reading side of a derivatives venue. No method raises for a failed source: failures are in ``sources``."""

    def read_account(self) -> AccountReading:
        """Clock, balances, positions and modes, in one attempt."""

    def read_marks(self, held: Sequence[str], assets: Sequence[str]) -> MarksReading:
        """Marks of the symbols held or configured and USD rates of the assets."""

    def read_instruments(self, held: Sequence[str]) -> InstrumentsReading:
        """Instruments of the symbols held or configured."""

    def read_income(self, since: datetime) -> tuple[tuple[IncomeRow, ...], datetime]:
        """Every income row from ``since`` on, oldest first, and the venue's time when it was asked.

        Raises:
            SourceUnavailable: it did not answer in full.
        """


class VenueHistory(Protocol):
    """The venue's past, by ranges that include ``since`` and not ``until``: a local day, start to end, is one partition.

    Every method answers the whole range, oldest first, or raises:
        SourceUnavailable: not answered in full; the range is not over yet, or older than what the venue keeps.
    """

    def income_between(self, since: datetime, until: datetime) -> tuple[IncomeRow, ...]:
        """Of all types."""

    def fills_between(self, symbol: str, since: datetime, until: datetime) -> tuple[Fill, ...]:
        """The account's own executions."""

    def funding_rates_between(self, symbol: str, since: datetime, until: datetime) -> tuple[FundingRate, ...]:
        """What was settled; what is missing is missing."""

    def candles_between(
        self, symbol: str, interval: timedelta, since: datetime, until: datetime
    ) -> tuple[Candle, ...]:
        """Those that open in the range, all of them finished."""


class OrderVenue(Protocol):
    """The trading side of a derivatives venue. Requests that change something are sent once, never repeated by themselves."""

    def read_orders(self) -> OrdersReading:
        """Everything that rests, of every symbol, ordinary and conditional. Never raises."""

    def read_fills(self, symbol: str, after: str | None, since: datetime) -> tuple[Fill, ...]:
        """Executions of a symbol behind a fill id, oldest first; without one, those from ``since`` on.

        Raises:
            SourceUnavailable: it did not answer in full.
        """

    def name_of(self, venue_order_id: str, symbol: str) -> str | None:
        """Client order id of an order that was executed, whosever it was; ``None``: the venue knows no such order.

        Raises:
            SourceUnavailable: it did not answer.
        """

    def read_terms(self, symbols: Sequence[str]) -> TermsReading:
        """Leverage and margin type as set, leverage brackets, funding intervals. Never raises."""

    def read_candles(self, symbol: str, interval: timedelta, most: int) -> CandlesReading:
        """The most recent finished candles. Never raises."""

    def place(self, orders: Sequence[NewOrder], *, within: timedelta | None = None) -> tuple[Answered, ...]:
        """Submit each once; one answer per order, in order. ACCEPTED, REJECTED, DENIED or UNKNOWN. Never raises.

        Ordinary orders go in batches of five, matched by their place; conditional ones one by one. What has not left
        ``within`` this time, a permit's rest, is DENIED.
        """

    def cancel(self, orders: Sequence[KnownOrder]) -> tuple[Answered, ...]:
        """One answer per order, in order: CANCELED, ABSENT (the venue has no such working order) or UNKNOWN. Never raises."""

    def look_up(self, client_order_id: str, symbol: str, *, conditional: bool) -> Answered:
        """How an order stands: ACCEPTED with its order, ABSENT, or UNKNOWN. Never raises."""

    def set_countdown(self, symbol: str, countdown: timedelta) -> str | None:
        """Cancel the symbol's orders unless asked again within it; zero disarms. Why it failed, in one line; ``None``: done."""

    def set_leverage(self, symbol: str, leverage: int) -> str | None:
        """Why it failed, in one line; ``None``: done."""


class AccountLock(Protocol):
    """At most one holder per account among all processes; it ends with its process."""

    def hold(self) -> AbstractContextManager[bool]:
        """``True`` within: held. ``False``: somebody else holds it; nobody waits."""
