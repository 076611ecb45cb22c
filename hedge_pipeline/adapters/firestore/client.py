"""The one client of a process and destination, made when it is first needed."""

import os
import threading
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

from hedge_pipeline.adapters.firestore.credentials import credentials_from
from hedge_pipeline.adapters.firestore.destination import Destination
from hedge_pipeline.adapters.firestore.documents import FirestoreDocuments
from hedge_pipeline.adapters.firestore.storage import SOURCE, TargetRefused
from hedge_pipeline.adapters.redaction import one_line

GOOGLE_HOST = FirestoreClient.DEFAULT_ENDPOINT

_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # By default a server that was away for long is looked for every two minutes only.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 2000),
]
_LOCAL = [("grpc.enable_http_proxy", 0)]  # gRPC sends even loopback through the proxies of the environment
_REMOTE = [("grpc.keepalive_time_ms", 30_000)]

_open: dict[tuple[int, Destination], FirestoreDocuments] = {}
"""By process too: a channel does not survive a fork."""
_opening = threading.Lock()


def documents_at(destination: Destination) -> FirestoreDocuments:
    """The process's only one, opened now if there is none.

    Raises:
        TargetRefused: the destination contradicts itself, or there are no credentials for it.
    """
    key = (os.getpid(), destination)
    with _opening:
        if key not in _open:
            _open[key] = _documents(destination)
        return _open[key]


def close(destination: Destination) -> None:
    """End the process's connections to it; the next call opens new ones."""
    with _opening:
        documents = _open.pop((os.getpid(), destination), None)
    if documents is not None:
        documents.close()


def _documents(destination: Destination) -> FirestoreDocuments:
    if destination.fault is not None:
        raise TargetRefused(SOURCE, destination.fault)
    try:
        transport = _transport(destination)
        api = FirestoreClient(transport=transport)
    except (GoogleAPIError, GoogleAuthError, ValueError) as error:
        raise TargetRefused(SOURCE, one_line(f"{type(error).__name__}: {error}")) from error
    expected = destination.emulator_host or f"{GOOGLE_HOST}:443"
    if transport.host != expected:
        transport.grpc_channel.close()
        raise TargetRefused(SOURCE, f"the client would speak to {transport.host}, and {destination} is meant")
    database = f"projects/{destination.project}/databases/{destination.database}"
    metadata = [("google-cloud-resource-prefix", database)]
    if destination.emulator_host is not None:
        metadata.append(("authorization", "Bearer owner"))  # local servers let their owner do anything
    return FirestoreDocuments(
        api=api, database=database, metadata=metadata, close=transport.grpc_channel.close
    )


def _transport(destination: Destination) -> FirestoreGrpcTransport:
    """Over a channel of ours, which is what keeps FIRESTORE_EMULATOR_HOST and the proxies out; a test holds that."""
    if destination.emulator_host is not None:
        channel = grpc.insecure_channel(destination.emulator_host, options=[*_CHANNEL, *_LOCAL])
        return FirestoreGrpcTransport(host=destination.emulator_host, channel=channel)

    def secured(host: str, **wanted: Any) -> grpc.Channel:
        return FirestoreGrpcTransport.create_channel(host, **wanted | {"options": [*_CHANNEL, *_REMOTE]})

    return FirestoreGrpcTransport(
        host=GOOGLE_HOST,
        credentials=credentials_from(destination.credentials_file),
        channel=secured,
        always_use_jwt_access=True,
    )
