"""Nested values of every table, edited where they are stored, before the codec that reads them."""

import json
from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from hedge_pipeline.adapters.state_store.forms import NESTED, SQLITE, column_type
from hedge_pipeline.adapters.state_store.json_codec import without_none
from hedge_pipeline.adapters.state_store.row_codec import row_codec
from hedge_pipeline.adapters.state_store.tables import TABLES
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline_tests.hostile.counting import COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.mutations import Mutant, Path, Raw, Spoilers, mutants, word
from hedge_pipeline_tests.hostile.rows import sound_row
from hedge_pipeline_tests.hostile.stored_spoilers import stored_places
from hedge_pipeline_tests.hostile.texts import json_text


def nested_columns(row_class: Any) -> dict[str, Any]:
    hints = get_type_hints(row_class)
    inner = {field.name: without_none(hints[field.name])[0] for field in fields(row_class)}
    return {name: hints[name] for name, hint in inner.items() if column_type(hint) is NESTED}


ROW_CLASSES = [row_class for row_class in TABLES if nested_columns(row_class)]


def stored_row(row_class: Any) -> dict[str, Any]:
    """The nested columns of a sound row, as they lie in the store, parsed."""
    names = [field.name for field in fields(row_class)]
    codec = row_codec(row_class, SQLITE)
    columns = dict(zip(names, codec.encode(sound_row(row_class)), strict=True))
    return {
        name: json.loads(columns[name]) for name in nested_columns(row_class) if columns[name] is not None
    }


def places(row_class: Any, stored: dict[str, Any]) -> dict[Path, Spoilers]:
    found: dict[Path, Spoilers] = {}
    hints = nested_columns(row_class)
    for name, value in stored.items():
        found |= {(name, *path): spoilers for path, spoilers in stored_places(hints[name], value).items()}
        found[name,] = {**found[name,], **_as_text(json_text(value))}
    return found


def _as_text(text: str) -> Spoilers:
    return {
        "truncated": lambda draw: Raw(text[: draw.randrange(len(text))]),
        "something after it": lambda draw: Raw(text + draw.choice([" ", ",", "]", text, word(draw)])),
        "nesting without end": lambda draw: Raw(draw.choice("[{") * draw.randint(3000, 90_000)),
    }


def names_of(table: str, mutant: Mutant) -> tuple[str, ...]:
    """The path of the field; of an edited name, the table that has it and the name; of broken JSON, the column."""
    column, *below = mutant.field.split(".")
    if mutant.deed.startswith("the field is"):
        return (below[-1], "among its fields")
    if mutant.deed in {"a bare NaN", "a number of thousands of digits"}:
        return (f"{table}.{column}",)
    return (f"{table}.{mutant.field}",)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("row_class", ROW_CLASSES, ids=lambda row_class: row_class.__name__)
def test_an_edited_value_is_refused_by_the_path_of_its_field(row_class: Any, count: int):
    codec = row_codec(row_class, SQLITE)
    table, stored = TABLES[row_class].name, stored_row(row_class)
    tally = Tally(f"stored: {row_class.__name__}")

    def read(name: str, value: Any) -> str | None:
        return told_by(lambda: codec.decode_columns([name], [[json_text(value)]]), InvalidState)

    assert [read(name, value) for name, value in stored.items()] == [None] * len(stored)
    with tally.timed():
        for mutant in mutants(stored, places(row_class, stored), count=count):
            name = mutant.field.partition(".")[0]
            tally.judge(mutant, read(name, mutant.document[name]), *names_of(table, mutant))
    tally.settle(count)
