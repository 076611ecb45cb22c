"""Both servers, given the same, answer the same: random operations on a few documents, and the largest document."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument

from hedge_pipeline.local import LocalFirestore
from hedge_pipeline_tests.firestore_server.conftest import Connect
from hedge_pipeline_tests.firestore_server.random_operations import Inventor, Performer

pytestmark = pytest.mark.live_stack


def differences(
    connect: Connect, own: LocalFirestore, emulator: LocalFirestore, *, seed: int, count: int
) -> list[Any]:
    """What the servers did not make the same of, and the state they were left in."""
    performers = [Performer(connect(server, project=f"seed-{seed}")) for server in (own, emulator)]
    found: list[Any] = []
    for operation in Inventor(seed).operations(count):
        answers = [each.perform(operation) for each in performers]
        if answers[0] != answers[1]:
            found.append((operation, *answers))
    states = [each.state() for each in performers]
    return found if states[0] == states[1] else [*found, ("state", *states)]


@pytest.mark.parametrize("seed", range(4))
def test_random_operations_have_the_same_answers(
    connect: Connect, own_server: LocalFirestore, emulator_server: LocalFirestore, seed: int
):
    assert differences(connect, own_server, emulator_server, seed=seed, count=150) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1025))
def test_many_random_operations_have_the_same_answers(
    connect: Connect, own_server: LocalFirestore, emulator_server: LocalFirestore, seed: int
):
    assert differences(connect, own_server, emulator_server, seed=seed, count=400) == []


SHAPES: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "flat": lambda one, other: {"b": one, "c": other},
    "array": lambda one, other: {"b": [one, other]},
    "maps": lambda one, other: {"m": {"a": one, "bb": {"k": other}}},
    "types": lambda one, other: {
        "n": [None, True, 1.5, 7, b"abc", "é", {"k": []}] * 20,
        "b": one,
        "ü": other,
    },
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("path", ["c/d", "collection/document/sub/x"])
def test_the_largest_document_is_the_same_to_the_byte(
    connect: Connect, own_server: LocalFirestore, emulator_server: LocalFirestore, path: str, shape: str
):
    def is_kept(server: LocalFirestore, size: int) -> bool:
        data = SHAPES[shape]("x" * 500_000, "x" * (size - 500_000))
        try:
            connect(server).document(path).set(data)
        except InvalidArgument:
            return False
        return True

    low, high = 1_000_000, 1_048_577
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_kept(own_server, middle) else (low, middle)

    assert [is_kept(emulator_server, size) for size in (low, high)] == [True, False]


def test_the_same_seed_invents_the_same() -> None:
    one, other, third = (list(map(repr, Inventor(seed).operations(50))) for seed in (1, 1, 2))

    assert one == other != third
    assert len(set(itertools.chain(one, third))) > 50
