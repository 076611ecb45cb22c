"""Payloads that may not leave, each with the field and what is wrong with it."""

import math
import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hedge_pipeline.adapters.firestore.payload_checks import path_fault, payload_fault
from hedge_pipeline.domain.publication.deliveries import Payload
from hedge_pipeline_tests.adapters.firestore.building import OURS, payload
from hedge_pipeline_tests.examples import NOON


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    HALT = "halt"


def fault(sent: Payload) -> str | None:
    return payload_fault(sent, env="dev", own_writers=OURS)


def deep(levels: int) -> object:
    return {"a": deep(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    "value",
    [
        None, True, -(2**63), 2**63 - 1, 0.0, "", "€", NOON, [], {}, (1, 2), [{"a": [1]}], {"BTC/USD": {"a.b": "1"}},
        Word.HALT, MappingProxyType({"a": 1}),
    ],
)  # fmt: skip
def test_what_json_has_and_instants_may_leave(value: object):
    assert fault(payload(value=value)) is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (math.nan, "no value"),
        (math.inf, "no value"),
        (Decimal("1.1"), "exact text"),
        (datetime(2026, 11, 20), "without its zone"),  # noqa: DTZ001  # that is the fault
        (date(2026, 11, 20), "a date"),
        (timedelta(1), "a timedelta"),
        ({1, 2}, "a set"),
        (frozenset(), "a frozenset"),
        (b"x", "a bytes"),
        (2**63, "64 bits"),
        (Level.HIGH, "a Level"),
        (np.float64(1), "a float64"),
        (np.int64(1), "a int64"),
        (pd.Timestamp(NOON), "a Timestamp"),
        (pd.NaT, "a NaTType"),
        (uuid.UUID(int=1), "a UUID"),
        (object(), "a object"),
        ("\ud800", "half a character"),
        ([[1]], "array within an array"),
        ([(1,)], "array within an array"),
        ({1: 2}, "a name is text"),
        ({"": 2}, "a name is text"),
        ({"__x__": 2}, "a name is text"),
        ({"a" * 1501: 2}, "a name is text"),
        (deep(25), "deeper than 20"),
    ],
)
def test_what_firestore_would_bend_or_refuse_may_not(value: object, why: str):
    for sent, where in (
        (payload(value=value), "value"),
        (payload(value={"in": [{"it": value}]}), "value.in[0].it"),
    ):
        told = str(fault(sent))
        assert told.startswith(f"field {where}")
        assert why in told


def test_a_value_that_holds_itself_is_refused():
    loop: dict[str, object] = {}
    loop["loop"] = loop

    assert "deeper" in str(fault(payload(value=loop)))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"schema_version": 0}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ({"schema_version": "1"}, "schema_version"),
        ({"env": ""}, "env"),
        ({"env": "prod"}, "env"),
        ({"writer_id": None}, "writer_id"),
        ({"writer_id": "somebody"}, "writer_id"),
        ({"run_id": ""}, "run_id"),
        ({"as_of": NOON.isoformat()}, "as_of"),
        ({"as_of": NOON.replace(tzinfo=None)}, "as_of"),
        ({"published_at": None}, "published_at"),
        ({"expires_at": None}, "expires_at"),
        ({"seq": 1.0}, "seq"),
        ({"stale": 0}, "stale"),
    ],
)
@pytest.mark.finding("X-12")
def test_an_envelope_that_orders_nothing_is_refused(fields: dict[str, Any], name: str):
    assert str(fault(payload(**fields))).startswith(f"field {name}:")


@pytest.mark.parametrize(
    "path", ["", "a", "a/b/c", "/a", "a/", "a//b/c", "a/..", "./b", "a/__b__", "a/" + "b" * 1501, "a/\ud800"]
)
def test_a_path_firestore_cannot_have_is_refused(path: str):
    assert "path" in str(fault(payload(path=path)))


def test_a_collection_has_an_odd_number_of_segments():
    assert path_fault("hedge/dev/archive", of_collection=True) is None
    assert path_fault("hedge/dev", of_collection=True) is not None
    assert path_fault("hedge/dev") is None
