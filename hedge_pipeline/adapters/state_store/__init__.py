"""The state store: every row the next decision needs, appended and kept, in SQLite or Postgres.

One code path over SQLAlchemy Core. The engine is chosen by the URL alone; what differs between the
two is in ``engines``, how values lie in columns in ``column_types`` and ``json_codec``.
"""

from hedge_pipeline.adapters.state_store.opening import open_state_store
from hedge_pipeline.adapters.state_store.store import SqlStateStore

__all__ = ["SqlStateStore", "open_state_store"]
