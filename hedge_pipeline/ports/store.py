"""Where what is known is kept: rows that the next decision needs, and closed days."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from hedge_pipeline.domain.account import IncomeRow
from hedge_pipeline.domain.history.partitions import Restatement, Written
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline.domain.trading.readings import LedgerFill
from hedge_pipeline.domain.verdicts import Incident

Row = TypeVar("Row")


class StateStore(Protocol):
    """Append-only rows of frozen dataclasses, by table. One row class, one table, columns = fields."""

    @property
    def store_id(self) -> str:
        """Random, made with the store or when it was taken over: tells two deployments apart."""

    @property
    def copied_at(self) -> datetime | None:
        """When it was made as a copy of another; ``None``: it is an original, or somebody took it over."""

    def take_over(self, *rows: object, store_id: str) -> None:
        """Let a copy act as a store of its own under a new id, in one transaction with ``rows``.

        Raises:
            ConcurrentAppend: it is no copy any more.
        """

    def append(self, *rows: object, closing: Sequence[Incident] = ()) -> None:
        """All of them in one transaction, in order, or none; in it, before them, the incidents of ``closing`` end.

        ``closing`` are open incidents with their ``closed_at`` and ``closed_by`` filled in.

        Raises:
            ConcurrentAppend: a chained row's ordinal is taken, an incident is not open any more, or an intent is there already.
            StoreUnavailable: locked, full or absent.
        """

    def append_new_income(self, rows: Sequence[IncomeRow]) -> int:
        """Those whose key is not there yet; how many that was."""

    def latest(self, table: type[Row], account: str, **equal: Any) -> Row | None:
        """The row appended last, among those whose columns equal what is given."""

    def newest_seq(self, table: type[Row], account: str) -> int | None:
        """Row id of the row appended last; ids only grow. ``None``: there is no row."""

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

    def columns_between(
        self,
        table: type[Row],
        account: str,
        *names: str,
        on: str,
        start: datetime,
        end: datetime,
        **equal: Any,
    ) -> list[tuple[Any, ...]]:
        """These fields of the rows with ``start`` ≤ ``on`` < ``end``, by that instant, then in order of appending."""

    def plain(
        self, table: type[Row], account: str, *names: str, after: int = 0, most: int
    ) -> list[tuple[Any, ...]]:
        """Row id and these fields of ``most`` rows behind a row id, in order; nested values and words of enumerations as text.

        Nested values are JSON as the engine writes it.
        """

    def plain_between(
        self, table: type[Row], account: str, *names: str, start: datetime, end: datetime
    ) -> list[tuple[Any, ...]]:
        """The same of the rows with ``start`` ≤ ``recorded_at`` < ``end``."""

    def forget(self, table: type[Row], account: str, seqs: Sequence[int]) -> int:
        """Delete the rows with these row ids, in short transactions; how many went.

        What the next decision may ask for stays: the newest rows, and the newest that knows a field or has a flag or state.

        Raises:
            InvalidState: the rows of this table never leave.
            StoreUnavailable: locked or read-only; what had gone by then is gone.
        """

    def income_within(self, account: str, *, start: datetime, end: datetime) -> list[tuple[int, IncomeRow]]:
        """Row id and row of the income stamped within ``start`` ≤ … < ``end``, by stamp."""

    def income_outside(
        self, account: str, *, through_at: datetime, through_seq: int
    ) -> list[tuple[int, IncomeRow]]:
        """Income rows stamped after ``through_at`` or appended after ``through_seq``, with row ids, by stamp."""

    def unsettled(self, account: str) -> list[Intent]:
        """Intents without an update that settles them, oldest first: sent or not, they count as resting until the venue has told."""

    def append_new_fills(self, rows: Sequence[LedgerFill]) -> int:
        """Those whose key is not there yet; how many that was.

        A fill is one row for ever: a stored origin of UNKNOWN gives way, in place, to the known one of a row of its key.

        Raises:
            InvalidState: a row has the key of a stored one and another price, quantity or any other fact of the venue.
        """

    def open_incidents(self, account: str) -> list[Incident]:
        """Those not closed, oldest first."""


class History(Protocol):
    """Closed days, one immutable file per table, day and version; the highest version counts."""

    def write_day(
        self, kind: type[Any], day: date, rows: Sequence[Any], *, at: datetime, reason: str | None = None
    ) -> Written:
        """Keep the day's rows of this class, whole or not at all; the same rows again change nothing.

        Raises:
            InvalidState: other rows are stored and there is no ``reason``, or a value does not fit its column.
        """

    def days(self, kind: type[Any]) -> list[date]:
        """Days that are stored, in order."""

    def first(self, kind: type[Any]) -> date | None:
        """The first of them."""

    def holds(self, kind: type[Any], day: date) -> bool:
        """Whether the day is stored."""

    def rows(self, kind: type[Any], day: date) -> list[Any] | None:
        """The day's rows as they count now; ``None``: the day is not stored.

        Raises:
            InvalidState: its file is damaged.
        """

    def last(self, kind: type[Any], day: date) -> Any:
        """The day's last row; ``None``: it has none, or is not stored."""

    def floats(self, kind: type[Any], column: str, *, days: int | None = None) -> Any:
        """One column of the last ``days`` stored days, or of all, as an array of float64, without what is unknown: for plots and statistics."""

    def restatements(self, kind: type[Any]) -> tuple[Restatement, ...]:
        """What was written again, with its reason, by day and version."""

    def highest_nav_per_unit(self, account: str) -> tuple[Decimal, datetime] | None:
        """The highest NAV per unit of any stored minute and its minute, in the units of its time; ``None``: none is stored."""

    def archive_day(
        self,
        table: type[Any],
        day: date,
        rows: Sequence[tuple[Any, ...]],
        *,
        at: datetime,
        reason: str | None,
    ) -> Written:
        """Keep a hot table's rows as ``StateStore.plain`` gives all of their fields, digit by digit, behind their row ids.

        Raises:
            InvalidState: other rows are stored and there is no ``reason``.
        """

    def last_archived(self, table: type[Any]) -> date | None:
        """The last day of a hot table that is archived."""

    def archived(self, table: type[Any], day: date) -> list[tuple[Any, ...]] | None:
        """Those rows as they were kept, in order of appending; ``None``: the day is not archived."""
