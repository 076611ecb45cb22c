"""From any earlier store to this program's: one numbered file per level, run in one transaction.

A level that was released is never edited. The next one is a new file in ``versions`` and a new ``LEVEL``;
``tables`` says what must come out, on both engines, and a test compares.
"""

from pathlib import Path

import sqlalchemy as sa

LEVEL = "0003"
"""The level this program reads and writes; levels sort as text."""


def migrate(connection: sa.Connection) -> None:
    """Bring the store to ``LEVEL``, inside the transaction that is open on the connection."""
    # Alembic takes longer to import than most commands to run, and a store at its level needs none.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, LEVEL)
