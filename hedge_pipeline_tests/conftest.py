"""What every test stands on: no environment, no network beyond loopback, the same examples each time.

The plugins beside it tie tests to audit rows (findings) and hold that a test left out says why (skips).
"""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["hedge_pipeline_tests.findings", "hedge_pipeline_tests.skips"]

AMBIENT_PREFIXES = (
    "HEDGE_",
    "DAGSTER_",
    "BINANCE_",
    "FIRESTORE_",
    "FIREBASE_",
    "GOOGLE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "PG",
)
# Proxies are cleared because httpx and aiohttp would send loopback requests through them.
AMBIENT_NAMES = frozenset({"ENV", "ALLOW_PROD_WRITE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the developer's shell says about funds, venues and clouds reaches no test."""
    for name in list(os.environ):
        if name.startswith(AMBIENT_PREFIXES) or name.upper() in AMBIENT_NAMES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEDGE_HOME", str(tmp_path / "hedge_home"))
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")


def _leaves_the_machine(address: Any) -> bool:
    """True for an internet address or host name that is not this machine's own."""
    if not isinstance(address, tuple):
        return False  # a Unix socket
    host = str(address[0]).partition("%")[0]
    if host in {"localhost", ""}:
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Refuse connections and name look-ups beyond loopback, and fail the test that tried.

    The refusal is an `OSError`, as without a network, so the code under test may catch it: the attempt still fails the
    test. gRPC connects in C and is not seen here.
    """
    attempts: list[str] = []

    def refuse(address: Any) -> None:
        if _leaves_the_machine(address):
            attempts.append(f"{address[0]}:{address[1]}")
            raise OSError(f"a test may not reach {address[0]}: only loopback is open")

    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse(address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        refuse(rest[-1])
        return sendto(self, data, *rest)

    def guarded_getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        refuse((name or "localhost", port))
        return getaddrinfo(host, port, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", guarded_sendto)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield attempts
    assert not attempts, f"the test tried to reach beyond loopback: {', '.join(attempts)}"
