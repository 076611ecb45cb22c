"""Rows of every table, spoiled one value at a time, before the data dictionary."""

import itertools
from typing import Any

import pandera.pandas as pa
import pytest

from hedge_pipeline.domain.schemas import SCHEMAS, frame_of, validate
from hedge_pipeline_tests.hostile.counting import COUNTS, Tally
from hedge_pipeline_tests.hostile.mutations import mutants
from hedge_pipeline_tests.hostile.row_spoilers import row_places
from hedge_pipeline_tests.hostile.rows import sound_row


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("row_class", SCHEMAS, ids=lambda row_class: row_class.__name__)
def test_a_spoiled_row_is_refused_by_the_name_of_its_column(row_class: Any, count: int):
    sound = sound_row(row_class)
    spoiled = list(mutants(sound, row_places(sound), count=count))
    assert validate([sound]) == []
    tally = Tally(f"table: {row_class.__name__}")

    with tally.timed():
        failures = validate([sound, *(mutant.document for mutant in spoiled)])
    told = {
        row: list(found)
        for row, found in itertools.groupby(
            sorted(failures, key=lambda failure: failure.row), key=lambda f: f.row
        )
    }

    assert 0 not in told, "the sound one among them is believed"
    for number, mutant in enumerate(spoiled, start=1):
        column, *below = mutant.field.split(".")
        failing = [failure for failure in told.get(number, ()) if failure.column == column]
        text = "; ".join(map(str, told[number])) if number in told else None
        tally.judge(mutant, text, *(mutant.field if below else column for _ in failing))
    tally.settle(count)


@pytest.mark.long
@pytest.mark.parametrize("row_class", SCHEMAS, ids=lambda row_class: row_class.__name__)
def test_a_frame_without_a_column_or_with_one_too_many_is_refused_by_its_name(row_class: Any):
    frame = frame_of(row_class, [sound_row(row_class)])
    for column in frame.columns[:: max(1, len(frame.columns) // 4)]:
        for spoiled in (
            frame.drop(columns=column),
            frame.rename(columns={column: f"{column}_"}),
            frame.assign(**{f"{column}_": frame[column]}),
        ):
            with pytest.raises(pa.errors.SchemaErrors, match=column):
                SCHEMAS[row_class].validate(spoiled, lazy=True)
