"""The public documents: one versioned schema each. What does not keep it cannot be published, and is not believed when read.

Money, quantities and fractions are exact decimal text; instants are timestamps in UTC. A reader shows a document as old
from ``expires_at`` on, whatever else it says.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hedge_pipeline.domain.documents.envelope import Document
from hedge_pipeline.domain.documents.holdings import (
    LeaderboardDocument,
    NavDocument,
    NavPoint,
    PositionsDocument,
)
from hedge_pipeline.domain.documents.risk import GateDocument, PeakStateDocument
from hedge_pipeline.domain.documents.services import HealthDocument
from hedge_pipeline.domain.errors import InvalidState

__all__ = [
    "MODELS",
    "Document",
    "GateDocument",
    "HealthDocument",
    "LeaderboardDocument",
    "NavDocument",
    "NavPoint",
    "PeakStateDocument",
    "PositionsDocument",
    "model_of",
    "parse_document",
    "told",
]

MODELS: tuple[type[Document], ...] = (
    NavDocument,
    PositionsDocument,
    LeaderboardDocument,
    PeakStateDocument,
    GateDocument,
    HealthDocument,
    NavPoint,
)


def model_of(path: str) -> type[Document] | None:
    """Which schema a path has; ``None``: it is no document of ours."""
    segments = path.split("/")
    if len(segments) != 4 or segments[0] != "hedge":
        return None
    _, _, collection, name = segments
    for model in MODELS:
        place, key = model.PLACE.split("/")
        if place == collection and key in {name, "{key}"}:
            return model
    return None


def told(model: type[Document], faults: ValidationError) -> str:
    """Every broken field and what is wrong with it; quotes none."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or model.__name__}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in faults.errors(include_url=False, include_input=False, include_context=False)
    )


def parse_document(path: str, fields: Mapping[str, Any], *, env: str) -> Document:
    """What was read, if it keeps its schema and belongs where it was found.

    Raises:
        InvalidState: it does not; names the document and each broken field, and quotes none.
    """
    model = model_of(path)
    if model is None:
        raise InvalidState(f"{path} is no published document")
    try:
        document = model.model_validate(dict(fields))
    except ValidationError as faults:
        raise InvalidState(f"{path}: {told(model, faults)}") from None
    if document.env != env:
        raise InvalidState(f"{path}: env is not {env}")
    if document.path != path:
        raise InvalidState(f"{path}: the document says it belongs elsewhere")
    return document
