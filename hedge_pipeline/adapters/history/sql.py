"""SQL over history and live rows: DuckDB in memory, which opens no file itself and can write nowhere.

Closed days are Arrow datasets over their Parquet files; live tables are read through the state store, read-only and in short
reads, only those the query names and only the columns it may want. ``history.x`` are closed days, ``archive.x`` hot rows that
may have left the store, bare names live tables first and history where there is no live one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from hedge_pipeline.adapters.history import archive, tables
from hedge_pipeline.adapters.history.files import HistoryFiles
from hedge_pipeline.domain.errors import CommandRefused
from hedge_pipeline.domain.history.hot import HOT
from hedge_pipeline.ports import StateStore

AT_ONCE = 5_000
"""Rows of one read of the state store."""
PLACES = Decimal("1e-18")
"""A live amount with more places is rounded here, half-even: SQL knows 38 digits."""
READING = {"SELECT", "EXPLAIN"}
STAR = re.compile(r"count\s*\(\s*\*\s*\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """A result in columns: values as Python has them, money exact, instants in UTC."""

    names: tuple[str, ...]
    columns: tuple[list[Any], ...]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)


class Sql:
    """What can be asked of one account. The state store is opened when a query names one of its tables."""

    def __init__(
        self,
        files: HistoryFiles,
        *,
        store: Callable[[], StateStore],
        live: Mapping[str, Any],
        account: str,
    ) -> None:
        self._files = files
        self._store = store
        self._live = live
        self._account = account

    def names(self) -> list[str]:
        """What can be asked, as a query writes it."""
        return sorted(
            {
                *self._live,
                *(kept.name for kept in tables.TABLES.values()),
                *(f"history.{kept.name}" for kept in tables.TABLES.values()),
                *(f"{archive.FOLDER}.{name}" for name in HOT.values()),
            }
        )

    def ask(self, query: str) -> Answer:
        """The answer to one reading statement.

        Raises:
            CommandRefused: it is no SQL, not one statement, or not one that only reads.
            InvalidState: a stored row or file cannot be understood.
            StoreUnavailable: the state store cannot be read.
        """
        import duckdb

        settings: Any = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
        connection = duckdb.connect(":memory:", config=settings)
        try:
            self._check_reading(connection, query)
            words = set(re.findall(r"\w+", query.lower()))
            connection.execute("SET TimeZone = 'UTC'")
            for kind, kept in tables.TABLES.items():
                if kept.name in words:
                    self._show_history(connection, kind, kept.name)
            for hot, name in HOT.items():
                if name in words and archive.FOLDER in words:
                    self._show_archive(connection, hot, name)
            named = {name: table for name, table in self._live.items() if name in words}
            store = self._store() if named else None
            for name, table in named.items():
                connection.register(name, self._live_table(store, table, query))
            connection.execute("SET python_enable_replacements = false")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            return _answer(connection.sql(query).to_arrow_table())
        except duckdb.Error as error:
            raise CommandRefused(_first_line(error)) from None
        finally:
            connection.close()

    @staticmethod
    def _check_reading(connection: Any, query: str) -> None:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise CommandRefused(f"one statement at a time, and this is {len(statements)}")
        kind = statements[0].type.name
        if kind not in READING:
            raise CommandRefused(f"{kind}: only what reads is answered, such as SELECT, DESCRIBE or EXPLAIN")

    def _show_history(self, connection: Any, kind: Any, name: str) -> None:
        connection.register(f"closed_{name}", _dataset(self._files.files(name), tables.schema_of(kind)))
        _show(connection, f"history.{name}", f"SELECT * FROM closed_{name}")  # noqa: S608
        if name not in self._live:
            _show(connection, name, f"SELECT * FROM closed_{name}")  # noqa: S608

    def _show_archive(self, connection: Any, table: Any, name: str) -> None:
        paths = self._files.files(archive.archive_name(table))
        connection.register(f"archived_{name}", _dataset(paths, archive.archive_schema(table)))
        money = [column for column, kind in archive.kinds_of(table).items() if kind is Decimal]
        shown = ", ".join(f"CAST({column} AS DECIMAL(38, 18)) AS {column}" for column in money)
        replaced = f" REPLACE ({shown})" if money else ""
        _show(connection, f"{archive.FOLDER}.{name}", f"SELECT *{replaced} FROM archived_{name}")  # noqa: S608

    def _live_table(self, store: Any, table: Any, query: str) -> Any:
        """The table's columns that the query may want, in reads of bounded length."""
        import pyarrow as pa

        kinds = archive.kinds_of(table)
        wanted = [name for name in kinds if _may_want(query, name)] or [next(iter(kinds))]
        schema = pa.schema([(name, _arrow_type(kinds[name])) for name in wanted])
        batches, after = [], 0
        while rows := store.plain(table, self._account, *wanted, after=after, most=AT_ONCE):
            after = rows[-1][0]
            columns = list(zip(*rows, strict=True))[1:]
            arrays = [
                pa.array(
                    map(_rounded, values) if kinds[name] is Decimal else values, type=schema.field(name).type
                )
                for name, values in zip(wanted, columns, strict=True)
            ]
            batches.append(pa.record_batch(arrays, schema=schema))
        return pa.Table.from_batches(batches, schema=schema)


def _show(connection: Any, name: str, query: str) -> None:
    """A view, in its schema; names and queries are of our own tables."""
    schema, dot, _ = name.partition(".")
    if dot:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    connection.execute(f"CREATE VIEW {name} AS {query}")


def _dataset(paths: Sequence[Any], schema: Any) -> Any:
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not paths:
        return pa.Table.from_batches([], schema=schema)
    return ds.dataset([str(path) for path in paths], schema=schema, format="parquet")


def _may_want(query: str, column: str) -> bool:
    """Rather too often than too rarely: what is not read is not there."""
    if re.match(r"\s*(describe|desc|show|summarize|from)\b", query, re.IGNORECASE):
        return True
    return "*" in STAR.sub("", query) or re.search(rf"\b{column}\b", query, re.IGNORECASE) is not None


def _arrow_type(kind: Any) -> Any:
    import pyarrow as pa

    return {
        int: pa.int64(),
        bool: pa.bool_(),
        Decimal: pa.decimal128(38, 18),
        datetime: pa.timestamp("us", tz="UTC"),
        date: pa.date32(),
    }.get(kind, pa.string())


def _rounded(value: Decimal | None) -> Decimal | None:
    if value is None or value.as_tuple().exponent >= -18:  # type: ignore[operator]  # money is finite
        return value
    with localcontext() as context:
        context.prec = 60
        return value.quantize(PLACES, rounding=ROUND_HALF_EVEN)


def _answer(table: Any) -> Answer:
    import pyarrow as pa

    columns = []
    for column in table.columns:
        stamped = pa.types.is_timestamp(column.type) and column.type.tz is not None
        columns.append(tables.values_of(column, datetime) if stamped else column.to_pylist())
    return Answer(tuple(table.column_names), tuple(columns))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
