"""What goes wrong, endpoint by endpoint, while the venue runs.

A fault stands for an endpoint until it is cleared, or for its next N answers. Several may stand at once: those of the wire act
before the request is read, those of the view while the answer is composed, those of the body on what was composed.
"""

import copy
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hedge_pipeline.paper.effects import (
    EFFECTS,
    Effect,
    InvalidFault,
    RemoveField,
    ReplaceField,
    Replay,
    ShiftTime,
)

EVERYWHERE = "*"

_TIME_FIELDS = {
    "time": 1000,
    "serverTime": 1000,
    "updateTime": 1000,
    "nextFundingTime": 1000,
    "last_updated_at": 1,
}
"""Fields that carry an instant, with the number of their units in a second."""


@dataclass(kw_only=True)
class Standing:
    """A fault in force at an endpoint."""

    id: int
    endpoint: str
    """A path, whatever its methods; one endpoint such as `POST /fapi/v1/order`; or `*`."""
    effect: Effect
    remaining: int | None
    """Answers it still holds for; None: until cleared."""
    hidden: set[tuple[str, int]] = field(default_factory=set)
    """Keys of the income rows it hides."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """What it replays, by the parameters asked with."""

    @property
    def kind(self) -> str:
        return next(kind for kind, effect_type in EFFECTS.items() if isinstance(self.effect, effect_type))

    def described(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "endpoint": self.endpoint,
            "kind": self.kind,
            "remaining": self.remaining,
            **dataclasses.asdict(self.effect),
        }


class Faults:
    def __init__(self) -> None:
        self._standing: list[Standing] = []
        self._ids = itertools.count(1)

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standing)

    def set(self, endpoint: str, fault: Effect, *, times: int | None = None) -> Standing:
        if times is not None and times < 1:
            raise InvalidFault(f"times: {times} is not a number of answers")
        standing = Standing(id=next(self._ids), endpoint=endpoint, effect=fault, remaining=times)
        self._standing.append(standing)
        return standing

    def clear(self, *, endpoint: str | None = None, fault_id: int | None = None) -> int:
        """Lift those of an endpoint, one by its id, or all; how many that was."""
        kept = [
            s
            for s in self._standing
            if (endpoint is not None and s.endpoint != endpoint)
            or (fault_id is not None and s.id != fault_id)
        ]
        lifted = len(self._standing) - len(kept)
        self._standing = kept
        return lifted

    def take(self, endpoint: str) -> list[Standing]:
        """Those that act on one answer of this endpoint, a method and a path, which counts against their number."""
        concerned = {endpoint, endpoint.partition(" ")[2], EVERYWHERE}
        acting = [s for s in self._standing if s.endpoint in concerned]
        for standing in acting:
            if standing.remaining is not None:
                standing.remaining -= 1
        self._standing = [s for s in self._standing if s.remaining != 0]
        return acting


def altered(body: Any, standing: Iterable[Standing], asked: str) -> Any:
    """The body after the faults that act on bodies, in the order they were set."""
    for fault in standing:
        match fault.effect:
            case Replay():
                body = fault.bodies.setdefault(asked, body)
            case RemoveField(path=path):
                body = copy.deepcopy(body)
                _edit(body, path.split("."), removed=True)
            case ReplaceField(path=path, value=value):
                body = copy.deepcopy(body)
                _edit(body, path.split("."), value=value)
            case ShiftTime(seconds=seconds):
                body = _shifted(body, seconds)
            case _:
                pass
    return body


def _edit(node: Any, path: list[str], *, value: Any = None, removed: bool = False) -> None:
    step, rest = path[0], path[1:]
    if isinstance(node, list):
        key, is_match, wanted = step.partition("=")
        if step.isdigit():
            chosen = node[int(step) : int(step) + 1]
        elif is_match:
            chosen = [item for item in node if str(item.get(key)) == wanted]
        else:
            chosen, rest = node, path
        for item in chosen if rest else []:
            _edit(item, rest, value=value, removed=removed)
        if not rest:
            node[:] = [
                item if item not in chosen else value for item in node if not (removed and item in chosen)
            ]
        return
    if not isinstance(node, dict) or step not in node:
        return
    if rest:
        _edit(node[step], rest, value=value, removed=removed)
    elif removed:
        del node[step]
    else:
        node[step] = value


def _shifted(node: Any, seconds: float) -> Any:
    if isinstance(node, list):
        if len(node) == 12 and isinstance(node[0], int):  # a kline: opening and closing time
            return [x + int(seconds * 1000) if i in {0, 6} else x for i, x in enumerate(node)]
        return [_shifted(item, seconds) for item in node]
    if isinstance(node, dict):
        return {
            key: item + int(seconds * _TIME_FIELDS[key])
            if key in _TIME_FIELDS and isinstance(item, int)
            else _shifted(item, seconds)
            for key, item in node.items()
        }
    return node
