"""What our server does not know it refuses by name: it never guesses, and never half-does."""

from collections.abc import Callable

import pytest
from google.api_core.exceptions import GoogleAPICallError, MethodNotImplemented
from google.cloud import firestore
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.transforms import Increment, Maximum, Minimum
from google.cloud.firestore_v1.vector import Vector

from hedge_pipeline.local import LocalFirestore
from hedge_pipeline_tests.firestore_server.conftest import Connect

pytestmark = pytest.mark.live_stack


@pytest.fixture
def client(own_server: LocalFirestore, connect: Connect) -> firestore.Client:
    return connect(own_server)


CALLS: dict[str, Callable[[firestore.Client], object]] = {
    "google.firestore.v1.Firestore/BeginTransaction": lambda c: c.transaction()._begin(),
    "google.firestore.v1.Firestore/RunAggregationQuery": lambda c: c.collection("c").count().get(),
    "google.firestore.v1.Firestore/ListDocuments": lambda c: list(c.collection("c").list_documents()),
    "google.firestore.v1.Firestore/ListCollectionIds": lambda c: list(c.collections()),
    "google.firestore.v1.Firestore/BatchWrite": lambda c: c._firestore_api.batch_write(
        request={"database": c._database_string}, retry=None
    ),
    "FieldTransform.increment": lambda c: c.document("c/d").set({"n": Increment(1)}),
    "FieldTransform.maximum": lambda c: c.document("c/d").set({"n": Maximum(1)}),
    "FieldTransform.minimum": lambda c: c.document("c/d").set({"n": Minimum(1)}),
    "a map with __type__": lambda c: c.document("c/d").set({"n": Vector([1.0])}),
    "StructuredQuery.find_nearest": lambda c: list(
        c.collection("c")
        .find_nearest("v", Vector([1.0]), limit=1, distance_measure=DistanceMeasure.EUCLIDEAN)
        .stream()
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_refused_by_name(client: firestore.Client, name: str):
    with pytest.raises(MethodNotImplemented) as refusal:
        CALLS[name](client)

    assert name in refusal.value.message
    assert "Google's emulator does" in refusal.value.message
    assert not client.document("c/d").get().exists


def test_reads_of_the_past_are_refused(client: firestore.Client):
    written = client.document("c/d").set({"a": 1}).update_time

    with pytest.raises(MethodNotImplemented, match=r"BatchGetDocumentsRequest\.read_time"):
        client.document("c/d").get(read_time=written)
    with pytest.raises(MethodNotImplemented, match=r"RunQueryRequest\.read_time"):
        client.collection("c").get(read_time=written)


def test_documents_of_another_database_are_refused(client: firestore.Client):
    name = f"projects/{client.project}/databases/other/documents/c/d"

    with pytest.raises(GoogleAPICallError, match="is not in database"):
        list(
            client._firestore_api.batch_get_documents(
                request={"database": client._database_string, "documents": [name]}, retry=None
            )
        )
