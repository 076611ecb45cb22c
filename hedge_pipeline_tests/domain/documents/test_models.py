"""What does not keep its schema cannot be published, and is not believed when read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedge_pipeline.domain.account import PositionSide
from hedge_pipeline.domain.documents.models import (
    MODELS,
    HealthDocument,
    NavDocument,
    NavPoint,
    PositionsDocument,
    model_of,
    parse_document,
)
from hedge_pipeline.domain.errors import InvalidState
from hedge_pipeline.publishing import publish
from hedge_pipeline_tests.fakes import MemoryPublisher, MemoryStage, memory_stage


@pytest.fixture
def stage(tmp_path: Path) -> MemoryStage:
    built = memory_stage(tmp_path, book={("BTCUSDT", PositionSide.LONG): (Decimal("0.5"), Decimal(48_000))})
    built.beat(3)
    publish(built.fund)
    return built


@pytest.fixture
def documents(stage: MemoryStage) -> dict[str, dict[str, Any]]:
    assert isinstance(stage.fund.publisher, MemoryPublisher)
    return stage.fund.publisher.documents


def broken(documents: dict[str, dict[str, Any]], path: str, **changes: Any) -> str:
    fields = {**documents[path], **changes}
    with pytest.raises(InvalidState) as refusal:
        parse_document(path, {name: value for name, value in fields.items() if value is not ...}, env="dev")
    return str(refusal.value)


def test_every_document_is_read_back_as_it_was_written(documents: dict[str, dict[str, Any]]):
    kinds = set()
    for path, fields in documents.items():
        document = parse_document(path, fields, env="dev")
        kinds.add(type(document))
        assert document.payload().fields == fields

    assert kinds == set(MODELS), "each kind of document is published"


@pytest.mark.finding("X-12", "X-13")
def test_one_path_has_one_schema(documents: dict[str, dict[str, Any]]):
    """Writer and reader go by the same model, and no two models claim one path."""
    for path in documents:
        claims = [model for model in MODELS if model_of(path) is model]
        assert len(claims) == 1
    assert model_of("hedge/dev/state/snapshot") is None
    assert model_of("hedge_leaderboard/assets") is None


@pytest.mark.finding("S1-FS-4", "S2-FS-2")
@pytest.mark.parametrize(
    ("path", "changes", "named"),
    [
        ("hedge/dev/state/nav", {"nav_usd": "0"}, "nav_usd"),
        ("hedge/dev/state/nav", {"nav_usd": "-3"}, "nav_usd"),
        ("hedge/dev/state/nav", {"trading_nav": "0.0"}, "trading_nav"),
        ("hedge/dev/state/nav", {"parts": []}, "parts"),
        ("hedge/dev/state/nav", {"nav_usd": float("nan")}, "nav_usd"),
        ("hedge/dev/state/nav", {"nav_usd": "NaN"}, "nav_usd"),
        ("hedge/dev/state/nav", {"nav_usd": "Infinity"}, "nav_usd"),
        ("hedge/dev/state/nav", {"nav_usd": 144_000.0}, "nav_usd"),
        ("hedge/dev/state/positions", {"source_ok": False}, "source_ok"),
        ("hedge/dev/state/positions", {"positions": []}, "gross_exposure_usd"),
        ("hedge/dev/state/leaderboard", {"source_ok": ...}, "source_ok"),
        ("hedge/dev/risk/peak_state", {"high_water_mark": "0"}, "high_water_mark"),
        ("hedge/dev/risk/gate", {"state": "FINE"}, "state"),
    ],
)
def test_a_placeholder_breaks_its_schema(
    documents: dict[str, dict[str, Any]], path: str, changes: dict[str, Any], named: str
):
    assert named in broken(documents, path, **changes)


def test_a_gate_above_what_its_breaches_allow_is_refused(documents: dict[str, dict[str, Any]]):
    breach = {
        "rule": "nav_is_fresh", "reason": "nav_stale", "kind": "unknown", "ceiling": "HALTED", "latches": False,
        "message": "m", "threshold": None, "observation": None, "source": None, "remedy": "r",
    }  # fmt: skip

    assert "state" in broken(documents, "hedge/dev/risk/gate", state="ACTIVE", breaches=[breach])


@pytest.mark.finding("S1-FS-1")
def test_a_document_of_another_environment_is_not_believed(documents: dict[str, dict[str, Any]]):
    assert "env" in broken(documents, "hedge/dev/state/nav", env="prod")
    with pytest.raises(InvalidState, match="env is not prod"):
        parse_document("hedge/dev/state/nav", documents["hedge/dev/state/nav"], env="prod")


def test_a_fact_from_the_future_is_refused(documents: dict[str, dict[str, Any]]):
    published_at = documents["hedge/dev/state/nav"]["published_at"]

    assert "as_of is after published_at" in broken(
        documents,
        "hedge/dev/state/nav",
        as_of=published_at + timedelta(seconds=2),
        expires_at=published_at + timedelta(minutes=2),
    )


@pytest.mark.finding("X-11")
def test_what_was_old_when_it_was_published_cannot_be_called_fresh(documents: dict[str, dict[str, Any]]):
    fields = documents["hedge/dev/state/nav"]
    expired = fields["published_at"] - timedelta(seconds=1)

    assert "stale" in broken(
        documents,
        "hedge/dev/state/nav",
        as_of=expired - timedelta(seconds=90),
        expires_at=expired,
        stale=False,
    )


def test_a_message_names_the_field_and_quotes_nothing(documents: dict[str, dict[str, Any]]):
    told = broken(documents, "hedge/dev/state/nav", numeraire=["secret-canary"], nav_usd="secret-canary")

    assert "numeraire" in told
    assert "nav_usd" in told
    assert "secret-canary" not in told


def test_points_of_one_minute_share_a_document_and_ids_do_not_grow(documents: dict[str, dict[str, Any]]):
    point = next(
        document
        for path, fields in documents.items()
        if isinstance(document := parse_document(path, fields, env="dev"), NavPoint)
    )
    same = point.model_copy(update={"as_of": point.as_of.replace(second=59)})
    later = [point.model_copy(update={"as_of": point.as_of + timedelta(minutes=n)}).path for n in range(20)]

    assert same.path == point.path
    assert later != sorted(later)


def test_every_model_refuses_what_it_does_not_know(documents: dict[str, dict[str, Any]]):
    for path in documents:
        assert "surprise" in broken(documents, path, surprise=1)


def test_money_is_exact_text_and_instants_are_instants(documents: dict[str, dict[str, Any]]):
    nav = parse_document("hedge/dev/state/nav", documents["hedge/dev/state/nav"], env="dev")
    assert isinstance(nav, NavDocument)

    fields = nav.payload().fields
    assert isinstance(fields["nav_usd"], str)
    assert Decimal(fields["nav_usd"]) == nav.nav_usd
    assert fields["as_of"].tzinfo is UTC
    assert isinstance(nav.as_of, datetime)


def test_all_models_have_a_version_and_a_place_of_their_own():
    places = [model.PLACE for model in MODELS]

    assert len(set(places)) == len(MODELS)
    assert {model.VERSION for model in MODELS} == {1}
    assert {HealthDocument, PositionsDocument} <= set(MODELS)
