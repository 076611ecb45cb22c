"""The state store, on SQLite and on a real Postgres server."""
