"""Ratios measured side by side: both run in turn, round by round, so that what else the machine does hits both."""

import statistics
import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(
    name: str, ours: Callable[[], object], peer: Callable[[], object], *, goal: float, rounds: int = 7
) -> bool:
    """Print medians, ratio and its spread over the rounds; whether the median ratio meets its goal."""
    ours(), peer()  # once for the caches
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    ratios = [mine / other for mine, other in pairs]
    median = statistics.median(ratios)
    print(
        f"{name:<44} ours {_ms(pairs, 0):>8.1f} ms   peer {_ms(pairs, 1):>8.1f} ms   "
        f"ratio {median:.2f} [{min(ratios):.2f} .. {max(ratios):.2f}] of {rounds}   goal {goal}"
        f"{'' if median <= goal else '   BEYOND'}"
    )
    return median <= goal


def _ms(pairs: list[tuple[float, float]], side: int) -> float:
    return statistics.median(pair[side] for pair in pairs) * 1000
