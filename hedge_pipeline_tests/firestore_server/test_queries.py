"""Reads: fields of documents, and collections filtered, ordered and cut."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import And, FieldFilter, Or
from google.cloud.firestore_v1.field_path import FieldPath

pytestmark = pytest.mark.live_stack

ASCENDING_VALUES: list[Any] = [
    None, False, True, float("nan"), float("-inf"), -1, -0.5, 0, 0.5, 1, 2**53, 2**53 + 1, 2**63 - 1, float("inf"),
    datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "", "a", "ab", "b", "é", "\uffff", "\U0001f600",
    b"", b"a", b"b", firestore.GeoPoint(-1, 5), firestore.GeoPoint(1, -5), [], [None], [1], [1, 2], [2], {}, {"a": 1}, {"a": 1, "b": 0},
    {"a": 2}, {"b": 0},
]  # fmt: skip
"""One of each type and then some, in the order in which Firestore documents them."""


def found(query: Any) -> list[str]:
    return [snapshot.id for snapshot in query.stream()]


def where(name: str, operator: str, value: Any) -> FieldFilter:
    return FieldFilter(name, operator, value)


@pytest.fixture
def coins(client: firestore.Client) -> firestore.CollectionReference:
    """A collection with holes: not every document has every field."""
    collection = client.collection("coins")
    batch = client.batch()
    documents: dict[str, dict[str, Any]] = {
        "ada": {"rank": 8, "tags": ["l1"], "m": {"x": 1}},
        "btc": {"rank": 1, "tags": ["l1", "pow"], "m": {"x": 2}, "note": None},
        "doge": {"rank": 9, "tags": ["pow", "meme"]},
        "eth": {"rank": 2, "tags": ["l1"], "m": {"x": 2, "y": 1}},
        "usd": {"rank": float("nan"), "note": "fiat"},
        "zzz": {"note": "?"},
    }
    for name, data in documents.items():
        batch.set(collection.document(name), data)
    batch.commit()
    return collection


def test_values_of_all_types_have_one_order(client: firestore.Client):
    collection = client.collection("values")
    batch = client.batch()
    for index, value in enumerate(ASCENDING_VALUES):
        batch.set(collection.document(f"{index * 17 % 41:02}"), {"v": value, "index": index})
    batch.commit()

    ascending = [each.get("index") for each in collection.order_by("v").stream()]
    descending = [each.get("index") for each in collection.order_by("v", direction="DESCENDING").stream()]

    assert ascending == list(range(len(ASCENDING_VALUES)))
    assert descending == ascending[::-1]


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("rank", "==", 1, ["btc"]),
        ("rank", "==", 1.0, ["btc"]),
        ("rank", "==", float("nan"), ["usd"]),
        ("rank", "!=", float("nan"), ["btc", "eth", "ada", "doge"]),
        ("rank", "<", 8, ["btc", "eth"]),
        ("rank", "<=", 8, ["btc", "eth", "ada"]),
        ("rank", ">", 2.5, ["ada", "doge"]),
        ("rank", "!=", 2, ["usd", "btc", "ada", "doge"]),
        ("rank", "in", [1, 9, 100], ["btc", "doge"]),
        ("rank", "not-in", [1, 9], ["usd", "eth", "ada"]),
        ("rank", ">", "", []),
        ("note", "==", None, ["btc"]),
        ("note", "!=", None, ["zzz", "usd"]),
        ("note", "!=", "fiat", ["zzz"]),
        ("tags", "array_contains", "pow", ["btc", "doge"]),
        ("tags", "array_contains_any", ["meme", "pow"], ["btc", "doge"]),
        ("tags", "==", ["l1"], ["ada", "eth"]),
        ("m.x", "==", 2, ["btc", "eth"]),
        ("m", "==", {"x": 2}, ["btc"]),
        ("absent", "!=", 1, []),
    ],
)
def test_a_filter_lets_through(
    coins: firestore.CollectionReference, name: str, operator: str, value: Any, expected: list[str]
):
    assert found(coins.where(filter=where(name, operator, value))) == expected


def test_filters_are_joined(coins: firestore.CollectionReference):
    early, pow_ = where("rank", "<", 3), where("tags", "array_contains", "pow")

    assert found(coins.where(filter=early).where(filter=pow_)) == ["btc"]
    assert found(coins.where(filter=And([early, pow_]))) == ["btc"]
    assert found(coins.where(filter=Or([early, pow_]))) == ["btc", "eth", "doge"]
    assert found(coins.where(filter=Or([And([early, pow_]), where("note", "==", "?")]))) == ["btc"], (
        "a document without the field by which a filter orders is not found"
    )


def test_documents_are_found_by_name(coins: firestore.CollectionReference):
    name = FieldPath.document_id()

    assert found(coins.where(filter=where(name, ">=", coins.document("eth")))) == ["eth", "usd", "zzz"]
    assert found(coins.where(filter=where(name, "in", [coins.document("ada"), coins.document("no")]))) == [
        "ada"
    ]


def test_orders_limits_offsets(coins: firestore.CollectionReference):
    assert found(coins) == ["ada", "btc", "doge", "eth", "usd", "zzz"]
    assert found(coins.order_by("rank", direction="DESCENDING")) == ["doge", "ada", "eth", "btc", "usd"]
    assert found(coins.order_by("m.x", direction="DESCENDING").order_by("rank")) == ["btc", "eth", "ada"]
    assert found(coins.order_by("rank").limit(2)) == ["usd", "btc"]
    assert found(coins.order_by("rank").limit(2).offset(1)) == ["btc", "eth"]
    assert found(coins.offset(5).limit(5)) == ["zzz"]
    assert found(coins.limit(0)) == []
    assert [each.id for each in coins.order_by("rank").limit_to_last(2).get()] == ["ada", "doge"]


def test_cursors(coins: firestore.CollectionReference):
    by_rank = coins.order_by("rank")

    assert found(by_rank.start_at([2])) == ["eth", "ada", "doge"]
    assert found(by_rank.start_after([2])) == ["ada", "doge"]
    assert found(by_rank.end_at([2])) == ["usd", "btc", "eth"]
    assert found(by_rank.end_before([2]).start_after([float("nan")])) == ["btc"]
    assert found(coins.order_by("rank", direction="DESCENDING").start_at([8])) == ["ada", "eth", "btc", "usd"]
    assert found(by_rank.start_after(coins.document("eth").get())) == ["ada", "doge"]
    assert found(coins.order_by("m.x").order_by("rank").start_after([2, 1])) == ["eth"]
    assert found(coins.order_by("__name__").start_at({"__name__": coins.document("doge")}).limit(2)) == [
        "doge",
        "eth",
    ]


def test_pages_follow_each_other(client: firestore.Client):
    collection = client.collection("points")
    for number in range(23):
        collection.document(f"{number * 7 % 23:02}").set({"group": number % 3})
    query, pages = collection.order_by("group").limit(5), []
    page = list(query.stream())
    while page:
        pages.append([each.id for each in page])
        page = list(query.start_after(page[-1]).stream())

    assert [len(page) for page in pages] == [5, 5, 5, 5, 3]
    assert list(itertools.chain.from_iterable(pages)) == found(collection.order_by("group"))


def test_only_the_fields_asked_for_are_read(coins: firestore.CollectionReference):
    eth = coins.document("eth")

    assert eth.get(field_paths=["rank", "m.y", "absent"]).to_dict() == {"rank": 2, "m": {"y": 1}}
    assert [each.to_dict() for each in coins.select(["m.x"]).limit(3).stream()] == [
        {"m": {"x": 1}},
        {"m": {"x": 2}},
        {},
    ]
    assert [each.to_dict() for each in coins.select([]).limit(1).stream()] == [{}]


def test_many_documents_at_once_present_and_missing(
    client: firestore.Client, coins: firestore.CollectionReference
):
    asked = [coins.document(name) for name in ("btc", "no", "eth", "btc")]

    answers = {each.id: each.exists for each in client.get_all(asked)}

    assert answers == {"btc": True, "no": False, "eth": True}


def test_collections_of_one_name_are_queried_together(client: firestore.Client):
    for path in (
        "funds/a/points/1",
        "funds/b/points/2",
        "points/3",
        "funds/a/other/4",
        "funds/a/points/1/points/5",
    ):
        client.document(path).set({"n": int(path[-1])})

    assert found(client.collection("funds/a/points")) == ["1"]
    assert found(client.collection_group("points").order_by("n")) == ["1", "2", "3", "5"]
    assert found(client.collection_group("points").where(filter=where("n", ">", 2))) == ["3", "5"]
    assert found(client.collection_group("points")) == ["1", "5", "2", "3"], "children follow their parent"


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda c: c.where(filter=where("a", "in", [])), "InvalidArgument", "'IN' requires an non-empty ArrayValue."),
        (lambda c: c.where(filter=where("a", "in", list(range(31)))), "InvalidArgument", "'IN' supports up to 30 comparison values."),
        (lambda c: c.where(filter=where("a", "!=", 1)).where(filter=where("b", "!=", 1)), "InvalidArgument", "Only a single 'NOT_EQUAL'"),
        (lambda c: c.order_by("a").order_by("a"), "InvalidArgument", "order by clause cannot contain duplicate fields a"),
        (lambda c: c.order_by("__name__", direction="DESCENDING"), "FailedPrecondition", "does not support descending key scans"),
        (lambda c: c.limit(-1), "InvalidArgument", "limit is negative"),
        (lambda c: c.where(filter=where("__x__", "==", 1)), "InvalidArgument", "Invalid reserved name in field path __x__"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_is_refused(client: firestore.Client, build: Any, error: str, words: str):
    with pytest.raises(getattr(exceptions, error)) as refusal:
        found(build(client.collection("c")))

    assert words in refusal.value.message
