"""What Alembic runs around the levels: on the connection it was handed, in its open transaction."""

from alembic import context

from hedge_pipeline.adapters.state_store.tables import STORE_META

context.configure(connection=context.config.attributes["connection"], version_table=STORE_META.name)
with context.begin_transaction():
    context.run_migrations()
