"""Limits and malformed requests: refused with the same code and, where a reader would look for it, the same words."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore

pytestmark = pytest.mark.live_stack

LONGEST = 1_048_487


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"k": value}
    return value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"b": "x" * (LONGEST + 1)}, f'The value of property "b" is longer than {LONGEST} bytes.'),
        ({"b": b"x" * (LONGEST + 1)}, f'The value of property "b" is longer than {LONGEST} bytes.'),
        ({"m": {"b": "x" * (LONGEST + 1)}}, "Property m contains an invalid nested entity."),
        ({"b": "x" * 600_000, "c": "x" * 600_000}, "maximum entity size is 1048576 bytes"),
        ({"b": [[1]]}, "Cannot convert an array value in an array value."),
        ({"b": [{"c": [[1]]}]}, "Cannot convert an array value in an array value."),
        ({"k": nested(21)}, "Property k contains an invalid nested entity."),
        ({"__x__": 1}, "field name __x__ is reserved"),
        ({"m": {"__x__": 1}}, "field name '__x__' is reserved."),
        ({"x" * 1501: 1}, "The property.name is longer than 1500 bytes."),
        ({"m": {"x" * 1501: 1}}, "Property m contains an invalid nested entity."),
    ],
)
def test_a_document_beyond_a_limit_is_refused(client: firestore.Client, data: dict[str, Any], words: str):
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        client.document("c/d").set(data)

    assert refusal.value.message == words
    assert not client.document("c/d").get().exists


@pytest.mark.parametrize(
    "data",
    [
        {"b": "x" * (LONGEST - 10)},
        {"k": nested(20)},
        {"x" * 1500: 1},
        {"b": [{"c": [1]}]},
        {f"f{number}": number for number in range(5000)},
        {"_": 1, "__": 1, "__a": 1, "a b": 1, "ü": 1, "a/b": 1, "1": 1},
    ],
)
def test_a_document_within_the_limits_is_kept(client: firestore.Client, data: dict[str, Any]):
    client.document("c/d").set(data)

    assert client.document("c/d").get().to_dict() == data


def test_a_request_beyond_the_limit_is_refused(client: firestore.Client):
    batch = client.batch()
    for number in range(5):
        batch.set(client.document(f"c/{number}"), {"b": "x" * 1_000_000})

    with pytest.raises(exceptions.ResourceExhausted, match="gRPC message exceeds maximum size 4194304"):
        batch.commit(retry=None)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("c/__a__", 'Resource id "__a__" is invalid because it is reserved.'),
        ("__c__/a", 'Collection id "__c__" is invalid because it is reserved.'),
        ("c/..", 'contains a resource id ".."'),
        ("c/" + "a" * 1501, "The key path element name is longer than 1500 bytes."),
    ],
)
def test_a_name_that_cannot_be_is_refused(client: firestore.Client, path: str, words: str):
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        client.document(path).set({"a": 1})

    assert words in refusal.value.message


def test_2000_writes_in_one_batch_are_carried_out(client: firestore.Client):
    batch = client.batch()
    for number in range(2000):
        batch.set(client.document(f"c/{number:04}"), {"n": number})
    batch.commit()

    assert len(list(client.collection("c").select([]).stream())) == 2000
