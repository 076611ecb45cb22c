"""Published documents, spoiled one field at a time, before whoever reads them back."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path as File
from typing import Any

import pytest

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.documents.models import MODELS, model_of, parse_document
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.publishing import publish
from hedge_pipeline_tests.fakes import MemoryPublisher, memory_stage
from hedge_pipeline_tests.hostile.counting import COUNTS, Tally, told_by
from hedge_pipeline_tests.hostile.document_spoilers import document_places
from hedge_pipeline_tests.hostile.mutations import Mutant, mutants


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """What a small fund publishes, by path."""
    folder: File = tmp_path_factory.mktemp("published")
    stage = memory_stage(folder, book={("BTCUSDT", PositionSide.LONG): (Decimal("0.5"), Decimal(48_000))})
    stage.beat(3)
    publish(stage.fund)
    assert isinstance(stage.fund.publisher, MemoryPublisher)
    return dict(stage.fund.publisher.documents)


def names_of(mutant: Mutant) -> tuple[str, ...]:
    """The path; of a rank, which only its neighbors make wrong, the list."""
    return (mutant.field, "leaders are not ranked") if mutant.field.endswith(".rank") else (mutant.field,)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_spoiled_document_is_refused_by_the_path_of_its_field(
    published: Mapping[str, dict[str, Any]], model: type[Any], count: int
):
    path, fields = max(
        ((path, fields) for path, fields in published.items() if model_of(path) is model),
        key=lambda entry: len(repr(entry[1])),
    )

    def read(document: Any) -> str | None:
        return told_by(lambda: parse_document(path, document, env="dev"), InvalidState)

    assert read(fields) is None
    tally = Tally(f"document: {model.__name__}")
    with tally.timed():
        for mutant in mutants(fields, document_places(model, fields), count=count):
            tally.judge(mutant, read(mutant.document), *names_of(mutant))
    tally.settle(count)
