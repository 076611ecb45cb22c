"""History: closed days as Parquet files, one per table and day, and SQL over them.

``tables`` says what a file holds, ``files`` how it gets there, ``sql`` how it is asked. pyarrow and DuckDB are imported
where they are used: together they cost more than most commands.
"""

from hedge_pipeline.adapters.history.files import HistoryFiles

__all__ = ["HistoryFiles"]
