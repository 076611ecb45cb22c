"""The levels make exactly the tables that the program states."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from hedge_pipeline.adapters.state_store import SqlStateStore, migrations, open_state_store, opening
from hedge_pipeline.adapters.state_store.tables import METADATA, STORE_META, TABLES
from hedge_pipeline.domain.trading.intents import Intent
from hedge_pipeline_tests.adapters.state_store.examples import plain

SHAPE = {
    "sqlite": "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name",
    "postgres": """
        SELECT 'column', table_name || '.' || ordinal_position, column_name,
            concat_ws(' ', data_type, is_nullable, column_default, is_identity, numeric_precision, character_maximum_length)
        FROM information_schema.columns WHERE table_schema = current_schema()
        UNION ALL SELECT 'index', indexname, tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()
        UNION ALL SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
        ORDER BY 1, 2, 3
    """,
}


def shape(store: SqlStateStore, engine: str) -> list[tuple[str, ...]]:
    """Every table, column, key and index, as the engine itself describes them."""
    rows = store._database.read(SHAPE[engine], [])
    return sorted(tuple(_one_spelling(str(part)) for part in row) for row in rows)


def _one_spelling(sql: str) -> str:
    return " ".join(sql.split()).replace(", ", ",").replace(" ,", ",").replace("( ", "(").replace(" )", ")")


@pytest.mark.finding("X-13")
def test_migrating_makes_the_tables_that_the_program_states(url: str, engine: str):
    migrated = open_state_store(url, create=True)
    as_migrated = shape(migrated, engine)
    with migrated._database._engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        connection.commit()

    assert as_migrated == shape(migrated, engine), (
        "rows and migrations have parted: a released level is never edited, so add the next one to migrations/versions"
    )
    migrated.close()


def test_a_store_of_the_first_level_becomes_one_of_this_program(
    url: str, engine: str, monkeypatch: pytest.MonkeyPatch
):
    of_the_first = sa.Table(
        STORE_META.name,
        sa.MetaData(),
        *(
            sa.Column(c.name, c.type, primary_key=c.primary_key)
            for c in STORE_META.c
            if c.name != "copied_at"
        ),
    )
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "LEVEL", "0001")
        patch.setattr(opening, "LEVEL", "0001")
        patch.setattr(opening, "STORE_META", of_the_first)
        open_state_store(url, create=True).close()

    migrated = open_state_store(url, create=True)
    as_migrated = shape(migrated, engine)
    with migrated._database._engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        METADATA.drop_all(connection)
        METADATA.create_all(connection)
        connection.commit()

    assert as_migrated == shape(migrated, engine)
    migrated.close()


def test_a_store_of_the_second_level_keeps_its_rows(url: str, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "LEVEL", "0002")
        patch.setattr(opening, "LEVEL", "0002")
        early = open_state_store(url, create=True)
    with early._database._engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
    kept = [row_class for row_class, table in TABLES.items() if table.name in names]
    early.append(*(plain(row_class, account="main") for row_class in kept))
    store_id = early.store_id
    early.close()

    migrated = open_state_store(url, create=True)

    assert (migrated.level, migrated.store_id) == ("0003", store_id)
    assert len(kept) == 18
    for row_class in TABLES:
        assert migrated.rows(row_class, "main") == [plain(row_class, account="main")] * (row_class in kept)
    migrated.append(*(plain(row_class, account="main") for row_class in TABLES if row_class not in kept))
    assert migrated.unsettled("main") == [plain(Intent, account="main")]
    migrated.close()


def test_the_level_of_the_program_is_the_last_one_there_is():
    script = ScriptDirectory(str(Path(migrations.__file__).parent))

    assert script.get_heads() == [migrations.LEVEL]
    levels = [revision.revision for revision in script.walk_revisions()]
    assert levels == sorted(levels, reverse=True), "levels are compared as text"


def test_no_table_but_ours_is_touched(url: str, engine: str, tmp_path: Path):
    """The database may be shared, also with another program that keeps its own Alembic level."""
    theirs = sa.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://")
        if engine == "postgres"
        else f"sqlite:///{tmp_path}/shared.db"
    )
    with theirs.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('theirs')")
    store = open_state_store(url if engine == "postgres" else f"sqlite:///{tmp_path}/shared.db", create=True)

    assert store._database.read("SELECT version_num FROM alembic_version", []) == [("theirs",)]
    assert store._database.read("SELECT version_num FROM store_meta", []) == [(migrations.LEVEL,)]
    store.close()
    theirs.dispose()
