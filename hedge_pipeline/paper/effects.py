"""What may be made to go wrong: each effect with its parameters, and how one is read."""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Answer this instead of anything else."""

    status: int = 200
    body: str | dict[str, Any] | list[Any] = "{}"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body if isinstance(self.body, str) else json.dumps(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Answer 429 and when to come back."""

    retry_after_s: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Answer late, by the wall clock."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Close the connection without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveField:
    """Leave a field out. A path is dotted; in a list a number picks an element, `key=value` those that match, and anything
    else is looked for in all of them: `assets.asset=USDT.walletBalance`.
    """

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceField:
    """Put another value into a field, found as RemoveField finds it."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftTime:
    """Move every instant of the body: into the past (negative) or the future."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Give the body of the moment this fault was set (asked without parameters), or of the first time it was asked
    with these parameters, for ever after.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeLag:
    """Income rows appear this long after the wallet moved."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletLag:
    """The wallet moves this long after its income rows appeared."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HideIncome:
    """Income rows booked while this stands never appear: all, or those of one type."""

    income_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseAnswer:
    """Do what was asked, then close the connection without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectLeg:
    """Refuse one order of a batch, counted from 0; the others are taken."""

    leg: int
    code: int = -2019
    message: str = "Margin is insufficient."


Effect = (
    Respond
    | RateLimit
    | Delay
    | Drop
    | RemoveField
    | ReplaceField
    | ShiftTime
    | Replay
    | IncomeLag
    | WalletLag
    | HideIncome
    | LoseAnswer
    | RejectLeg
)

EFFECTS: dict[str, type[Effect]] = {
    "respond": Respond,
    "rate_limit": RateLimit,
    "delay": Delay,
    "drop": Drop,
    "remove_field": RemoveField,
    "replace_field": ReplaceField,
    "shift_time": ShiftTime,
    "replay": Replay,
    "income_lag": IncomeLag,
    "wallet_lag": WalletLag,
    "hide_income": HideIncome,
    "lose_answer": LoseAnswer,
    "reject_leg": RejectLeg,
}


class InvalidFault(ValueError):
    """The fault asked for is not one; the message says what it lacks."""


def effect(kind: str, parameters: dict[str, Any]) -> Effect:
    """Raises InvalidFault naming the kind or the parameter that does not fit."""
    if kind not in EFFECTS:
        raise InvalidFault(f"kind: {kind!r} is not one of {', '.join(EFFECTS)}")
    effect_type = EFFECTS[kind]
    known = {f.name for f in dataclasses.fields(effect_type)}
    if unknown := set(parameters) - known:
        raise InvalidFault(f"{kind}: takes {sorted(known)}, not {sorted(unknown)}")
    seconds = parameters.get("seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidFault(f"{kind}.seconds: {seconds!r} is not a number")
    status = parameters.get("status", 200)
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise InvalidFault(f"{kind}.status: {status!r} is not an HTTP status")
    for name in {"leg", "code"} & set(parameters):
        if type(parameters[name]) is not int:
            raise InvalidFault(f"{kind}.{name}: {parameters[name]!r} is not a whole number")
    if parameters.get("leg", 0) < 0:
        raise InvalidFault(f"{kind}.leg: {parameters['leg']} is no place in a batch, which counts from 0")
    try:
        return effect_type(**parameters)
    except TypeError as error:
        raise InvalidFault(f"{kind}: {error}") from None
