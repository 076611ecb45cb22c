"""What the project needs of the outside, as protocols its adapters fulfil."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from hedge_pipeline.domain.account import AccountReading, IncomeRow, MarksReading
from hedge_pipeline.domain.instruments import InstrumentsReading
from hedge_pipeline.domain.prices import PriceAnswer, PricesReading
from hedge_pipeline.domain.reserves import HoldingsReading
from hedge_pipeline.domain.verdicts import Incident

Row = TypeVar("Row")


class Clock(Protocol):
    """Our own clocks. Ages are never computed from the wall clock alone."""

    def now(self) -> datetime:
        """Wall clock, aware UTC. It may jump."""

    def monotonic(self) -> float:
        """Seconds since boot, suspend included. It never jumps and all processes of one boot share it."""

    def boot_id(self) -> str:
        """Changes with every boot."""


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


class PriceSource(Protocol):
    """One provider of prices, asked once for everything it is to price."""

    name: str

    def fetch(self, identifiers: Sequence[str]) -> PriceAnswer:
        """Prices by identifier, in as few requests as the provider allows; never raises for a failed request."""


class Pricer(Protocol):
    """Every price source behind one call: each provider is asked at most once per attempt."""

    def __call__(
        self, holdings: HoldingsReading | str, previous: PricesReading | None, now: Callable[[], datetime], /
    ) -> PricesReading:
        """``holdings`` is the reason in one line when they could not be read; then nobody is asked."""


class StateStore(Protocol):
    """Append-only rows of frozen dataclasses, by table. One row class, one table, columns = fields."""

    def append(self, *rows: object, closing: Sequence[Incident] = ()) -> None:
        """All of them in one transaction, in order, or none; in it, before them, the incidents of ``closing`` end.

        ``closing`` are open incidents with their ``closed_at`` and ``closed_by`` filled in.

        Raises:
            ConcurrentAppend: a chained row's ordinal is taken, or an incident is not open any more.
            StoreUnavailable: locked, full or absent.
        """

    def append_new_income(self, rows: Sequence[IncomeRow]) -> int:
        """Those whose key is not there yet; how many that was."""

    def latest(self, table: type[Row], account: str, **equal: Any) -> Row | None:
        """The row appended last, among those whose columns equal what is given."""

    def latest_known(self, table: type[Row], account: str, field: str) -> Row | None:
        """The newest row in which that field is known, however many failed attempts came after it."""

    def rows(
        self,
        table: type[Row],
        account: str,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        **equal: Any,
    ) -> list[Row]:
        """Rows in order of appending."""

    def columns(
        self,
        table: type[Row],
        account: str,
        *names: str,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[tuple[Any, ...]]:
        """These fields alone of every row, in order of appending: for questions to a whole history, and for plots."""

    def income_outside(
        self, account: str, *, through_at: datetime, through_seq: int
    ) -> list[tuple[int, IncomeRow]]:
        """Income rows stamped after ``through_at`` or appended after ``through_seq``, with row ids, by stamp."""

    def open_incidents(self, account: str) -> list[Incident]:
        """Those not closed, oldest first."""


class HoldingsSource(Protocol):
    """What the fund keeps off the venue, and where each price comes from."""

    def read(self) -> HoldingsReading:
        """Raises SourceMalformed naming file and field when a file cannot be believed."""
